"""A live source that sends a byte now and then is given up after a time, whatever it drips."""

from __future__ import annotations

from pathlib import Path

import pytest

from abuse.bad_answers import BadServer, Writes, drips, drips_headers
from broadsheet.config import Settings
from broadsheet.errors import SourceError
from broadsheet.sources import http
from broadsheet.sources.http import Client, Host
from broadsheet.store import Store


@pytest.mark.parametrize("writes", [drips, drips_headers], ids=["body", "headers"])
def test_a_reply_that_drips_is_broken_off_as_a_whole_and_not_asked_for_again(
    writes: Writes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(http, "REPLY_DEADLINE_S", 0.3)
    Store.open(tmp_path / "cache.db").close()
    settings = Settings.load(engine="extractive", db=tmp_path / "cache.db")
    with BadServer(writes) as server, Client(settings) as client:
        url = f"http://127.0.0.1:{server.port}/api"
        with pytest.raises(SourceError, match=r"did not finish its reply within 0 s; try again later\."):
            client.get(Host("lantern", 0.0, "application/json"), url)
    assert len(server.calls) == 1

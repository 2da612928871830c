"""What the abuse tests share: the command in processes of its own, and a server that nobody may ask."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from abuse.bad_answers import BadServer, hangs_up
from abuse.running import Running

KEY = "sk-lantern-0123456789abcdef"


@pytest.fixture(scope="session")
def running() -> Running:
    """Runs the real command."""
    return Running()


@pytest.fixture
def nobody_asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A key and the address of a model's server, of which no token may be asked."""
    with BadServer(hangs_up) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        yield
    assert not server.calls

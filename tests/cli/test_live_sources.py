"""``run`` and ``fetch`` with live sources: the whole line against a server on loopback, and without one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from broadsheet.cli import main
from servers.sources_server import Fault, Listed, SourcesServer, serving

DAY = date(2025, 3, 13)
ABSTRACT = (
    "Ferries run late in fog. We introduce a schedule that listens to buoys and adapts the route of each"
    " ferry. On 12 harbours delays fall by 31%. Code is available at https://github.com/example-lab/ferry{}."
)


def _listed(number: int, day: int) -> Listed:
    return Listed(
        f"2503.0{number:04}",
        f"Ferries in Fog, Part {number}",
        ABSTRACT.format(number),
        listed=date(2025, 3, day),
        submitted=f"2025-03-{day - 1:02}T12:00:00+00:00",
    )


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[SourcesServer]:
    with serving([_listed(1, 11), _listed(2, 12), _listed(3, 13)], DAY) as running:
        for name, path in (
            ("HF", ""),
            ("ARXIV_API", "/api/query"),
            ("ARXIV_FEED", "/atom"),
            ("ARXIV_OAI", "/oai"),
        ):
            monkeypatch.setenv(f"BROADSHEET_{name}_URL", running.url + path)
        for constant in ("hf.PACE_S", "arxiv_api.PACE_S", "http.FIRST_RETRY_S"):
            monkeypatch.setattr(f"broadsheet.sources.{constant}", 0.0)
        yield running


def _run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["broadsheet", *arguments, "--date", DAY.isoformat()])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def test_two_live_sources_make_one_edition_with_each_paper_once_and_a_quiet_day_is_no_failure(
    server: SourcesServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(monkeypatch, "run", "hf", "arxiv:cs.CL", "--engine", "extractive") == 0
    told = capsys.readouterr()
    # March 10 is a Monday, and nothing was listed then: that is worth a warning, from each source.
    assert [line for line in told.err.splitlines() if "lists nothing" in line] == [
        f"broadsheet: {name} lists nothing on Monday, 2025-03-10; it may be late."
        for name in ("hf", "arxiv:cs.CL")
    ]
    assert "6 papers read, 3 distinct, 3 new." in told.err
    page = Path("editions/2025-03-13/index.md").read_text()
    assert all(page.count(f"Ferries in Fog, Part {number}]") >= 1 for number in (1, 2, 3))


def test_quiet_fetches_print_nothing_of_a_quiet_day_but_everything_of_a_failure(
    server: SourcesServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(monkeypatch, "fetch", "hf", "arxiv:cs.CL", "-q") == 0
    assert capsys.readouterr() == ("", "")
    server.then(Fault(403))
    assert _run(monkeypatch, "fetch", "hf", "-q") == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("broadsheet: hf: 127.0.0.1")


def test_one_source_that_refuses_does_not_stop_the_other(
    server: SourcesServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    server.then(Fault(403))
    assert _run(monkeypatch, "fetch", "hf", "arxiv:cs.CL", "--look-back", "1") == 1
    told = capsys.readouterr()
    assert "2 new" in told.out
    assert told.err.splitlines()[0].startswith("broadsheet: hf: 127.0.0.1")


def test_a_fetch_recorded_is_replayed_with_the_network_down(
    server: SourcesServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BROADSHEET_LOOK_BACK_DAYS", "1")
    assert _run(monkeypatch, "fetch", "hf", "--record", "tape") == 0
    asked = len(server.asked)
    assert _run(monkeypatch, "fetch", "hf", "--replay", "tape", "--db", "other.db") == 0
    assert len(server.asked) == asked
    assert capsys.readouterr().out.splitlines() == ["2 papers read, 2 distinct, 2 new."] * 2


def test_with_the_network_down_it_says_so_and_prints_what_the_cache_holds(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BROADSHEET_HF_URL", "http://127.0.0.1:9")
    monkeypatch.setattr("broadsheet.sources.http.FIRST_RETRY_S", 0.0)
    monkeypatch.setattr("broadsheet.sources.hf.PACE_S", 0.0)
    assert _run(monkeypatch, "fetch", "sample") == 0
    capsys.readouterr()
    assert _run(monkeypatch, "run", "hf", "--engine", "extractive") == 1
    told = capsys.readouterr()
    said = [line for line in told.err.splitlines() if line.startswith("broadsheet:")]
    assert len(said) == 1
    assert said[0].startswith("broadsheet: hf: 127.0.0.1:9 cannot be reached")
    assert "Traceback" not in told.err


def test_columns_are_mapped_by_name_and_a_wrong_pair_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("papers.csv").write_text("Heading,Text\nFerries in Fog,We steer.\n")
    assert _run(monkeypatch, "fetch", "papers.csv", "--map", "title=Heading", "--map", "abstract=Text") == 0
    assert _run(monkeypatch, "fetch", "papers.csv", "--map", "heading=Title") == 2
    assert "--map takes FIELD=NAME" in capsys.readouterr().err


def test_a_dry_run_asks_the_sources_and_leaves_nothing_behind(
    server: SourcesServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(monkeypatch, "run", "hf", "--look-back", "1", "--dry-run", "--record", "tape") == 0
    assert capsys.readouterr().out.startswith("2 papers in 0 requests")
    assert server.asked
    assert list(Path().iterdir()) == []

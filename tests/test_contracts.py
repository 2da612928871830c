"""One contract over each table of extensions: whoever adds a line gets these tests."""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from broadsheet.config import Settings
from broadsheet.edition import Section
from broadsheet.engines import ENGINES
from broadsheet.fencing import fenced
from broadsheet.llm import Control, Request, Turn, open_llm
from broadsheet.newsletter import Newsletter
from broadsheet.paper import Paper
from broadsheet.prompts import Prompts
from broadsheet.record import Maker
from broadsheet.schema import echo_of, reply_schema
from broadsheet.sections import SECTIONS, MakeSections, Today
from broadsheet.sources import SOURCES, open_source, sample
from broadsheet.sources.files import FORMATS, Format
from broadsheet.store import Store
from broadsheet.trends import Period, Trends
from builders import DAY, add, annotate, annotation, paper
from papers import record
from servers.openai_server import OpenAIServer
from servers.sources_server import Listed, serving

PROMPTS = Prompts.load()
LISTED = date(2025, 3, 13)
PAGE = Path(sample.__file__).with_name("sample_page.txt")


def parquet(folder: Path) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({"title": ["Herons Count Themselves"], "abstract": ["We count."]})
    pq.write_table(table, folder / "made.parquet")
    return (folder / "made.parquet").read_bytes()


def html_page(_: Path) -> bytes:
    rows = [{"paper": {"id": "2503.00001", "title": "Herons Count Themselves", "summary": "We count."}}]
    carried = html.escape(json.dumps({"dailyPapers": rows}))
    return f'<!DOCTYPE html><html><body><div data-props="{carried}"></div></body></html>'.encode()


# A small file of each format; a new format needs its line here.
FILES: dict[str, Callable[[Path], bytes]] = {
    "parquet": parquet,
    "html-page": html_page,
    "feed": lambda _: (
        b'<?xml version="1.0"?><rss version="2.0"><channel><title>t</title><item><title>Herons Count'
        b" Themselves</title><description>We count.</description></item></channel></rss>"
    ),
    "json": lambda _: b'[{"title": "Herons Count Themselves", "abstract": "We count."}]',
    "jsonl": lambda _: b'{"title": "Herons Count Themselves", "abstract": "We count."}\n' * 2,
    "csv": lambda _: b"title,abstract\nHerons Count Themselves,We count.\n",
    "ris": lambda _: b"TY  - JOUR\nTI  - Herons Count Themselves\nAB  - We count.\nER  - \n",
    "bibtex": lambda _: b"@article{h, title = {Herons Count Themselves}, abstract = {We count.}}\n",
    "trending-page": lambda _: PAGE.read_bytes(),
}


@pytest.mark.parametrize("name", ENGINES)
def test_an_engine_opens_by_its_line_and_answers_for_a_paper(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    about = paper()
    (tmp_path / "script.jsonl").write_text(json.dumps({"title": about.title, "record": record(about)}))
    request = Request(
        id="contract-1",
        maker=Maker(name, "any", "prompt", "schema"),
        sent={"P1": fenced(about)},
        turns=(Turn("system", "Annotate."), Turn("user", f'<paper ref="1">\n{about.title}\n</paper>')),
        schema=reply_schema(PROMPTS.taxonomy),
        input_tokens=100,
        max_output_tokens=400,
    )
    with OpenAIServer() as server, Store.open(tmp_path / "cache.db") as store:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "key-of-the-test")
        settings = Settings.load(engine=name, script=tmp_path / "script.jsonl", batch_wait_s=30)
        llm = open_llm(settings, store, PROMPTS)
        assert llm.engine == name
        assert llm.model
        assert llm.open_requests() == []
        (outcome,) = llm.complete([request], Control())
        assert llm.open_requests() == []
        assert list(llm.complete([], Control())) == []
    assert outcome.request.id == "contract-1"
    assert outcome.reply is not None, outcome.error
    (told,) = json.loads(outcome.reply.text)["papers"]
    assert told["ref"] in {1, "P1"}
    assert told["echo"] == echo_of(about.title)


@pytest.mark.parametrize("name", SOURCES)
def test_a_source_opens_by_its_name_and_lists_papers_with_their_sightings(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for constant in ("hf.PACE_S", "arxiv_api.PACE_S", "http.FIRST_RETRY_S"):
        monkeypatch.setattr(f"broadsheet.sources.{constant}", 0.0)
    listed = Listed("2503.00001", "Herons Count Themselves", "We count.", LISTED, "2025-03-12T12:00:00+00:00")
    with serving([listed], LISTED) as server:
        settings = Settings.load(
            db=tmp_path / "cache.db",
            hf_url=server.url,
            arxiv_api_url=f"{server.url}/api/query",
            arxiv_feed_url=f"{server.url}/atom",
            arxiv_oai_url=f"{server.url}/oai",
        )
        spec = name if name in {"sample", "hf"} else f"{name}:cs.CL"
        troubles: list[str] = []
        (source,) = open_source(spec, day=LISTED, on_trouble=troubles.append, settings=settings)
        papers = list(source.fetch(LISTED))
    assert papers
    assert source.name
    assert all(each.title and each.sighting for each in papers)
    assert troubles == []


@pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)
def test_a_format_is_recognised_by_its_content_alone_and_gives_papers(form: Format, tmp_path: Path) -> None:
    (tmp_path / "papers.unknown").write_bytes(FILES[form.name](tmp_path))
    (source,) = open_source(str(tmp_path / "papers.unknown"), day=LISTED)
    papers = list(source.fetch(LISTED))
    assert papers
    assert all(isinstance(each, Paper) and each.title for each in papers)


@pytest.fixture
def today(tmp_path: Path) -> Iterator[Today]:
    """A day of eight papers, one of them without an annotation."""
    with Store.open(tmp_path / "cache.db") as store:
        for number in range(8):
            one = paper(f"Quokka {number} Walks Alone")
            add(store, one)
            if number:
                annotate(store, one, said=annotation(code="available" if number % 2 else "none"))
        *records, revised = store.list()
        newsletter = Newsletter(top=len(records) - 1)
        weeks = tuple(
            Period(first=DAY - timedelta(days=back + 6), last=DAY - timedelta(days=back), papers=8)
            for back in (7, 0)
        )
        trends = Trends(periods=weeks)
        yield Today(DAY, records, PROMPTS.taxonomy, newsletter, revised=[revised], trends=trends)


@pytest.mark.parametrize("make", SECTIONS, ids=lambda make: make.__module__.rpartition(".")[2])
def test_a_section_has_an_anchor_a_title_and_papers_of_the_day_only(make: MakeSections, today: Today) -> None:
    ids = {each.id for each in today.records}
    made = list(make(today))
    assert made
    for section in made:
        assert isinstance(section, Section)
        assert section.id
        assert section.title
        assert {card.record.id for card in section.cards} <= ids
        assert {pick.paper_id for pick in section.picks if pick.record is None} <= ids
        assert section.cards or section.picks or section.counts or section.trends

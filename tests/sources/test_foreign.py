"""What services and tools write of twelve papers is read field by field as what the papers say."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broadsheet.errors import Notice, SourceError
from broadsheet.fetch import fetch
from broadsheet.intake import admit
from broadsheet.paper import Paper
from broadsheet.sources import open_source
from broadsheet.sources.files import FileSource
from broadsheet.sources.listing import Listing
from broadsheet.store import Store
from foreign_papers import PAPERS, Invented
from foreign_writers import WRITERS, conference_csv

Make = Callable[..., Listing]
PAGES = "https://fog.example.org/"


def _all(listing: Listing) -> list[Paper]:
    return list(FileSource("file", listing).fetch(listing.listed_on))


def _row(paper: Paper, names: frozenset[str]) -> dict[str, Any]:
    return {
        name: " ".join(value.split()) if isinstance(value := getattr(paper, name), str) else value
        for name in sorted(names)
    }


def _arxiv_page(one: Invented) -> str:
    return f"https://arxiv.org/abs/{one.arxiv}" if one.arxiv else ""


# What a tool's file says beside title, abstract, authors, arXiv id and DOI.
BESIDE: dict[str, Callable[[Invented], dict[str, Any]]] = {
    "arxiv_snapshot": lambda one: {
        "version": one.version,
        "comment": one.comment,
        "published": one.published,
        "local_id": "",
        "url": _arxiv_page(one),
    },
    "s2_bulk": lambda one: {
        "published": one.published,
        "url": f"https://www.semanticscholar.org/paper/{one.key}",
        "local_id": str(250000 + PAPERS.index(one)),
    },
    "s2_search": lambda one: {
        "published": one.published,
        "url": f"{PAGES}{one.key}.pdf",
        "local_id": one.key * 13,
    },
    "openalex_api": lambda one: {
        "published": one.published,
        "url": PAGES + one.key,
        "local_id": f"W{one.key}",
    },
    "openalex_jsonl": lambda one: {
        "published": one.published,
        "url": PAGES + one.key,
        "local_id": f"W{one.key}",
    },
    "openreview_v1": lambda one: {
        "published": one.published,
        "url": f"https://openreview.net/forum?id={one.key}",
        "local_id": one.key,
        "arxiv_id": "",
        "doi": "",
    },
    "openreview_v2": lambda one: {
        "published": one.published,
        "url": f"https://openreview.net/forum?id={one.key}",
        "local_id": one.key,
        "arxiv_id": "",
        "doi": "",
    },
    "crossref": lambda one: {
        "published": one.published,
        "local_id": "",
        "url": f"https://doi.org/{one.doi or '10.48550/arXiv.' + one.arxiv}",
        "arxiv_id": "" if one.doi else one.arxiv,
    },
    "csl_json": lambda one: {
        "published": one.published,
        "url": PAGES + one.key,
        "comment": one.comment,
        "local_id": f"http://zotero.org/users/1/items/{one.key}",
    },
    "zotero_csv": lambda one: {
        "published": one.published,
        "url": PAGES + one.key,
        "local_id": one.key,
        "comment": one.comment,
    },
    "zotero_ris": lambda one: {
        "published": one.published,
        "url": _arxiv_page(one) or PAGES + one.key,
        "local_id": "",
        "comment": one.comment,
    },
    "bibtex": lambda one: {
        "published": one.published.replace(day=1),
        "url": _arxiv_page(one),
        "local_id": one.key,
        "comment": one.comment,
    },
}


@pytest.mark.parametrize("tool", WRITERS)
def test_every_field_that_a_tool_writes_of_a_paper_is_read(
    tool: str, listing: Make, troubles: list[str]
) -> None:
    expected = [
        {
            "title": one.title,
            "abstract": " ".join(one.abstract.split()),
            "authors": one.authors,
            "arxiv_id": one.arxiv,
            "doi": one.doi,
            **BESIDE[tool](one),
        }
        for one in PAPERS
        if one.arxiv or tool != "arxiv_snapshot"
    ]
    papers = _all(listing(WRITERS[tool]()))
    assert [_row(paper, frozenset(expected[0])) for paper in papers] == expected
    assert [paper.sighting.rank for paper in papers if paper.sighting] == list(range(1, len(papers) + 1))
    review = ["page.txt: record 13 is skipped: it is a reply, such as a review, and not a paper."]
    assert troubles == (review if tool == "openreview_v2" else [])


@pytest.mark.parametrize("tool", WRITERS)
def test_a_file_compressed_with_gzip_is_read_like_the_file(tool: str, listing: Make, tmp_path: Path) -> None:
    (tmp_path / "papers.gz").write_bytes(gzip.compress(WRITERS[tool]().encode()))
    (source,) = open_source(str(tmp_path / "papers.gz"))
    zipped, plain = list(source.fetch(listing("").listed_on)), _all(listing(WRITERS[tool]()))
    assert [paper.model_copy(update={"sighting": None}) for paper in zipped] == [
        paper.model_copy(update={"sighting": None}) for paper in plain
    ]


@pytest.mark.parametrize("tool", WRITERS)
def test_utf_16_and_a_byte_order_mark_make_no_difference(tool: str, listing: Make) -> None:
    written = WRITERS[tool]().lstrip("\ufeff")
    plain = _all(listing(written))
    assert _all(listing(written.encode("utf-8-sig"))) == _all(listing(written.encode("utf-16"))) == plain


def test_a_models_summary_stays_with_the_sighting_and_out_of_the_abstract(listing: Make) -> None:
    for tool, summary in (("s2_search", "A model's words on k04."), ("openreview_v2", "In short, k04.")):
        paper = _all(listing(WRITERS[tool]()))[3]
        assert paper.abstract == ""
        assert paper.sighting
        assert paper.sighting.words["tldr"] == summary


def test_arxivs_categories_and_journal_stay_with_the_sighting(listing: Make) -> None:
    words = {p.arxiv_id: p.sighting.words for p in _all(listing(WRITERS["arxiv_snapshot"]())) if p.sighting}
    assert words["2503.01234"] == {"categories": ["cs.RO", "cs.LG"]}
    assert words["2402.18888"] == {"categories": ["cs.RO", "cs.LG"], "journal-ref": "J. Fog 3 (2025) 1-9"}


def test_papers_without_an_abstract_are_kept_and_counted_and_the_fields_are_named(
    listing: Make, tmp_path: Path
) -> None:
    (tmp_path / "works.json").write_text(WRITERS["openalex_api"]())
    notes: list[str] = []
    (source,) = open_source(str(tmp_path / "works.json"), on_trouble=notes.append)
    assert isinstance(source, FileSource)
    with Store.open(tmp_path / "cache.db") as store:
        report = fetch([source], store, listing("").listed_on)
    assert (report.read, report.failed) == (12, ())
    assert (source.reading.papers, source.reading.without_abstract) == (12, 2)
    assert {"title", "abstract_inverted_index"} <= source.reading.field_names.keys()
    assert notes == [Notice(f"{tmp_path}/works.json: 2 of 12 have no abstract.")]


def test_where_half_of_a_files_papers_have_no_abstract_its_fields_are_named(listing: Make) -> None:
    page = listing('{"title": "Fog", "abstrakt": "We see."}\n{"title": "Tugs", "abstract": "We pull."}\n')
    assert [paper.abstract for paper in _all(page)] == ["", "We pull."]
    assert list(page.reading.notes("f")) == [
        "f: 1 of 2 has no abstract; the file holds title, abstrakt, abstract."
    ]


def test_the_papers_of_all_tools_in_any_order_are_twelve(listing: Make, tmp_path: Path) -> None:
    read = {tool: _all(listing(write())) for tool, write in WRITERS.items()}
    read["table"] = _all(listing(conference_csv("name")))
    for tools in (list(read), list(read)[::-1], sorted(read, key=lambda tool: tool[::-1])):
        with Store.open(tmp_path / f"{tools[0]}.db") as store:
            report = admit((paper for tool in tools for paper in read[tool]), store)
            assert (report.read, len(set(report.paper_ids)), store.papers.count()) == (152, 12, 12)


def test_what_a_bibtex_file_holds_beside_papers_is_named(listing: Make) -> None:
    page = listing(WRITERS["bibtex"]())
    _all(page)
    assert list(page.reading.notes("refs.bib"))[1] == ("refs.bib: left out 1 @comment, 1 @proceedings.")


@pytest.mark.parametrize("column", ["name", "Paper Name", "paper_title", "Paper Title", "TITLE"])
def test_a_conferences_table_is_read_whatever_its_title_column_is_called(column: str, listing: Make) -> None:
    papers = _all(listing(conference_csv(column)))
    assert [(p.title, p.authors, p.source) for p in papers] == [(p.title, p.authors, "csv") for p in PAPERS]


@pytest.mark.parametrize("rows", [1, 2, 12])
def test_a_table_without_a_title_column_is_refused_with_its_columns_and_read_with_a_map(
    rows: int, listing: Make
) -> None:
    lines = conference_csv("What").replace("\r\n", "\n").split("\n")
    table = "\n".join(line for line in lines[: rows + 1]) + "\n"
    with pytest.raises(
        SourceError, match=r"without a title column.*--map title=COLUMN.*paper_id, session, type, What"
    ):
        _all(listing(table))
    assert _all(listing(table, fields={"title": "What"}))[0].title == PAPERS[0].title


@pytest.mark.parametrize(
    ("tool", "fields"),
    [
        ("openreview_v2", {"title": "content.title.value", "abstract": "content.abstract.value"}),
        ("openreview_v1", {"title": "content.title", "authors": "content.authors"}),
        ("openalex_jsonl", {"title": "display_name", "authors": "authorships.author.display_name"}),
        ("crossref", {"title": "title.0", "doi": "DOI"}),
    ],
)
def test_a_map_goes_into_objects_and_lists(tool: str, fields: dict[str, str], listing: Make) -> None:
    papers = _all(listing(WRITERS[tool](), fields=fields))
    assert [(p.title, p.authors) for p in papers] == [
        (p.title.replace("&", "&amp;") if tool == "crossref" else p.title, p.authors) for p in PAPERS
    ]


def test_a_map_reads_a_shape_that_nobody_knows(listing: Make) -> None:
    rows = '{"hits": [{"_source": {"head": {"ti": "Fog"}, "who": [{"n": "Bo Sample"}]}}]}'
    fields = {"title": "_source.head.ti", "authors": "_source.who.n"}
    (paper,) = _all(listing(rows, fields=fields))
    assert (paper.title, paper.authors) == ("Fog", ("Bo Sample",))


def test_a_file_in_windows_1252_is_read_and_noted(listing: Make, troubles: list[str]) -> None:
    page = listing("title,abstract\nÉtudes naïves,“Fog” – déjà vu\nTugs,We pull.\n".encode("cp1252"))
    assert [(p.title, p.abstract) for p in _all(page)] == [
        ("Études naïves", "“Fog” – déjà vu"),
        ("Tugs", "We pull."),
    ]
    assert not troubles
    assert list(page.reading.notes("f")) == ["f: read 1 line that is not UTF-8 as Windows-1252."]


@pytest.mark.parametrize(
    ("content", "advice"),
    [
        (b"PK\x03\x04" + bytes(26) + b"[Content_Types].xml" + bytes(99), "Excel workbook; save it as CSV"),
        (b"PK\x03\x04" + bytes(26) + b"xl/workbook.xml" + bytes(99), "Excel workbook; save it as CSV"),
        (b"PK\x03\x04" + bytes(26) + b"papers.csv" + b"title" * 9, "compressed; unpack it"),
        (b"\xd0\xcf\x11\xe0" + bytes(512), "save it as CSV"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + bytes(99), "name a list of papers"),
        (gzip.compress(b"title,abstract\nFog,We see.\n" * 99, mtime=0)[:-30], "cannot be read"),
    ],
)
def test_what_is_no_text_is_refused_with_what_to_do(content: bytes, advice: str, listing: Make) -> None:
    with pytest.raises(SourceError, match=advice):
        _all(listing(content))


def test_replacements_in_a_saved_feed_are_no_new_papers_and_are_counted(listing: Make) -> None:
    def item(number: int, kind: str) -> str:
        return (
            f"<item><title>Fog {number}</title><link>https://arxiv.org/abs/2503.0000{number}</link>"
            f"<description>arXiv:2503.0000{number}v1 Announce Type: {kind}\nAbstract: We see.</description>"
            f"<arxiv:announce_type>{kind}</arxiv:announce_type></item>"
        )

    kinds = ["new", "replace", "cross", "replace-cross"]
    items = "".join(item(number, kind) for number, kind in enumerate(kinds))
    page = listing(f'<rss xmlns:arxiv="http://arxiv.org/schemas/atom"><channel>{items}</channel></rss>')
    assert [paper.title for paper in _all(page)] == ["Fog 0", "Fog 2"]
    assert list(page.reading.notes("f")) == ["f: left out 2 replacements of earlier papers."]


def test_entries_that_share_a_key_or_repeat_a_field_are_all_read(listing: Make, troubles: list[str]) -> None:
    page = listing(
        "@string{fog = {Fog}}\n@string{fog = {Mist}}\n"
        "@misc{a, title = {Barges}, note = fog}\n@misc{a, title = {Tugs}}\n"
        "@misc{b, title = {Buoys}, year = 2020, year = 2021}\n"
    )
    papers = [(paper.title, paper.local_id, paper.comment) for paper in _all(page)]
    assert papers == [("Barges", "a", "Fog"), ("Tugs", "a", ""), ("Buoys", "b", "")]
    assert not troubles


STRANGE = [None, "", 0, -1, 10**30, 1.5, True, [], {}, [None], [[]], "\ud800", {"value": []}]
NO_JSON = {"zotero_csv", "zotero_ris", "bibtex"}


def _shaken(draw: st.DrawFn, value: Any) -> Any:
    """Return a JSON value in which some values, at any depth, are others."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.sampled_from(STRANGE))
    if isinstance(value, dict):
        return {name: _shaken(draw, inner) for name, inner in value.items()}
    return [_shaken(draw, inner) for inner in value[:3]] if isinstance(value, list) else value


@st.composite
def shaken(draw: st.DrawFn) -> str:
    tool = draw(st.sampled_from(sorted(WRITERS.keys() - NO_JSON)))
    written = WRITERS[tool]()
    rows = json.loads(written) if written.count("\n{") == 0 else [json.loads(written.partition("\n")[0])]
    return json.dumps(_shaken(draw, rows))


@settings(max_examples=300, deadline=5000)
@given(shaken())
def test_any_value_in_any_field_gives_papers_or_a_source_error(content: str) -> None:
    listing = Listing("file", lambda: io.BytesIO(content.encode()), lambda _: None)
    try:
        papers = _all(listing)
    except SourceError:
        return
    assert all(paper.title for paper in papers)


def test_a_publishers_formula_is_kept_once_and_its_headings_stay_apart(listing: Make) -> None:
    formula = (
        "<jats:inline-formula><jats:alternatives><jats:tex-math>$n &lt; 7$</jats:tex-math>"
        '<mml:math xmlns:mml="http://www.w3.org/1998/Math/MathML"><mml:mi>n</mml:mi><mml:mo>&lt;</mml:mo>'
        "<mml:mn>7</mml:mn></mml:math></jats:alternatives></jats:inline-formula>"
    )
    abstract = (
        "<jats:title>Abstract</jats:title><jats:sec><jats:title>Aims</jats:title>"
        f"<jats:p>We see H<jats:sub>2</jats:sub>O for {formula} &amp; more.</jats:p></jats:sec>"
    )
    only_math = (
        "<jats:p>For <mml:math><mml:mi>n</mml:mi><mml:mo>=</mml:mo><mml:mn>7</mml:mn></mml:math>.</jats:p>"
    )
    rows = [
        {"DOI": "10.5555/a", "title": ["Fog"], "abstract": written, "issued": {"date-parts": [[2025, 3]]}}
        for written in (abstract, only_math)
    ]
    papers = _all(listing(json.dumps({"status": "ok", "message": {"items": rows}})))
    assert [paper.abstract for paper in papers] == ["Aims We see H2O for $n < 7$ & more.", "For n=7."]


def test_one_work_of_crossref_by_itself_is_read(listing: Make) -> None:
    work = {
        "DOI": "10.5555/a",
        "title": ["Fog"],
        "issued": {"date-parts": [[2025]]},
        "reference": [{"key": "1", "article-title": "Mist"}] * 3,
    }
    (paper,) = _all(listing(json.dumps({"status": "ok", "message-type": "work", "message": work})))
    assert (paper.title, paper.doi) == ("Fog", "10.5555/a")


def test_a_file_whose_titles_have_an_unknown_name_is_refused_with_the_names_it_has(listing: Make) -> None:
    with pytest.raises(SourceError) as caught:
        _all(listing('[{"headline": "Fog", "body": "We see."}]'))
    assert str(caught.value) == (
        "page.txt has no papers (record 1: it has no title); name its field with --map title=FIELD, out of"
        " headline, body."
    )


CELLS = st.text("ab ,;.\"'\n|é7", max_size=60) | st.just("We show that ferries run late in fog. " * 12)
COLUMNS = ["paper_id", "session", "type", "What", "Track", "note"]
HEADINGS = st.lists(st.sampled_from(COLUMNS), min_size=3, unique=True)
ROWS = st.lists(st.lists(CELLS, min_size=6, max_size=6), min_size=1, max_size=8)


@settings(max_examples=200, deadline=5000)
@given(HEADINGS, ROWS, st.sampled_from(",;\t|"))
def test_no_table_is_ever_read_as_a_saved_page(
    headings: list[str], rows: list[list[str]], divider: str
) -> None:
    stream = io.StringIO()
    csv.writer(stream, delimiter=divider).writerows([headings, *(row[: len(headings)] for row in rows)])
    raw = stream.getvalue().encode()
    with pytest.raises(SourceError, match="without a title column"):
        _all(Listing("table", lambda: io.BytesIO(raw), lambda _: None))
    listing = Listing("table", lambda: io.BytesIO(raw), lambda _: None, fields={"title": headings[0]})
    with suppress(SourceError):  # the mapped cells may all be empty
        assert {paper.source for paper in _all(listing)} == {"csv"}

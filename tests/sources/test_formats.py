"""One paper told in every format is read as that paper; what is broken is refused in words."""

from __future__ import annotations

import html
import io
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broadsheet.errors import Notice, SourceError
from broadsheet.intake import admit
from broadsheet.paper import Paper
from broadsheet.sources import open_source
from broadsheet.sources.files import FORMATS, FileSource
from broadsheet.sources.listing import Listing
from broadsheet.store import Store

DAY = date(2025, 3, 13)
TITLE = "Barges in Étaples: Steering & Fog"
ABSTRACT = (
    "Barges in fog are steered by the sound of their neighbours. We gain 5% at p<0.05 and $x_i<y$ on 12"
    " rivers, with code at https://github.com/example-lab/barges_in_fog."
)
AUTHORS = ("Ada Example", "Bo Sample")
RECORD = {
    "title": TITLE,
    "abstract": ABSTRACT,
    "authors": list(AUTHORS),
    "published": "2025-03-02",
    "url": "https://arxiv.org/abs/2503.01234v1",
}
ROW = {
    "paper": {
        "id": "2503.01234",
        "title": TITLE,
        "summary": ABSTRACT,
        "authors": [{"name": name, "hidden": False} for name in AUTHORS] + [{"name": "Hid", "hidden": True}],
        "publishedAt": "2025-03-02T00:00:00.000Z",
        "submittedOnDailyAt": "2025-03-12T01:00:00.000Z",
        "upvotes": 12,
        "githubRepo": "https://github.com/example-lab/barges_in_fog",
        "githubStars": 40,
        "ai_summary": "A model's own words.",
        "ai_keywords": ["fog"],
    },
    "title": TITLE,
    "thumbnail": "https://cdn.example.org/1.png",
    "numComments": 2,
}
ATOM = f"""<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xmlns:arxiv="http://arxiv.org/schemas/atom">
  <title>arXiv Query</title>
  <entry>
    <id>http://arxiv.org/abs/2503.01234v1</id>
    <updated>2025-03-03T00:00:00Z</updated>
    <published>2025-03-02T00:00:00Z</published>
    <title>{html.escape(TITLE)}</title>
    <summary>  {html.escape(ABSTRACT)}
    </summary>
    <author><name>Ada Example</name><arxiv:affiliation>Dock</arxiv:affiliation></author>
    <author><name>Bo Sample</name></author>
    <arxiv:comment>10 pages</arxiv:comment>
    <link href="http://arxiv.org/abs/2503.01234v1" rel="alternate" type="text/html"/>
    <link title="pdf" href="http://arxiv.org/pdf/2503.01234v1" rel="related" type="application/pdf"/>
    <category term="cs.RO"/>
  </entry>
</feed>
"""
RSS = f"""<?xml version="1.0" encoding="UTF-8"?>
<rss xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns:dc="http://purl.org/dc/elements/1.1/" version="2.0">
  <channel><title>cs.RO updates</title><pubDate>Wed, 12 Mar 2025 00:00:00 -0400</pubDate>
    <item>
      <title>{html.escape(TITLE)}</title>
      <link>https://arxiv.org/abs/2503.01234</link>
      <description>arXiv:2503.01234v1 Announce Type: new
Abstract: {html.escape(ABSTRACT)}</description>
      <guid isPermaLink="false">oai:arXiv.org:2503.01234v1</guid>
      <category>cs.RO</category>
      <pubDate>Sun, 02 Mar 2025 00:00:00 -0500</pubDate>
      <arxiv:announce_type>new</arxiv:announce_type>
      <dc:creator>Ada Example, Bo Sample</dc:creator>
    </item>
  </channel>
</rss>
"""
BIBTEX = r"""
@misc{example2025barges,
  title = {{Barges} in {\'E}taples: Steering \& Fog},
  author = {Example, Ada and Bo Sample},
  abstract = {Barges in fog are steered by the sound of their neighbours. We gain 5% at p<0.05 and $x_i<y$ on
    12 rivers, with code at \url{https://github.com/example-lab/barges_in_fog}.},
  eprint = {2503.01234}, archivePrefix = {arXiv}, date = {2025-03-02},
}
"""
RIS = f"""TY  - JOUR
TI  - {TITLE}
AU  - Example, Ada
AU  - Sample, Bo
AB  - {ABSTRACT}
DA  - 2025-03-02
UR  - https://arxiv.org/abs/2503.01234
ER  -
"""
CSV_QUOTED = ABSTRACT.replace('"', '""')
CSV = (
    "Title;Abstract;Authors;Published;arXiv ID\n"
    f'{TITLE};"{CSV_QUOTED}";Ada Example, Bo Sample;2025-03-02;2503.01234\n'
)
HTML = (
    "<!DOCTYPE html><html><head><title>Daily Papers</title></head><body>"
    f'<div data-target="DailyPapers" data-props="{html.escape(json.dumps({"dailyPapers": [ROW]}))}">'
    "</div></body></html>"
)
WRITTEN = {
    "json": json.dumps([RECORD], indent=1),
    "jsonl": json.dumps(RECORD) + "\n",
    "feed": ATOM,
    "bibtex": BIBTEX,
    "ris": RIS,
    "csv": CSV,
    "html-page": HTML,
    "trending-page": f"{TITLE}\n{ABSTRACT}\n",
}
ALL = [
    *WRITTEN.items(),
    ("feed", RSS),
    ("json", json.dumps([ROW])),
    ("jsonl", json.dumps({"papers": [RECORD]})),
]


def _papers(
    content: str | bytes, fields: dict[str, str] | None = None, troubles: list[str] | None = None
) -> list[Paper]:
    raw = content.encode() if isinstance(content, str) else content
    problems = troubles if troubles is not None else []

    def on_trouble(sentence: str) -> None:
        if not isinstance(sentence, Notice):
            problems.append(sentence)

    listing = Listing("file", lambda: io.BytesIO(raw), on_trouble, day=DAY, fields=fields or {})
    return list(FileSource("file", listing).fetch(DAY))


@pytest.mark.parametrize(("kind", "content"), ALL)
def test_every_format_tells_the_same_paper(kind: str, content: str) -> None:
    troubles: list[str] = []
    (paper,) = _papers(content, troubles=troubles)
    assert (paper.source, paper.title, " ".join(paper.abstract.split())) == (kind, TITLE, ABSTRACT)
    assert not troubles
    if kind != "trending-page":
        assert (paper.id, paper.authors, paper.published) == ("2503.01234", AUTHORS, date(2025, 3, 2))


def test_a_file_of_parquet_tells_it_too(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is an extra")
    from pyarrow import parquet

    parquet.write_table(pyarrow.Table.from_pylist([RECORD]), tmp_path / "papers")
    (paper,) = open_source(str(tmp_path / "papers"))[0].fetch(DAY)
    assert (paper.id, paper.title, paper.authors) == ("2503.01234", TITLE, AUTHORS)


def test_papers_in_all_formats_in_any_order_are_one_paper(tmp_path: Path) -> None:
    for order in (ALL, ALL[::-1]):
        with Store.open(tmp_path / f"{order[0][0]}.db") as store:
            for _ in range(2):
                report = admit((paper for _, content in order for paper in _papers(content)), store)
                assert len(report.paper_ids) == 1
            assert report.known == len(ALL)
            assert store.papers.count() == 1


@pytest.mark.parametrize("content", [json.dumps([ROW]), json.dumps(ROW) + "\n", HTML])
def test_hugging_faces_rows_keep_votes_stars_repository_day_and_its_words_as_its_own(content: str) -> None:
    (paper,) = _papers(content)
    assert paper.sighting
    assert (paper.sighting.votes, paper.sighting.stars, paper.sighting.day) == (12, 40, date(2025, 3, 12))
    assert paper.sighting.words["githubRepo"] == "https://github.com/example-lab/barges_in_fog"
    assert paper.sighting.words["ai_summary"] == "A model's own words."
    assert "model's own" not in paper.own_text


def test_a_saved_page_quotes_its_properties_either_way_around_an_apostrophe() -> None:
    properties = json.dumps({"user": "O'Brien", "dailyPapers": [ROW]})
    for attribute in (
        f'"{html.escape(properties, quote=False).replace(chr(34), "&quot;")}"',
        f"'{properties.replace(chr(39), '&#39;')}'",
    ):
        (paper,) = _papers(f"<html><body><div data-props={attribute}></div></body></html>")
        assert paper.title == TITLE


def test_columns_with_other_names_are_mapped() -> None:
    content = "Heading,Text,When\nBarges,We steer.,2025\n"
    (paper,) = _papers(content, {"title": "Heading", "abstract": "Text"})
    assert (paper.title, paper.abstract) == ("Barges", "We steer.")


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ('title,abstract\nBarges,"We steer."\nFog,a,b,c\nTugs,We pull.\n', "line 3"),
        ("@misc{a, title={Barges}}\n@misc{b, title = {cut\n@misc{c, title={Tugs}}\n", "the entry on line 2"),
        ("TY  - JOUR\nTI  - Barges\nER  -\n\nTY  - JOUR\nER  -\n\nTY  - JOUR\nTI  - Tugs",
         "the reference on line 5"),
        ('[{"title": "Barges"}, 7, {"title": "Tugs"}]', "record 2"),
        ('[{"paper": {"id": "1", "title": "Barges"}}, {"id": 1}, {"paper": {"id": "2", "title": "Tugs"}}]',
         "record 2"),
        (ATOM.replace("<entry>", "<entry><title>Barges</title></entry><entry></entry>"
                      "<entry><title>Tugs</title></entry><!--").replace("</feed>", "--></feed>"), "entry 2"),
    ],
)  # fmt: skip
def test_one_broken_record_is_named_by_its_place_and_costs_no_other(content: str, place: str) -> None:
    troubles: list[str] = []
    assert [paper.title for paper in _papers(content, troubles=troubles)] == ["Barges", "Tugs"]
    assert [trouble.split(" is skipped")[0] for trouble in troubles] == [f"file: {place}"]


DOCTYPE = '<?xml version="1.0"?><!DOCTYPE feed [{}]><feed><entry><title>&b;</title></entry></feed>'
BOMB = DOCTYPE.format('<!ENTITY a "ha"><!ENTITY b "&a;&a;">')
OUTSIDE = DOCTYPE.format('<!ENTITY b SYSTEM "file:///etc/hostname">')


@pytest.mark.parametrize("content", [BOMB, OUTSIDE])
def test_xml_entities_are_refused(content: str) -> None:
    with pytest.raises(SourceError, match="entities"):
        _papers(content)


@pytest.mark.parametrize(
    "content",
    [
        ATOM[: ATOM.index("<author>")],
        ATOM.replace("UTF-8", "no-such-charset"),
        RSS.replace("<item>", "<thing>").replace("</item>", "</thing>"),
        "<!DOCTYPE html><html><body>Sign in</body></html>",
        '[{"title": "cut',
        "PAR1 but not really",
        "{}",
        "[]",
        "title,abstract\n",
    ],
)
def test_a_file_without_a_paper_is_a_source_error_in_one_sentence(content: str) -> None:
    with pytest.raises(SourceError, match=r"^file .+"):
        _papers(content)


def test_a_feed_cut_off_keeps_the_entries_before_the_cut(tmp_path: Path) -> None:
    entry = ATOM[ATOM.index("<entry>") : ATOM.index("</feed>")]
    with Store.open(tmp_path / "cache.db") as store:
        file = tmp_path / "cut.xml"
        file.write_text(ATOM.replace("</feed>", entry.replace("2503.01234", "2503.05678")[:200]))
        with pytest.raises(SourceError, match="well-formed"):
            admit(open_source(str(file))[0].fetch(DAY), store)
        assert store.papers.count() == 1


def test_more_troubles_than_a_screen_are_counted() -> None:
    troubles: list[str] = []
    _papers('{"title": "Barges"}\n' + "7\n" * 500, troubles=troubles)
    assert len(troubles) == 21
    assert troubles[-1] == "file: 480 more have such problems."


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A file in one of the formats with some of its bytes cut out, doubled or replaced."""
    raw = bytearray(draw(st.sampled_from([content for _, content in ALL])).encode())
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, max(0, len(raw) - 1)))
        end = min(len(raw), start + draw(st.integers(0, 40)))
        raw[start:end] = draw(
            st.one_of(st.just(b""), st.just(bytes(raw[start:end]) * 2), st.binary(max_size=12))
        )
    return bytes(raw)


@settings(max_examples=200, deadline=5000)
@given(mutated())
def test_mutated_bytes_give_papers_or_a_source_error(raw: bytes) -> None:
    try:
        papers = _papers(raw)
    except SourceError:
        return
    assert all(paper.title for paper in papers)


@settings(max_examples=60, deadline=5000)
@given(mutated(), st.sampled_from(FORMATS))
def test_a_reader_that_is_given_anothers_bytes_raises_nothing_else(raw: bytes, kind: object) -> None:
    read: Callable[[Listing], list[Paper]] = kind.read  # type: ignore[attr-defined]
    try:
        list(read(Listing("file", lambda: io.BytesIO(raw), lambda _: None, day=DAY)))
    except SourceError:
        return

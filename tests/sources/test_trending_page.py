from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.errors import SourceError
from broadsheet.paper import Paper
from broadsheet.sources import open_sources
from broadsheet.sources.listing import Listing
from broadsheet.sources.trending_page import read, recognises

Make = Callable[..., Listing]
SEEDS = Path(__file__).parents[3] / "shared" / "seeds"

LONG = (
    "We introduce a lighthouse keeper for gradient flows. " * 8
    + "Code is available at https://github.com/example-lab/keeper"
)
SHORT = "We show that ferries run late in fog."
DATED = f"""new

Get trending papers in your email inbox!

Subscribe

byAK and the research community

Mar 12

Keeper: Gradient Flows under a Lamp

{LONG}

Ferries in Fog

{SHORT}
"""
GLUED = f"""Get trending papers in your email inbox once a day!
Get trending papers in your email inbox!
SubscribeKeeper: Gradient Flows under a Lamp
{LONG}
Ferries in Fog
{SHORT}"""


@pytest.mark.parametrize("page", [DATED, GLUED, DATED.replace("\n", "\r\n"), "\ufeff" + DATED])
def test_both_layouts_give_the_same_papers(page: str, listing: Make, troubles: list[str]) -> None:
    papers = list(read(listing(page)))
    assert [(paper.title, paper.abstract) for paper in papers] == [
        ("Keeper: Gradient Flows under a Lamp", LONG),
        ("Ferries in Fog", SHORT),
    ]
    assert [paper.sighting.rank for paper in papers if paper.sighting] == [1, 2]
    assert not troubles


def _day(page: str, listing: Listing) -> date:
    sighting = next(read(listing)).sighting
    assert sighting is not None
    return sighting.day


@pytest.mark.parametrize(
    ("dated", "named", "written", "expected"),
    [
        ("Mar 12", date(2025, 3, 13), date(2026, 11, 20), date(2025, 3, 12)),
        ("Mar 13", date(2025, 12, 1), date(2026, 11, 20), date(2025, 3, 13)),
        ("Mar 13", date(2025, 3, 13), date(2026, 11, 20), date(2025, 3, 13)),
        ("Mar 14", date(2025, 3, 13), date(2026, 11, 20), date(2024, 3, 14)),
        ("Feb 29", date(2024, 2, 29), date(2026, 11, 20), date(2024, 2, 29)),
        ("Feb 29", date(2024, 2, 28), date(2026, 11, 20), date(2020, 2, 29)),
        ("Feb 29", date(2103, 3, 1), date(2026, 11, 20), date(2096, 2, 29)),
        ("Mar 14", None, date(2025, 3, 13), date(2025, 3, 14)),  # the page's time zone is ahead
        ("Mar 15", None, date(2025, 3, 13), date(2024, 3, 15)),
        ("Dec 31", date(2025, 1, 1), date(2026, 11, 20), date(2024, 12, 31)),
        ("Jan 2", date(2024, 12, 31), date(2026, 11, 20), date(2024, 1, 2)),
        ("Mar 12", None, date(2026, 11, 20), date(2026, 3, 12)),
        ("Dec 31", None, date(2026, 1, 1), date(2025, 12, 31)),
        ("Feb 29", None, date(2026, 1, 1), date(2024, 2, 29)),
        ("March 12, 2021", date(2025, 3, 13), date(2026, 1, 1), date(2021, 3, 12)),
        ("Feb 31", date(2025, 3, 13), date(2026, 1, 1), date(2025, 3, 13)),
    ],
)
def test_a_day_without_a_year_is_the_last_one_up_to_the_named_day_or_that_of_the_file(
    dated: str, named: date | None, written: date, expected: date, listing: Make
) -> None:
    page = DATED.replace("Mar 12", dated)
    assert _day(page, listing(page, day=named, modified=written)) == expected


def test_a_page_without_a_date_is_of_the_named_day(listing: Make) -> None:
    assert _day(GLUED, listing(GLUED, day=date(2024, 5, 6))) == date(2024, 5, 6)


def test_a_title_that_begins_with_subscribe_stays_whole_elsewhere(listing: Make) -> None:
    page = GLUED.replace("Ferries in Fog", "Subscribers Churn Late").replace(
        "SubscribeKeeper", "Subscribe\nKeeper"
    )
    assert [paper.title for paper in read(listing(page))] == [
        "Keeper: Gradient Flows under a Lamp",
        "Subscribers Churn Late",
    ]


@pytest.mark.parametrize(
    ("page", "titles", "line"),
    [
        (f"Lost Title\nKeeper\n{LONG}\nFog\n{SHORT}", ["Keeper", "Fog"], "line 1"),
        (f"Keeper\n{LONG}\n{LONG}\nFog\n{SHORT}", ["Keeper", "Fog"], "line 3"),
        (f"Keeper\n{LONG}\nFog\n{SHORT}\nLost Title", ["Keeper", "Fog"], "line 5"),
        (f"{LONG}\nKeeper\n{LONG}", ["Keeper"], "line 1"),
    ],
)
def test_a_line_that_cannot_be_paired_is_reported_with_its_number(
    page: str, titles: list[str], line: str, listing: Make, troubles: list[str]
) -> None:
    assert [paper.title for paper in read(listing(page))] == titles
    assert len(troubles) == 1
    assert troubles[0].startswith(f"page.txt: {line} ")


def test_a_page_cut_in_mid_abstract_keeps_its_papers_and_says_so(listing: Make, troubles: list[str]) -> None:
    (paper,) = read(listing(DATED[: DATED.index(LONG) + 320]))
    assert LONG.startswith(paper.abstract)
    assert [trouble.partition(",")[0] for trouble in troubles] == ["page.txt: line 13"]
    assert "mid-sentence" in troubles[0]


def test_a_page_cut_before_its_abstract_can_be_told_from_a_title_reports_both_lines(
    listing: Make, troubles: list[str]
) -> None:
    (paper,) = read(listing(DATED.rstrip()[:-12]))
    assert paper.abstract == LONG
    assert [trouble.split(" is ")[0] for trouble in troubles] == ["page.txt: line 15", "page.txt: line 17"]


def test_a_huge_abstract_is_kept_whole(listing: Make) -> None:
    huge = "A very long story about barges. " * 3200
    (paper,) = read(listing(f"Barges\n{huge}"))
    assert paper.abstract == huge.strip()


def test_titles_that_differ_only_in_case_are_both_told(listing: Make) -> None:
    assert len(list(read(listing(f"Fog\n{SHORT}\nFOG\n{SHORT}")))) == 2


@pytest.mark.parametrize("content", [b"", b"  \n\n", b"\x00\x01\x02PNG" * 40, bytes(range(128, 256)) * 8])
def test_empty_and_binary_files_are_refused_in_one_sentence(content: bytes, listing: Make) -> None:
    with pytest.raises(SourceError, match=r"^page\.txt .+\.$"):
        list(read(listing(content)))


def test_a_single_bad_byte_costs_no_paper(listing: Make, troubles: list[str]) -> None:
    raw = DATED.encode().replace(b"lighthouse", b"lighth\xffous\xc3\xa9", 1)
    assert len(list(read(listing(raw)))) == 2
    assert troubles == ["page.txt: line 13 has bytes that are not valid UTF-8; they are lost."]


@given(st.text(max_size=400) | st.lists(st.sampled_from(DATED.split("\n")), max_size=12).map("\n".join))
def test_any_text_gives_papers_or_a_source_error(text: str) -> None:
    import io

    told: list[str] = []
    papers: list[Paper] = []
    recognises(text, {})
    try:
        papers.extend(read(Listing("any", lambda: io.BytesIO(text.encode(errors="replace")), told.append)))
    except SourceError:
        assert not papers
    assert all(paper.title and paper.abstract for paper in papers)


@pytest.mark.skipif(not SEEDS.is_dir(), reason="the shared pages are not beside this checkout")
def test_the_four_real_pages_list_429_papers_and_no_trouble() -> None:
    troubles: list[str] = []
    sources = open_sources([str(SEEDS)], day=date(2025, 3, 13), on_trouble=troubles.append)
    papers = [paper for source in sources for paper in source.fetch(date(2025, 3, 10))]
    assert len(papers) == 429
    assert not troubles
    assert papers[0].title.startswith("CREST: Cross-modal Resonance through")
    assert {paper.sighting.day.day for paper in papers if paper.sighting} == {11, 12, 13}

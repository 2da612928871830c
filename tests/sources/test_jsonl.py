from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date

import pytest

from broadsheet.errors import SourceError
from broadsheet.sources.jsonl import read, recognises
from broadsheet.sources.listing import Listing

Make = Callable[..., Listing]


def _line(**fields: object) -> str:
    return json.dumps(fields)


def test_a_record_fills_the_fields_it_names(listing: Make) -> None:
    line = _line(
        id="2503.01234v2",
        Title="  Barges\n in Fog ",
        Summary="We steer.",
        authors=["Ada Example", {"name": "Bo Sample"}],
        published="2025-03-02T17:59:59Z",
        comments="10 pages",
        upvotes=7,
    )
    (paper,) = read(listing(line))
    assert (paper.id, paper.version, paper.title, paper.abstract) == (
        "2503.01234",
        2,
        "Barges in Fog",
        "We steer.",
    )
    assert paper.authors == ("Ada Example", "Bo Sample")
    assert paper.published == date(2025, 3, 2)
    assert paper.url == "https://arxiv.org/abs/2503.01234"
    assert paper.comment == "10 pages"
    assert paper.sighting
    assert (paper.sighting.votes, paper.sighting.rank) == (7, 1)


def test_fields_of_other_names_are_mapped_by_the_user(listing: Make) -> None:
    line = _line(Name="Not this", Heading="Barges", Text="We steer.")
    (paper,) = read(listing(line, fields={"title": "Heading", "abstract": "Text"}))
    assert (paper.title, paper.abstract) == ("Barges", "We steer.")


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ("[1, 2]", "it is not a JSON object"),
        ('"text"', "it is not a JSON object"),
        ('{"title": ', "it is not valid JSON"),
        ("[" * 100_000, "it is not valid JSON"),
        ('{"title": "  "}', "it has no title"),
        ('{"title": {"en": "x"}}', "where text was expected"),
        ('{"title": "x", "abstract": [["y"]]}', "where text was expected"),
    ],
)
def test_a_line_that_is_no_paper_is_reported_and_the_others_are_read(
    bad: str, why: str, listing: Make, troubles: list[str]
) -> None:
    good = _line(title="Barges", abstract="We steer.")
    assert [paper.title for paper in read(listing(f"{good}\n{bad}\n\n{good}"))] == ["Barges", "Barges"]
    assert len(troubles) == 1
    assert troubles[0].startswith("page.txt: line 2 is skipped: ")
    assert why in troubles[0]


def test_a_file_without_one_paper_is_a_source_error_that_says_why(listing: Make) -> None:
    with pytest.raises(SourceError, match=r"line 1: it has no title"):
        list(read(listing('{"id": "a"}\n{"id": "b"}')))


def test_what_sqlite_cannot_hold_does_not_get_through(listing: Make) -> None:
    (paper,) = read(listing('{"title": "a\\ud800b\\u0000", "votes": 99999999999999999999, "stars": -1}'))
    assert paper.title == "a?b"
    assert paper.sighting
    assert (paper.sighting.votes, paper.sighting.stars) == (None, None)


def test_one_long_line_is_recognised_by_its_start() -> None:
    assert recognises('{"title": "x", "abstract": "' + "y" * 70_000, {})
    assert recognises('not json\n{"title": "x"}\n', {})
    assert not recognises("{not json}\nA title\n", {})
    assert not recognises("[1, 2]\n", {})

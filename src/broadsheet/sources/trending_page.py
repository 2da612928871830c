"""Reads the saved text of a trending-papers page: a header, then alternating title and abstract lines.

There are two layouts. In one, the header has a few lines (``Subscribe``, a date without a year) and blank
lines separate the rest; in the other, the first title directly follows the word ``Subscribe`` and there are
no blank lines. Only its form tells a title from an abstract, so a line that fits neither role between its
neighbours is reported by number instead of being guessed at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from broadsheet.errors import SourceError
from broadsheet.paper import Paper
from broadsheet.sources.field_values import date_in
from broadsheet.sources.listing import Listing

NAME = "trending-page"

_INVITATION = re.compile(r"get trending papers in your email inbox(?: once a day)?!?", re.IGNORECASE)
_SUBSCRIBE = "Subscribe"
_HEADER = re.compile(rf"new|{_SUBSCRIBE}|by ?AK and the research community", re.IGNORECASE)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DATE = re.compile(
    rf"({'|'.join(_MONTHS)})[a-z]{{0,6}}\.? (\d{{1,2}})(?:st|nd|rd|th)?(?:,? (\d{{4}}))?", re.IGNORECASE
)

# In 429 listed papers, titles had 16 to 159 characters and abstracts 522 to 1,917.
_LONGEST_TITLE = 300
_FEWEST_ABSTRACT_WORDS = 6
_SENTENCE_END = re.compile(r"[.!?][\"'”’)\]}*]*$")
_URL_END = re.compile(r"(?:https?://|www\.)\S+$")


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    text: str

    @property
    def surely_abstract(self) -> bool:
        """Tell whether the line is too long to be a title."""
        return len(self.text) >= _LONGEST_TITLE

    @property
    def maybe_abstract(self) -> bool:
        """Tell whether the line looks like a short abstract: several words that end in a full stop."""
        return self.text.endswith(".") and len(self.text.split()) >= _FEWEST_ABSTRACT_WORDS


def recognises(text: str, fields: Mapping[str, str]) -> bool:  # noqa: ARG001 - its lines have no names
    """Tell whether a text begins like a saved page: with its header, or a title and an abstract."""
    lines = [_Line(number, line.strip()) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    if any(_INVITATION.fullmatch(line.text) for line in lines):
        return True
    return any(_pairs(lines, place) for place in range(min(len(lines), 4)))


def read(listing: Listing, *, source: str = NAME) -> Iterator[Paper]:
    """Yield the papers of a saved page, each with its sighting on the day of the page.

    Raises:
        SourceError: The page cannot be read, or has no papers.
    """
    written = enumerate(listing.text().split("\n"), 1)
    lines = [_Line(number, text.strip()) for number, text in written if text.strip()]
    content, day = _without_header(lines, listing)
    place = rank = 0
    while place < len(content):
        title = content[place]
        if not _pairs(content, place):
            what = "an abstract without a title" if title.surely_abstract else "not a title above an abstract"
            listing.trouble(f'line {title.number} is {what}: "{_shortened(title.text)}"')
            place += 1
            continue
        abstract = content[place + 1]
        rank += 1
        place += 2
        if place == len(content) and not (
            _SENTENCE_END.search(abstract.text) or _URL_END.search(abstract.text)
        ):
            listing.trouble(
                f"line {abstract.number}, the last, ends in mid-sentence; the page may be cut off"
            )
        yield Paper(
            title=" ".join(title.text.split()),
            abstract=abstract.text,
            sighting=listing.sighting(source, rank, day=day),
        )
    listing.count_troubles()
    if not rank:
        raise SourceError(f"{listing.name} has no title with an abstract below it.")


def _pairs(lines: Sequence[_Line], place: int) -> bool:
    """Tell whether the line at an index is a title and the next one its abstract."""
    if place + 1 >= len(lines) or lines[place].surely_abstract:
        return False
    below = lines[place + 1]
    if below.surely_abstract:
        return True
    # A short line may be an abstract, unless it is itself the title of a following abstract.
    stands_over_abstract = place + 2 < len(lines) and lines[place + 2].surely_abstract
    return below.maybe_abstract and not lines[place].maybe_abstract and not stands_over_abstract


def _without_header(lines: Sequence[_Line], listing: Listing) -> tuple[list[_Line], date]:
    """Return the lines with titles and abstracts, and the day of the page.

    Lines before the invitation to subscribe are site navigation, unless there are papers among them.
    """
    invitation = next((place for place, line in enumerate(lines) if _INVITATION.fullmatch(line.text)), 0)
    if any(line.surely_abstract for line in lines[:invitation]):
        invitation = 0
    content: list[_Line] = []
    day: date | None = None
    after_invitation = False
    for line in lines[invitation:]:
        text = line.text
        if _INVITATION.fullmatch(text):
            after_invitation = True
            continue
        if after_invitation and text.startswith(_SUBSCRIBE) and text != _SUBSCRIBE:
            text = text.removeprefix(_SUBSCRIBE).strip()
        after_invitation = False
        if dated := _DATE.fullmatch(text):
            day = day or _day(dated, listing)
        elif not _HEADER.fullmatch(text):
            content.append(_Line(line.number, text))
    return content, day or listing.listed_on


def _day(dated: re.Match[str], listing: Listing) -> date | None:
    """Return the date on the page; without a year, the last such day up to ``--date`` or the file's date.

    A page cannot be newer than its file, give or take a day for time zones.
    """
    month_and_day = f"{_MONTHS.index(dated[1][:3].lower()) + 1:02}-{int(dated[2]):02}"
    if dated[3]:
        return date_in(f"{dated[3]}-{month_and_day}")
    latest = listing.day or min(listing.modified, date.max - timedelta(days=1)) + timedelta(days=1)
    recent = (
        date_in(f"{latest.year - back}-{month_and_day}") for back in range(9)
    )  # leap days are up to 8 years apart
    return next((found for found in recent if found and found <= latest), None)


def _shortened(text: str) -> str:
    return text if len(text) <= 60 else text[:57].rstrip() + "…"

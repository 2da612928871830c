"""`Listing`: a file of papers, with what the reader of any file format needs to know about it."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import IO, Any

from broadsheet.errors import SourceError
from broadsheet.paper import Paper, Sighting
from broadsheet.sources.decoding import READ_ERRORS, encoding, repaired, unzipped
from broadsheet.text import plural

HEAD_BYTES = 64 * 1024
_MOST_FIELDS = 12


def today() -> date:
    """Return the current day in the local time zone."""
    return datetime.now(UTC).astimezone().date()


def listable_today() -> date:
    """Return the latest day that has begun both locally and in UTC, the time zone of live sources."""
    return min(today(), datetime.now(UTC).date())


@dataclass
class Reading:
    """What reading a listing has shown so far.

    Attributes:
        papers: How many papers it has.
        without_abstract: How many of them have no abstract.
        field_names: The names of the fields in its records, in order of appearance.
        left_out: How many records of each kind are no new papers, such as replacements.
        windows_1252: How many lines are not UTF-8 and were read as Windows-1252.
    """

    papers: int = 0
    without_abstract: int = 0
    field_names: dict[str, None] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)
    windows_1252: int = 0

    def add(self, paper: Paper) -> None:
        """Count a paper."""
        self.papers += 1
        self.without_abstract += not paper.abstract

    @property
    def fields_in_words(self) -> str:
        """Return the names of the first fields, separated by commas."""
        more = ["…"] if len(self.field_names) > _MOST_FIELDS else []
        return ", ".join([*self.field_names][:_MOST_FIELDS] + more)

    def notes(self, name: str) -> Iterator[str]:
        """Yield what the user should know although nothing failed, as sentences about a file."""
        if self.without_abstract:
            unread = self.field_names and self.without_abstract * 2 >= self.papers
            fields = f"; the file holds {self.fields_in_words}" if unread else ""
            have = "has" if self.without_abstract == 1 else "have"
            yield f"{name}: {self.without_abstract:,} of {self.papers:,} {have} no abstract{fields}."
        if self.left_out:
            kinds = ", ".join(f"{number:,} {kind}" for kind, number in self.left_out.items())
            yield f"{name}: left out {kinds}."
        if self.windows_1252:
            lines = plural(self.windows_1252, "line that is", "lines that are")
            yield f"{name}: read {lines} not UTF-8 as Windows-1252."


@dataclass(frozen=True)
class Listing:
    """A file of papers.

    Attributes:
        name: Its name in messages and sightings: the file name, or ``-``.
        open_raw: Opens it at its start; may be called repeatedly.
        on_trouble: Called with a sentence for each unreadable record.
        day: The day given with ``--date``, if any.
        modified: The day the file was last modified; today if unknown.
        fields: Maps our field names to those of the records, as given with ``--map``.
        reading: What reading it has shown so far.
    """

    name: str
    open_raw: Callable[[], IO[bytes]]
    on_trouble: Callable[[str], None]
    day: date | None = None
    modified: date = field(default_factory=today)
    fields: Mapping[str, str] = field(default_factory=dict)
    reading: Reading = field(default_factory=Reading)

    @property
    def listed_on(self) -> date:
        """Return the day of a listing without a date of its own: that given with ``--date``, or today."""
        return self.day or today()

    def open(self) -> IO[bytes]:
        """Open the file at its start, unzipped if it is compressed with gzip."""
        return unzipped(self.open_raw)

    def head(self) -> bytes:
        """Return the first 64 KiB.

        Raises:
            SourceError: The file cannot be read, or is empty.
        """
        try:
            with self.open() as stream:
                head = stream.read(HEAD_BYTES)
        except READ_ERRORS as error:
            raise self.unreadable(error) from error
        if not head.strip(b"\xef\xbb\xbf \t\r\n"):
            raise SourceError(f"{self.name} is empty.")
        return head

    def lines(self) -> Iterator[tuple[int, str]]:
        """Yield the lines with their numbers from 1, without line endings, one at a time.

        A line that is neither UTF-8 nor Windows-1252 is reported, and its unreadable bytes are replaced.

        Raises:
            SourceError: The file cannot be read, or is not text.
        """
        name = encoding(self.head(), self.name)
        errors = "replace" if name == "utf-16" else "surrogateescape"
        try:
            with self.open() as stream:
                text = io.TextIOWrapper(stream, name, errors=errors, newline="\n")
                for number, raw in enumerate(text, 1):
                    line, repair = repaired(raw)
                    self.reading.windows_1252 += repair == "windows-1252"
                    if repair == "lost":
                        valid = "UTF-16" if name == "utf-16" else "UTF-8"
                        self.trouble(f"line {number} has bytes that are not valid {valid}; they are lost")
                    yield number, line.rstrip("\r\n")
        except READ_ERRORS as error:
            raise self.unreadable(error) from error

    def text(self) -> str:
        """Return the whole file as text, with line feeds as line endings.

        Raises:
            SourceError: The file cannot be read, or is not text.
        """
        return "\n".join(line for _, line in self.lines())

    def trouble(self, what: str) -> None:
        """Report an unreadable record; ``what`` is a clause that begins with its place."""
        self.on_trouble(f"{self.name}: {what}.")

    def unreadable(self, error: Exception) -> SourceError:
        """Return the error for a file that cannot be opened or read on."""
        reason = getattr(error, "strerror", None) or error
        return SourceError(f"{self.name} cannot be read ({reason}).")

    def sighting(self, source: str, rank: int | None = None, **more: Any) -> Sighting:
        """Return the sighting of a paper in this listing, at a rank from 1."""
        return Sighting(
            **{"source": source, "origin": self.name, "day": self.listed_on, "rank": rank, **more}
        )

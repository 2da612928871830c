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
from broadsheet.sources.decoding import UTF_8, encoding, repaired
from broadsheet.sources.opening import HEAD_BYTES, READ_ERRORS, opened
from broadsheet.text import plural

LONGEST_LINE = 32 * 1024 * 1024
"""Characters of the longest line that is read; it bounds the memory that one record takes."""
LARGEST_TEXT = 64 * 1024 * 1024
"""Characters of the largest file in a format that is read as a whole."""
MOST_TROUBLES = 20
"""How many troubles of a listing are told one by one; the others are counted."""
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
        troubles: How many troubles there were, told or not.
    """

    papers: int = 0
    without_abstract: int = 0
    field_names: dict[str, None] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)
    windows_1252: int = 0
    troubles: int = 0

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
        open_raw: Opens it at its start; called once each time the listing is read.
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
    _held: list[tuple[bytes, IO[bytes]]] = field(default_factory=list, repr=False)  # opened and not yet read
    _lent: list[IO[bytes]] = field(default_factory=list, repr=False)  # to readers, which may fail half-way

    @property
    def listed_on(self) -> date:
        """Return the day of a listing without a date of its own: that given with ``--date``, or today."""
        return self.day or today()

    def open(self) -> IO[bytes]:
        """Return the file from its start, unzipped if it is compressed with gzip; the caller closes it.

        Raises:
            SourceError: The file cannot be read, or is empty.
        """
        self.head()
        self._lent.append(self._held.pop()[1])
        return self._lent[-1]

    def head(self) -> bytes:
        """Return the first 64 KiB; the file stays open at its start for the reader that follows.

        Raises:
            SourceError: The file cannot be read, or is empty.
        """
        if not self._held:
            try:
                self._held.append(opened(self.open_raw))
            except READ_ERRORS as error:
                raise self.unreadable(error) from error
        head = self._held[0][0]
        if not head.strip(b"\xef\xbb\xbf \t\r\n"):
            self.close()
            blank = f"begins with {HEAD_BYTES >> 10} KiB of blanks" if len(head) == HEAD_BYTES else "is empty"
            raise SourceError(f"{self.name} {blank}.")
        return head

    def close(self) -> None:
        """Close the file, whether a reader took it or not; it can be opened anew."""
        while self._held:
            self._held.pop()[1].close()
        while self._lent:
            self._lent.pop().close()

    def lines(self) -> Iterator[tuple[int, str]]:
        """Yield the lines with their numbers from 1, without line endings, one at a time.

        Bytes that are neither UTF-8 nor Windows-1252 are replaced, and a line that is longer than
        `LONGEST_LINE` is skipped; both are reported.

        Raises:
            SourceError: The file cannot be read, or is not text.
        """
        for number, line in self._lines(LONGEST_LINE):
            if line is None:
                self.trouble(f"line {number} is skipped: it has more than {LONGEST_LINE >> 20} MiB")
            else:
                yield number, line

    def text(self) -> str:
        """Return the whole file as text, with line feeds as line endings.

        Raises:
            SourceError: The file cannot be read, is not text, or is too large to be read as a whole.
        """
        found: list[str] = []
        left = LARGEST_TEXT
        for _, line in self._lines(LARGEST_TEXT):
            left -= len(line or "") + 1
            if line is None or left < 0:
                raise SourceError(
                    f"{self.name} has more than {LARGEST_TEXT >> 20} MiB; split it, or save it as JSON Lines"
                    " or CSV, which are read line by line."
                )
            found.append(line)
        return "\n".join(found)

    def _lines(self, longest: int) -> Iterator[tuple[int, str | None]]:
        """Yield the lines with their numbers; None stands for one that is too long."""
        head = self.head()
        try:
            name = encoding(head, self.name)
        except SourceError:
            self.close()
            raise
        errors = "surrogateescape" if name == UTF_8 else "replace"
        # Files of old Macs end their lines with a carriage return alone.
        end = "\r" if b"\r" in head and b"\n" not in head else "\n"
        number = 0
        try:
            with self.open() as stream, io.TextIOWrapper(stream, name, errors=errors, newline=end) as text:
                while raw := text.readline(longest):
                    number += 1
                    if len(raw) == longest and not raw.endswith(end):
                        while raw and not raw.endswith(end):
                            raw = text.readline(longest)
                        yield number, None
                    else:
                        yield number, self._repaired(raw, number, name).rstrip("\r\n")
        except READ_ERRORS as error:
            raise self.unreadable(error, f" after line {number}") from error

    def _repaired(self, raw: str, number: int, encoding_name: str) -> str:
        line, repair = repaired(raw)
        self.reading.windows_1252 += repair == "windows-1252"
        if repair == "lost":
            valid = encoding_name.upper().replace("-SIG", "")
            self.trouble(f"line {number} has bytes that are not valid {valid}; they are lost")
        return line

    def trouble(self, what: str) -> None:
        """Report an unreadable record; ``what`` is a clause that begins with its place.

        The first `MOST_TROUBLES` are told, and `count_troubles` says how many more there were.
        """
        self.reading.troubles += 1
        if self.reading.troubles <= MOST_TROUBLES:
            self.on_trouble(f"{self.name}: {what}.")

    def count_troubles(self) -> None:
        """Report at the end how many troubles were not told one by one."""
        if (more := self.reading.troubles - MOST_TROUBLES) > 0:
            self.on_trouble(f"{self.name}: {more:,} more have such problems.")

    def unreadable(self, error: Exception, place: str = "") -> SourceError:
        """Return the error for a file that cannot be opened or read on."""
        reason = getattr(error, "strerror", None) or error
        return SourceError(f"{self.name} cannot be read{place} ({reason}).")

    def sighting(self, source: str, rank: int | None = None, **more: Any) -> Sighting:
        """Return the sighting of a paper in this listing, at a rank from 1."""
        return Sighting(
            **{"source": source, "origin": self.name, "day": self.listed_on, "rank": rank, **more}
        )

"""`Listing`: a file of papers, with what the reader of any file format needs to know about it."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import IO, Any

from broadsheet.errors import SourceError
from broadsheet.paper import Sighting

HEAD_BYTES = 64 * 1024
_NOT_TEXT = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_UNREADABLE_SHARE = 0.02
_NAMES = {"utf-8-sig": "UTF-8", "utf-16": "UTF-16"}


def today() -> date:
    """Return the current day in the local time zone."""
    return datetime.now(UTC).astimezone().date()


def listable_today() -> date:
    """Return the latest day that has begun both locally and in UTC, the time zone of live sources."""
    return min(today(), datetime.now(UTC).date())


@dataclass(frozen=True)
class Listing:
    """A file of papers.

    Attributes:
        name: Its name in messages and sightings: the file name, or ``-``.
        open: Opens it at its start; may be called repeatedly.
        on_trouble: Called with a sentence for each unreadable record.
        day: The day given with ``--date``, if any.
        modified: The day the file was last modified; today if unknown.
        fields: Maps our field names to those of the records, as given with ``--map``.
    """

    name: str
    open: Callable[[], IO[bytes]]
    on_trouble: Callable[[str], None]
    day: date | None = None
    modified: date = field(default_factory=today)
    fields: Mapping[str, str] = field(default_factory=dict)

    @property
    def listed_on(self) -> date:
        """Return the day of a listing without a date of its own: that given with ``--date``, or today."""
        return self.day or today()

    def head(self) -> bytes:
        """Return the first 64 KiB.

        Raises:
            SourceError: The file cannot be read, or is empty.
        """
        try:
            with self.open() as stream:
                head = stream.read(HEAD_BYTES)
        except OSError as error:
            raise SourceError(f"{self.name} cannot be read ({error.strerror or error}).") from error
        if not head.strip(codecs.BOM_UTF8 + b" \t\r\n"):
            raise SourceError(f"{self.name} is empty.")
        return head

    def lines(self) -> Iterator[tuple[int, str]]:
        """Yield the lines with their numbers from 1, without line endings, one at a time.

        Bytes that are not valid UTF-8 become replacement characters, and their line is reported.

        Raises:
            SourceError: The file cannot be read, or is not text.
        """
        encoding = _encoding(self.head(), self.name)
        try:
            with self.open() as stream:
                text = io.TextIOWrapper(stream, encoding, errors="replace", newline="\n")
                for number, line in enumerate(text, 1):
                    if "\ufffd" in line:
                        self.trouble(
                            f"line {number} has bytes that are not valid {_NAMES[encoding]}; they are lost"
                        )
                    yield number, line.rstrip("\r\n")
        except OSError as error:
            raise SourceError(f"{self.name} cannot be read ({error.strerror or error}).") from error

    def text(self) -> str:
        """Return the whole file as text, with line feeds as line endings.

        Raises:
            SourceError: The file cannot be read, or is not text.
        """
        return "\n".join(line for _, line in self.lines())

    def trouble(self, what: str) -> None:
        """Report an unreadable record; ``what`` is a clause that begins with its place."""
        self.on_trouble(f"{self.name}: {what}.")

    def sighting(self, source: str, rank: int | None = None, **more: Any) -> Sighting:
        """Return the sighting of a paper in this listing, at a rank from 1."""
        return Sighting(
            **{"source": source, "origin": self.name, "day": self.listed_on, "rank": rank, **more}
        )


def as_text(head: bytes) -> str:
    """Decode the start of a file for format detection, replacing undecodable bytes."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return head.decode("utf-16", errors="replace")
    return head.decode("utf-8-sig", errors="replace")


def _encoding(head: bytes, name: str) -> str:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    unreadable = len(_NOT_TEXT.findall(head)) + head.decode("utf-8-sig", errors="replace").count("\ufffd")
    if b"\x00" in head or unreadable > max(1, len(head) * _UNREADABLE_SHARE):
        raise SourceError(f"{name} is neither text nor any other format that Broadsheet reads.")
    return "utf-8-sig"

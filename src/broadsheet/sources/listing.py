"""`Listing`: one opened file of papers, and what every reader of a file format needs to know of it."""

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
    """The present day where the program runs."""
    return datetime.now(UTC).astimezone().date()


def listable_today() -> date:
    """The latest day that has begun both here and in UTC, by which live sources date their listings."""
    return min(today(), datetime.now(UTC).date())


@dataclass(frozen=True)
class Listing:
    """One file of papers.

    Attributes:
        name: What it is called in messages and sightings: the file's name, or ``-``.
        open: Opens it for reading from its start, as often as is asked.
        on_trouble: Told a sentence for each record that cannot be read.
        day: The day that the user named with ``--date``, if any.
        modified: The day the file was last written; today where that is not known.
        fields: Which field of a record fills which of ours, where the user has said so: ours to theirs.
    """

    name: str
    open: Callable[[], IO[bytes]]
    on_trouble: Callable[[str], None]
    day: date | None = None
    modified: date = field(default_factory=today)
    fields: Mapping[str, str] = field(default_factory=dict)

    @property
    def listed_on(self) -> date:
        """The day of a listing that does not say its own: the day the user named, or today."""
        return self.day or today()

    def head(self) -> bytes:
        """The first 64 KiB.

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
        """Its lines with their numbers from 1, without line ends, one in memory at a time.

        Bytes that are no UTF-8 become replacement characters, and their line is reported.

        Raises:
            SourceError: It cannot be read, or is not text.
        """
        encoding = _encoding(self.head(), self.name)
        try:
            with self.open() as stream:
                text = io.TextIOWrapper(stream, encoding, errors="replace", newline="\n")
                for number, line in enumerate(text, 1):
                    if "\ufffd" in line:
                        self.trouble(
                            f"line {number} holds bytes that are no {_NAMES[encoding]}; they are lost"
                        )
                    yield number, line.rstrip("\r\n")
        except OSError as error:
            raise SourceError(f"{self.name} cannot be read ({error.strerror or error}).") from error

    def text(self) -> str:
        """The whole of it as text, lines ended by line feeds.

        Raises:
            SourceError: It cannot be read, or is not text.
        """
        return "\n".join(line for _, line in self.lines())

    def trouble(self, what: str) -> None:
        """Report a record that cannot be read: a clause that begins with its place."""
        self.on_trouble(f"{self.name}: {what}.")

    def sighting(self, source: str, rank: int | None = None, **more: Any) -> Sighting:
        """That this listing lists a paper, at a rank from 1."""
        return Sighting(
            **{"source": source, "origin": self.name, "day": self.listed_on, "rank": rank, **more}
        )


def as_text(head: bytes) -> str:
    """The start of a file as text, for looking at; undecodable bytes are replaced."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return head.decode("utf-16", errors="replace")
    return head.decode("utf-8-sig", errors="replace")


def _encoding(head: bytes, name: str) -> str:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    unreadable = len(_NOT_TEXT.findall(head)) + head.decode("utf-8-sig", errors="replace").count("\ufffd")
    if b"\x00" in head or unreadable > max(1, len(head) * _UNREADABLE_SHARE):
        raise SourceError(f"{name} is neither text nor any format that Broadsheet reads.")
    return "utf-8-sig"

"""Reads papers from a file, a folder or standard input, detecting each file's format from its content."""

from __future__ import annotations

import shutil
import sys
import tempfile
import weakref
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import IO

from broadsheet.errors import SourceError, UserError
from broadsheet.paper import Paper
from broadsheet.sources import (
    bibtex,
    csv_file,
    feeds,
    html_page,
    json_file,
    jsonl,
    parquet,
    ris,
    trending_page,
)
from broadsheet.sources.decoding import encoding, start_as_text
from broadsheet.sources.listing import Listing, Reading

STDIN = "-"
_SQLITE = b"SQLite format 3\0"  # https://www.sqlite.org/fileformat.html


@dataclass(frozen=True)
class Format:
    """A file format.

    Attributes:
        name: Its name, which is also the source's name in a sighting.
        recognises: Tells, from the start of a file as text and the user's field mapping, whether it applies.
        read: Yields the papers of a file in this format.
    """

    name: str
    recognises: Callable[[str, Mapping[str, str]], bool]
    read: Callable[[Listing], Iterator[Paper]]


# The first format that recognises a file reads it, so the strictest come first.
FORMATS: tuple[Format, ...] = tuple(
    Format(kind.NAME, kind.recognises, kind.read)
    for kind in (parquet, html_page, feeds, json_file, jsonl, ris, bibtex, csv_file, trending_page)
)


class FileSource:
    """A file of papers. It is read in full whatever ``since`` is, because the user asked for this file.

    Attributes:
        name: Its path, or ``standard input``.
        reading: What reading it has shown so far.
    """

    def __init__(self, name: str, listing: Listing) -> None:
        self.name = name
        self.reading: Reading = listing.reading
        self._listing = listing

    def fetch(self, since: date) -> Iterator[Paper]:  # noqa: ARG002 - see the class docstring
        """Yield the papers of the file, in file order.

        Raises:
            SourceError: The file cannot be read, or its format is unknown.
        """
        head = self._listing.head()
        text = start_as_text(head)
        for kind in FORMATS:
            if kind.recognises(text, self._listing.fields):
                return kind.read(self._listing)
        encoding(head, self.name)  # says what to do with an Excel workbook, a PDF or other binary files
        raise SourceError(
            f"{self.name} has no format that Broadsheet reads ({', '.join(kind.name for kind in FORMATS)})."
        )


def open_files(
    spec: str, *, day: date | None, on_trouble: Callable[[str], None], fields: Mapping[str, str]
) -> list[FileSource]:
    """Return a source for a file, for each file of a folder in order of name, or for standard input.

    Raises:
        UserError: The path does not exist, or the folder has no files.
    """
    listing = partial(Listing, on_trouble=on_trouble, day=day, fields=fields)
    if spec == STDIN:
        return [FileSource("standard input", listing(STDIN, _StandardInput()))]
    path = Path(spec).expanduser()
    if path.is_dir():
        files = sorted(one for one in path.iterdir() if one.is_file() and not _is_aside(one))
        if not files:
            raise UserError(f"The folder {spec} has no files to read; name a file or a folder with files.")
    elif path.exists():
        files = [path]
    else:
        raise UserError(f"There is no file, folder or source named {spec}; check the spelling.")
    return [
        FileSource(str(file), listing(file.name, _opener(file), modified=_modified(file))) for file in files
    ]


def _opener(path: Path) -> Callable[[], IO[bytes]]:
    return lambda: path.open("rb")


def _modified(path: Path) -> date:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).astimezone().date()


def _is_aside(path: Path) -> bool:
    """Tell whether to skip a file because it is hidden or part of an SQLite database, such as the cache."""
    if path.name.startswith(".") or path.name.endswith(("-wal", "-shm", "-journal")):
        return True
    try:
        with path.open("rb") as stream:
            return stream.read(len(_SQLITE)) == _SQLITE
    except OSError:
        return False  # an unreadable file is reported when it is fetched


class _StandardInput:
    """Opens standard input from its start any number of times, by copying it to a temporary file."""

    def __init__(self) -> None:
        self._copy: Path | None = None

    def __call__(self) -> IO[bytes]:
        if self._copy is None:
            with tempfile.NamedTemporaryFile(prefix="broadsheet-", delete=False) as copy:
                shutil.copyfileobj(sys.stdin.buffer, copy)
            self._copy = Path(copy.name)
            weakref.finalize(self, self._copy.unlink, missing_ok=True)
        return self._copy.open("rb")

"""Reads papers from a file, a folder or standard input, detecting each file's format from its content."""

from __future__ import annotations

import os
import stat
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import IO

from broadsheet.errors import Notice, SourceError, UserError
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
from broadsheet.sources.listing import Listing, Reading, today
from broadsheet.sources.opening import unclosed
from broadsheet.text import plural

# Opening a path of the latter kinds fails where standard input is a socket.
STDIN = {"-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"}
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
        listing = self._listing
        try:
            yield from self._format().read(listing)
        finally:
            listing.close()
        for sentence in listing.reading.notes(self.name):
            listing.on_trouble(Notice(sentence))

    def _format(self) -> Format:
        head = self._listing.head()
        text = start_as_text(head)
        for kind in FORMATS:
            if kind.recognises(text, self._listing.fields):
                return kind
        self._listing.close()
        encoding(head, self.name)  # says what to do with an Excel workbook, a PDF or other binary files
        raise SourceError(
            f"{self.name} has no format that Broadsheet reads ({', '.join(kind.name for kind in FORMATS)})."
        )


def open_files(
    spec: str, *, day: date | None, on_trouble: Callable[[str], None], fields: Mapping[str, str]
) -> list[FileSource]:
    """Return a source for a file, for each file of a folder in order of name, or for standard input.

    Raises:
        UserError: The path does not exist or cannot be looked at, or the folder has no files.
    """
    listing = partial(Listing, on_trouble=on_trouble, day=day, fields=fields)
    if spec in STDIN:
        return [FileSource("standard input", listing("-", _standard_input))]
    if not spec.strip():
        raise UserError("A source has an empty name; name a file, a folder or a source such as sample.")
    shown = _shown(spec)
    try:
        path = Path(spec).expanduser()
        kind = path.stat().st_mode
        files = _files_of(path, on_trouble) if stat.S_ISDIR(kind) else [path]
    except FileNotFoundError:
        raise UserError(f"There is no file, folder or source named {shown}; check the spelling.") from None
    except (OSError, RuntimeError, ValueError) as error:  # no permission, too long, a loop, no such user …
        reason = getattr(error, "strerror", None) or str(error).rstrip(".")
        raise UserError(f"{shown} cannot be read ({reason}); check the name and its permissions.") from error
    if stat.S_ISSOCK(kind) or stat.S_ISBLK(kind):
        what = "a socket" if stat.S_ISSOCK(kind) else "a disk"
        raise UserError(f"{shown} is {what}; name a file or a folder.")
    if not files:
        raise UserError(f"The folder {shown} has no files to read; name a file or a folder with files.")
    return [
        FileSource(_shown(str(file)), listing(_shown(file.name), _opener(file), modified=_modified(file)))
        for file in files
    ]


def _files_of(folder: Path, on_trouble: Callable[[str], None]) -> list[Path]:
    """Return the files of a folder, and tell what else it has that is not read."""
    files: list[Path] = []
    left_out: Counter[str] = Counter()
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name.endswith(("-wal", "-shm", "-journal")):
            continue
        if path.is_dir():
            left_out["folder"] += 1
        elif path.exists() and not path.is_file():
            left_out["device or pipe"] += 1
        elif _is_database(path):
            left_out["database"] += 1
        else:  # also a link to nowhere, which is reported when it is read
            files.append(path)
    if left_out:
        kinds = ", ".join(plural(number, kind, f"{kind}s") for kind, number in left_out.items())
        on_trouble(Notice(f"{_shown(str(folder))}: left out {kinds}; name them to read them."))
    return files


def _shown(path: str) -> str:
    """Return a path as text that can be stored: bytes in it that are not UTF-8 are replaced."""
    return os.fsencode(path).decode(errors="replace")


def _modified(path: Path) -> date:
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC).astimezone().date()
    except (OSError, OverflowError, ValueError):  # a link to nowhere, or a time beyond the calendar
        return today()


def _is_database(path: Path) -> bool:
    """Tell whether a file is an SQLite database, such as the cache."""
    try:
        with path.open("rb") as stream:
            return stream.read(len(_SQLITE)) == _SQLITE
    except OSError:
        return False  # an unreadable file is reported when it is fetched


def _opener(path: Path) -> Callable[[], IO[bytes]]:
    return lambda: path.open("rb")


def _standard_input() -> IO[bytes]:
    return unclosed(sys.stdin.buffer)

"""Papers from a file, a folder or standard input; the kind of a file is found from its content."""

from __future__ import annotations

import shutil
import sys
import tempfile
import weakref
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
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
from broadsheet.sources.listing import Listing, as_text

STDIN = "-"
_SQLITE = b"SQLite format 3\0"  # https://www.sqlite.org/fileformat.html


@dataclass(frozen=True)
class Format:
    """A kind of file.

    Attributes:
        name: What it is called; the source's name in a sighting.
        recognises: Whether the start of a file, as text, is of this kind; told which fields the user maps.
        read: The papers of a file of this kind.
    """

    name: str
    recognises: Callable[[str, Mapping[str, str]], bool]
    read: Callable[[Listing], Iterator[Paper]]


# The first that recognises a file reads it, so the strictest stand first.
FORMATS: tuple[Format, ...] = tuple(
    Format(kind.NAME, kind.recognises, kind.read)
    for kind in (parquet, html_page, feeds, json_file, jsonl, ris, bibtex, csv_file, trending_page)
)


class FileSource:
    """One file of papers. All of it is read whatever ``since`` says: the user has named it.

    Attributes:
        name: What the user calls it.
    """

    def __init__(self, name: str, listing: Listing) -> None:
        self.name = name
        self._listing = listing

    def fetch(self, since: date) -> Iterator[Paper]:  # noqa: ARG002 - as the class says
        """The papers of the file, in its order.

        Raises:
            SourceError: It cannot be read, or is of no known kind.
        """
        head = self._listing.head()
        text = as_text(head)
        for kind in FORMATS:
            if kind.recognises(text, self._listing.fields):
                return kind.read(self._listing)
        raise SourceError(
            f"{self.name} is of no kind that Broadsheet reads ({', '.join(kind.name for kind in FORMATS)})."
        )


def open_files(
    spec: str, *, day: date | None, on_trouble: Callable[[str], None], fields: Mapping[str, str]
) -> list[FileSource]:
    """A source for a file, for each file of a folder in the order of their names, or for standard input.

    Raises:
        UserError: Nothing stands at that path, or the folder has no files.
    """
    if spec == STDIN:
        stdin = Listing(STDIN, _StandardInput(), on_trouble, day=day, fields=fields)
        return [FileSource("standard input", stdin)]
    path = Path(spec).expanduser()
    if path.is_dir():
        files = sorted(one for one in path.iterdir() if one.is_file() and not _is_aside(one))
        if not files:
            raise UserError(f"The folder {spec} has no files; name a file or a folder of saved listings.")
    elif path.exists():
        files = [path]
    else:
        raise UserError(f"There is no file or folder {spec}, nor a source of that name; check the spelling.")
    return [FileSource(str(file), _listing(file, day, on_trouble, fields)) for file in files]


def _is_aside(path: Path) -> bool:
    """Whether a file of a folder is hidden or part of an SQLite database, such as the cache itself."""
    if path.name.startswith(".") or path.name.endswith(("-wal", "-shm", "-journal")):
        return True
    try:
        with path.open("rb") as stream:
            return stream.read(len(_SQLITE)) == _SQLITE
    except OSError:
        return False  # what cannot be read is reported when it is fetched


def _listing(
    path: Path, day: date | None, on_trouble: Callable[[str], None], fields: Mapping[str, str]
) -> Listing:
    written = datetime.fromtimestamp(path.stat().st_mtime, UTC).astimezone().date()
    return Listing(
        path.name,
        lambda: path.open("rb"),
        on_trouble,
        day=day,
        modified=written,
        fields=fields,
    )


class _StandardInput:
    """Opens standard input from its start, as often as is asked: what has come is kept in a file."""

    def __init__(self) -> None:
        self._kept: Path | None = None

    def __call__(self) -> IO[bytes]:
        if self._kept is None:
            with tempfile.NamedTemporaryFile(prefix="broadsheet-", delete=False) as kept:
                shutil.copyfileobj(sys.stdin.buffer, kept)
            self._kept = Path(kept.name)
            weakref.finalize(self, self._kept.unlink, missing_ok=True)
        return self._kept.open("rb")

"""Reads Parquet with pyarrow (``pip install 'broadsheet[parquet]'``), in batches to limit memory use."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import IO

from broadsheet.errors import SourceError
from broadsheet.paper import Paper
from broadsheet.parquet_file import rows
from broadsheet.sources.listing import Listing
from broadsheet.sources.opening import READ_ERRORS
from broadsheet.sources.records import Record, papers

NAME = "parquet"
_MAGIC = "PAR1"  # https://parquet.apache.org/docs/file-format/


def recognises(text: str, fields: Mapping[str, str]) -> bool:  # noqa: ARG001 - the magic bytes are enough
    """Tell whether a file begins with Parquet's magic bytes."""
    return text.startswith(_MAGIC)


def read(listing: Listing) -> Iterator[Paper]:
    """Yield the papers of a Parquet file, each with its sighting.

    Raises:
        SourceError: pyarrow is not installed, or the file cannot be read or has no papers.
    """
    return papers(listing, NAME, _rows(listing))


def _rows(listing: Listing) -> Iterator[tuple[str, Record]]:
    try:
        import pyarrow as pa
    except ImportError as error:
        raise SourceError(
            f"{listing.name} is a Parquet file; to read it, run: pip install 'broadsheet[parquet]'"
        ) from error
    number = 0
    try:
        with _seekable(listing) as stream:
            for number, row in enumerate(rows(stream), 1):
                listing.reading.left_out.update(f"{name} beyond the calendar" for name in row.unreadable)
                yield f"row {number}", row.values
    except (pa.ArrowException, ValueError, MemoryError, *READ_ERRORS) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise SourceError(f"{listing.name} cannot be read after row {number} ({reason}).") from error


@contextmanager
def _seekable(listing: Listing) -> Iterator[IO[bytes]]:
    """Yield the file, from a temporary copy if it comes through a pipe or gzip."""
    with ExitStack() as stack:
        stream = stack.enter_context(listing.open())
        if not stream.seekable():
            piped, stream = stream, stack.enter_context(tempfile.TemporaryFile())
            shutil.copyfileobj(piped, stream)
        yield stream

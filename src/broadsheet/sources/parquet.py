"""Reads Parquet with pyarrow (``pip install 'broadsheet[parquet]'``), in batches to limit memory use."""

from __future__ import annotations

import io
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import IO, Any

from broadsheet.errors import SourceError
from broadsheet.paper import Paper
from broadsheet.sources.listing import Listing
from broadsheet.sources.opening import READ_ERRORS
from broadsheet.sources.records import Record, papers

NAME = "parquet"
_MAGIC = "PAR1"  # https://parquet.apache.org/docs/file-format/
_ROWS_A_BATCH = 200
_VALUES_FREELY = 100_000
_UNPACKED_FREELY_BYTES = 64 * 1024 * 1024
_LARGEST_RATIO = 100


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
        from pyarrow import parquet
    except ImportError as error:
        raise SourceError(
            f"{listing.name} is a Parquet file; to read it, run: pip install 'broadsheet[parquet]'"
        ) from error
    number = unpacked = 0
    try:
        with _seekable(listing) as (stream, size):
            file = parquet.ParquetFile(stream, memory_map=False, read_dictionary=_texts(stream))
            _refuse_bomb(file.metadata, size)
            for batch in file.iter_batches(_ROWS_A_BATCH):
                for place in range(batch.num_rows):
                    number += 1
                    row = _row(batch, place, listing)
                    unpacked += sum(len(value) for value in row.values() if isinstance(value, str))
                    _refuse_expansion(unpacked, size)
                    yield f"row {number}", row
    except (pa.ArrowException, ValueError, MemoryError, *READ_ERRORS) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise SourceError(f"{listing.name} cannot be read after row {number} ({reason}).") from error


@contextmanager
def _seekable(listing: Listing) -> Iterator[tuple[IO[bytes], int]]:
    """Yield the file and its size in bytes, from a temporary copy if it comes through a pipe or gzip."""
    with ExitStack() as stack:
        stream = stack.enter_context(listing.open())
        if not stream.seekable():
            piped, stream = stream, stack.enter_context(tempfile.TemporaryFile())
            shutil.copyfileobj(piped, stream)
        size = stream.seek(0, io.SEEK_END)
        stream.seek(0)
        yield stream, size


def _texts(stream: IO[bytes]) -> list[str]:
    """Return the columns of text. A text that a file holds once for many rows is then in memory once."""
    from pyarrow import parquet

    schema = parquet.ParquetFile(stream).schema
    columns = (schema.column(number) for number in range(len(schema)))
    return [column.path for column in columns if column.physical_type == "BYTE_ARRAY"]


def _refuse_bomb(metadata: Any, size: int) -> None:
    """Refuse a file of a few bytes that unpacks to much more than any list of papers.

    Raises:
        ValueError: It has more values than bytes, or unpacks to more than 100 times its size.
    """
    values = unpacked = 0
    for group in map(metadata.row_group, range(metadata.num_row_groups)):
        for column in map(group.column, range(group.num_columns)):
            values = max(values, column.num_values)
            unpacked += column.total_uncompressed_size
    if max(values, metadata.num_rows) > max(_VALUES_FREELY, size):
        raise ValueError(f"it has {metadata.num_rows:,} rows in {size:,} bytes, too many for papers")
    _refuse_expansion(unpacked, size)


def _refuse_expansion(unpacked: int, size: int) -> None:
    if unpacked > max(_UNPACKED_FREELY_BYTES, _LARGEST_RATIO * size):
        raise ValueError(f"it unpacks to more than {_LARGEST_RATIO} times its size")


def _row(batch: Any, place: int, listing: Listing) -> dict[str, Any]:
    """Return a row as a record; a value that Python cannot hold, such as a day in the year 60000, is None."""
    row: dict[str, Any] = {}
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        try:
            row[name] = column[place].as_py()
        except (ValueError, OverflowError):
            row[name] = None
            listing.reading.left_out[f"{name} beyond the calendar"] += 1
    return row

"""Reads Parquet with pyarrow (``pip install 'broadsheet[parquet]'``), in batches to limit memory use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from broadsheet.errors import SourceError
from broadsheet.paper import Paper
from broadsheet.sources.decoding import READ_ERRORS
from broadsheet.sources.listing import Listing
from broadsheet.sources.records import Record, papers

NAME = "parquet"
_MAGIC = "PAR1"  # https://parquet.apache.org/docs/file-format/
_ROWS_A_BATCH = 1000


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
    number = 0
    try:
        with listing.open() as stream:
            for batch in parquet.ParquetFile(stream).iter_batches(_ROWS_A_BATCH):
                for row in batch.to_pylist():
                    number += 1
                    yield f"row {number}", row
    except (pa.ArrowException, ValueError, *READ_ERRORS) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise SourceError(f"{listing.name} cannot be read after row {number} ({reason}).") from error

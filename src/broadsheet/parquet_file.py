"""Reads the rows of a Parquet file one by one, and refuses a small file that unpacks to gigabytes."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import IO, Any, NamedTuple

_ROWS_A_BATCH = 200
_VALUES_FREELY = 100_000
_UNPACKED_FREELY_BYTES = 64 * 1024 * 1024
_LARGEST_RATIO = 100


class Row(NamedTuple):
    """A row of a file.

    Attributes:
        values: Its values, by column.
        unreadable: The columns whose value Python cannot hold, such as a day in the year 60000; it is None.
    """

    values: dict[str, Any]
    unreadable: tuple[str, ...]


def rows(stream: IO[bytes], columns: Sequence[str] | None = None) -> Iterator[Row]:
    """Yield the rows of a file.

    Args:
        stream: The file; it must be seekable.
        columns: Only these, where the file has them.

    Raises:
        ValueError: The file is none, or has more values than bytes, or unpacks to more than 100 times its
            size. What pyarrow raises of a torn file is one, or an OSError.
    """
    from pyarrow import parquet

    size = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    file = parquet.ParquetFile(stream, memory_map=False, read_dictionary=_texts(stream))
    _refuse_bomb(file.metadata, size)
    unpacked = 0
    for batch in file.iter_batches(_ROWS_A_BATCH, columns=None if columns is None else list(columns)):
        for place in range(batch.num_rows):
            row = _row(batch, place)
            unpacked += sum(len(value) for value in row.values.values() if isinstance(value, str))
            _refuse_expansion(unpacked, size)
            yield row


def _texts(stream: IO[bytes]) -> list[str]:
    """Return the columns of text. A text that a file holds once for many rows is then in memory once."""
    from pyarrow import parquet

    schema = parquet.ParquetFile(stream).schema
    columns = (schema.column(number) for number in range(len(schema)))
    return [column.path for column in columns if column.physical_type == "BYTE_ARRAY"]


def _refuse_bomb(metadata: Any, size: int) -> None:
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


def _row(batch: Any, place: int) -> Row:
    values: dict[str, Any] = {}
    unreadable = []
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        try:
            values[name] = column[place].as_py()
        except (ValueError, OverflowError):
            values[name] = None
            unreadable.append(name)
    return Row(values, tuple(unreadable))

"""Records as JSON lines, CSV or Parquet."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import IO, Any

from broadsheet.annotation import Annotation
from broadsheet.errors import ConfigError, UserError
from broadsheet.record import Record

Row = dict[str, Any]
FORMATS = ("jsonl", "csv", "parquet")


def write(
    records: Iterable[Record], form: str, path: Path | None, model: type[Annotation] | None = None
) -> int:
    """Write records to a file, or to standard output where there is no path; returns how many.

    In CSV, lists and objects are JSON text in their cell; null is an empty cell.

    Raises:
        ConfigError: Parquet was asked for without pyarrow, or without a file to write.
        UserError: The file cannot be written.
    """
    rows = (record.as_dict(model) for record in records)
    try:
        if form == "parquet":
            return _write_parquet(rows, path)
        with _opened(path) as stream:
            return _write_jsonl(rows, stream) if form == "jsonl" else _write_csv(rows, stream)
    except OSError as error:
        if path is None:
            raise
        raise UserError(f"{path} cannot be written ({error.strerror}); name another file.") from error


def _opened(path: Path | None) -> AbstractContextManager[IO[str]]:
    return path.open("w", encoding="utf-8", newline="") if path else nullcontext(sys.stdout)


def _write_jsonl(rows: Iterable[Row], stream: IO[str]) -> int:
    count = 0
    for count, row in enumerate(rows, 1):  # noqa: B007 - the last number is the count
        stream.write(json.dumps(row, ensure_ascii=False) + "\n")
    return count


def _write_csv(rows: Iterable[Row], stream: IO[str]) -> int:
    count, writer = 0, csv.writer(stream)
    for count, row in enumerate(rows, 1):
        if count == 1:
            writer.writerow(row)
        writer.writerow([_cell(value) for value in row.values()])
    return count


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _write_parquet(rows: Iterable[Row], path: Path | None) -> int:
    if path is None:
        raise ConfigError("Parquet is binary; name a file with --output FILE.parquet.")
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise ConfigError(
            "Parquet needs pyarrow; install it with: pip install 'broadsheet[parquet]'"
        ) from error
    table = pa.Table.from_pylist(list(rows))
    pq.write_table(table, path)
    return int(table.num_rows)

"""Records as JSON lines, CSV, BibTeX or Parquet."""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from broadsheet.annotation import Annotation
from broadsheet.errors import ConfigError, UserError
from broadsheet.export.bibtex import write_bibtex
from broadsheet.record import Record
from broadsheet.replacing import replacing
from broadsheet.schema import columns
from broadsheet.spreadsheets import guarded

Row = dict[str, Any]
_NUMBER = re.compile(r"\d+(?:\.\d+)?(?:[eE]\d+)?")
FORMATS = {".jsonl": "jsonl", ".csv": "csv", ".bib": "bibtex", ".parquet": "parquet"}
"""The format of each suffix."""


def format_of(form: str | None, path: Path | None) -> str:
    """Return the format to write: the one given, else that of the file's suffix, else JSON lines.

    Raises:
        ConfigError: There is no such format, or the suffix says another.
    """
    if form is not None and form not in FORMATS.values():
        raise ConfigError(f"--format takes jsonl, csv, bibtex or parquet, not “{form}”.")
    suffix = path.suffix.lower() if path else ""
    by_suffix = FORMATS.get(suffix)
    if form and by_suffix and form != by_suffix:
        raise ConfigError(f"{path} is a name for {by_suffix}, and --format says {form}; change one of them.")
    if suffix and not by_suffix and not form:
        raise ConfigError(f"No format has the suffix {suffix}; use {', '.join(FORMATS)} or add --format.")
    return form or by_suffix or "jsonl"


def write(
    records: Iterable[Record], form: str, path: Path | None, model: type[Annotation] | None = None
) -> int:
    """Write records to a file, or to standard output where there is no path; returns how many.

    The file is replaced whole or not at all.

    Raises:
        ConfigError: Parquet was asked for without pyarrow, or without a file to write.
        UserError: The file cannot be written.
    """
    model = model or Annotation
    try:
        if form == "parquet":
            return _write_parquet((record.as_dict(model) for record in records), path)
        with _opened(path) as stream:
            if form == "bibtex":
                return write_bibtex(records, stream)
            if form == "csv":
                return _write_csv(records, stream, model)
            return _write_jsonl((record.as_dict(model) for record in records), stream)
    except OSError as error:
        if path is None:
            raise
        raise UserError(f"{path} cannot be written ({error.strerror}); name another file.") from error


@contextmanager
def _opened(path: Path | None) -> Iterator[IO[str]]:
    if path is None:
        yield sys.stdout
        return
    with replacing(path) as unfinished, unfinished.open("w", encoding="utf-8", newline="") as stream:
        yield stream


def _write_jsonl(rows: Iterable[Row], stream: IO[str]) -> int:
    count = 0
    for count, row in enumerate(rows, 1):  # noqa: B007 - the last number is the count
        stream.write(json.dumps(row, ensure_ascii=False) + "\n")
    return count


def _write_csv(records: Iterable[Record], stream: IO[str], model: type[Annotation]) -> int:
    count, writer = -1, csv.writer(stream)
    for count, row in enumerate(csv_rows(records, model)):  # noqa: B007 - the first row is the head
        writer.writerow(row)
    return max(count, 0)


def csv_rows(records: Iterable[Record], model: type[Annotation]) -> Iterator[list[str]]:
    """Yield the names of the columns, then the cells of each record; nothing where there is no record."""
    for number, record in enumerate(records):
        row = _flat(record, model)
        if number == 0:
            yield list(row)
        yield [guarded(cell) for cell in row.values()]


def _flat(record: Record, model: type[Annotation]) -> dict[str, str]:
    """Return the record with a text for each column: nested fields by a column each, lists joined.

    No spreadsheet takes an id for a number: it is ``arXiv:2305.18290``, and ``show`` takes it so too.
    """
    row, arxiv_id = record.as_dict(model), record.paper.arxiv_id
    row["arxiv_id"] = f"arXiv:{arxiv_id}" if arxiv_id else ""
    if record.id == arxiv_id or _NUMBER.fullmatch(record.id):
        row["id"] = row["arxiv_id"] or f"id:{record.id}"
    row["findings"] = [" ".join((each.field, each.kind, each.detail)).strip() for each in record.findings]
    flat = {name: _cell(value) for name, value in row.items() if name not in model.model_fields}
    for column in columns(model):
        value: Any = record.annotation
        for part in column.path:
            value = getattr(value, part, None)
        flat[column.name] = _cell(value)
    return flat


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        return "; ".join(_cell(each) for each in value)
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
    with replacing(path) as unfinished:
        pq.write_table(table, unfinished)
    return int(table.num_rows)

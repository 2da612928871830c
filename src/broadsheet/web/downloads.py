"""The papers of a filter as a file: CSV, which streams, and Parquet, which is made first."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import FileResponse, Response, StreamingResponse
from starlette.background import BackgroundTask

from broadsheet.export import csv_rows, write
from broadsheet.record import Record
from broadsheet.web.asking import Asked
from broadsheet.web.conditional import CACHE_CONTROL
from broadsheet.web.reading import Readers, Reading

MOST_IN_CSV = 200_000
MOST_IN_PARQUET = 10_000
"""A table of Parquet is made whole, in memory."""
_AT_ONCE = 500

router = APIRouter(include_in_schema=False)
Query_ = Annotated[Asked, Query()]


@router.get("/papers.csv")
def as_csv(asked: Query_, reading: Reading) -> Response:
    """Answer with the papers of a filter as CSV, a few hundred in memory at a time."""
    ids = _ids(asked, reading, MOST_IN_CSV, "CSV")
    return StreamingResponse(
        _csv(ids, reading),
        media_type="text/csv; charset=utf-8",
        headers={
            "cache-control": CACHE_CONTROL,
            "content-disposition": 'attachment; filename="papers.csv"',
        },
    )


@router.get("/papers.parquet")
def as_parquet(asked: Query_, reading: Reading) -> Response:
    """Answer with the papers of a filter as Parquet."""
    if not find_spec("pyarrow"):
        raise HTTPException(501, "This server writes no Parquet; ask for papers.csv instead.")
    ids = _ids(asked, reading, MOST_IN_PARQUET, "Parquet")
    with NamedTemporaryFile(suffix=".parquet", delete=False) as file:
        path = Path(file.name)
    try:
        write(_records(ids, reading), "parquet", path, reading.store.annotation)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return FileResponse(
        path,
        media_type="application/vnd.apache.parquet",
        filename="papers.parquet",
        headers={"cache-control": CACHE_CONTROL},
        background=BackgroundTask(path.unlink, missing_ok=True),
    )


def _ids(asked: Asked, reading: Readers, most: int, form: str) -> list[str]:
    ids = reading.store.records.ids(asked.filter, order=asked.order, limit=most + 1)
    if len(ids) > most:
        raise HTTPException(
            422,
            f"{form} of more than {most:,} papers is not made here; narrow the filter, for example by dates.",
        )
    return ids


def _records(ids: Sequence[str], reading: Readers) -> Iterator[Record]:
    # Each chunk may be read in another thread, so each asks for that thread's store.
    for start in range(0, len(ids), _AT_ONCE):
        yield from reading.store.records.by_ids(ids[start : start + _AT_ONCE])


def _csv(ids: Sequence[str], reading: Readers) -> Iterator[str]:
    cells = csv_rows(_records(ids, reading), reading.store.annotation)
    lines = io.StringIO()
    writer = csv.writer(lines)
    for number, row in enumerate(cells, 1):
        writer.writerow(row)
        if number % _AT_ONCE == 0:
            yield lines.getvalue()
            lines.seek(0)
            lines.truncate()
    yield lines.getvalue()

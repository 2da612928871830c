"""`Parts`: the folder of a backfill. Every file in it is Parquet, whole, and named by what was asked.

    papers/PART.parquet              the papers of one partition, and the keys of their annotations
    pending/PART/REPLY.parquet       an answer of a partition that is under way
    replies/PART.parquet             all answers of a partition that is done
    annotations/PART.parquet         what they came to, a row a paper; written last, so all is there

PART is the hash of the keys. Each file is written beside its place, flushed to the disk and renamed, so that
a reader, or a run that goes on after a kill, sees all of it or nothing.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from broadsheet import parquet_file
from broadsheet.errors import ConfigError, UserError
from broadsheet.fields import UserField, dump, load
from broadsheet.hashing import short_hash
from broadsheet.record import Maker
from broadsheet.replacing import replacing

Row = dict[str, Any]
KINDS = PAPERS, REPLIES, ANNOTATIONS = "papers", "replies", "annotations"
PENDING = "pending"
_MADE_BY = b"broadsheet"
_VERSION = 1
_DIGITS = 24
_NONE_OF_OURS = (ValueError, TypeError, LookupError, AttributeError, RecursionError, MemoryError)
"""What rows raise that something else has written."""


def require_parquet() -> None:
    """Check that Parquet can be read and written.

    Raises:
        ConfigError: pyarrow is not installed.
    """
    try:
        import pyarrow.parquet  # noqa: F401 - whether it is there is the question
    except ImportError as error:
        raise ConfigError("Parts need pyarrow; install it with: pip install 'broadsheet[parquet]'") from error


def part_name(keys: Sequence[str]) -> str:
    """Return the name of the partition that asks for these keys, in whatever order."""
    return short_hash(*sorted(keys), digits=_DIGITS)


class Parts:
    """The files of one backfill.

    Args:
        folder: Where they are; on a cluster, one that all nodes share.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def make_folders(self) -> None:
        """Make the folders.

        Raises:
            UserError: They cannot be made.
        """
        try:
            for kind in (*KINDS, PENDING):
                (self.folder / kind).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(
                f"{self.folder} cannot be made ({error.strerror}); name another --out."
            ) from error

    def names(self, kind: str = PAPERS) -> list[str]:
        """Return the names of the parts of a kind, in order."""
        return sorted(path.stem for path in (self.folder / kind).glob("[!.]*.parquet"))

    def is_done(self, name: str) -> bool:
        """Tell whether a partition has come to its end."""
        return self.path(ANNOTATIONS, name).exists()

    def path(self, kind: str, name: str) -> Path:
        """Return where a part is."""
        return self.folder / kind / f"{name}.parquet"

    def write(
        self, kind: str, name: str, rows: Sequence[Row], maker: Maker, fields: Sequence[UserField]
    ) -> None:
        """Write a part, whole or not at all."""
        write(self.path(kind, name), rows, maker, fields)

    def naming(self, name: str) -> AbstractContextManager[None]:
        """Return a context that names a partition whose rows turn out to be none of ours.

        Raises:
            UserError: They are.
        """
        return _reading(self.path(PAPERS, name))

    def read(self, kind: str, name: str, columns: Sequence[str] | None = None) -> list[Row]:
        """Return the rows of a part.

        Raises:
            UserError: It cannot be read.
        """
        return read(self.path(kind, name), columns)

    def maker(self, name: str, kind: str = PAPERS) -> Maker:
        """Return whose annotations a partition asks for.

        Raises:
            UserError: It is none of ours.
        """
        path = self.path(kind, name)
        with _reading(path):
            return Maker(**_described(path)["maker"])

    def fields(self, name: str) -> tuple[UserField, ...]:
        """Return the fields that its annotations have beyond the core."""
        return load(iter(_described(self.path(ANNOTATIONS, name))["fields"]))

    def keep_reply(self, name: str, row: Row, maker: Maker) -> None:
        """Write an answer of a partition that is under way; the same answer is the same file."""
        told = short_hash(row["papers"], row["purpose"], row["request_id"], digits=_DIGITS)
        folder = self.folder / PENDING / name
        folder.mkdir(exist_ok=True)
        write(folder / f"{told}.parquet", [row], maker, ())

    def kept_replies(self, name: str) -> list[Row]:
        """Return the answers that a partition has so far, in the order in which they came."""
        paths = [*(self.folder / PENDING / name).glob("[!.]*.parquet"), self.path(REPLIES, name)]
        rows = {row["request_id"]: row for path in paths if path.exists() for row in read(path)}
        return sorted(rows.values(), key=lambda row: (row["received_at"], row["request_id"]))

    def forget_kept(self, name: str) -> None:
        """Remove the answers of a partition that is done; they stand together in its part."""
        shutil.rmtree(self.folder / PENDING / name, ignore_errors=True)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the folder: two backfills would ask about the same partitions.

        Raises:
            UserError: Another process holds it.
        """
        from filelock import FileLock, Timeout

        lock = FileLock(self.folder / ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise UserError(
                f"Another broadsheet writes to {self.folder}; wait until it has ended, or name another --out."
            ) from None
        try:
            yield
        finally:
            lock.release()


class UnwrittenParts(Parts):
    """Parts that are there, and the first of those that would be written, in memory: for an estimate."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._first: tuple[str, list[Row]] | None = None

    def write(self, kind: str, name: str, rows: Sequence[Row], *_: Any) -> None:  # noqa: ARG002 - as above
        """Keep the first part in memory."""
        self._first = self._first or (name, list(rows))

    def read(self, kind: str, name: str, columns: Sequence[str] | None = None) -> list[Row]:
        """Return the rows of a part.

        Raises:
            UserError: It cannot be read.
        """
        if self._first and self._first[0] == name:
            return self._first[1]
        return super().read(kind, name, columns)


def write(path: Path, rows: Sequence[Row], maker: Maker, fields: Sequence[UserField]) -> None:
    """Write rows as Parquet, whole or not at all, with what makes them readable alone."""
    import pyarrow as pa
    from pyarrow import parquet

    described = {
        "version": _VERSION,
        "maker": asdict(maker),
        "fields": [declaration for _, declaration in dump(tuple(fields))],
    }
    table = pa.Table.from_pylist(list(rows)).replace_schema_metadata(
        {_MADE_BY: json.dumps(described).encode()}
    )
    with replacing(path) as unfinished:
        parquet.write_table(table, unfinished, compression="zstd")


def read(path: Path, columns: Sequence[str] | None = None) -> list[Row]:
    """Return the rows of a file.

    Raises:
        UserError: It is not there, or cannot be read.
    """
    with _reading(path), path.open("rb") as stream:
        return [row.values for row in parquet_file.rows(stream, columns)]


def _described(path: Path) -> Mapping[str, Any]:
    from pyarrow import parquet

    with _reading(path):
        described: Mapping[str, Any] = json.loads((parquet.read_schema(path).metadata or {})[_MADE_BY])
        if described["version"] != _VERSION:
            raise UserError(f"{path} was written by a newer Broadsheet; update this one.")
        return described


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError, *_NONE_OF_OURS) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise UserError(
            f"{path} is no part that broadsheet backfill wrote ({reason}); remove it and run that again."
        ) from error

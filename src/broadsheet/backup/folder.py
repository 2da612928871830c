"""The files of a backup: their order, and how several of them are replaced as one.

A backup first writes each new file beside the old one, then a list of them, and only then puts them in place.
So whoever is killed leaves the old backup, or one that the next command puts in place from the list.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from itertools import chain
from pathlib import Path

from broadsheet.errors import ConfigError, why_unreadable
from broadsheet.replacing import replacing

MANIFEST = "broadsheet-backup.json"
FORMAT = 1
_LIST = ".in-place.json"
_UNFINISHED = ".new"
_NAME = re.compile(r"(\d{4}-\d{2}-\d{2})(?:\.([1-9]\d*))?\.jsonl")


@dataclass(frozen=True, slots=True, order=True)
class Part:
    """One file of a table: its day, its number on that day, and where it is."""

    day: date
    number: int
    path: Path


def parts(folder: Path, table: str) -> list[Part]:
    """Return the files of a table in the order in which they were written; others are left alone."""
    found = []
    for path in (folder / table).glob("*.jsonl"):
        if match := _NAME.fullmatch(path.name):
            with suppress(ValueError):  # the 45th of a 13th month is no day of a backup's
                found.append(Part(date.fromisoformat(match[1]), int(match[2] or 1), path))
    return sorted(found)


def part_path(folder: Path, table: str, day: date, number: int) -> Path:
    """Return where a table's file of a day is."""
    suffix = "" if number == 1 else f".{number}"
    return folder / table / f"{day.isoformat()}{suffix}.jsonl"


def unfinished(path: Path) -> Path:
    """Return where a file is written before it takes its place."""
    return path.with_name(f".{path.name}{_UNFINISHED}")


def put_in_place(folder: Path, paths: Iterable[Path]) -> None:
    """Let unfinished files take their places, all or none, whenever this process is killed.

    Raises:
        OSError: The folder cannot be written.
    """
    names = [path.relative_to(folder).as_posix() for path in paths]
    with replacing(folder / _LIST) as new:
        new.write_text(json.dumps(names), encoding="utf-8")
    settle(folder)


def settle(folder: Path) -> None:
    """Put in place what a killed backup had listed, and remove what it had not.

    Raises:
        ConfigError: Its list is damaged.
        OSError: The folder cannot be written.
    """
    listed = folder / _LIST
    if listed.exists():
        for name in _names(listed):
            path = folder / name
            if unfinished(path).exists():
                unfinished(path).replace(path)
        listed.unlink()
    for stray in (*folder.glob(f"*/.*.jsonl{_UNFINISHED}"), unfinished(folder / MANIFEST)):
        stray.unlink(missing_ok=True)


def _names(listed: Path) -> list[str]:
    try:
        names = json.loads(listed.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{listed} is damaged; delete it and make the backup again.") from error
    safe = re.compile(rf"[a-z_]+/{_NAME.pattern}|{re.escape(MANIFEST)}")
    listed_names = names if isinstance(names, list) else []
    return [name for name in listed_names if isinstance(name, str) and safe.fullmatch(name)]


def manifest(folder: Path, migration: str) -> list[Path]:
    """Write the backup's own file beside the old one, if that does not say the same; return which file.

    Raises:
        OSError: The folder cannot be written.
    """
    text = json.dumps({"format": FORMAT, "migration": migration}, indent=2, sort_keys=True) + "\n"
    path = folder / MANIFEST
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return []
    _write(unfinished(path), [text.encode()])
    return [path]


def read_manifest(folder: Path) -> str | None:
    """Return the last migration when the backup was made, or None if there is no backup.

    Raises:
        ConfigError: The file cannot be read, or a newer Broadsheet wrote it.
    """
    path = folder / MANIFEST
    try:
        if not path.exists():
            return None
        told = json.loads(path.read_text(encoding="utf-8"))
        version, migration = told["format"], str(told["migration"])
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read ({why_unreadable(error)}); correct it.") from error
    except (ValueError, TypeError, LookupError, RecursionError) as error:
        raise ConfigError(f"{path} is damaged; restore it from another version of the folder.") from error
    if version != FORMAT:
        raise ConfigError(f"{path} was written by a newer Broadsheet; upgrade Broadsheet.")
    return migration


def append(path: Path, lines: Iterable[bytes]) -> None:
    """Write a file's lines and some more beside it.

    Raises:
        OSError: The folder cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _write(unfinished(path), chain(_blocks(path), lines))


def _write(path: Path, blocks: Iterable[bytes]) -> None:
    with path.open("wb") as new:
        new.writelines(blocks)
        new.flush()
        os.fsync(new.fileno())


def _blocks(path: Path) -> Iterator[bytes]:
    if path.exists():
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                yield block

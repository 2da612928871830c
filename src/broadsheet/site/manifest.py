"""`Manifest`: which files of a folder are ours, and what each was made from.

It is a file in the folder of the site. Before a run writes anything, it notes there every file that it is
going to write, so that after a kill the next run knows them for ours and completes them.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from broadsheet.errors import UserError

NAME = ".broadsheet-site.json"
_FORMAT = 1
_LEFT_OVER = re.compile(r"(.*/)?\.([^/]+)\.\d+")
UNFINISHED = ""
"""The fingerprint of a file that a run has begun, and perhaps not written."""


class Manifest:
    """The fingerprint of what each file was made from, by its path below the folder.

    Attributes:
        made_from: The fingerprints.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.made_from: dict[str, str] = _read(folder / NAME)

    def save(self) -> None:
        """Replace the file as a whole."""
        document = {"format": _FORMAT, "files": self.made_from}
        replace(self._folder / NAME, json.dumps(document, separators=(",", ":")).encode())

    def begin(self, paths: Iterable[str]) -> None:
        """Note that these files are ours and are about to be written."""
        self.made_from.update(dict.fromkeys(paths, UNFINISHED))
        self.save()

    def changed(self, planned: Mapping[str, str], present: frozenset[str]) -> list[str]:
        """Return the planned files that are missing or were made from something else."""
        return [
            path
            for path, fingerprint in planned.items()
            if self.made_from.get(path) != fingerprint or path not in present
        ]

    def remove(self, paths: Iterable[str]) -> None:
        """Delete files of ours, and the folders that this leaves empty."""
        for path in list(paths):
            (self._folder / path).unlink(missing_ok=True)
            for parent in Path(path).parents[:-1]:
                with suppress(OSError):  # it has other files
                    (self._folder / parent).rmdir()
            self.made_from.pop(path, None)

    def remove_left_over(self, present: frozenset[str]) -> None:
        """Delete what a killed run had begun to write and not yet put in its place."""
        for unfinished in filter(None, map(_LEFT_OVER.fullmatch, present)):
            path, whole = unfinished[0], f"{unfinished[1] or ''}{unfinished[2]}"
            if whole == NAME or whole in self.made_from:
                (self._folder / path).unlink(missing_ok=True)

    def check_foreign(self, paths: Iterable[str], present: frozenset[str]) -> None:
        """Check that no file would be overwritten that is not ours.

        Raises:
            UserError: One would.
        """
        foreign = next((path for path in paths if path in present and path not in self.made_from), None)
        if foreign:
            raise UserError(
                f"{self._folder / foreign} was not made by this command and would be overwritten; move it"
                " away or name another folder with --out."
            )


def files_in(folder: Path) -> frozenset[str]:
    """Return the paths of all files below a folder, with forward slashes."""
    start = len(str(folder)) + 1
    return frozenset(
        os.path.join(parent, name)[start:].replace(os.sep, "/")  # noqa: PTH118 - 100,000 of them
        for parent, _, names in os.walk(folder)
        for name in names
    )


def replace(path: Path, content: bytes) -> None:
    """Write a file so that a reader, or the next run after a kill, finds it whole or as it was."""
    unfinished = path.with_name(f".{path.name[:100]}.{os.getpid()}")
    try:
        unfinished.write_bytes(content)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _read(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    try:
        document = json.loads(path.read_bytes())
        files = document["files"]
        below = all(isinstance(value, str) and _is_below(name) for name, value in files.items())
        if document["format"] == _FORMAT and below:
            return dict(files)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        pass
    raise UserError(f"{path} is damaged; delete it and the site's other files, and run the command again.")


def _is_below(path: str) -> bool:
    return not path.startswith("/") and ".." not in path.split("/")

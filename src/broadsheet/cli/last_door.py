"""The last door: what no other code has foreseen ends as one sentence and a file, never as a traceback."""

from __future__ import annotations

import errno
import hashlib
import os
import platform
import tempfile
import traceback
from contextlib import suppress
from pathlib import Path

from broadsheet import __version__
from broadsheet.errors import UserError
from broadsheet.redaction import redacted

EXIT_INTERNAL = 70
"""``EX_SOFTWARE`` of BSD's sysexits.h: the program is at fault, and neither the papers nor the user."""


def foreseen(error: BaseException) -> UserError | None:
    """Return the sentence for a failure that the user can put right, or None for a fault of Broadsheet's."""
    if isinstance(error, MemoryError):
        return UserError("There is too little memory; close other programs or read fewer papers at once.")
    if isinstance(error, UnicodeEncodeError) and error.reason == "surrogates not allowed":
        return UserError(f"“{_around(error)}” is not valid UTF-8; rename the file or correct the option.")
    return _foreseen_of_system(error) if isinstance(error, OSError) else None


def _foreseen_of_system(error: OSError) -> UserError | None:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return UserError(
            "The disk is full and the output incomplete; free some space and run the same command again."
        )
    if "temporary directory" in str(error.strerror):  # so `tempfile` says that it has tried every folder
        return UserError("No temporary folder can be written; free some space or set TMPDIR to another.")
    if error.filename is None:
        return None
    name = os.fsdecode(error.filename) if isinstance(error.filename, bytes | str) else str(error.filename)
    return UserError(f"{name} cannot be used ({error.strerror}); correct it or name another.")


def _around(error: UnicodeEncodeError) -> str:
    return error.object[max(0, error.start - 40) : error.end + 40]


def fault_sentence(error: BaseException) -> str:
    """Write the traceback to a file, without secrets, and return the sentence that says where it is.

    The number is a digest of the place in the code and the error's type, so that the same fault has the same
    number on every machine.
    """
    frames = traceback.extract_tb(error.__traceback__)
    place = "|".join(f"{Path(frame.filename).name}:{frame.name}" for frame in frames[-3:])
    digest = hashlib.sha256(f"{type(error).__name__}|{place}".encode(errors="replace")).hexdigest()
    number = f"E-{digest[:8]}"
    path = _kept(number, "".join(traceback.format_exception(error)))
    details = f"please report it with the file {path}" if path else "please report it"
    return f"This is a fault in Broadsheet, number {number}; finished work is saved: {details}."


def _kept(number: str, trace: str) -> Path | None:
    """Write a report that only the user can read; return its path, or None if no folder takes it."""
    system = f"Broadsheet {__version__}, Python {platform.python_version()}, {platform.platform()}"
    report = redacted(f"{number}\n{system}\n\n{trace}")
    for folder in (None, os.curdir):  # None is the system's folder for temporary files
        with suppress(OSError):
            handle, name = tempfile.mkstemp(prefix=f"broadsheet-{number}-", suffix=".txt", dir=folder)
            with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
                file.write(report)
            return Path(name)
    return None

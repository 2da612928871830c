"""The door of standard output and standard error: no word leaves for a terminal except through it.

Printing has one place (`broadsheet.cli.printing`), but words can also come from the option parser, from a
library's warning, or from an export that was not sent to a file.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from broadsheet.visible import printable


class Door(io.TextIOBase):
    """A text stream that passes on only what a terminal may show.

    It has no ``buffer``, or a library could write past it.

    Attributes:
        unguarded: The stream behind it, for the live progress line, which needs escape sequences.
    """

    def __init__(self, stream: TextIO) -> None:
        self.unguarded = stream

    def write(self, text: str) -> int:
        """Write the text's printable characters."""
        self.unguarded.write(printable(text))
        return len(text)

    def flush(self) -> None:
        """Flush the stream behind the door."""
        self.unguarded.flush()

    def isatty(self) -> bool:
        """Tell whether the stream is a terminal."""
        return self.unguarded.isatty()

    def fileno(self) -> int:
        """Return the stream's file descriptor."""
        return self.unguarded.fileno()

    def writable(self) -> bool:
        """Tell that the stream can be written."""
        return True

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """Return the encoding of the stream."""
        return self.unguarded.encoding


def unguarded(stream: Any) -> Any:
    """Return the stream behind a door, or the stream itself."""
    return stream.unguarded if isinstance(stream, Door) else stream


@contextmanager
def guarded_streams() -> Iterator[None]:
    """Guard standard error, and standard output where it is a terminal, while the body runs.

    A file or a pipe receives the bytes of an export as they are.
    """
    before = sys.stdout, sys.stderr
    for stream in before:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # print ? where the encoding lacks a character
    sys.stderr = Door(before[1])
    if before[0].isatty():
        sys.stdout = Door(before[0])
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before

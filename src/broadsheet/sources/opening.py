"""Opens a source once: no byte that was read to find its format is lost, and none unpacks without bound.

A pipe, a FIFO or ``/dev/stdin`` can be read only once, so what was read ahead is put back before the rest.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable
from typing import IO, Any, cast

HEAD_BYTES = 64 * 1024
"""How much of a file, in bytes after unzipping, is read ahead to find its format."""
READ_ERRORS = (OSError, EOFError, zlib.error)
"""What reading an unreadable file or broken gzip data raises."""
_GZIP = b"\x1f\x8b"
# Lists of papers that we measured unpack to 3 to 12 times their size, and zeros to 1,030 times, the most that
# Deflate can do. Below the first bound any ratio is harmless.
_UNPACKED_FREELY_BYTES = 64 * 1024 * 1024
_LARGEST_RATIO = 100


class _Restored(io.RawIOBase):
    """A stream whose first bytes were read already: they come first, then the rest.

    Attributes:
        taken: Bytes that have been read from it.
    """

    def __init__(self, head: bytes, rest: IO[bytes]) -> None:
        self._head, self._rest = head, rest
        self._read_some: Callable[[int], bytes] = getattr(rest, "read1", rest.read)
        self.taken = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._head:
            block, self._head = self._head[: len(buffer)], self._head[len(buffer) :]
        else:
            block = self._read_some(len(buffer))
        buffer[: len(block)] = block
        self.taken += len(block)
        return len(block)

    def close(self) -> None:
        super().close()
        self._rest.close()


class _Unzipped(gzip.GzipFile):
    """A gzip file that closes the file it reads from, and stops where it turns out to be a bomb."""

    def __init__(self, compressed: _Restored) -> None:
        super().__init__(fileobj=cast("IO[bytes]", compressed))
        self._compressed, self._unpacked = compressed, 0

    def read1(self, size: int = -1) -> bytes:
        """Read some bytes.

        Raises:
            OSError: They are too many for the size of the file.
        """
        block = super().read1(size)
        self._unpacked += len(block)
        if self._unpacked > max(_UNPACKED_FREELY_BYTES, _LARGEST_RATIO * self._compressed.taken):
            raise OSError(f"it unpacks to more than {_LARGEST_RATIO} times its size; unpack it yourself")
        return block

    def close(self) -> None:
        """Close both files."""
        super().close()
        self._compressed.close()


class _Unclosed(io.RawIOBase):
    """A stream that stays open when its reader is done, as standard input must."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._read_some: Callable[[int], bytes] = getattr(stream, "read1", stream.read)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        block = self._read_some(len(buffer))
        buffer[: len(block)] = block
        return len(block)


def unclosed(stream: IO[bytes]) -> IO[bytes]:
    """Return a stream that stays open when its reader is done, as standard input must."""
    return cast("IO[bytes]", io.BufferedReader(_Unclosed(stream)))


def opened(open_raw: Callable[[], IO[bytes]]) -> tuple[bytes, IO[bytes]]:
    """Open a file, through gzip if it is compressed with it.

    Returns:
        Its first 64 KiB, and the stream from its start.

    Raises:
        OSError: It cannot be opened or read; also ``EOFError`` and ``zlib.error`` (`READ_ERRORS`).
    """
    stream = open_raw()
    try:
        magic = _first(stream, len(_GZIP))
        if magic == _GZIP:
            stream = cast("IO[bytes]", _Unzipped(_Restored(magic, stream)))
        elif stream.seekable():
            head = magic + _first(stream, HEAD_BYTES - len(magic))
            stream.seek(-len(head), io.SEEK_CUR)
            return head, stream
        else:
            stream = cast("IO[bytes]", io.BufferedReader(_Restored(magic, stream)))
        head = _first(stream, HEAD_BYTES)
        return head, cast("IO[bytes]", io.BufferedReader(_Restored(head, stream)))
    except BaseException:
        stream.close()
        raise


def _first(stream: IO[bytes], size: int) -> bytes:
    """Read so many bytes, or fewer if the stream ends or breaks; a broken one breaks again later."""
    read_some: Callable[[int], bytes] = getattr(stream, "read1", stream.read)
    found = bytearray()
    try:
        while len(found) < size and (block := read_some(size - len(found))):
            found += block
    except READ_ERRORS:
        if not found:
            raise
    return bytes(found)

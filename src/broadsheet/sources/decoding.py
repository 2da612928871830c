"""Opens and decodes files: gzip, the text encodings that papers come in, and what is no text at all."""

from __future__ import annotations

import codecs
import gzip
import re
import zlib
from collections.abc import Callable
from typing import IO, Literal, cast

from broadsheet.errors import SourceError

READ_ERRORS = (OSError, EOFError, zlib.error)
"""What reading an unreadable file or broken gzip data raises."""
_GZIP = b"\x1f\x8b"
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
# Formats that hold no list of papers that we could read, by their first bytes, with what the user can do.
_REFUSED = (
    (
        rb"PK\x03\x04.{26,9999}?(?:xl/|\[Content_Types\])",
        "an Excel workbook; save it as CSV and name that file",
    ),
    (rb"PK\x03\x04.{26,99}?opendocument", "a LibreOffice document; save it as CSV and name that file"),
    (rb"\xd0\xcf\x11\xe0", "an old Excel or Word file; save it as CSV and name that file"),
    (rb"PK\x03\x04|BZh|\xfd7zXZ|\x28\xb5\x2f\xfd|7z\xbc\xaf", "compressed; unpack it and name what it holds"),
    (rb"%PDF", "a PDF; name a list of papers, such as a BibTeX or CSV file"),
)
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_NO_WINDOWS_1252 = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")
_MOST_UNREADABLE = 0.02


class _Unzipped(gzip.GzipFile):
    """A gzip file that closes the file it reads from."""

    def __init__(self, compressed: IO[bytes]) -> None:
        super().__init__(fileobj=compressed)
        self._compressed = compressed

    def close(self) -> None:
        super().close()
        self._compressed.close()


def unzipped(open_raw: Callable[[], IO[bytes]]) -> IO[bytes]:
    """Open a file, through gzip if it is compressed with it."""
    with open_raw() as probe:
        compressed = probe.read(len(_GZIP)) == _GZIP
    return cast("IO[bytes]", _Unzipped(open_raw())) if compressed else open_raw()


def encoding(head: bytes, name: str) -> str:
    """Return the encoding of a file that begins like this, UTF-8 or UTF-16.

    Raises:
        SourceError: It is not text; the message says what to do.
    """
    if head.startswith(_UTF_16):
        return "utf-16"
    for pattern, advice in _REFUSED:
        if re.match(pattern, head, re.DOTALL):
            raise SourceError(f"{name} is {advice}.")
    unreadable = _CONTROL.findall(head)
    if not _is_utf_8(head):
        unreadable += _NO_WINDOWS_1252.findall(head)
    if b"\x00" in head or len(unreadable) > max(1, len(head) * _MOST_UNREADABLE):
        raise SourceError(f"{name} is neither text nor any other format that Broadsheet reads.")
    return "utf-8-sig"


def repaired(line: str) -> tuple[str, Literal["", "lost", "windows-1252"]]:
    """Decode what was not valid UTF-8 in a line that was read with ``surrogateescape``.

    A line without any UTF-8 is read as Windows-1252, which Excel and older tools write; else the bytes are
    lost and become replacement characters.

    Returns:
        The line, and what happened to it: nothing, bytes were lost, or it was read as Windows-1252.
    """
    raw = line.encode("utf-8", errors="surrogateescape")
    if line.isascii() or _is_utf_8(raw):
        return line, "lost" if "\ufffd" in line else ""
    if all(character < "\x80" or "\udc80" <= character <= "\udcff" for character in line):
        try:
            return raw.decode("cp1252"), "windows-1252"
        except UnicodeDecodeError:
            pass
    return raw.decode("utf-8", errors="replace"), "lost"


def start_as_text(head: bytes) -> str:
    """Decode the start of a file for format detection, replacing undecodable bytes."""
    return head.decode("utf-16" if head.startswith(_UTF_16) else "utf-8-sig", errors="replace")


def _is_utf_8(raw: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(raw)
    except UnicodeDecodeError:
        return False
    return True

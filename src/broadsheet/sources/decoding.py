"""Decodes files: the text encodings that papers come in, and what is no text at all."""

from __future__ import annotations

import codecs
import re
from typing import Literal

from broadsheet.errors import SourceError

UTF_8 = "utf-8-sig"
# The longer marks first: that of UTF-32 begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Without a mark, UTF-16 is told by the zero byte of each ASCII character, of which every list of papers has
# many: its commas, brackets and line breaks, whatever the script of its words.
_FEWEST_ZEROS = 0.05
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


def encoding(head: bytes, name: str) -> str:
    """Return the encoding of a file that begins like this: UTF-8, UTF-16 or UTF-32.

    Raises:
        SourceError: It is not text; the message says what to do.
    """
    if (wide := _wide(head)) is not None:
        return wide
    for pattern, advice in _REFUSED:
        if re.match(pattern, head, re.DOTALL):
            raise SourceError(f"{name} is {advice}.")
    unreadable = _CONTROL.findall(head)
    if not _is_utf_8(head):
        unreadable += _NO_WINDOWS_1252.findall(head)
    if b"\x00" in head or len(unreadable) > max(1, len(head) * _MOST_UNREADABLE):
        raise SourceError(
            f"{name} is neither text nor any other format that Broadsheet reads;"
            " if it is text, save it as UTF-8."
        )
    return UTF_8


def _wide(head: bytes) -> str | None:
    """Return the encoding of a text whose characters have two or four bytes each, else None."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    if b"\x00" not in head:
        return None
    zeros = [head[place::2].count(0) for place in (0, 1)]
    for place, name in ((1, "utf-16-le"), (0, "utf-16-be")):
        if zeros[place] * 2 < len(head) * _FEWEST_ZEROS or zeros[1 - place] * 9 > zeros[place]:
            continue
        try:
            text = codecs.getincrementaldecoder(name)().decode(head)
        except UnicodeDecodeError:
            continue
        if not _CONTROL.search(text.encode("utf-8", errors="replace")):
            return name
    return None


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
    return head.decode(_wide(head) or UTF_8, errors="replace")


def _is_utf_8(raw: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(raw)
    except UnicodeDecodeError:
        return False
    return True

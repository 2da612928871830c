"""The picture that stands beside a link to the site: the icon's lines, large, as a PNG.

Programs that show links take no SVG for ``og:image``, and 1200 x 630 is the size that all
of them show whole.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

NAME = "picture.png"
WIDTH, HEIGHT = 1200, 630
_PALETTE = bytes.fromhex("ffffff 9a3412 57606a")
_PAPER, _ACCENT, _INK = range(3)
# The left, upper, right and lower edge of each line, and its colour.
_LINES = (
    (150, 120, 1050, 190, _ACCENT),
    (150, 290, 1050, 330, _INK),
    (150, 385, 1050, 425, _INK),
    (150, 480, 690, 520, _INK),
)


def picture(templates: Path | None) -> bytes:
    """Return the PNG: the user's ``site/picture.png`` if the folder of templates has one, else ours."""
    own = templates / "site" / NAME if templates else None
    return own.read_bytes() if own and own.is_file() else drawn()


def drawn() -> bytes:
    """Return the lines as a PNG with a palette (ISO/IEC 15948)."""
    blank = bytes([_PAPER]) * WIDTH
    rows = [blank] * HEIGHT
    for left, top, right, bottom, colour in _LINES:
        row = blank[:left] + bytes([colour]) * (right - left) + blank[right:]
        rows[top:bottom] = [row] * (bottom - top)
    pixels = b"".join(
        b"\0" + row for row in rows
    )  # each row begins with the filter that it went through: none
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 3, 0, 0, 0)),
        (b"PLTE", _PALETTE),
        (b"IDAT", zlib.compress(pixels, 9)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in chunks)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

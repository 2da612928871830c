"""The hash function behind every id and cache key."""

from __future__ import annotations

import hashlib


def short_hash(*parts: str, digits: int = 12) -> str:
    """Return the first ``digits`` hexadecimal digits of the SHA-256 of the parts, joined by U+001F."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:digits]

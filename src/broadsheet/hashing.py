"""The one hash behind every id and cache key."""

from __future__ import annotations

import hashlib


def short_hash(*parts: str, digits: int = 12) -> str:
    """The first hexadecimal digits of the SHA-256 of the parts, kept apart by a unit separator."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:digits]

"""One structured line for each stage, in logfmt: ``name=value`` pairs that people and tools can read.

time=2026-01-05T06:30:09+01:00 day=2026-01-05 stage=fetch state=done seconds=8.7 read=120 new=27 revised=1
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

from broadsheet.redaction import redacted

_PLAIN = re.compile(r"[^\s\"=\\\x00-\x1f\x7f]+")


def line(**values: Any) -> str:
    """Return a line; None is left out, and what is no plain word is quoted as in JSON."""
    return " ".join(f"{name}={_word(value)}" for name, value in values.items() if value is not None)


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 1 else f"{value:.1f}"
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, date | int | Path):
        value = str(value)
    words = redacted(str(value))
    return words if _PLAIN.fullmatch(words) else json.dumps(words, ensure_ascii=False)


class Log:
    """Writes lines with the time and the day that they are about.

    Args:
        write: Takes a line.
        now: The time by the clock of the worker's zone.
    """

    def __init__(self, write: Callable[[str], None], now: Callable[[], datetime]) -> None:
        self._write, self._now = write, now

    def __call__(self, stage: str, state: str, *, day: date | None = None, **values: Any) -> None:
        """Write one line.

        Args:
            stage: ``fetch``, ``annotate``, ``compose``, ``render``, ``embed``, ``site``, ``send``, ``day``,
                ``ping`` or ``worker``.
            state: ``done``, ``failed``, ``waiting``, ``stopped``, ``notice``, or what else the stage is at.
            day: The day of the edition.
            values: What there is to tell.
        """
        self._write(line(time=self._now(), day=day, stage=stage, state=state, **values))

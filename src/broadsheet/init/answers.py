"""The answers to what `broadsheet init` asks, and what this machine can answer by itself."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from broadsheet.errors import ConfigError

RULES = "none"
"""What is answered where no model is to annotate."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What somebody wants of their newsletter.

    Attributes:
        sources: What is read each day.
        model: The model that annotates, or `RULES`.
        title: What readers call it.
        at: When an edition is made, as ``HH:MM``.
        time_zone: By whose clock.
        url: The public address of the site; empty for none.
        contact: Whom sources may write to; empty for nobody.
    """

    sources: tuple[str, ...] = ("hf",)
    model: str = "gpt-5-mini"
    title: str = "Broadsheet"
    at: str = "06:30"
    time_zone: str = "UTC"
    url: str = ""
    contact: str = ""


def parse_time(text: str, zone: str) -> tuple[str, str]:
    """Return time and time zone of an answer such as ``06:30 Europe/Berlin``; the zone may be left out.

    Raises:
        ConfigError: It has more than two words, or none.
    """
    words = text.split()
    if len(words) not in {1, 2}:
        raise ConfigError("Write a time and a time zone, such as 06:30 Europe/Berlin.")
    return words[0], words[1] if len(words) == 2 else zone


def machine_zone() -> str:
    """Return this machine's time zone by its name, or UTC where it cannot be told."""
    link = Path("/etc/localtime")
    candidates = [os.environ.get("TZ", "").lstrip(":")]
    if link.is_symlink():
        candidates.append(link.readlink().as_posix().partition("zoneinfo/")[2])
    for name in candidates:
        try:
            if name and ZoneInfo(name).key == name:
                return name
        except (ZoneInfoNotFoundError, ValueError, OSError):
            continue
    return "UTC"

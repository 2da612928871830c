"""Reads a user's TOML, and says in one sentence what is wrong with it."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from broadsheet.errors import ConfigError, why_unreadable


def read_toml(path: Path) -> dict[str, Any]:
    """Return the tables of a TOML file, or nothing if there is no such file.

    Raises:
        ConfigError: It cannot be read, is not UTF-8 text, is not TOML, or is no ordinary file.
    """
    try:
        if not path.exists():
            return {}
        if not path.is_file():
            raise ConfigError(f"{path} is not a file; move it away or put a file of settings in its place.")
        return parse_toml(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read ({why_unreadable(error)}); correct it.") from error


def parse_toml(text: str, name: str) -> dict[str, Any]:
    """Return the tables of a text that a user wrote.

    A byte order mark at its beginning, which Windows editors write and TOML 1.0 does not allow, is ignored.

    Args:
        text: TOML.
        name: What to call its file in an error.

    Raises:
        ConfigError: It is not TOML, or nests its values too deeply.
    """
    try:
        return tomllib.loads(text.removeprefix("\ufeff"))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{name} is not valid TOML ({error}); correct it.") from error
    except RecursionError as error:
        raise ConfigError(f"{name} nests its values too deeply; correct it.") from error

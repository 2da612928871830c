"""Reads a user's TOML file, and says in one sentence what is wrong with it."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from broadsheet.errors import ConfigError, why_unreadable


def read_toml(path: Path) -> dict[str, Any]:
    """Return the tables of a TOML file, or nothing if there is no such file.

    A byte order mark at its beginning, which Windows editors write and TOML 1.0 does not allow, is ignored.

    Raises:
        ConfigError: It cannot be read, is not UTF-8 text, is not TOML, or is no ordinary file.
    """
    try:
        if not path.exists():
            return {}
        if not path.is_file():
            raise ConfigError(f"{path} is not a file; move it away or put a file of settings in its place.")
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read ({why_unreadable(error)}); correct it.") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not valid TOML ({error}); correct it.") from error
    except RecursionError as error:
        raise ConfigError(f"{path} nests its values too deeply; correct it.") from error

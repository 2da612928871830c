"""The newsletter that an option names."""

from __future__ import annotations

from broadsheet.config import Settings
from broadsheet.errors import ConfigError
from broadsheet.newsletter import Newsletter


def newsletter_named(settings: Settings, name: str) -> Newsletter:
    """Return the newsletter of that name.

    Raises:
        ConfigError: There is none.
    """
    declared = {each.name: each for each in settings.newsletters}
    if name not in declared:
        raise ConfigError(f"There is no newsletter “{name}”; there is {', '.join(declared)}.")
    return declared[name]

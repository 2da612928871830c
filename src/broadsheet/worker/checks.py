"""What the worker is to do, and what in its settings keeps it from doing it."""

from __future__ import annotations

from collections.abc import Iterator

from broadsheet.config import Settings
from broadsheet.errors import BroadsheetError, ConfigError
from broadsheet.worker_settings import WorkerSettings


def worker_table(settings: Settings) -> WorkerSettings:
    """Return the worker's settings.

    Raises:
        ConfigError: There are none.
    """
    if settings.worker is None:
        raise ConfigError(
            "There is no [worker] in broadsheet.toml yet; docs/schedule.md shows one, and broadsheet init"
            " writes one."
        )
    return settings.worker


def channels_of(settings: Settings) -> tuple[str, ...]:
    """Return the channels that editions are sent through: those named, or those that have a table."""
    named = worker_table(settings).send
    if named is not None:
        return named
    tables = {"mail": settings.mail, "webhook": settings.webhook, "telegram": settings.telegram}
    return tuple(name for name, table in tables.items() if table is not None)


def faults(settings: Settings) -> Iterator[str]:
    """Yield a sentence for each thing in the worker's settings that no day can be done with."""
    from broadsheet.channels import CHANNELS
    from broadsheet.sources import open_source

    for source in worker_table(settings).sources:
        try:
            open_source(source, settings=settings)
        except BroadsheetError as error:
            yield f"[worker] sources: {error}"
    tables = {"mail": settings.mail, "webhook": settings.webhook, "telegram": settings.telegram}
    for channel in channels_of(settings):
        if channel not in CHANNELS:
            yield f"[worker] send: there is no channel “{channel}”; there is {', '.join(CHANNELS)}."
        elif channel in tables and tables[channel] is None:
            yield f"[worker] send names {channel}, but there is no [{channel}]; docs/mail.md shows one."


def writes_site(settings: Settings) -> bool:
    """Tell whether a day ends with the static site."""
    wanted = worker_table(settings).site
    return bool(settings.site_url) if wanted is None else wanted


def plan_sentence(settings: Settings) -> str:
    """Return what is done each day, and when."""
    table = worker_table(settings)
    told = [f"reads {', '.join(table.sources)} at {table.at:%H:%M} {table.time_zone}"]
    told += [f"writes the site to {settings.site_out}"] if writes_site(settings) else []
    told += [f"sends through {channel}" for channel in channels_of(settings)]
    return "; ".join(told)

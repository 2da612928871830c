"""Where papers come from: the `Source` protocol, and the table of sources."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from typing import Protocol

from broadsheet.config import Settings
from broadsheet.paper import Paper
from broadsheet.sources.files import open_files


class Source(Protocol):
    """A place that lists papers.

    A record that cannot be read is reported through ``on_trouble``, given at construction (a sentence with
    the place, such as a line number), and skipped; it never stops the others.
    """

    name: str

    def fetch(self, since: date) -> Iterator[Paper]:
        """Papers listed on or after a day, each with its sighting.

        Raises:
            SourceError: The source as a whole is unreachable, refuses, or cannot be read.
        """
        ...


# Sources that have a name: the module with their ``open_named``. Modules are named, not imported, so that no
# HTTP client is loaded for a file. Anything else that a user writes is a file, a folder or `-`.
SOURCES: Mapping[str, str] = {
    "sample": "broadsheet.sources.sample",
    "hf": "broadsheet.sources.hf",
    "arxiv": "broadsheet.sources.arxiv",
    "arxiv-oai": "broadsheet.sources.arxiv_oai",
}
_NAMED = re.compile(rf"({'|'.join(SOURCES)})((?:[:?].*)?)", re.DOTALL)


def open_source(
    spec: str,
    *,
    day: date | None = None,
    on_trouble: Callable[[str], None] = lambda _: None,
    settings: Settings | None = None,
    fields: Mapping[str, str] | None = None,
) -> list[Source]:
    """The sources that a user means by a name, a file, a folder (one for each of its files) or ``-``.

    Args:
        spec: What the user wrote.
        day: The day that the user named with ``--date``.
        on_trouble: Told a sentence for each record that cannot be read, and for a day that brought nothing.
        settings: Where live sources answer, how they are asked, and the cache that keeps count of it.
        fields: Which field of a record fills which of ours, where the user has said so: ours to theirs.

    Raises:
        UserError: There is nothing of that name or at that path.
    """
    if named := _NAMED.fullmatch(spec):
        module = importlib.import_module(SOURCES[named[1]])
        return [
            module.open_named(named[2], day=day, on_trouble=on_trouble, settings=settings or Settings.load())
        ]
    return [*open_files(spec, day=day, on_trouble=on_trouble, fields=fields or {})]


def open_sources(
    specs: Iterable[str],
    *,
    day: date | None = None,
    on_trouble: Callable[[str], None] = lambda _: None,
    settings: Settings | None = None,
    fields: Mapping[str, str] | None = None,
) -> list[Source]:
    """All sources that a user names, in order; see `open_source`.

    Raises:
        UserError: One of them does not exist; none is fetched then.
    """
    return [
        source
        for spec in specs
        for source in open_source(spec, day=day, on_trouble=on_trouble, settings=settings, fields=fields)
    ]

"""Where papers come from: the `Source` protocol, and the table of sources."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from typing import Protocol, TypedDict, Unpack

from broadsheet.config import Settings
from broadsheet.errors import UserError
from broadsheet.paper import Paper
from broadsheet.sources.files import open_files


class Source(Protocol):
    """A place that lists papers.

    A source skips a record that it cannot read and reports it to the ``on_trouble`` callback that it was
    constructed with: a sentence that gives the place, such as a line number.
    """

    name: str

    def fetch(self, since: date) -> Iterator[Paper]:
        """Yield the papers listed on or after a day, each with its sighting.

        Raises:
            SourceError: The source cannot be reached, refuses the request, or cannot be read at all.
        """
        ...


# The module that defines ``open_named`` for each named source. Modules are imported only when used, so that
# reading a file does not load an HTTP client. Any other name is a file, a folder or `-`.
SOURCES: Mapping[str, str] = {
    "sample": "broadsheet.sources.sample",
    "hf": "broadsheet.sources.hf",
    "arxiv": "broadsheet.sources.arxiv",
    "arxiv-oai": "broadsheet.sources.arxiv_oai",
}
_NAMED = re.compile(rf"({'|'.join(SOURCES)})((?:[:?].*)?)", re.DOTALL)


class Options(TypedDict, total=False):
    """The optional arguments of `open_source`."""

    day: date | None
    on_trouble: Callable[[str], None]
    settings: Settings | None
    fields: Mapping[str, str] | None


def open_source(spec: str, **options: Unpack[Options]) -> list[Source]:
    """Return the sources for a name, a file, a folder (one source per file) or ``-`` (standard input).

    Args:
        spec: The source as the user wrote it.
        day: The day given with ``--date``.
        on_trouble: Called with a sentence for each unreadable record and each weekday without papers.
        settings: URLs and limits of live sources, and the database that records requests.
        fields: Maps our field names to those of the records, as given with ``--map``.

    Raises:
        UserError: There is no source of that name and nothing at that path.
    """
    day, on_trouble = options.get("day"), options.get("on_trouble", _ignore)
    if named := _NAMED.fullmatch(spec):
        module = importlib.import_module(SOURCES[named[1]])
        settings = options.get("settings") or Settings.load()
        return [module.open_named(named[2], day=day, on_trouble=on_trouble, settings=settings)]
    return [*open_files(spec, day=day, on_trouble=on_trouble, fields=options.get("fields") or {})]


def open_sources(specs: Iterable[str], **options: Unpack[Options]) -> list[Source]:
    """Return the sources for several names or paths, in order; see `open_source`.

    One that does not exist is reported to ``on_trouble``, and the others are returned.

    Raises:
        UserError: None of them exists.
    """
    sources: list[Source] = []
    errors: list[UserError] = []
    for spec in specs:
        try:
            sources += open_source(spec, **options)
        except UserError as error:
            errors.append(error)
    if errors and not sources:
        raise errors[0]
    for missing in errors:
        options.get("on_trouble", _ignore)(str(missing))
    return sources


def _ignore(_: str) -> None:
    pass

"""The sample: a page of invented abstracts that ships with Broadsheet, for trying it without a network."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from importlib import resources
from typing import Unpack

from broadsheet.errors import UserError
from broadsheet.paper import Paper
from broadsheet.sources import trending_page
from broadsheet.sources.listing import Listing
from broadsheet.sources.live import Options

NAME = "sample"
PAGE = resources.files("broadsheet.sources") / "sample_page.txt"


class Sample:
    """The invented papers, sighted on the day of the run."""

    name = NAME

    def __init__(self, listing: Listing) -> None:
        self._listing = listing

    def fetch(self, since: date) -> Iterator[Paper]:  # noqa: ARG002 - the page has no date of its own
        """Yield the papers of the sample, in page order."""
        return trending_page.read(self._listing, source=NAME)


def open_named(argument: str, **options: Unpack[Options]) -> Sample:
    """Return the sample as a source.

    Raises:
        UserError: ``argument`` is not empty.
    """
    if argument:
        raise UserError(f"The sample takes no query; write sample, not sample{argument}.")
    return Sample(Listing(NAME, lambda: PAGE.open("rb"), options["on_trouble"], day=options["day"]))

"""Where papers come from: the `Source` protocol, and the table of sources."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Protocol

from broadsheet.paper import Paper


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

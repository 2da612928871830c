"""`Addresses`: what templates ask for links, so that a static site and a server can share them."""

from __future__ import annotations

import re
from datetime import date
from typing import Literal, Protocol

from broadsheet.hashing import short_hash
from broadsheet.store.overview import DAILY

Place = Literal["home", "archive", "tags", "trends", "search", "subscribe"]
FeedFormat = Literal["atom", "json"]
_LONGEST_SLUG = 120
_NOT_IN_SLUG = re.compile(r"[^A-Za-z0-9.-]|^[.-]|\.(?=\.)")


class Addresses(Protocol):
    """The address of each page as a link from the page that is being rendered.

    Every method returns an empty string if there is no such page; templates then print no link.
    """

    def place(self, place: Place) -> str:
        """Return the address of a page that there is once."""

    def asset(self, name: str) -> str:
        """Return the address of a stylesheet, script or picture."""

    def paper(self, paper_id: str, form: str = "") -> str:
        """Return the address of a paper's page, or of the paper in another form such as ``bib``."""

    def tag(self, tag: str, page: int | None = None) -> str:
        """Return the address of a tag's newest papers, or of one of its numbered pages, oldest first."""

    def listing(self, **conditions: str) -> str:
        """Return the address of the papers that pass conditions, such as ``author="Mara Quay"``."""

    def month(self, day: date) -> str:
        """Return the address of the papers of the month that a day is in."""

    def edition(self, day: date, newsletter: str = DAILY) -> str:
        """Return the address of an edition."""

    def feed(self, form: FeedFormat, *, tag: str = "", newsletter: str = "") -> str:
        """Return the address of the feed of everything, of a tag or of a newsletter."""


def slug(name: str) -> str:
    """Return a name, such as a paper's id, as one part of a path; distinct for distinct names.

    It needs no escaping in a URL, names no other folder and is short enough for every file system.
    """
    escaped = _NOT_IN_SLUG.sub(lambda match: f"_{ord(match[0]):x}_", name)
    if len(escaped) <= _LONGEST_SLUG:
        return escaped
    return f"{escaped[:_LONGEST_SLUG]}_{short_hash(name)}"

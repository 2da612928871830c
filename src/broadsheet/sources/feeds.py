"""Reads Atom and RSS feeds, including arXiv's, with defusedxml, which rejects entity declarations.

feedparser is not used because it parses an abstract as HTML and drops what follows ``<`` in ``p<0.05``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from typing import IO, Any
from xml.etree.ElementTree import Element, ParseError

from broadsheet.errors import SourceError
from broadsheet.paper import Paper
from broadsheet.sources.listing import Listing
from broadsheet.sources.opening import READ_ERRORS
from broadsheet.sources.records import Record, papers

NAME = "feed"
ENTRIES = {"entry", "item"}
_LARGEST_ENTRY_BYTES = 8 * 1024 * 1024
_DEEPEST = 200
_FEED = re.compile(r"<(?:\w+:)?(?:feed|rss|RDF)[\s>]")
# https://info.arxiv.org/help/rss_specifications.html: the description of an arXiv item.
_ANNOUNCEMENT = re.compile(
    r"^arXiv:\S+\s+Announce Type:\s*(?P<type>[\w-]+)\s*(?:Abstract:\s*)?", re.IGNORECASE
)
_TITLE_SUFFIX = re.compile(r"\s*\(arXiv:[^()]*(?:\[[^\]]*\])?[^()]*\)\s*$")
# Only known HTML tags are removed: p<0.05 and i<j stay.
_TAG = re.compile(
    r"</?(?:p|br|a|b|i|em|strong|div|span|ul|ol|li|img|sub|sup|blockquote|code)(?:\s[^<>]*)?/?>", re.I
)


def recognises(text: str, fields: Mapping[str, str]) -> bool:  # noqa: ARG001 - its elements are fixed
    """Tell whether a text begins like XML and has the root element of a feed."""
    return text.lstrip("\ufeff \t\r\n").startswith("<") and bool(_FEED.search(text))


def read(listing: Listing) -> Iterator[Paper]:
    """Yield the papers of a feed, each with its sighting.

    Raises:
        SourceError: The file cannot be read, is not well-formed, declares entities, or has no papers.
    """
    return papers(listing, NAME, _records(listing))


def _records(listing: Listing) -> Iterator[tuple[str, Record]]:
    """Yield a record for each entry, and free the entry's memory before the next one."""
    from defusedxml.ElementTree import iterparse

    open_elements: list[Element] = []
    number = 0
    with listing.open() as stream, _xml_errors(listing.name):
        metered = _Metered(stream)
        for event, element in iterparse(metered, events=("start", "end")):
            if event == "start":
                open_elements.append(element)
                if len(open_elements) > _DEEPEST:
                    raise ValueError(f"it nests more than {_DEEPEST} elements")
                continue
            open_elements.pop()
            if local_name(element) in ENTRIES:
                number += 1
                metered.taken = 0
                entry = record(element)
                if entry["announce_type"].startswith("replace"):
                    listing.reading.left_out["replacements of earlier papers"] += 1
                else:
                    yield f"entry {number}", entry
                for ancestor in open_elements:
                    ancestor.clear()


class _Metered:
    """A stream that breaks off where one entry takes more memory than any paper needs.

    Attributes:
        taken: Bytes read since the last entry.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self.taken = stream, 0

    def read(self, size: int = -1) -> bytes:
        block = self._stream.read(size)
        self.taken += len(block)
        if self.taken > _LARGEST_ENTRY_BYTES:
            raise ValueError(f"an entry has more than {_LARGEST_ENTRY_BYTES >> 20} MiB")
        return block


def document(body: bytes, name: str) -> Element:
    """Parse an XML document and return its root.

    Raises:
        SourceError: The document is not well-formed or declares entities.
    """
    from defusedxml.ElementTree import fromstring

    with _xml_errors(name):
        root: Element = fromstring(body)
    return root


@contextmanager
def _xml_errors(name: str) -> Iterator[None]:
    """Turn the errors of the XML parser into a `SourceError`."""
    from defusedxml.common import DefusedXmlException

    try:
        yield
    except DefusedXmlException as error:
        raise SourceError(f"{name} declares XML entities, which are not read for safety's sake.") from error
    except (ParseError, ValueError, LookupError, *READ_ERRORS) as error:
        raise SourceError(f"{name} is not well-formed XML ({error}).") from error


def local_name(element: Element) -> str:
    """Return an element's name without its namespace."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def named(parent: Element, *names: str) -> list[Element]:
    """Return the child elements that have one of these names in any namespace."""
    return [child for child in parent if local_name(child) in names]


def record(entry: Element) -> dict[str, Any]:
    """Return an entry's values by the field names of `records`, plus arXiv's ``announce_type``."""
    texts: dict[str, list[str]] = {}
    for child in entry:
        texts.setdefault(local_name(child).lower(), []).append("".join(child.itertext()).strip())

    def first(*names: str) -> str:
        return next((found[0] for name in names if (found := texts.get(name)) and found[0]), "")

    abstract = first("summary", "description", "content", "encoded")
    announcement = _ANNOUNCEMENT.match(abstract)
    people = [
        name.text or "" for author in named(entry, "author") for name in named(author, "name") or [author]
    ]
    return {
        "title": _TITLE_SUFFIX.sub("", _without_tags(first("title"))),
        "abstract": _without_tags(abstract[announcement.end() :] if announcement else abstract),
        "authors": people or ", ".join(texts.get("creator", [])),
        "url": _link(entry) or first("link"),
        "published": moment(first("published", "pubdate", "date", "updated")),
        "comment": first("comment"),
        "doi": first("doi"),
        "id": first("id", "guid"),
        "announce_type": first("announce_type") or (announcement["type"] if announcement else ""),
        "categories": [child.get("term") or child.text or "" for child in named(entry, "category")],
    }


def _link(entry: Element) -> str:
    links = (link for link in named(entry, "link") if link.get("rel", "alternate") == "alternate")
    return next((href for link in links if (href := link.get("href"))), "")


def _without_tags(text: str) -> str:
    return _TAG.sub(" ", text).strip()


def moment(text: str) -> str:
    """Convert an RFC 822 date to ISO 8601 ("" if invalid); return any other text unchanged."""
    if re.match(r"[A-Za-z]{3},? |\d{1,2} [A-Za-z]{3}", text):
        try:
            return parsedate_to_datetime(text).isoformat()
        except ValueError:
            return ""
    return text

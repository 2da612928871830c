"""Reads Atom and RSS feeds, including arXiv's, with defusedxml, which rejects entity declarations.

feedparser is not used because it parses an abstract as HTML and drops what follows ``<`` in ``p<0.05``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import IO, Any
from xml.etree.ElementTree import Element, ParseError

from broadsheet.errors import SourceError
from broadsheet.paper import Paper
from broadsheet.sources.listing import Listing
from broadsheet.sources.records import Told, papers

NAME = "feed"
_FEED = re.compile(r"<(?:\w+:)?(?:feed|rss|RDF)[\s>]")
_ENTRIES = {"entry", "item"}
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
    return papers(listing, NAME, _told(listing))


def _told(listing: Listing) -> Iterator[tuple[str, Told]]:
    with listing.open() as stream:
        for number, entry in enumerate(elements(stream, _ENTRIES, listing.name), 1):
            yield f"entry {number}", record(entry)


def elements(stream: IO[bytes], tags: set[str], name: str) -> Iterator[Element]:
    """Yield the elements of an XML document that have one of these names in any namespace.

    Raises:
        SourceError: The document is not well-formed or declares entities; earlier elements are yielded first.
    """
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import iterparse

    open_elements: list[Element] = []
    try:
        for event, element in iterparse(stream, events=("start", "end")):
            if event == "start":
                open_elements.append(element)
                continue
            open_elements.pop()
            if local_name(element) in tags:
                yield element
                if open_elements:
                    open_elements[-1].clear()
    except DefusedXmlException as error:
        raise SourceError(f"{name} declares XML entities, which are not read for safety's sake.") from error
    except (ParseError, ValueError, LookupError, OSError) as error:
        raise SourceError(f"{name} is not well-formed XML ({error}).") from error


def document(body: bytes, name: str) -> Element:
    """Parse an XML document and return its root.

    Raises:
        SourceError: The document is not well-formed or declares entities.
    """
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        root: Element = fromstring(body)
    except DefusedXmlException as error:
        raise SourceError(f"{name} declares XML entities, which are not read for safety's sake.") from error
    except (ParseError, ValueError, LookupError) as error:
        raise SourceError(f"{name} is not well-formed XML ({error}).") from error
    return root


def local_name(element: Element) -> str:
    """Return an element's name without its namespace."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def record(entry: Element) -> dict[str, Any]:
    """Return an entry's values by the field names of `records`, plus arXiv's ``announce_type``."""
    texts: dict[str, list[str]] = {}
    for child in entry:
        texts.setdefault(local_name(child).lower(), []).append("".join(child.itertext()).strip())

    def first(*names: str) -> str:
        return next((found[0] for name in names if (found := texts.get(name)) and found[0]), "")

    abstract = first("summary", "description", "content", "encoded")
    announcement = _ANNOUNCEMENT.match(abstract)
    people = [name for child in entry if local_name(child) == "author" for name in _names(child)]
    return {
        "title": _TITLE_SUFFIX.sub("", _without_tags(first("title"))),
        "abstract": _without_tags(abstract[announcement.end() :] if announcement else abstract),
        "authors": people or ", ".join(texts.get("creator", [])),
        "url": _link(entry) or first("link"),
        "published": _day(first("published", "pubdate", "date", "updated")),
        "comment": first("comment"),
        "doi": first("doi"),
        "id": first("id", "guid"),
        "announce_type": first("announce_type") or (announcement["type"] if announcement else ""),
        "categories": [
            child.get("term") or child.text or "" for child in entry if local_name(child) == "category"
        ],
    }


def _names(author: Element) -> Iterator[str]:
    named = [child.text or "" for child in author if local_name(child) == "name"]
    yield from named or [author.text or ""]


def _link(entry: Element) -> str:
    links = [child for child in entry if local_name(child) == "link" and child.get("href")]
    return next((link.get("href", "") for link in links if link.get("rel", "alternate") == "alternate"), "")


def _without_tags(text: str) -> str:
    return _TAG.sub(" ", text).strip()


def _day(text: str) -> str:
    """Convert an RFC 822 date to ISO 8601 ("" if invalid); return any other text unchanged."""
    if re.match(r"[A-Za-z]{3},? |\d{1,2} [A-Za-z]{3}", text):
        try:
            return parsedate_to_datetime(text).date().isoformat()
        except ValueError:
            return ""
    return text

"""Reads BibTeX with bibtexparser, which continues after a broken entry and decodes LaTeX outside math."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping

from broadsheet.errors import SourceError
from broadsheet.paper import Paper
from broadsheet.sources.listing import Listing
from broadsheet.sources.records import Record, Unreadable, papers

NAME = "bibtex"
_ENTRY = re.compile(r"^\s*@[A-Za-z]+\s*[{(]\s*[^\s,]+\s*,", re.MULTILINE)

# BibTeX has no comments inside a field, but the LaTeX decoder would drop everything after a percent sign.
_LONE_PERCENT = re.compile(r"(?<!\\)%")


def recognises(text: str, fields: Mapping[str, str]) -> bool:  # noqa: ARG001 - an entry is one by any name
    """Tell whether an entry begins on any line of the text."""
    return bool(_ENTRY.search(text))


def read(listing: Listing) -> Iterator[Paper]:
    """Yield the papers of a BibTeX file, each with its sighting.

    Raises:
        SourceError: The file cannot be read, or none of its entries is a paper.
    """
    return papers(listing, NAME, _entries(listing))


def _entries(listing: Listing) -> Iterator[tuple[str, Record]]:
    from bibtexparser.entrypoint import parse_string
    from bibtexparser.middlewares import LatexDecodingMiddleware, NormalizeFieldKeys
    from bibtexparser.model import Entry, ParsingFailedBlock

    logging.getLogger("bibtexparser").setLevel(logging.CRITICAL)  # its warnings are reported below
    text = _LONE_PERCENT.sub(r"\\%", listing.text())
    try:
        library = parse_string(text, append_middleware=[NormalizeFieldKeys(), LatexDecodingMiddleware()])
    except Exception as error:  # the library documents no exceptions
        raise SourceError(f"{listing.name} cannot be read as BibTeX ({type(error).__name__}).") from error
    for block in sorted(library.blocks, key=lambda one: one.start_line or 0):
        place = f"the entry on line {(block.start_line or 0) + 1}"
        if isinstance(block, ParsingFailedBlock):
            yield place, Unreadable("it is not valid BibTeX")
        elif isinstance(block, Entry):
            values = {field.key: field.value for field in block.fields}
            names = re.split(r"\s+and\s+", values.get("author", ""))
            authors = [name for name in names if name.strip() != "others"]
            named = {"id": block.key, **values, "authors": authors}
            yield place, {**named, "published": values.get("date") or values.get("year")}

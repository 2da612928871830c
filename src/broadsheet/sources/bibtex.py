"""Reads BibTeX with bibtexparser, which continues after a broken entry and decodes LaTeX outside math."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from broadsheet.errors import SourceError
from broadsheet.paper import Paper
from broadsheet.sources.field_values import Unreadable
from broadsheet.sources.identifiers import arxiv_id
from broadsheet.sources.latex import decoded
from broadsheet.sources.listing import Listing
from broadsheet.sources.records import Record, papers

if TYPE_CHECKING:
    from bibtexparser.library import Library

NAME = "bibtex"
_ENTRY = re.compile(r"^\s*@[A-Za-z]+\s*[{(]\s*[^\s,]+\s*,", re.MULTILINE)
_FIELD = re.compile(r"^\s*title\s*=", re.MULTILINE | re.IGNORECASE)
_REPEATED = "\0"
_NO_PAPERS = {"proceedings", "mvproceedings", "periodical", "xdata", "set"}

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
    from bibtexparser.model import Entry, ExplicitComment, ImplicitComment, ParsingFailedBlock

    logging.getLogger("bibtexparser").setLevel(logging.CRITICAL)  # its warnings are reported below
    text = _LONE_PERCENT.sub(r"\\%", listing.text())
    try:
        library = _parsed(text)
    except Exception as error:  # the library documents no exceptions
        raise SourceError(f"{listing.name} cannot be read as BibTeX ({type(error).__name__}).") from error
    texts = decoded(
        field.value for entry in library.entries for field in entry.fields if isinstance(field.value, str)
    )
    for block in sorted(library.blocks, key=lambda block: block.start_line or 0):
        place = f"the entry on line {(block.start_line or 0) + 1}"
        if isinstance(block, ParsingFailedBlock):
            yield place, Unreadable("it is not valid BibTeX")
        elif isinstance(block, ImplicitComment) and _FIELD.search(block.comment):
            yield place, Unreadable("it has fields but no @type{key, before them")
        elif isinstance(block, ExplicitComment):
            listing.reading.left_out["@comment"] += 1
        elif isinstance(block, Entry) and block.entry_type.lower() in _NO_PAPERS:
            listing.reading.left_out[f"@{block.entry_type.lower()}"] += 1
        elif isinstance(block, Entry):
            fields = {field.key: texts.get(field.value, field.value) for field in block.fields}
            yield place, _record({"id": block.key.partition(_REPEATED)[0], **fields})


def _parsed(text: str) -> Library:
    """Parse a file. An entry whose key or field comes twice is sound; here it gets a key of its own."""
    from bibtexparser.library import Library
    from bibtexparser.middlewares import MonthIntMiddleware, NormalizeFieldKeys
    from bibtexparser.middlewares.parsestack import default_parse_stack
    from bibtexparser.model import DuplicateBlockKeyBlock, DuplicateFieldKeyBlock, Entry
    from bibtexparser.splitter import Splitter

    library = Library()
    for number, block in enumerate(Splitter(text).split().blocks):
        sound = block
        if isinstance(block, (DuplicateBlockKeyBlock, DuplicateFieldKeyBlock)):
            sound = block.ignore_error_block or block
            if not isinstance(sound, Entry):
                continue  # the first definition of a string counts
            sound.key = f"{sound.key}{_REPEATED}{number}"
        library.add(sound, fail_on_duplicate_key=False)
    steps = (*default_parse_stack(), NormalizeFieldKeys(), MonthIntMiddleware())
    for step in steps:
        library = step.transform(library)
    return library


def _record(fields: dict[str, Any]) -> dict[str, Any]:
    """Return an entry's values by the field names of `records`."""
    names = re.split(r"\s+and\s+", fields.get("author", ""))
    year, month = fields.get("year"), fields.get("month")
    month_of_year = f"{year}-{month:02}" if year and isinstance(month, int) else year
    places = (fields.get(name) for name in ("eprint", "journal", "number"))
    return {
        **fields,
        "authors": [name for name in names if name.strip() != "others"],
        "published": fields.get("date") or month_of_year,
        "arxiv": next((place for place in places if arxiv_id(str(place))[0]), None),
    }

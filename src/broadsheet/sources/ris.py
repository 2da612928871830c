"""Reads RIS, the export format of reference managers, with rispy."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from broadsheet.paper import Paper
from broadsheet.sources.field_values import Unreadable
from broadsheet.sources.listing import Listing
from broadsheet.sources.records import Record, papers

NAME = "ris"
_REFERENCE = re.compile(r"^\ufeff?TY {1,2}- ?[A-Z]+\s*$", re.MULTILINE)
_TAG = re.compile(r"\ufeff?([A-Z][A-Z0-9]) {1,2}-(?: |$)")
_END = "ER  - "
# The format of 2001 knew N1 for notes and N2 for abstracts, and some tools still write abstracts into N1.
_FEWEST_ABSTRACT_WORDS = 40


def recognises(text: str, fields: Mapping[str, str]) -> bool:  # noqa: ARG001 - its tags are fixed
    """Tell whether a reference begins on any line of the text."""
    return bool(_REFERENCE.search(text))


def read(listing: Listing) -> Iterator[Paper]:
    """Yield the papers of an RIS file, each with its sighting.

    Raises:
        SourceError: The file cannot be read, or none of its references is a paper.
    """
    return papers(listing, NAME, _references(listing))


def _references(listing: Listing) -> Iterator[tuple[str, Record]]:
    for number, lines in _blocks(listing):
        place = f"the reference on line {number}"
        if lines[0].startswith("TY"):
            yield place, _record("\n".join(lines))
        elif any(map(_TAG.match, lines)):
            yield place, Unreadable("it does not begin with TY")
        else:
            listing.reading.left_out["lines outside any reference"] += len(lines)


def _blocks(listing: Listing) -> Iterator[tuple[int, list[str]]]:
    """Yield the lines of each reference, and those between two, with the number of the first.

    A reference ends with ER, or where the next one begins.
    """
    block: list[str] = []
    start = 0
    for number, line in listing.lines():
        tag = match[1] if (match := _TAG.match(line)) else ""
        if tag == "TY" and block:
            yield start, block
            block = []
        if block or (line.strip() and tag != "ER"):
            start = start if block else number
            block.append(_TAG.sub(r"\1  - ", line))
        if tag == "ER" and block:
            yield start, block
            block = []
    if block:
        yield start, block


def _record(text: str) -> Record:
    import rispy

    try:
        references = rispy.loads(f"{text}\n{_END}\n")
    except Exception as error:  # noqa: BLE001 - the library documents no exceptions
        return Unreadable(f"it is not valid RIS ({type(error).__name__})")
    if not references:
        return Unreadable("it is not valid RIS")
    reference = references[0]
    # M1 is a number or an arXiv id, and no note, whatever rispy calls it.
    record = {"arxiv": reference.pop("note", None), **reference}
    notes = " ".join(reference.get("notes", []))
    if len(notes.split()) >= _FEWEST_ABSTRACT_WORDS and not {"abstract", "notes_abstract"} & reference.keys():
        record |= {"abstract": notes, "notes": []}
    return record

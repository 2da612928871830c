"""Reads RIS, the export format of reference managers, with rispy."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from broadsheet.errors import SourceError
from broadsheet.paper import Paper
from broadsheet.sources.listing import Listing
from broadsheet.sources.records import Record, papers

NAME = "ris"
_REFERENCE = re.compile(r"^\ufeff?TY {1,2}- ?[A-Z]+\s*$", re.MULTILINE)


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
    import rispy

    text = listing.text()
    try:
        references = rispy.loads(text if text.rstrip().endswith("ER  -") else text + "\nER  - \n")
    except Exception as error:  # the library documents no exceptions
        raise SourceError(f"{listing.name} cannot be read as RIS ({type(error).__name__}).") from error
    for number, reference in enumerate(references, 1):
        # M1 is a number or an arXiv id, and no note, whatever rispy calls it.
        yield f"reference {number}", {"arxiv": reference.pop("note", None), **reference}

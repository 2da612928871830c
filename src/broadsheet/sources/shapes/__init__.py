"""The shapes in which services and tools deliver a paper: the `Shape` protocol, and the table of shapes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from broadsheet.sources.shapes import (
    arxiv_snapshot,
    csl,
    hugging_face,
    openalex,
    openreview,
    semantic_scholar,
    zotero_csv,
)


class Shape(Protocol):
    """A module for the records of one service or tool."""

    def fits(self, row: Mapping[str, Any]) -> bool:
        """Tell whether a record has this shape, judged by field names that no other shape has together."""
        ...

    def flat(self, row: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the record's values by the field names of `broadsheet.sources.records`.

        Raises:
            Unreadable: The record is something else than a paper, such as a review.
        """
        ...


# The first shape that fits is used.
SHAPES: tuple[Shape, ...] = (
    hugging_face,
    openalex,
    openreview,
    semantic_scholar,
    arxiv_snapshot,
    zotero_csv,
    csl,
)


def fits(row: Mapping[str, Any]) -> bool:
    """Tell whether a record has any of the shapes."""
    return any(shape.fits(row) for shape in SHAPES)


def flat(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a record's values by our field names if it has one of the shapes, else the record.

    Raises:
        Unreadable: The record is something else than a paper.
    """
    return next((shape.flat(row) for shape in SHAPES if shape.fits(row)), row)

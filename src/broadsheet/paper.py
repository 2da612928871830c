"""`Paper`: what a source tells us of a paper, its identity and its content hash."""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from functools import lru_cache
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from broadsheet.hashing import short_hash

_NOT_ALPHANUMERIC = re.compile(r"[\W_]+")


def title_key(title: str) -> str:
    """The words of a title, for comparison: lower case, letters and digits only, single spaces.

    ``"Mixup: Your  Own-Pairs"`` and ``"mixup your own pairs"`` have one key.
    """
    folded = unicodedata.normalize("NFKC", title).casefold()
    return _NOT_ALPHANUMERIC.sub(" ", folded).strip()


class Sighting(BaseModel):
    """A source listed a paper on a day, at a rank, with so many votes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str = Field(description="The source's name: trending-page, hf, arxiv, jsonl …")
    origin: str = Field("", description="Which listing of that source: a file's name, an arXiv category.")
    day: date = Field(description="The day of the listing.")
    rank: int | None = Field(None, description="Place in the listing, from 1.")
    votes: int | None = Field(None, description="Upvotes when it was read.")
    stars: int | None = Field(None, description="Stars of its repository when it was read.")
    words: dict[str, Any] = Field(
        default_factory=dict, description="What else the source says (its own AI summary, say), as its words."
    )


class Paper(BaseModel):
    """A paper as a source tells it.

    ``id`` is the arXiv id without its version, else the DOI, else the first 12 hexadecimal digits of the
    SHA-256 of ``title_key(title)``. It is filled in where it is empty, and never changes once stored.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = ""
    title: str = Field(min_length=1)
    abstract: str = ""
    authors: tuple[str, ...] = ()
    url: str = Field("", description="The paper's own page.")
    published: date | None = Field(None, description="When the paper appeared, as far as the source says.")
    comment: str = Field("", description="The authors' comment at the source; read for code links.")
    arxiv_id: str = Field("", description="arXiv id without version, such as 2503.01234 or cs/0112017.")
    version: int | None = Field(None, description="arXiv version, from 1.")
    doi: str = Field("", description="DOI in lower case, without resolver.")
    local_id: str = Field("", description="The id a file gave it; looked up by `show`, never an identity.")
    sighting: Sighting | None = None

    @model_validator(mode="after")
    def _fill_id(self) -> Self:
        if not self.id:
            object.__setattr__(self, "id", self.arxiv_id or self.doi or short_hash(title_key(self.title)))
        return self

    @property
    def source(self) -> str:
        """Name of the source that told of it; empty when it came from none."""
        return self.sighting.source if self.sighting else ""

    @property
    def own_text(self) -> str:
        """Title, abstract and comment, a line break between: all that a claim may be grounded in."""
        return "\n".join(part for part in (self.title, self.abstract, self.comment) if part)

    @property
    def content_hash(self) -> str:
        """16 hexadecimal digits that change when, and only when, the words a model reads do."""
        return _content_hash(self.title, self.abstract, self.comment)


@lru_cache(maxsize=1024)
def _content_hash(*parts: str) -> str:
    return short_hash(*(" ".join(part.split()) for part in parts), digits=16)

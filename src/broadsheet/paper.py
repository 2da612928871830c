"""`Paper`: a paper as described by a source, with its id and content hash."""

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
    """Return a title normalized for comparison: lower-case letters and digits, single spaces.

    ``"Mixup: Your  Own-Pairs"`` and ``"mixup your own pairs"`` have the same key.
    """
    folded = unicodedata.normalize("NFKC", title).casefold()
    return _NOT_ALPHANUMERIC.sub(" ", folded).strip()


class Sighting(BaseModel):
    """A source's listing of a paper on a given day, with its rank and votes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str = Field(description="The source's name: trending-page, hf, arxiv, jsonl …")
    origin: str = Field("", description="Which listing of that source: a file name, an arXiv category.")
    day: date = Field(description="The day of the listing.")
    rank: int | None = Field(None, description="Position in the listing, from 1.")
    votes: int | None = Field(None, description="Upvotes at the time it was read.")
    stars: int | None = Field(None, description="Stars of the paper's repository at the time it was read.")
    words: dict[str, Any] = Field(
        default_factory=dict, description="Other fields that the source provides, such as its own AI summary."
    )

    @property
    def is_arxiv(self) -> bool:
        """Tell whether arXiv itself listed it, in whatever form."""
        return self.source.startswith("arxiv")


class Paper(BaseModel):
    """A paper as described by a source.

    ``id`` is the arXiv id without its version, else the DOI, else the first 12 hexadecimal digits of the
    SHA-256 of ``title_key(title)``. It is filled in if empty, and never changes once stored.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = ""
    title: str = Field(min_length=1)
    abstract: str = ""
    authors: tuple[str, ...] = ()
    url: str = Field("", description="The paper's own page.")
    published: date | None = Field(None, description="When the paper appeared, if the source says.")
    comment: str = Field("", description="The authors' comment at the source; read for code links.")
    arxiv_id: str = Field("", description="arXiv id without version, such as 2503.01234 or cs/0112017.")
    version: int | None = Field(None, description="arXiv version, from 1.")
    doi: str = Field("", description="DOI in lower case, without resolver.")
    local_id: str = Field(
        "", description="Its id in an imported file; `show` accepts it, but it may not be unique."
    )
    sighting: Sighting | None = None

    @model_validator(mode="after")
    def _fill_id(self) -> Self:
        if not self.id:
            object.__setattr__(self, "id", self.arxiv_id or self.doi or short_hash(title_key(self.title)))
        return self

    @property
    def source(self) -> str:
        """Return the name of the source it was read from, or an empty string."""
        return self.sighting.source if self.sighting else ""

    @property
    def own_text(self) -> str:
        """Return title, abstract and comment, one per line: the text that grounds every claim."""
        return "\n".join(part for part in (self.title, self.abstract, self.comment) if part)

    @property
    def content_hash(self) -> str:
        """Return 16 hexadecimal digits that change exactly when the text that a model reads changes."""
        return _content_hash(self.title, self.abstract, self.comment)


@lru_cache(maxsize=1024)
def _content_hash(*parts: str) -> str:
    return short_hash(*(" ".join(part.split()) for part in parts), digits=16)

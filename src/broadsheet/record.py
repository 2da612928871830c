"""`Record`: a paper with its current annotation, as the cache answers and as every front door prints it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    SerializeAsAny,
    ValidationInfo,
    field_validator,
)

from broadsheet.annotation import Annotation, Finding
from broadsheet.engines import engine_of
from broadsheet.fields import annotation_model, read_annotation
from broadsheet.hashing import short_hash
from broadsheet.paper import Paper

LinkState = Literal["live", "gone", "unknown"]


@dataclass(frozen=True, slots=True)
class Maker:
    """What an annotation depends on besides the paper: the rest of its cache key.

    Attributes:
        engine: Name of the engine, such as ``openai``.
        model: The model or version that answers.
        prompt: Hash of the prompt texts and the taxonomy.
        schema: Hash of the reply schema.
    """

    engine: str
    model: str
    prompt: str
    schema: str

    def key(self, content_hash: str) -> str:
        """Return the cache key of this maker's annotation of a paper with that content, never of a batch."""
        return short_hash(content_hash, self.engine, self.model, self.prompt, self.schema, digits=24)


class Provenance(BaseModel):
    """Who made an annotation, from what, and when."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    engine: str
    model: str
    prompt: str
    annotated_at: datetime


class Repository(BaseModel):
    """A code repository that a listing names; the abstract need not say a word of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str
    listed_by: str
    stars: int | None = None


class Record(BaseModel):
    """A paper of the cache with its current annotation, or with none yet.

    Attributes:
        first_seen: The day of its first sighting.
        source: The source that told of it first.
        revised: Its abstract changed after it was first seen.
        votes: The most votes that any sighting counted.
        repository: The repository that the latest listing names; the abstract may say nothing of it.
        links: What the last check found behind each code URL that was checked.
        sources: Every source that has listed it, such as ``hf`` or ``arxiv:cs.CL``, in alphabetical order.
        listings: How often it was listed, over all sources and days.
        failure: Why the last try to annotate it failed, where it did and nothing else stands.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    paper: Paper
    first_seen: date
    source: str
    revised: bool = False
    votes: int | None = None
    repository: Repository | None = None
    annotation: SerializeAsAny[Annotation] | None = None
    provenance: Provenance | None = None
    findings: tuple[Finding, ...] = ()
    links: dict[str, LinkState] = {}
    sources: tuple[str, ...] = ()
    listings: int = 0
    failure: str = ""

    @field_validator("annotation", mode="before")
    @classmethod
    def _of_the_caches_class(cls, value: Any, info: ValidationInfo) -> Any:
        """Read an annotation as the class that the context names, which may have a user's fields."""
        if isinstance(value, dict):
            model = (info.context or {}).get("annotation") or annotation_model()
            return read_annotation(model, value)
        return value

    @property
    def id(self) -> str:
        """Return the paper's id."""
        return self.paper.id

    @property
    def title(self) -> str:
        """Return the paper's title."""
        return self.paper.title

    @property
    def stars(self) -> int | None:
        """Return how many stars its listed repository had at the latest listing, if that says."""
        return self.repository.stars if self.repository else None

    @property
    def extracted(self) -> bool:
        """Tell whether the annotation was read off the abstract by rules, not written by a model."""
        return self.provenance is not None and engine_of(self.provenance.engine).by_rules

    def as_dict(self, model: type[Annotation] | None = None) -> dict[str, Any]:
        """Return the published record: the same keys in ``list``, ``show``, ``export`` and the API.

        Values are JSON types: dates as ``YYYY-MM-DD``, times as ISO 8601 in UTC, and null for what is unsaid
        or what a paper without an annotation does not have.

        Args:
            model: The class whose fields a record has, such as ``store.annotation``.
        """
        fields = model or (type(self.annotation) if self.annotation else annotation_model())
        paper = self.paper.model_dump(
            mode="json",
            include={"id", "arxiv_id", "doi", "title", "abstract", "authors", "url", "published"},
        )
        annotation = {
            **dict.fromkeys(fields.model_fields),
            **(self.annotation.model_dump(mode="json") if self.annotation else {}),
        }
        provenance = (
            self.provenance.model_dump(mode="json")
            if self.provenance
            else dict.fromkeys(Provenance.model_fields)
        )
        return {
            **paper,
            "first_seen": self.first_seen.isoformat(),
            "source": self.source,
            "votes": self.votes,
            **annotation,
            "repository": self.repository.model_dump() if self.repository else None,
            **provenance,
            "findings": [finding.model_dump() for finding in self.findings],
        }

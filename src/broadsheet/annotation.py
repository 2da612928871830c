"""`Annotation`: what is said of one paper, every field declared once.

JSON Schema, database columns, records, cards and docs are projections of this class (``schema.py``). To add a
field, declare it here: a type, a description (the only definition that the model reads) and a `Show`. A field
that is not core may stay unsaid, whatever its type: see ``fields.py``. Shape is checked here, and truth in
``grounding.py``, against the abstract.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationInfo
from pydantic.functional_validators import AfterValidator, BeforeValidator

from broadsheet.taxonomy import Taxonomy
from broadsheet.text import word_count

MIN_TLDR_WORDS = 15
MAX_TLDR_WORDS = 35
MAX_TLDR_CHARACTERS = 260
"""What a TL;DR may have; the prompt asks for less, for a strong reader's drafts run over what is asked."""

CodeStatus = Literal["available", "announced", "none"]
Place = Literal["headline", "badge", "line", "nowhere"]

CORE = ("tldr", "topics", "contribution", "keywords", "code")
"""The fields that every annotation has; rules say them where a model does not."""


@dataclass(frozen=True, slots=True)
class Show:
    """How a field is shown to a reader; it never reaches the model.

    Attributes:
        label: What the field is called in print.
        at: ``headline`` (under the title), ``badge`` (a word), ``line`` (a labelled line) or ``nowhere``.
    """

    label: str
    at: Place


@dataclass(frozen=True, slots=True)
class InText:
    """Marks phrases that must stand in the paper's own text; `grounding` withholds those that do not."""


@dataclass(frozen=True, slots=True)
class InFacet:
    """Marks a string as the id of a tag in that facet; ``schema.py`` turns it into an enum."""

    facet: Literal["topic", "contribution"]

    def ids(self, taxonomy: Taxonomy) -> tuple[str, ...]:
        """Return the ids that the facet has in this taxonomy."""
        return taxonomy.topic_ids if self.facet == "topic" else taxonomy.contribution_ids


@dataclass(frozen=True, slots=True)
class NullFor:
    """Marks a field whose commonest value, `value`, a model writes as null, which costs one token."""

    value: Any


@dataclass(frozen=True, slots=True)
class NotAsked:
    """Marks a choice that a model is not offered, because a null further out says the same."""

    choice: str


def _known(facet: InFacet) -> AfterValidator:
    def check(value: str, info: ValidationInfo) -> str:
        taxonomy = (info.context or {}).get("taxonomy")
        if taxonomy is not None and value not in facet.ids(taxonomy):
            raise ValueError(f"{value!r} is not a {facet.facet} of the taxonomy")
        return value

    return AfterValidator(check)


def distinct(values: tuple[str, ...]) -> tuple[str, ...]:
    """Return the values without repetitions."""
    return tuple(dict.fromkeys(values))


def _one_short_sentence(tldr: str) -> str:
    if len(tldr) > MAX_TLDR_CHARACTERS:
        raise ValueError(f"it has {len(tldr)} characters; at most {MAX_TLDR_CHARACTERS} are allowed")
    if (words := word_count(tldr)) > MAX_TLDR_WORDS:
        raise ValueError(f"it has {words} words; at most {MAX_TLDR_WORDS} are allowed")
    return tldr


def _verdict_has_evidence(code: Code) -> Code:
    if code.status == "none" and (code.evidence or code.urls):
        raise ValueError("status 'none' goes with empty evidence and no urls")
    if code.status != "none" and not code.evidence:
        raise ValueError(f"status {code.status!r} needs the abstract's words as evidence")
    return code


def _null_is(value: Any) -> BeforeValidator:
    return BeforeValidator(lambda written: value if written is None else written)


Text = Annotated[str, StringConstraints(strip_whitespace=True)]
FilledText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Phrases = Annotated[tuple[FilledText, ...], AfterValidator(distinct), InText()]
Topic = Annotated[str, InFacet("topic"), _known(InFacet("topic"))]
Contribution = Annotated[str, InFacet("contribution"), _known(InFacet("contribution"))]


class Code(BaseModel):
    """Whether the abstract says that the code of this work can be had.

    Evidence stands before the verdict because a model writes the fields in order.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    evidence: Text = Field(description="Exact words")
    status: Annotated[CodeStatus, NotAsked("none")]
    urls: Annotated[tuple[FilledText, ...], AfterValidator(distinct)] = Field(
        description="Where that code is or will be"
    )


NO_CODE = Code(evidence="", status="none", urls=())


class Annotation(BaseModel):
    """What is said of one paper, from its title and abstract alone."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tldr: Annotated[FilledText, AfterValidator(_one_short_sentence), Show("TL;DR", at="headline")] = Field(
        description="One sentence of 15 to 25 words: what is new and what it achieves"
    )
    topics: Annotated[tuple[Topic, ...], AfterValidator(distinct), Show("Topics", at="badge")] = Field(
        description="1 to 4, first its newsletter section", min_length=1, max_length=4
    )
    contribution: Annotated[Contribution, Show("Contribution", at="badge")] = Field(
        description="The main kind"
    )
    keywords: Annotated[Phrases, Show("Keywords", at="line")] = Field(
        description="3 to 6 lower-case phrases of 1 to 4 words, found in title or abstract",
        min_length=1,
        max_length=6,
    )
    code: Annotated[
        Code,
        AfterValidator(_verdict_has_evidence),
        _null_is(NO_CODE),
        NullFor(NO_CODE),
        Show("Code", at="badge"),
    ] = Field(description="This work's own code; null if none")


Severity = Literal["withheld", "note"]


class Finding(BaseModel):
    """One disagreement between an annotation and its abstract, stored, counted and shown.

    ``withheld`` means that what the field claimed was not kept; ``note`` that it was, and is worth a look.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    field: str = Field(
        description="The annotation's field, such as tldr or code.urls; reply for what went wrong on the way."
    )
    kind: str = Field(description="What is wrong, as a short id such as number-not-in-abstract.")
    detail: str = Field("", description="The words concerned.")
    severity: Severity = "note"

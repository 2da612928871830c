"""Scores the same annotate stage that users run against hand-made reference annotations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from broadsheet.annotate import Estimate, Wanted, Watch, maker_of, prepare
from broadsheet.annotation import Annotation
from broadsheet.config import Settings
from broadsheet.errors import LLMUnavailable, UserError
from broadsheet.evaluate.reference import Reference, read_reference
from broadsheet.evaluate.scores import RESAMPLES, Measure, count, extra_fields, measured, values_of
from broadsheet.intake import admit
from broadsheet.llm import open_llm
from broadsheet.paper import Paper, Sighting
from broadsheet.prompts import Prompts
from broadsheet.store import Store
from broadsheet.text import plural
from broadsheet.urls import canonical

__all__ = ["Disagreement", "Evaluation", "Reference", "evaluate", "expected", "read_reference"]


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One field of one paper in which an engine and the reference differ."""

    paper_id: str
    title: str
    field: str
    reference: str
    answer: str


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What one run came to.

    Attributes:
        engine: Name of the engine.
        model: The model that answered.
        prompt: Hash of the prompt texts and taxonomy.
        at: When, in UTC.
        papers: Papers of the reference.
        annotated: Those that have an annotation.
        reused: Those whose annotation was in the cache before.
        failed: Reason by title of those that could not be annotated.
        measures: Agreement and truth, by name.
        findings: Grounding failures and notes of the annotations, counted by field and kind.
        disagreements: Paper by paper.
        requests: Answers of this run; what was reused cost nothing.
        input_tokens: Prompt tokens of this run.
        cached_tokens: Those that came from the provider's cache.
        output_tokens: Tokens of its answers.
        cost_usd: US dollars of this run; None where the price is unknown.
        seconds: How long annotating took.
    """

    engine: str
    model: str
    prompt: str
    at: str
    papers: int
    annotated: int
    reused: int
    failed: Mapping[str, str]
    measures: Mapping[str, Measure]
    findings: Mapping[str, int]
    disagreements: tuple[Disagreement, ...]
    requests: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = 0.0
    seconds: float = field(default=0.0, compare=False)


def expected(references: Sequence[Reference], store: Store, settings: Settings, prompts: Prompts) -> Estimate:
    """Return what `evaluate` will take.

    Raises:
        ConfigError: The engine lacks something.
    """
    llm = open_llm(settings, store, prompts)
    ids = [_admitted(reference.paper, store).id for reference in references]
    return prepare(store, llm, prompts, settings, Wanted(ids, others=True, stale=True)).estimate


def evaluate(
    references: Sequence[Reference],
    store: Store,
    settings: Settings,
    prompts: Prompts,
    *,
    resamples: int = RESAMPLES,
    watch: Watch | None = None,
) -> Evaluation:
    """Annotate the reference's papers where the cache has no current annotation of them, and score it all.

    Args:
        references: Papers with what is right for them.
        store: The cache to annotate in.
        settings: Engine, model and limits.
        prompts: Texts and taxonomy.
        resamples: Of the bootstrap.
        watch: Sees how far annotating is; where it stops it, nothing is scored.

    Raises:
        ConfigError: The engine lacks something.
        LLMError: It cannot answer.
        UserError: It was stopped.
    """
    llm = open_llm(settings, store, prompts)
    maker = maker_of(llm, prompts)
    papers = [_admitted(reference.paper, store) for reference in references]
    ids = [paper.id for paper in papers]
    report = prepare(store, llm, prompts, settings, Wanted(ids, others=True, stale=True)).run(watch=watch)
    if report.with_service:
        raise LLMUnavailable(
            f"{plural(report.with_service, 'paper is', 'papers are')} with the Batch API;"
            " run the same command again later."
        )
    if report.left:
        raise UserError(
            f"Stopped with {plural(report.left, 'paper')} left; a cache named with --db keeps what is done."
        )
    kept = [store.annotations.kept(maker.key(paper.content_hash)) for paper in papers]
    annotations = [annotation_and_findings and annotation_and_findings[0] for annotation_and_findings in kept]
    compared = list(zip((each.annotation for each in references), annotations, papers, strict=True))
    annotated = sum(annotation is not None for annotation in annotations)
    findings = Counter(f"{found.field} {found.kind}" for each in kept if each for found in each[1])
    reasons = {failure.paper_id: failure.reason for failure in report.failures}
    return Evaluation(
        engine=maker.engine,
        model=maker.model,
        prompt=maker.prompt,
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        papers=len(references),
        annotated=annotated,
        reused=annotated - report.annotated,
        failed={
            paper.title: reasons.get(paper.id, "given up before")
            for _, annotation, paper in compared
            if annotation is None
        },
        measures=measured([count(*each) for each in compared], resamples=resamples),
        findings=dict(findings.most_common()),
        disagreements=tuple(disagreement for each in compared for disagreement in _disagreements(*each)),
        requests=report.requests,
        input_tokens=report.input_tokens,
        cached_tokens=report.cached_tokens,
        output_tokens=report.output_tokens,
        cost_usd=report.cost_usd,
        seconds=report.seconds,
    )


def _admitted(paper: Paper, store: Store) -> Paper:
    """Return the paper as the cache holds it: one that is there already keeps its id."""
    found = store.papers.by_id(paper.id)
    if found is not None and found.content_hash == paper.content_hash:
        return found
    sighting = Sighting(source="reference", day=datetime.now(UTC).date())
    (paper_id,) = admit(iter([paper.model_copy(update={"sighting": sighting})]), store).paper_ids
    return store.records.get(paper_id).paper


def _disagreements(reference: Annotation, annotation: Annotation | None, paper: Paper) -> list[Disagreement]:
    """Return where the checkable fields differ; TL;DRs always do, so they are only measured."""
    answers = _compared(annotation) if annotation else {}
    return [
        Disagreement(paper.id, paper.title, name, ", ".join(values), ", ".join(answer))
        for name, values in _compared(reference).items()
        if _normal(name, values) != _normal(name, answer := answers.get(name, ("–",)))
    ]


def _compared(annotation: Annotation) -> dict[str, tuple[str, ...]]:
    return {
        "code.status": (annotation.code.status,),
        "code.urls": annotation.code.urls,
        "topics": annotation.topics,
        "contribution": (annotation.contribution,),
        **{name: tuple(values_of(annotation, name)) for name in extra_fields(annotation)},
    }


def _normal(name: str, values: Sequence[str]) -> object:
    if name == "code.urls":
        return {canonical(url) for url in values}
    return (values[0], set(values)) if name == "topics" else tuple(values)

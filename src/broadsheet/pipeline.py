"""The line in code: source -> intake -> annotate -> compose -> render, one call a stage and no logic.

Every arrow between two stages is a table of the cache, so each stage is also a command of its own, and a run
that is cut off between two of them goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from broadsheet import fallback
from broadsheet.annotate import AnnotateReport, Budget, Prepared, Wanted, Watch, prepare
from broadsheet.compose import Composed, compose, due
from broadsheet.config import Settings
from broadsheet.embed import Embedding, EmbedReport, left_of, make_vectors, open_stage, with_embedding
from broadsheet.errors import LLMError
from broadsheet.fetch import FetchReport, fetch, look_back
from broadsheet.llm import open_llm
from broadsheet.newsletter import Newsletter, all_with_tag_ids
from broadsheet.prompts import Prompts
from broadsheet.render import render, write
from broadsheet.render.templates import check_templates
from broadsheet.sources import Source
from broadsheet.store import Store

MOST_MADE = 2_000
"""So many vectors of its papers a run makes at most, 20 s on two processors; `broadsheet embed` makes all."""


@dataclass(frozen=True, slots=True)
class Issue:
    """One newsletter's edition of a run.

    Attributes:
        composed: The edition, if there is anything to print.
        written: Its HTML page.
    """

    composed: Composed
    written: Path | None


@dataclass(frozen=True, slots=True)
class RunReport:
    """What a run came to, stage by stage.

    Attributes:
        fetched: Papers read and admitted, source by source.
        annotated: Papers annotated and failed, requests, tokens and cost.
        issues: The editions that fell due, in the order of the newsletters; None where the run was stopped
            before.
        extracted: Papers whose lines are extracted because the model gave none.
        outage: Why the model gave no answer, if it gave out.
        embedded: Texts that were embedded, by the endpoint's model or else by the packaged one.
        not_embedded: Why the endpoint gave no more vectors, if it gave out.
    """

    fetched: FetchReport
    annotated: AnnotateReport
    issues: tuple[Issue, ...] | None
    extracted: int = 0
    outage: LLMError | None = None
    embedded: EmbedReport | None = None
    not_embedded: LLMError | None = None

    @property
    def composed(self) -> Composed | None:
        """Return the first newsletter's edition, if one fell due."""
        return self.issues[0].composed if self.issues else None

    @property
    def written(self) -> Path | None:
        """Return the first newsletter's HTML page, if it has an edition."""
        return self.issues[0].written if self.issues else None


@dataclass(frozen=True, slots=True)
class Hooks:
    """What a run calls on its way.

    Attributes:
        approve: Called with what was fetched and what annotating it will take; raises to stop the run.
        on_fetch: Called with the number of papers read so far.
        watching: Opened, with its name, around each stage that spends, and that can be stopped half-way.
    """

    approve: Callable[[FetchReport, Prepared], None] = lambda *_: None
    on_fetch: Callable[[int], None] | None = None
    watching: Callable[[str], AbstractContextManager[Watch]] = lambda _: nullcontext(Watch())


def run(
    sources: Sequence[Source],
    settings: Settings,
    day: date,
    *,
    budget: Budget | None = None,
    hooks: Hooks | None = None,
    again: bool = False,
    wait: bool = False,
) -> RunReport:
    """Fetch, annotate what is new of it, compose the day's edition and write it.

    Args:
        sources: Where papers come from.
        settings: The database, the engine, the folder for editions.
        day: The edition's day.
        budget: What annotating may cost, at most.
        hooks: Called on the way.
        again: Also annotate papers that another model has annotated.
        wait: Wait while another process annotates the same cache.

    Raises:
        UserError: Something must be put right first; what was done before stays done.
        LLMError: The engine cannot answer and ``settings.fallback`` is off; what it answered before is kept.
    """
    hooks, prompts = hooks or Hooks(), Prompts.load(settings.prompts, settings.language)
    check_templates(settings.templates)
    newsletters = all_with_tag_ids(settings.newsletters, prompts.taxonomy.names)
    with Store.open(settings.db) as store:
        issued = due(store, day, newsletters)
        llm = open_llm(settings, store, prompts)
        embedding = open_stage(settings, store, budget)
        fetched = fetch(sources, store, look_back(day, settings), on_progress=hooks.on_fetch)
        with store.annotating(wait=wait):
            pending = fallback.pending(store, llm, prompts, day, issued, fetched.paper_ids)
            prepared = prepare(store, llm, prompts, settings, Wanted(pending, others=again))
            prepared = replace(prepared, estimate=with_embedding(prepared.estimate, embedding))
            hooks.approve(fetched, prepared)
            with hooks.watching("Annotating") as watch:
                annotated, outage = fallback.annotate(prepared, store, budget, watch)
            if outage and not settings.fallback:
                raise outage
            if annotated.ending in {"stopped", "with-service"}:
                return RunReport(fetched, annotated, None)
            extracted = 0
            if settings.fallback:
                extracted = fallback.extract_rest(store, llm, prompts, settings, day, issued, outage)
        issues = tuple(issue(store, settings, prompts, day, newsletter) for newsletter in issued)
        report = RunReport(fetched, annotated, issues, extracted, outage)
        if embedding is None:
            report = _make_vectors(report, store, fetched.paper_ids, hooks)
        elif not outage:
            report = _embed(report, embedding, left_of(budget, annotated), hooks)
    return report


def _make_vectors(report: RunReport, store: Store, paper_ids: Sequence[str], hooks: Hooks) -> RunReport:
    """Make the vectors that a run's papers lack here, where the extra ``search`` is installed.

    To look for others would take longer each day.
    """
    if not store.vectors.lacking(paper_ids):
        return report
    with hooks.watching("Embedding") as watch:
        return replace(report, embedded=make_vectors(store, watch, MOST_MADE, paper_ids))


def _embed(report: RunReport, embedding: Embedding, budget: Budget, hooks: Hooks) -> RunReport:
    """Ask for the vectors that are lacking, last of all: no edition waits for them, or is lost with them."""
    try:
        with hooks.watching("Embedding") as watch:
            return replace(report, embedded=embedding.run(budget, watch))
    except LLMError as error:
        return replace(report, not_embedded=error)


def issue(store: Store, settings: Settings, prompts: Prompts, day: date, newsletter: Newsletter) -> Issue:
    """Compose a newsletter's edition of a day and write its pages.

    Raises:
        UserError: A template is wrong, or the folder cannot be written.
    """
    composed = compose(store, day, taxonomy=prompts.taxonomy, newsletter=newsletter)
    if composed.edition is None:
        return Issue(composed, None)
    pages = render(
        composed.edition,
        prompts.taxonomy,
        settings.language,
        newsletter=newsletter,
        templates=settings.templates,
    )
    return Issue(composed, write(pages, settings.out, composed.edition))

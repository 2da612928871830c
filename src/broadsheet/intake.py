"""Adds papers to the cache: each paper once, with a sighting for every listing it appeared in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Literal

from broadsheet import identity
from broadsheet.errors import SourceError
from broadsheet.paper import Paper
from broadsheet.store import Store
from broadsheet.store.papers import Papers

PAPERS_A_TRANSACTION = 500

Outcome = Literal["new", "revised", "known"]


@dataclass(frozen=True, slots=True)
class IntakeReport:
    """What happened to the papers that were read.

    Attributes:
        read: Papers read, counting each listing of the same paper; equals ``new + revised + known``.
        new: Papers that were not in the cache.
        revised: Papers whose text has changed; they will be annotated again.
        known: Papers already in the cache, including those that only gained a link or a date.
        without_abstract: Distinct papers that no source has given an abstract; no engine annotates them.
        paper_ids: Ids of the distinct papers, in the order in which they were first read.
    """

    read: int = 0
    new: int = 0
    revised: int = 0
    known: int = 0
    without_abstract: int = 0
    paper_ids: tuple[str, ...] = ()


class IntakeInterrupted(SourceError):  # noqa: N818 - the state is the name
    """The source failed partway; the papers it delivered before that are in the cache.

    Attributes:
        report: What happened to those papers.
    """

    def __init__(self, message: str, report: IntakeReport) -> None:
        super().__init__(message)
        self.report = report


def admit(
    papers: Iterable[Paper], store: Store, *, on_progress: Callable[[int], None] | None = None
) -> IntakeReport:
    """Add papers to the cache in transactions of 500; whatever has been committed survives later errors.

    Args:
        papers: Read lazily, so that memory use stays constant.
        store: The cache.
        on_progress: Called after each transaction with the number of papers admitted so far.

    Raises:
        IntakeInterrupted: The source failed; the papers it delivered before that are in the cache.
    """
    counts: Counter[Outcome] = Counter()
    has_abstract: dict[str, bool] = {}
    drawn = iter(papers)
    failure: SourceError | None = None
    while failure is None:
        batch, failure = _draw(drawn)
        if not batch:
            break
        with store.transaction():
            for paper in batch:
                stored, outcome = _admit_one(paper, store.papers)
                counts[outcome] += 1
                has_abstract[stored.id] = bool(stored.abstract)
        if on_progress:
            on_progress(counts.total())
    report = IntakeReport(
        read=counts.total(),
        new=counts["new"],
        revised=counts["revised"],
        known=counts["known"],
        without_abstract=sum(not has for has in has_abstract.values()),
        paper_ids=tuple(has_abstract),
    )
    if failure is not None:
        raise IntakeInterrupted(str(failure), report) from failure
    return report


def _draw(papers: Iterator[Paper]) -> tuple[list[Paper], SourceError | None]:
    """Return the papers for the next transaction, and the error if the source failed.

    This runs before the transaction begins, because a slow source must not hold the write lock.
    """
    batch: list[Paper] = []
    try:
        for paper in islice(papers, PAPERS_A_TRANSACTION):
            batch.append(paper)  # noqa: PERF402 - keeps the papers read before a failure
    except SourceError as error:
        return batch, error
    return batch, None


def _admit_one(paper: Paper, papers: Papers) -> tuple[Paper, Outcome]:
    """Add one paper; return it as it is stored now, and what happened to it."""
    seen_on = paper.sighting.day if paper.sighting else datetime.now(UTC).date()
    outcome: Outcome = "known"
    text_hash = paper.content_hash
    if found := identity.find(paper, papers):
        stored, *others = found
        for other in others:
            papers.merge(stored.id, other.id)
        paper = paper.model_copy(update={"id": stored.id})
        if _revises(paper, stored, papers):
            stored = identity.completed(paper, stored)
            papers.revise(stored)
            outcome, text_hash = "revised", stored.content_hash
        papers.enrich(paper)
    else:
        paper = stored = identity.with_free_id(paper, papers)
        papers.add(paper, seen_on)
        outcome = "new"
    papers.add_aliases(paper.id, identity.aliases(paper))
    if paper.sighting:
        papers.sight(paper.id, paper.sighting, text_hash)
    return stored, outcome


def _revises(paper: Paper, stored: Paper, papers: Papers) -> bool:
    """Tell whether the new text should replace the stored text; text that was replaced before never does."""
    if paper.content_hash == stored.content_hash or papers.has_version(paper):
        return False
    return identity.revises(paper, stored, papers.listings(stored))

"""Admits papers to the cache: each paper once, with a sighting for every listing that named it."""

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
    """What became of the papers that were read.

    Attributes:
        read: Papers read, the same one as often as it was listed; the sum of the next three.
        new: Papers that the cache did not hold.
        revised: Papers whose words have changed since; they are to be annotated again.
        known: Readings that told nothing new, or filled in a link or a date.
        paper_ids: The papers by id, each once, in the order in which they were first read.
    """

    read: int = 0
    new: int = 0
    revised: int = 0
    known: int = 0
    paper_ids: tuple[str, ...] = ()


class IntakeInterrupted(SourceError):  # noqa: N818 - the state is the name
    """The source failed after it had told of some papers; those are admitted.

    Attributes:
        report: What became of them.
    """

    def __init__(self, message: str, report: IntakeReport) -> None:
        super().__init__(message)
        self.report = report


def admit(
    papers: Iterable[Paper], store: Store, *, on_progress: Callable[[int], None] | None = None
) -> IntakeReport:
    """Admit papers, a few hundred a transaction; what is committed stays, whatever happens after.

    Args:
        papers: Drawn lazily, so that memory stays flat.
        store: The cache.
        on_progress: Told how many papers have been admitted in all, after each transaction.

    Raises:
        IntakeInterrupted: The source failed; what it had told of before is admitted.
    """
    counts: Counter[Outcome] = Counter()
    ids: dict[str, None] = {}
    drawn = iter(papers)
    failure: SourceError | None = None
    while failure is None:
        batch, failure = _draw(drawn)
        if not batch:
            break
        with store.transaction():
            for paper in batch:
                paper_id, outcome = _admit_one(paper, store.papers)
                counts[outcome] += 1
                ids[paper_id] = None
        if on_progress:
            on_progress(counts.total())
    report = IntakeReport(counts.total(), counts["new"], counts["revised"], counts["known"], tuple(ids))
    if failure is not None:
        raise IntakeInterrupted(str(failure), report) from failure
    return report


def _draw(papers: Iterator[Paper]) -> tuple[list[Paper], SourceError | None]:
    """The next papers for one transaction, and why there are no more where the source failed.

    Drawn before the transaction begins: a source may be slow, and others wait for the write lock.
    """
    batch: list[Paper] = []
    try:
        for paper in islice(papers, PAPERS_A_TRANSACTION):
            batch.append(paper)  # noqa: PERF402 - what came before a failure is kept
    except SourceError as error:
        return batch, error
    return batch, None


def _admit_one(paper: Paper, papers: Papers) -> tuple[str, Outcome]:
    """Admit one reading; returns the id of the paper it is a reading of."""
    seen_on = paper.sighting.day if paper.sighting else datetime.now(UTC).date()
    outcome: Outcome = "known"
    if found := identity.find(paper, papers):
        stored, *others = found
        for other in others:
            papers.merge(stored.id, other.id)
        paper = paper.model_copy(update={"id": stored.id})
        if _revises(paper, stored, papers):
            papers.revise(identity.completed(paper, stored))
            outcome = "revised"
        papers.enrich(paper)
    else:
        paper = identity.with_free_id(paper, papers)
        papers.add(paper, seen_on)
        outcome = "new"
    papers.add_aliases(paper.id, identity.aliases(paper))
    if paper.sighting:
        papers.sight(paper.id, paper.sighting, paper.content_hash)
    return paper.id, outcome


def _revises(paper: Paper, stored: Paper, papers: Papers) -> bool:
    """Whether new words are to take the place of the stored ones; words that were stored before never are."""
    if paper.content_hash == stored.content_hash or papers.has_version(paper):
        return False
    told_before = papers.last_told(stored.id, paper.sighting.source) if paper.sighting else None
    return identity.revises(paper, stored, told_before)

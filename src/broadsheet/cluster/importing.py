"""Merges parts into a cache: papers, answers and annotations, each once, however often it is done.

A part is one transaction after its papers were admitted, so a kill leaves whole parts; what the cache has
already, or has made later under the same key, stands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from broadsheet import identity
from broadsheet.cluster.parts import ANNOTATIONS, PAPERS, Parts, Row
from broadsheet.cluster.rows import annotation_of, keep_reply, paper_of
from broadsheet.errors import NotFoundError
from broadsheet.intake import admit
from broadsheet.paper import Paper, Sighting
from broadsheet.record import Maker
from broadsheet.store import Store


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What came into the cache.

    Attributes:
        parts: Partitions that were done.
        unfinished: Partitions that were begun; their answers are kept, so that they are not paid for again.
        papers: Papers that were not in the cache.
        annotations: Annotations that were not in the cache, or older there.
        replies: Answers that were not in the cache.
        failures: Papers that got no annotation.
    """

    parts: int = 0
    unfinished: int = 0
    papers: int = 0
    annotations: int = 0
    replies: int = 0
    failures: int = 0


def import_parts(
    parts: Parts, store: Store, *, on_progress: Callable[[int, int], None] = lambda *_: None
) -> ImportReport:
    """Merge all parts into a cache.

    Args:
        parts: What a backfill has written.
        store: The cache.
        on_progress: Called after each partition with the number of those merged and of all.

    Raises:
        NotFoundError: The folder has no parts.
        StoreError: The cache cannot be written.
        UserError: A part cannot be read.
    """
    names = parts.names()
    if not names:
        raise NotFoundError(
            f"There are no parts in {parts.folder}; make some with: broadsheet backfill --out {parts.folder}"
        )
    report = ImportReport()
    for number, name in enumerate(names, 1):
        with parts.naming(name):
            report = _merge(parts, name, store, report)
        on_progress(number, len(names))
    return report


def _merge(parts: Parts, name: str, store: Store, report: ImportReport) -> ImportReport:
    maker = parts.maker(name)
    is_done, replies = parts.is_done(name), parts.kept_replies(name)
    if not (is_done or replies):
        return report
    papers, new = _admitted([paper_of(row) for row in parts.read(PAPERS, name)], store)
    rows = parts.read(ANNOTATIONS, name) if is_done else []
    fields = parts.fields(name) if is_done else ()
    store.declare(fields)
    with store.transaction():
        fresh = sum(_is_fresh(row, store) for row in replies)
        by_request = {row["request_id"]: keep_reply(store, row, maker, papers) for row in replies}
        annotations = sum(_keep(row, papers, maker, by_request, store) for row in rows)
        failures = sum(_fail(row, papers, maker, store) for row in rows)
    return replace(
        report,
        parts=report.parts + is_done,
        unfinished=report.unfinished + (not is_done),
        papers=report.papers + new,
        annotations=report.annotations + annotations,
        replies=report.replies + fresh,
        failures=report.failures + failures,
    )


def _admitted(read: Sequence[tuple[Paper, list[Sighting]]], store: Store) -> tuple[dict[str, Paper], int]:
    """Bring papers into the cache as a source would.

    Returns:
        Each paper in the words of its part, with the id that it has in the cache, by its id in the part;
        and how many were new.
    """
    listings = [
        paper.model_copy(update={"sighting": sighting})
        for paper, sightings in read
        if not _is_known(paper, sightings, store)
        for sighting in sightings or (None,)
    ]
    new = admit(listings, store).new
    papers = {}
    for paper, _ in read:
        same = store.papers.by_id(paper.id)
        if same is None or same.content_hash != paper.content_hash:
            same = identity.find(paper, store.papers)[0]
        papers[paper.id] = paper.model_copy(update={"id": same.id})
    return papers, new


def _is_known(paper: Paper, sightings: Sequence[Sighting], store: Store) -> bool:
    same = store.papers.by_id(paper.id)
    if same is None or same.content_hash != paper.content_hash:
        return False
    known = store.papers.sightings(paper.id)
    return all(sighting in known for sighting in sightings)


def _is_fresh(row: Row, store: Store) -> bool:
    return store.annotations.reply_to(row["request_id"]) is None


def _keep(
    row: Row, papers: Mapping[str, Paper], maker: Maker, by_request: Mapping[str, int], store: Store
) -> bool:
    """Store an annotation unless the cache has it, or one made later under the same key."""
    found = annotation_of(row, store.annotation)
    origin = store.annotations.origin(row["key"])
    if found is None or (origin and origin[1] >= row["annotated_at"]):
        return False
    annotation, findings = found
    reply_id, at = by_request.get(row["request_id"]), row["annotated_at"]
    store.annotations.keep(papers[row["paper_id"]], maker, annotation, findings, reply_id, at)
    return True


def _fail(row: Row, papers: Mapping[str, Paper], maker: Maker, store: Store) -> bool:
    """Count a failure once; an annotation that came elsewhere outweighs it."""
    annotations = store.annotations
    if not row["failure"] or annotations.has_failed(row["key"]) or annotations.origin(row["key"]):
        return False
    annotations.fail(papers[row["paper_id"]], maker, row["failure"], row["failure_detail"])
    return True

"""`plan`: divides what is to be annotated into partitions, and finds those of earlier runs that are not done.

A partition that was begun stays as it is, whatever the source holds later: its answers belong to it. Only
papers that no partition of the same model and prompt has yet go into new ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from broadsheet.cluster.parts import PAPERS, Parts, Row, part_name
from broadsheet.cluster.rows import paper_row
from broadsheet.paper import Paper
from broadsheet.record import Maker
from broadsheet.store import Store


@dataclass(frozen=True, slots=True)
class Partition:
    """A partition that is to be annotated.

    Attributes:
        name: Its name among the parts.
        papers: How many of its papers are wanted.
        left_out: Ids of its papers that are wanted no more: revised, or annotated elsewhere.
    """

    name: str
    papers: int
    left_out: tuple[str, ...] = ()


def plan(
    wanting: Iterable[Paper],
    store: Store,
    maker: Maker,
    parts: Parts,
    *,
    size: int,
    on_progress: Callable[[int], None] = lambda _: None,
) -> list[Partition]:
    """Write the papers of new partitions, and return all that are not done, those that were begun first.

    Args:
        wanting: What has no current annotation, in the order in which it is to be asked about.
        store: Knows the papers' sightings.
        maker: Whose annotations are wanted.
        parts: Where partitions are.
        size: Papers of a partition, at most.
        on_progress: Called with the number of papers read so far, after each partition.

    Raises:
        UserError: A part cannot be read or written.
    """
    planned = [name for name in parts.names() if parts.maker(name) == maker]
    ids = {
        name: {row["key"]: row["id"] for row in parts.read(PAPERS, name, ("key", "id"))} for name in planned
    }
    home = {key: name for name, keys in ids.items() for key in keys}
    wanted: dict[str, set[str]] = {}
    fresh: list[Partition] = []
    lot: list[Row] = []
    read = 0

    def close() -> None:
        keys = [row["key"] for row in lot]
        name = part_name(keys)
        parts.write(PAPERS, name, lot, maker, ())
        fresh.append(Partition(name, len(lot)))
        lot.clear()
        on_progress(read)

    for read, paper in enumerate(wanting, 1):  # noqa: B007 - the last number is the count
        key = maker.key(paper.content_hash)
        if key in home:
            wanted.setdefault(home[key], set()).add(key)
            continue
        lot.append(paper_row(paper, store.papers.sightings(paper.id), key))
        if len(lot) == size:
            close()
    if lot:
        close()
    begun = [
        Partition(name, len(keys), tuple(id_ for key, id_ in ids[name].items() if key not in keys))
        for name, keys in wanted.items()
        if not parts.is_done(name)
    ]
    return begun + fresh

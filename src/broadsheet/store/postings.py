"""Scores papers by the words that they have: BM25 over where a word stands, not over how often.

FTS5's own ``bm25`` matches every phrase twice, counts all its places and looks up the length of each paper.
That takes ten times as long, and ranks no better on both pools of ``benchmarks/search.py``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache
from heapq import nlargest
from importlib.util import find_spec
from math import log
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from sqlite_utils import Database  # noqa: TID251 - only this package uses SQL

from broadsheet.fusion import Scores
from broadsheet.searching import Phrase

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PLACES = ("", "{title tldr keywords} : ", "{title keywords} : ")
"""A word counts once for each of these places in which it stands; the first has all papers of the others."""
SATURATION = 1.2
"""BM25's k1."""
LEAST_IDF = 1e-6
"""What a word counts that more than half of the papers have; FTS5 has the same."""


@cache
def can_count() -> bool:
    """Tell whether numpy is installed, which comes with the extra ``search``."""
    return find_spec("numpy") is not None


def counted(
    db: Database,
    asked: Sequence[tuple[Phrase, int]],
    most: int,
    conditions: str = "",
    values: Sequence[str] = (),
) -> Scores:
    """Return the row numbers of the papers that have any of some phrases with their scores, best first.

    Of two papers with the same score the later comes first.

    Args:
        db: The cache.
        asked: The phrases, each with the number of papers that have it.
        most: At most so many papers.
        conditions: Clauses that papers must pass besides, each beginning with AND.
        values: The values of those clauses.
    """
    import numpy as np

    if len(asked) == 1:
        return _alone(db, asked[0][0], most, conditions, values)
    papers = _papers(db)
    found, scores = [], []
    for phrase, having in asked:
        rows, *placed = [_rows(db, place + phrase.quoted, conditions, values) for place in _PLACES]
        times = np.ones(len(rows))
        for those in placed:
            times[np.searchsorted(rows, those)] += 1
        found.append(rows)
        scores.append(_idf(papers, having) * times * (SATURATION + 1) / (times + SATURATION))
    if not found:
        return {}
    each, total = _totals(found, scores)
    if len(each) > most:
        among_best = total >= np.partition(total, -most)[-most]
        each, total = each[among_best], total[among_best]
    best = np.lexsort((-each, -total))[:most]
    return dict(zip(each[best].tolist(), total[best].tolist(), strict=True))


def share_of_all(db: Database, asked: Sequence[tuple[Phrase, int]], found: Scores) -> float:
    """Return the best of some scores of `counted` as a share of what a paper with all phrases would have."""
    if len(asked) == 1 or not found:
        return 1.0  # a lone phrase has scores of its own
    papers, times = _papers(db), len(_PLACES)
    most = sum(_idf(papers, having) for _, having in asked) * times * (SATURATION + 1) / (times + SATURATION)
    return min(1.0, max(found.values()) / most)


def _papers(db: Database) -> int:
    return max(1, int(db.execute("SELECT max(rowid) FROM papers").fetchone()[0] or 0))


def _idf(papers: int, having: int) -> float:
    return max(LEAST_IDF, log((papers - having + 0.5) / (having + 0.5)) if 2 * having < papers else 0)


def _alone(db: Database, phrase: Phrase, most: int, conditions: str, values: Sequence[str]) -> Scores:
    """Return what a lone phrase finds: who has it elsewhere is not read where enough have it in the title."""
    found: dict[int, float] = {}
    for place, times in zip(reversed(_PLACES), range(len(_PLACES), 0, -1), strict=True):
        for row in _rows(db, place + phrase.quoted, conditions, values)[::-1].tolist():
            if len(found) == most:
                return found
            found.setdefault(row, times / (times + SATURATION))
    return found


def added(lists: Iterable[tuple[Sequence[int], float]], most: int | None = None) -> Scores:
    """Return the row numbers of some lists with the sum of what these are worth.

    Args:
        lists: Ascending row numbers, and what it is worth to be among them.
        most: Only so many, those with the largest sums, the largest first.
    """
    if not can_count():
        sums: defaultdict[int, float] = defaultdict(float)
        for rows, worth in lists:
            for row in rows:
                sums[row] += worth
        return sums if most is None else dict(nlargest(most, sums.items(), key=itemgetter(1)))
    import numpy as np

    given = [(np.asarray(rows, np.int64), worth) for rows, worth in lists]
    if not given:
        return {}
    each, total = _totals(
        [rows for rows, _ in given], [np.full(len(rows), worth, np.float64) for rows, worth in given]
    )
    if most is not None:
        best = np.argpartition(-total, most - 1)[:most] if len(each) > most else np.arange(len(each))
        best = best[np.lexsort((each[best], -total[best]))]
        each, total = each[best], total[best]
    return dict(zip(each.tolist(), total.tolist(), strict=True))


def _totals(
    lists: Sequence[NDArray[Any]], scores: Sequence[NDArray[Any]]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the numbers of some ascending lists, each once, and the sum of the scores that each has.

    A stable sort finds the lists in order already, which takes a third of the time of ``np.unique``.
    """
    import numpy as np

    every = np.concatenate(lists)
    order = np.argsort(every, kind="stable")
    every = every[order]
    first = np.flatnonzero(np.diff(every, prepend=-1))
    total = np.add.reduceat(np.concatenate(scores)[order], first) if len(every) else np.zeros(0)
    return every[first], total


def numbers(joined: str | None) -> NDArray[Any]:
    """Return the numbers that SQLite has joined; a row each takes ten times as long.

    Python's lock is also given away and taken back for each row, which others wait for.
    """
    import numpy as np

    return np.fromstring(joined, np.int64, sep=",") if joined else np.zeros(0, np.int64)


def _rows(db: Database, asked: str, conditions: str, values: Sequence[str]) -> NDArray[Any]:
    """Return the row numbers of the papers that an FTS5 query matches, ascending."""
    joined = db.execute(
        f"""SELECT group_concat(rowid) FROM (
                SELECT rowid FROM papers_fts WHERE papers_fts MATCH ? {conditions} ORDER BY rowid)""",  # noqa: S608
        [asked, *values],
    ).fetchone()[0]
    return numbers(joined)

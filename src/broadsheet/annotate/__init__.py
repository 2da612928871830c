"""A batch becomes annotations: ask, check paper by paper, repair once, then halve to find the bad paper.

prepared = prepare(store, llm, prompts, settings)
print(prepared.estimate)
report = prepared.run(Budget(tokens=100_000))
"""

from __future__ import annotations

from broadsheet.annotate import recovery
from broadsheet.annotate.prepare import Estimate, Prepared, judge_of, maker_of, prepare
from broadsheet.annotate.report import AnnotateReport, Failure, Progress, Watch
from broadsheet.annotate.spending import Budget
from broadsheet.prompts import Prompts
from broadsheet.store import Store
from broadsheet.store.backlog import Wanted

__all__ = [
    "AnnotateReport",
    "Budget",
    "Estimate",
    "Failure",
    "Prepared",
    "Progress",
    "Wanted",
    "Watch",
    "maker_of",
    "prepare",
    "rebuild",
]


def rebuild(store: Store, prompts: Prompts, *, suspicious: bool = False) -> int:
    """Make every annotation anew from the stored replies, for no tokens; returns how many there are.

    Args:
        store: The cache.
        prompts: Texts and taxonomy.
        suspicious: Whether tags that another paper may have dictated are overruled.

    Raises:
        StoreError: The database cannot be written.
    """
    return recovery.rebuild(store, judge_of(prompts, suspicious=suspicious))

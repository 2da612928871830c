"""`Fruitless`: notices when answer after answer holds nothing that can be used, so that a run stops."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from broadsheet.annotate.replies import Cause, Reading
from broadsheet.errors import LLMUseless

ANSWERS, PAPERS = 3, 30
"""So many answers in a row, about so many papers: where fewer fail, the papers may be the reason."""
_WHY: dict[Cause, str] = {
    "refused": "the model refuses",
    "filtered": "a content filter withholds them",
    "truncated": "they are cut off before the first record ends",
    "unreadable": "they hold no record in JSON",
    "missing": "their records have refs that were never asked about",
    "misplaced": "their records do not repeat the titles",
}


class Fruitless:
    """Counts the answers since the last one that was of use.

    Papers are counted once however often they are asked about, so a few that no model answers never stop a
    run.

    Attributes:
        error: Why to stop; None while there is hope.
    """

    def __init__(self) -> None:
        self._answers = 0
        self._papers: set[str] = set()
        self._causes: Counter[Cause] = Counter()
        self.error: LLMUseless | None = None

    def add(self, papers: Collection[str], reading: Reading) -> None:
        """Count an answer about the papers of these ids."""
        if reading.records:
            self._answers = 0
            self._papers.clear()
            self._causes.clear()
            return
        self._answers += 1
        self._papers.update(papers)
        self._causes.update(reading.causes.values())
        if not self.error and self._answers >= ANSWERS and len(self._papers) >= PAPERS:
            ((cause, _),) = self._causes.most_common(1)
            self.error = LLMUseless(
                f"The last {self._answers} answers, about {len(self._papers)} papers, are of no use:"
                f" {_WHY.get(cause, cause)}. Read them with broadsheet replies, and try another --model."
            )

"""`Fruitless`: notices when answer after answer holds nothing that can be used, so that a run stops."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from broadsheet.annotate.replies import Cause, Reading
from broadsheet.errors import LLMUseless

ANSWERS, PAPERS = 3, 20
"""So many answers in a row, about so many papers: where fewer fail, the papers may be the reason."""
PAPERS_AT_FIRST = 10
"""So many papers are enough for a run that got no JSON at all: fewer papers a request cannot help it."""
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
        self._was_useful = False
        self._papers: set[str] = set()
        self._causes: Counter[Cause] = Counter()
        self.error: LLMUseless | None = None

    @property
    def is_doubtful(self) -> bool:
        """Tell whether there were answers, and none of use: then one request at a time is enough."""
        return bool(self._answers) and not self._was_useful

    def add(self, papers: Collection[str], reading: Reading) -> None:
        """Count an answer about the papers of these ids."""
        if reading.records:
            self._answers, self._was_useful = 0, True
            self._papers.clear()
            self._causes.clear()
            return
        self._answers += 1
        self._papers.update(papers)
        self._causes.update(reading.causes.values())
        ((cause, _),) = self._causes.most_common(1)
        few = PAPERS_AT_FIRST if cause == "unreadable" and not self._was_useful else PAPERS
        if not self.error and self._answers >= ANSWERS and len(self._papers) >= few:
            self.error = LLMUseless(
                f"The last {self._answers} answers, about {len(self._papers)} papers, are of no use:"
                f" {_WHY.get(cause, cause)}. Read them with broadsheet replies, and try another --model."
            )

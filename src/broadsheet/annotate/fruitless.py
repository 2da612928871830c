"""`Fruitless`: notices when answer after answer holds nothing that can be used, so that a run stops.

A run whose first three answers hold nothing is stopped, a small one too. After the first of them one request
at a time is sent, about one paper where others were asked about before: that is enough to tell a model that
answers nothing from a paper that spoils what stands beside it, and costs little. Where others were answered,
a paper that is asked about alone is given up once the run has spent twice on nothing what it should cost.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from broadsheet.annotate.replies import Cause
from broadsheet.errors import LLMUseless
from broadsheet.llm import Request, Usage
from broadsheet.text import plural

ANSWERS, PAPERS = 3, 20
"""So many answers in a row, about so many papers: where fewer fail, the papers may be the reason."""
ANSWERS_LATER = 8
"""So many in a row once one was of use: a provider that refuses one request in three at random does so
eight times in a row once in 15,000 answers, but three times once in 40."""
PAPERS_AT_FIRST = 10
"""So many papers are enough for a run that got no JSON at all: fewer papers a request cannot help it."""
FEWEST_PAPERS = 3
"""Where a run has fewer papers, it is theirs to fail: they say little of the model."""
TIMES_THE_ESTIMATE = 2
"""What may be spent on nothing, in times of what the papers asked about should cost."""
ANSWER_TOKENS = 120
"""Tokens of one paper's record: 267 reference annotations measure 116 on average."""
_WHY: dict[Cause | str, str] = {
    "refused": "the model refuses",
    "filtered": "a content filter withholds them",
    "truncated": "they are cut off before the first record ends",
    "unreadable": "they hold no record in JSON",
    "missing": "their records have refs that were never asked about",
    "misplaced": "their records do not repeat the titles",
    "false": "what their records say does not stand in the abstracts",
}


class Fruitless:
    """Counts the answers since the last one that was of use, and the tokens of all that were of none.

    Papers are counted once however often they are asked about, so a few that no model answers never stop a
    run that is larger.

    Args:
        papers: Papers of the run.

    Attributes:
        error: Why to stop; None while there is hope.
    """

    def __init__(self, papers: int) -> None:
        self._total = papers
        self._answers = self._all_answers = 0
        self._was_useful = False
        self._papers: set[str] = set()
        self._causes: Counter[Cause | str] = Counter()
        self._asked: set[str] = set()
        self._expected = self._wasted = self._last = 0
        self.error: LLMUseless | None = None

    @property
    def is_doubtful(self) -> bool:
        """Tell whether there were answers, and none of use: then one request at a time is enough."""
        return bool(self._all_answers) and not self._was_useful

    @property
    def is_spent(self) -> bool:
        """Tell whether asking again, at the price of the last answer, would spend too much on nothing."""
        blames_papers = self._was_useful or self._total < FEWEST_PAPERS
        return blames_papers and self._wasted + self._last > TIMES_THE_ESTIMATE * self._expected

    def expect(self, request: Request) -> None:
        """Count what a request should cost for the papers that this run has not asked about before."""
        new = {paper.id for paper in request.papers.values()} - self._asked
        self._expected += _cost(request) * len(new) // len(request.sent)
        self._asked |= new

    def add(self, request: Request, usage: Usage, causes: Iterable[Cause], *, useful: bool) -> None:
        """Count an answer.

        Args:
            request: What was asked.
            usage: What it cost; nothing where the provider does not tell.
            causes: Why papers have no record; where none lacks one, all are false.
            useful: Whether any has one.
        """
        self._all_answers += 1
        if useful:
            self._answers, self._was_useful = 0, True
            self._papers.clear()
            self._causes.clear()
            return
        self._last = usage.input_tokens + usage.output_tokens or _cost(request)
        self._wasted += self._last
        self._answers += 1
        self._papers.update(paper.id for paper in request.papers.values())
        self._causes.update(tuple(causes) or ("false",))
        enough = ANSWERS_LATER if self._was_useful else ANSWERS
        if self._answers >= enough and len(self._papers) >= self._enough():
            self._stop()

    def _enough(self) -> int:
        """Return how many papers without a record of use are enough to blame the model."""
        unreadable = self._why() == "unreadable" and not self._was_useful
        few = PAPERS_AT_FIRST if unreadable else PAPERS
        return few if self._was_useful else max(FEWEST_PAPERS, min(few, self._total))

    def _why(self) -> Cause | str:
        ((cause, _),) = self._causes.most_common(1) or (("missing", 0),)
        return cause

    def _stop(self) -> None:
        why = _WHY.get(self._why(), self._why())
        self.error = self.error or LLMUseless(
            f"The last {self._answers} answers, about {plural(len(self._papers), 'paper')}, are of no use:"
            f" {why}. Read them with broadsheet replies, and try another --model."
        )


def _cost(request: Request) -> int:
    return request.input_tokens + ANSWER_TOKENS * len(request.sent)

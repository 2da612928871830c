"""The annotate stage over any course of events: no record at another paper, nothing lost, nothing paid twice.

Papers arrive, change and are removed, prompts change, answers come right, wrong, swapped, late or never, and
runs end by kills, Ctrl-C and clean stops at any step. ``--hypothesis-profile=long`` tries many more courses.
"""

from __future__ import annotations

import shutil
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
)

from broadsheet.annotate import AnnotateReport, Wanted, Watch, prepare
from broadsheet.config import Settings
from broadsheet.errors import LLMUseless
from broadsheet.llm import Request
from broadsheet.paper import Paper
from broadsheet.prompts import Prompts
from broadsheet.store import Store, connection
from fickle import HARMLESS, KINDS, Fickle, Killed, Mortal, loads, rows

PROMPTS = {language: Prompts.load(language=language) for language in ("en", "de", "fr")}
TOPICS = PROMPTS["en"].taxonomy.topic_ids
NAMES = ("Lantern", "Orchard", "Kettle", "Harbour", "Meadow", "Loom", "Quarry", "Tide")
TASKS = ("sorting pebbles", "counting herons", "folding maps", "naming clouds")
SETTINGS = Settings.load(engine="extractive", batch_papers=4, distrust_neighbours=False)
IS_LONG = settings.get_current_profile_name() == "long"
# A model that keeps to one kind of fault spoils its repairs too, which else would hide what it did before.
plans = st.lists(st.sampled_from(KINDS), max_size=8) | st.sampled_from(KINDS).map(lambda kind: [kind] * 8)


class AnnotateMachine(RuleBasedStateMachine):
    """What a cache may go through, and what must be true of it after each step."""

    papers = Bundle("papers")

    def __init__(self) -> None:
        super().__init__()
        self._folder = Path(tempfile.mkdtemp())
        self._db = self._folder / "cache.db"
        self._before = connection._Connection
        connection._Connection = Mortal  # type: ignore[misc]
        Mortal.left = None
        self._prompts = PROMPTS["en"]
        self._made = 0
        self._truth: dict[str, tuple[str, str]] = {}
        self._present: dict[str, Paper] = {}
        self._killed = 0
        self._deferred = False

    def teardown(self) -> None:
        """Bring everything to its end with right answers: then every paper has its annotation."""
        try:
            self._finish()
        finally:
            Mortal.left = None
            connection._Connection = self._before  # type: ignore[misc]
            shutil.rmtree(self._folder)

    @initialize(deferred=st.booleans(), count=st.integers(1, 6))
    def begin(self, *, deferred: bool, count: int) -> None:
        """Open an empty cache, and choose the kind of engine."""
        self._deferred = deferred
        self._llm = Fickle(self._record, self._is_finished, deferred=deferred)
        for _ in range(count):
            self._add(twin=False)

    @rule(target=papers, count=st.integers(1, 5), twins=st.booleans())
    def arrive(self, count: int, *, twins: bool) -> Any:
        """Papers arrive; twins have titles that begin with the same word."""
        return multiple(*(self._add(twin=twins) for _ in range(count)))

    @rule(paper_id=papers, title_too=st.booleans())
    def change(self, paper_id: str, *, title_too: bool) -> None:
        """A paper gets another abstract, and perhaps another title."""
        revised = self._paper(paper_id, twin=False)
        if not title_too:
            revised = self._retold(revised, self._present[paper_id].title)
        with Store.open(self._db) as store, store.transaction():
            store.papers.revise(revised)
        self._present[paper_id] = revised

    @rule(paper_id=consumes(papers))
    def remove(self, paper_id: str) -> None:
        """A paper is removed."""
        with Store.open(self._db) as store, store.transaction():
            store.papers.remove(paper_id)
        del self._present[paper_id]

    @rule(language=st.sampled_from(list(PROMPTS)))
    def change_prompts(self, language: str) -> None:
        """The prompts are others from now on."""
        self._prompts = PROMPTS[language]

    @rule(plan=plans, stale=st.booleans(), in_flight=st.sampled_from([1, 3, 16]))
    def annotate(self, plan: list[str], in_flight: int, *, stale: bool) -> None:
        """A run goes to its end."""
        self._run(plan, stale=stale, in_flight=in_flight)

    @rule(plan=plans, statements=st.integers(0, 120), in_flight=st.sampled_from([1, 3, 16]))
    def annotate_and_be_killed(self, plan: list[str], statements: int, in_flight: int) -> None:
        """A run is killed between any two statements."""
        self._run(plan, statements=statements, in_flight=in_flight)

    @rule(plan=plans, beats=st.integers(0, 8))
    def annotate_and_be_stopped(self, plan: list[str], beats: int) -> None:
        """A run is asked to stop: it sends no more, and awaits what is under way."""
        self._run(plan, beats=beats)

    @invariant()
    def each_record_is_at_its_own_paper_and_words(self) -> None:
        """Whatever was annotated says what is true of that paper in those words."""
        for paper_id, content_hash, topics in self._annotations():
            assert self._truth[content_hash] == (paper_id, topics)

    @invariant()
    def the_cache_holds_exactly_the_papers_that_there_are(self) -> None:
        """No paper is lost, and none comes back."""
        if self._db.exists():
            stored = dict(rows(self._db, "SELECT id, content_hash FROM papers"))
            assert stored == {id_: paper.content_hash for id_, paper in self._present.items()}

    @invariant()
    def the_ledger_holds_each_answer_once_at_its_price(self) -> None:
        """Every stored reply is billed as it was; one that was billed is missing for a kill alone."""
        if not self._db.exists():
            return
        stored = rows(self._db, "SELECT request_id, input_tokens + output_tokens FROM replies")
        assert len(stored) == len(dict(stored))
        assert dict(stored).items() <= self._llm.bill.items()
        assert len(self._llm.bill) - len(stored) <= self._killed

    def _run(
        self,
        plan: list[str],
        *,
        stale: bool = False,
        in_flight: int = 3,
        statements: int | None = None,
        beats: int | None = None,
        failed_too: bool = False,
    ) -> AnnotateReport | None:
        left = [beats]

        def stop() -> bool:
            if left[0] is None:
                return False
            left[0] -= 1
            return left[0] < 0

        self._llm.plan, self._llm.told = list(plan), 0
        chosen = SETTINGS.model_copy(update={"max_in_flight": in_flight})
        report = None
        store = Store.open(self._db)
        Mortal.left = statements
        try:
            with store.annotating():
                wanted = Wanted(stale=stale, failed_too=failed_too)
                prepared = prepare(store, self._llm, self._prompts, chosen, wanted)
                report = prepared.run(watch=Watch(stop=stop))
        except LLMUseless:
            assert not set(plan) <= HARMLESS
        except KeyboardInterrupt:
            assert "Ctrl-C" in plan
        except Killed:
            assert statements is not None
            self._killed += 1
        finally:
            Mortal.left = None
            store.close()
        if report:
            assert report.papers == report.annotated + report.failed + report.left + report.with_service
            assert report.input_tokens + report.output_tokens == self._llm.told
        return report

    def _finish(self) -> None:
        if not self._present:
            return
        with Store.open(self._db) as store, store.transaction():
            store.annotations.forgive()
        for _ in range(8):
            self._run([], failed_too=True)
            if not self._llm.waiting and self._done() == set(self._present):
                break
        self.each_record_is_at_its_own_paper_and_words()
        assert self._done() == set(self._present)

    def _done(self) -> set[str]:
        return {id_ for (id_,) in rows(self._db, "SELECT id FROM papers WHERE current_key IS NOT NULL")}

    def _annotations(self) -> list[tuple[str, str, str]]:
        if not self._db.exists():
            return []
        return rows(self._db, "SELECT paper_id, content_hash, topics FROM annotations")  # type: ignore[return-value]

    def _is_finished(self, request: Request, paper: Paper) -> bool:
        key = request.maker.key(paper.content_hash)
        return bool(rows(self._db, f"SELECT 1 FROM annotations WHERE key = '{key}'"))

    def _add(self, *, twin: bool) -> str:
        paper_id = f"paper-{self._made}"
        paper = self._paper(paper_id, twin=twin)
        with Store.open(self._db) as store, store.transaction():
            store.papers.add(paper, date(2026, 1, 5))
        self._present[paper_id] = paper
        return paper_id

    def _paper(self, paper_id: str, *, twin: bool) -> Paper:
        """Return a paper with words that no other has, and remember what is true of them."""
        number = self._made
        self._made += 1
        name, task = f"{NAMES[number % len(NAMES)]}{number}", TASKS[number % len(TASKS)]
        title = f"Learning {name} for {task}" if twin else f"{name}: a Network for {task}"
        abstract = (
            f"{name} trains a small network on {task} with contrastive learning, and needs half of the time"
            " that the best earlier method takes for the same work."
        )
        return self._remembered(Paper(id=paper_id, title=title, abstract=abstract), number)

    def _retold(self, revised: Paper, title: str) -> Paper:
        paper = Paper(id=revised.id, title=title, abstract=revised.abstract)
        return self._remembered(paper, self._made - 1)

    def _remembered(self, paper: Paper, number: int) -> Paper:
        first, second = number % len(TOPICS), (number + 1 + number // len(TOPICS)) % len(TOPICS)
        self._truth[paper.content_hash] = paper.id, f'["{TOPICS[first]}", "{TOPICS[second]}"]'
        return paper

    def _record(self, paper: Paper) -> dict[str, Any]:
        """Return the right record of a paper; its topics are no other paper's."""
        topics = self._truth[paper.content_hash][1]
        name, task = paper.abstract.split()[0], paper.abstract.split(" on ")[1].split(" with ")[0]
        return {
            "tldr": f"{name} trains a small network on {task} with contrastive learning in half of the time"
            " of the best earlier method.",
            "topics": loads(topics),
            "contribution": "method",
            "keywords": [task, "contrastive learning"],
            "code": None,
        }


TestAnnotateMachine = AnnotateMachine.TestCase
TestAnnotateMachine.settings = settings(
    max_examples=400 if IS_LONG else 8,
    stateful_step_count=40 if IS_LONG else 12,
    suppress_health_check=list(HealthCheck),
)

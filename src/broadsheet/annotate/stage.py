"""One run of the annotate stage: hands requests to the engine, and takes every answer to its end.

An answer is committed before anything else is done with it; then its papers are judged and committed
together. So a kill at any moment loses no finished paper, and pays again at most for the requests under
way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from broadsheet.annotate.account import Account
from broadsheet.annotate.asking import Ask, Asker, Fault
from broadsheet.annotate.course import Course, Unanswered
from broadsheet.annotate.judging import Judge, Verdict
from broadsheet.annotate.left import Left, keep_older, memo_of
from broadsheet.annotate.notes import Notes
from broadsheet.annotate.replies import RawRecord, Reading, read
from broadsheet.annotate.report import AnnotateReport, Failure, Watch
from broadsheet.annotate.spending import Spending
from broadsheet.errors import StoreError
from broadsheet.fencing import FencedPaper
from broadsheet.llm import LLM, Interruptible, Outcome, Request
from broadsheet.llm.lasting import Lasting
from broadsheet.paper import Paper
from broadsheet.record import Maker
from broadsheet.store import Store


class Stage:
    """The state of one run. `run` may be called once."""

    def __init__(
        self,
        store: Store,
        llm: LLM,
        maker: Maker,
        *,
        asker: Asker,
        course: Course,
        judge: Judge,
        spending: Spending,
        in_flight: int | None,
        watch: Watch,
        papers: int,
        left: Sequence[Left] = (),
    ) -> None:
        self._store = store
        self._llm = llm
        self._lasting = llm if isinstance(llm, Lasting) else None
        self._maker = maker
        self._asker = asker
        self._course = course
        self._judge = judge
        self._spending = spending
        self._in_flight = in_flight
        self._watch = watch
        self._requests: list[Request] = []
        self._under_way: dict[str, Ask] = {}
        self._left = {taken.request.id: taken for taken in left}
        self._elsewhere: dict[str, FencedPaper] = {}
        self._done: list[str] = []
        self._notes = Notes()
        self._stopped = self._over_budget = False
        # Asking a protocol takes as long as writing a row, and it would be asked at every tick.
        self._interruptible = llm if isinstance(llm, Interruptible) else None
        if self._interruptible:
            self._interruptible.stop = self._pulse
        if self._lasting:
            self._lasting.may_send = lambda: spending.within
        spending.all_at_once = in_flight is None
        with store.transaction():
            self._account = Account(store, maker, spending, papers)

    def run(self) -> AnnotateReport:
        """Ask until every paper has its end or the run is stopped.

        Raises:
            LLMMisconfigured: The engine can never answer as it is set up.
            StoreError: The database cannot be written; what was committed before stands.
        """
        try:
            self._take_up()
            with self._store.transaction():
                self._hand_over()
            for outcome in self._llm.complete(self._requests):
                self._take(outcome)
                self._tell()
            return self._end()
        except BaseException as error:
            self._give_up(error)
            raise

    def _take_up(self) -> None:
        """Wait for what earlier runs asked as well; it counts against the budget, and may be sent again."""
        for taken in self._left.values():
            self._spending.hold(taken.request)
            self._under_way[taken.request.id] = taken.ask
            self._requests.append(taken.request)

    def _take(self, outcome: Outcome) -> None:
        """Bring one outcome to its end: the answer is committed first, and what is asked next claimed."""
        ask = self._under_way.pop(outcome.request.id)
        left = self._left.get(outcome.request.id)
        maker = left.maker if left else self._maker
        reply = outcome.reply
        cost = self._spending.settle(outcome.request, reply.usage if reply else None)
        if reply is None:
            if maker == self._maker:
                self._take_silence(ask, outcome)
            return
        with self._store.transaction():
            reply_id = left and self._store.annotations.reply_to(outcome.request.id)
            reply_id = reply_id or self._account.keep_reply(maker, outcome.request, reply, cost)
            self._store.claims.renew()
        with self._store.transaction():  # a second Ctrl-C is heard in there, and must not undo the answer
            self._hand_over(reading=True)
        asked = {f"P{number}": paper for number, paper in enumerate(ask.papers, 1)}
        reading = read(reply, asked)
        if reply.finish_reason == "length" and not reading.records:
            self._asker.allowance = min(8, 2 * self._asker.allowance)
        with self._store.transaction():
            if left and maker != self._maker:
                findings = keep_older(self._store, self._judge, left, reading, reply_id)
                self._account.annotated += len(findings)
                self._account.findings += sum(findings)
            elif ask.faults:
                self._take_repair(ask, reading, reply_id)
            else:
                self._take_records(ask, asked, reading, reply_id)
            self._account.count_waste(ask, reply, reading, reply_id)
            self._release_done()
            self._hand_over()

    def _take_records(
        self, ask: Ask, asked: Mapping[str, FencedPaper], reading: Reading, reply_id: int
    ) -> None:
        faults = []
        for ref, record in reading.records.items():
            verdict = self._judge.judge(asked[ref].paper, record)
            if verdict.problems:
                faults.append(Fault(asked[ref], record, verdict.problems, reply_id))
            else:
                self._keep(asked[ref].paper, verdict, reply_id)
        if self._llm.prompted:
            self._course.repair(faults)
        else:  # rules answer alike however often they are asked
            self._settle_all(faults)
        unanswered: list[Unanswered] = [(asked[ref], cause) for ref, cause in reading.causes.items()]
        self._notes.of_reading(reading, asked)
        self._fail(self._course.again(ask, unanswered))

    def _take_repair(self, ask: Ask, reading: Reading, reply_id: int) -> None:
        """Keep the better of both records; what is wrong in it is withheld."""
        for number, fault in enumerate(ask.faults, 1):
            self._notes.of_repair(fault.paper.paper.id, fault.problems)
            record = reading.records.get(f"P{number}")
            if record is None:
                self._settle(fault, fault.record, fault.reply_id)
                continue
            verdict = self._judge.judge(fault.paper.paper, record)
            if verdict.problems and len(verdict.problems) > len(fault.problems):
                self._settle(fault, fault.record, fault.reply_id)
            else:
                self._settle(fault, record, reply_id)

    def _settle_all(self, faults: Iterable[Fault]) -> None:
        for fault in faults:
            self._settle(fault, fault.record, fault.reply_id)

    def _settle(self, fault: Fault, record: RawRecord, reply_id: int) -> None:
        verdict = self._judge.settle(fault.paper.paper, record)
        if verdict.annotation is None:
            self._fail([(fault.paper, "malformed")], "; ".join(verdict.problems))
        else:
            self._keep(fault.paper.paper, verdict, reply_id)

    def _keep(self, paper: Paper, verdict: Verdict, reply_id: int) -> None:
        assert verdict.annotation is not None  # noqa: S101 - narrows the type: a kept verdict has one
        findings = (*verdict.findings, *self._notes.take(paper.id))
        self._store.annotations.keep(paper, self._maker, verdict.annotation, findings, reply_id)
        self._done.append(self._key(paper))
        self._account.annotated += 1
        self._account.findings += len(findings)

    def _take_silence(self, ask: Ask, outcome: Outcome) -> None:
        """Halve an ask without an answer: the engine answers others, so one paper may be to blame."""
        if outcome.too_long and not ask.faults:
            self._course.bound((len(ask.papers) + 1) // 2)
        with self._store.transaction():
            self._settle_all(ask.faults)
            if not ask.faults:
                given_up = self._course.again(ask, [(sent, "no-answer") for sent in ask.papers])
                self._fail(given_up, outcome.error)
            self._release_done()
            self._hand_over()

    def _fail(self, given_up: Sequence[Unanswered], detail: str = "") -> None:
        for sent, cause in given_up:
            self._store.annotations.fail(sent.paper, self._maker, cause, detail)
            self._done.append(self._key(sent.paper))
            self._account.failures.append(Failure(sent.paper.id, sent.paper.title, cause, detail))

    def _release_done(self) -> None:
        self._store.claims.release(self._done)
        self._done.clear()

    def _hand_over(self, *, reading: bool = False) -> None:
        """Give the engine more to do, within what may be under way, the budget and the claims we can get.

        While an answer is being read it may still add to what is left over.
        """
        self._over_budget = False
        while not self._stopped and self._has_room():
            # Answers of a lasting engine are not worth waiting for, but for those that are at hand.
            awaited = self._lasting.collecting if self._lasting else bool(self._under_way)
            idle = not (awaited or reading)
            ask = self._course.next(idle=idle) or (self._left_behind() if idle else None)
            if ask is None:
                return
            if self._watch.stop():
                self._stopped = True
                self._course.put_back(ask)
                return
            claimed = self._claimed(ask)
            if claimed is None:
                continue
            request = self._asker.request(claimed)
            if self._lasting:
                request = replace(request, memo=memo_of(claimed, self._maker))
            if self._llm.prompted and not self._spending.reserve(request):
                self._over_budget = True  # until an answer costs less than was set aside for it
                self._give_back(claimed)
                return
            self._under_way[request.id] = claimed
            self._requests.append(request)

    def _has_room(self) -> bool:
        """Whether one more request may be under way."""
        if self._in_flight is None:
            return True
        return len(self._under_way) < (1 if self._spending.unsure else self._in_flight)

    def _claimed(self, ask: Ask) -> Ask | None:
        """The part of an ask that no other process is asking for; what is asked again is ours already."""
        if ask.purpose != "annotate" or ask.again:
            return ask
        keys = {self._key(sent.paper): sent for sent in ask.papers if not self._holds(sent)}
        ours = self._store.claims.take({key: sent.paper.id for key, sent in keys.items()})
        self._elsewhere |= {key: sent for key, sent in keys.items() if key not in ours}
        self._account.elsewhere += len(ask.papers) - len(ours)
        papers = tuple(sent for key, sent in keys.items() if key in ours)
        return Ask(papers, ask.purpose) if papers else None

    def _give_back(self, ask: Ask) -> None:
        self._course.put_back(ask)
        if ask.purpose == "annotate" and not ask.again:
            self._store.claims.release([self._key(sent.paper) for sent in ask.papers])

    def _left_behind(self) -> Ask | None:
        """Papers of a process that has ended without them, such as one that was killed beside us."""
        free = self._store.claims.free(self._elsewhere)
        papers = tuple(self._elsewhere.pop(key) for key in list(self._elsewhere) if key in free)
        self._account.elsewhere -= len(papers)
        if papers:
            self._course.put_back(Ask(papers))
        return self._course.next(idle=True)

    def _holds(self, sent: FencedPaper) -> bool:
        return self._lasting is not None and self._lasting.holds(sent.paper)

    def _end(self) -> AnnotateReport:
        """Settle what will not be asked any more, and record how the run ended.

        Requests that an engine was stopped before it sent have no outcome, and none that it keeps.
        """
        under_way = list(self._under_way.values())
        held_back = self._lasting.held_back if self._lasting else frozenset()
        self._over_budget |= bool(held_back)
        with_service = [ask for id_, ask in self._under_way.items() if id_ not in held_back]
        waiting = sum(self._holds(sent) for ask in with_service for sent in ask.papers)
        faults = [fault for ask in under_way for fault in ask.faults if not self._holds(fault.paper)]
        faults += self._course.unrepaired()
        with self._store.transaction():
            self._settle_all(faults)
            self._store.claims.release_all()
            return self._account.end(self._ending(waiting), waiting)

    def _ending(self, waiting: int) -> str:
        if self._account.left > waiting:
            return "budget" if self._over_budget and not self._stopped else "stopped"
        return "with-service" if waiting else "done"

    def _give_up(self, error: BaseException) -> None:
        """Free what was claimed and say that an error ended the run; a claim that cannot be freed expires."""
        with suppress(StoreError), self._store.transaction():
            self._store.claims.release_all()
            self._account.end("failed" if isinstance(error, Exception) else "interrupted", 0)

    def _pulse(self) -> bool:
        """Whether to stop; an engine that waits asks, and each time it is told where the run stands.

        A wait may be longer than a lease, since a 429 may say an hour.
        """
        self._tell()
        if self._store.claims.due:
            with self._store.transaction():
                self._store.claims.renew()
        return self._watch.stop()

    def _tell(self) -> None:
        waiting = self._interruptible.waiting if self._interruptible else ""
        self._watch.on_progress(self._account.progress(len(self._under_way), waiting))

    def _key(self, paper: Paper) -> str:
        return self._maker.key(paper.content_hash)

"""`AnnotateRun`: hands requests to the engine, and takes every answer to its end.

An answer is committed before anything else is done with it; then its papers are judged and committed
together. So a kill at any moment loses no finished paper, and at most the requests under way are paid for
again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress

from broadsheet.annotate.fruitless import Fruitless
from broadsheet.annotate.judging import Judge, Verdict
from broadsheet.annotate.queue import AskQueue, FaultyPaper, Unanswered, faulty_of
from broadsheet.annotate.recovery import Recovered
from broadsheet.annotate.replies import RawRecord, Reading, read
from broadsheet.annotate.reply_findings import ReplyFindings
from broadsheet.annotate.report import AnnotateReport, Failure, Watch
from broadsheet.annotate.requests import RequestBuilder
from broadsheet.annotate.spending import Ledger
from broadsheet.annotate.steering import Apart, JudgedRecord, judge_records, overruled, repaired
from broadsheet.annotate.tally import Tally
from broadsheet.errors import StoreError
from broadsheet.llm import LLM, Control, Fault, Outcome, Reply, Request
from broadsheet.paper import Paper
from broadsheet.record import Maker
from broadsheet.store import Store


class AnnotateRun:
    """The state of one run. Call `run` once.

    Args:
        store: The cache.
        llm: The engine.
        judge: Checks records against their papers.
        builder: Built the requests of the queue.
        queue: What to ask.
        recovered: What stored replies hold for some of the papers.
        open_requests: Requests of earlier runs without an outcome.
        in_flight: Requests under way at once; None hands all over.
    """

    def __init__(
        self,
        store: Store,
        llm: LLM,
        judge: Judge,
        builder: RequestBuilder,
        queue: AskQueue,
        *,
        recovered: Recovered,
        open_requests: Sequence[Request],
        in_flight: int | None,
    ) -> None:
        self._store = store
        self._llm = llm
        self._judge = judge
        self._builder = builder
        self._queue = queue
        self._recovered = recovered
        self.open_requests = open_requests
        self.in_flight = in_flight
        self.maker = builder.maker
        self._requests: list[Request] = []
        self._under_way: dict[str, Request] = {}
        self._findings = ReplyFindings()
        self._stopped = self._over_budget = False

    def run(self, papers: Sequence[Paper], ledger: Ledger, watch: Watch) -> AnnotateReport:
        """Ask until every paper has its end or the run is stopped.

        Raises:
            LLMError: The engine cannot answer, now or ever; what was committed before stands.
            StoreError: The database cannot be written; the same.
        """
        self._ledger, self._watch = ledger, watch
        self._open_ids = {request.id for request in self.open_requests}
        waiting = sum(len(request.sent) for request in self.open_requests)
        self._apart, self._fruitless = Apart(len(papers) + waiting), Fruitless(len(papers) + waiting)
        with self._store.transaction():
            self._tally = Tally(self._store, self.maker, ledger, len(papers) + waiting)
            self._tally.findings += self._recovered.store(self._store)
            self._tally.annotated += len(self._recovered.judged)
        try:
            for request in self.open_requests:
                # They count against the budget, for they may have to be sent again.
                self._ledger.hold(request)
                self._hand_over(request)
            self._fill()
            control = Control(self._heartbeat, lambda: self._ledger.within)
            for outcome in self._llm.complete(self._requests, control):
                self._take(outcome)
                self._report_progress()
            return self._end()
        except BaseException as error:
            with suppress(StoreError), self._store.transaction():
                self._tally.end("failed" if isinstance(error, Exception) else "interrupted")
            raise

    def _take(self, outcome: Outcome) -> None:
        """Bring one outcome to its end; an answer is committed first."""
        request = self._under_way.pop(outcome.request.id)
        if outcome.later:
            self._postpone(outcome)
            return
        reply = outcome.reply
        cost = self._ledger.settle(request, reply.usage if reply else None)
        if reply is None:
            if request.maker == self.maker:
                self._take_silence(outcome)
            return
        with self._store.transaction():
            kept = request.id in self._open_ids and self._store.annotations.reply_to(request.id)
            reply_id = kept or self._tally.keep_reply(request, reply, cost)
        if not self._fruitless.is_doubtful:
            self._fill(more=True)  # the engine works on while this answer is read
        reading = read(reply, request.sent)
        if reply.finish_reason == "length" and not reading.records:
            self._builder.allow_longer_answers()
        with self._store.transaction():
            if request.maker != self.maker:
                self._keep_older(request, reading, reply_id)
            elif request.faults:
                useful = self._take_repair(request, reading, reply_id)
                self._fruitless.add(request, reply.usage, reading.causes.values(), useful=useful)
            else:
                self._take_records(request, reading, reply, reply_id)
        self._fill(more=outcome.more)

    def _take_records(self, request: Request, reading: Reading, reply: Reply, reply_id: int) -> None:
        faulty, apart = [], []
        judged = judge_records(request.sent, reading.records, self._judge, by_rules=not self._llm.prompted)
        useful = any(not self._judge.is_false(request.sent[each.ref].paper, each.verdict) for each in judged)
        self._fruitless.add(request, reply.usage, reading.causes.values(), useful=useful)
        if request.purpose == "apart":
            self._findings.add_apart(next(iter(request.sent.values())).paper.id)
        for each in judged:
            sent, record, verdict = request.sent[each.ref], each.record, each.verdict
            if each.doubts and not self._llm.deferred and self._apart.take_turn(lone=each.lone):
                apart.append(sent)
                continue
            if each.doubts:
                record, verdict = self._overrule(sent.paper, each)
            if not verdict.problems:
                self._keep(sent.paper, verdict, reply_id)
            elif self._llm.prompted:
                faulty.append((sent, Fault(record, verdict.problems, reply_id)))
            else:  # rules answer alike however often they are asked
                self._settle(sent.paper, verdict, reply_id)
        self._queue.ask_apart(apart)
        self._queue.repair(faulty)
        self._findings.add_reading(reading, request.sent)
        unanswered = [(request.sent[ref], cause) for ref, cause in reading.causes.items()]
        self._fail(self._queue.ask_again(request, unanswered, dear=self._fruitless.is_spent))

    def _overrule(self, paper: Paper, doubted: JudgedRecord) -> tuple[RawRecord, Verdict]:
        record, findings = overruled(paper, doubted.record, doubted.doubts, self._judge)
        self._findings.add_overruled(paper.id, findings)
        return record, self._judge.judge(paper, record)

    def _take_repair(self, request: Request, reading: Reading, reply_id: int) -> bool:
        """Keep the record with fewer problems, the later one if they have as many; withhold what is wrong.

        Returns:
            Whether any is of use.
        """
        useful = False
        for ref, fault in request.faults.items():
            paper = request.sent[ref].paper
            self._findings.add_repair(paper.id, fault.problems)
            verdict, kept_in = self._judge.judge(paper, fault.record), fault.reply_id
            if given := reading.records.get(ref):
                record, findings = repaired(request.sent, ref, fault.record, given, self._judge)
                later = self._judge.judge(paper, record)
                if len(later.problems) <= len(fault.problems):
                    self._findings.add_overruled(paper.id, findings)
                    verdict, kept_in = later, reply_id
            useful = useful or not self._judge.is_false(paper, verdict)
            self._settle(paper, verdict, kept_in)
        return useful

    def _settle_all(self, faulty: Iterable[FaultyPaper]) -> None:
        for sent, fault in faulty:
            self._settle(sent.paper, self._judge.judge(sent.paper, fault.record), fault.reply_id)

    def _settle(self, paper: Paper, verdict: Verdict, reply_id: int) -> None:
        settled = self._judge.settle(paper, verdict)
        if settled.annotation is None:
            self._fail_paper(paper, "malformed", "; ".join(settled.problems))
        else:
            self._keep(paper, settled, reply_id)

    def _keep(self, paper: Paper, verdict: Verdict, reply_id: int, maker: Maker | None = None) -> None:
        assert verdict.annotation is not None  # noqa: S101 - narrows the type: a kept verdict has one
        findings = (*verdict.findings, *self._findings.pop(paper.id))
        is_there = self._store.annotations.keep(
            paper, maker or self.maker, verdict.annotation, findings, reply_id
        )
        self._tally.count_kept(len(findings), is_there=is_there)

    def _keep_older(self, request: Request, reading: Reading, reply_id: int) -> None:
        """Store what an answer to an older prompt holds, under the key of that prompt.

        What is wrong in it is withheld: nothing more is asked under a prompt that is gone. A paper without a
        record stays without an annotation, so a later run asks about it under the prompt of its day.
        """
        records = {ref: fault.record for ref, fault in request.faults.items()} | dict(reading.records)
        for each in judge_records(request.sent, records, self._judge, by_rules=not self._llm.prompted):
            paper = request.sent[each.ref].paper
            verdict = self._overrule(paper, each)[1] if each.doubts else each.verdict
            verdict = self._judge.settle(paper, verdict)
            if verdict.annotation:
                self._keep(paper, verdict, reply_id, request.maker)

    def _take_silence(self, outcome: Outcome) -> None:
        """Halve a request without an answer: the engine answers others, so one paper may be to blame."""
        request = outcome.request
        if outcome.too_long and not request.faults:
            self._queue.shrink_to((len(request.sent) + 1) // 2)
        with self._store.transaction():
            self._settle_all(faulty_of(request))
            if not request.faults:
                unanswered: list[Unanswered] = [(sent, "no-answer") for sent in request.sent.values()]
                self._fail(self._queue.ask_again(request, unanswered), outcome.error)
        self._fill(more=outcome.more)

    def _postpone(self, outcome: Outcome) -> None:
        """Leave a request to a later run."""
        if outcome.later == "with-service":
            self._tally.with_service += len(outcome.request.sent)
        else:
            self._over_budget = self._over_budget or not self._ledger.within

    def _fail(self, given_up: Sequence[Unanswered], detail: str = "") -> None:
        for sent, cause in given_up:
            self._fail_paper(sent.paper, cause, detail)

    def _fail_paper(self, paper: Paper, reason: str, detail: str) -> None:
        is_there = self._store.annotations.fail(paper, self.maker, reason, detail)
        self._tally.count_failed(Failure(paper.id, paper.title, reason, detail), is_there=is_there)

    def _fill(self, *, more: bool = False) -> None:
        """Give the engine more to do, within the budget and what may be under way.

        Args:
            more: An answer is being read or others are at hand, which may add to what is left over.
        """
        self._over_budget = False
        while not self._stopped and self._has_room():
            # The answers of a deferred engine are not worth waiting for, except for those at hand.
            idle = not more and (self._llm.deferred or not self._under_way)
            careful = self._fruitless.is_doubtful
            if (request := self._queue.next(idle=idle, careful=careful)) is None:
                return
            self._stopped = self._must_stop()
            if not self._stopped and self._llm.prompted:
                self._over_budget = not self._ledger.reserve(request)  # until an answer costs less
            if self._stopped or self._over_budget:
                self._queue.put_back(request)
                return
            self._hand_over(request)

    def _hand_over(self, request: Request) -> None:
        self._fruitless.expect(request)
        self._under_way[request.id] = request
        self._requests.append(request)

    def _has_room(self) -> bool:
        """Tell whether one more request may be under way."""
        if self.in_flight is None:
            return True
        cautious = self._ledger.unsure or self._fruitless.is_doubtful
        return len(self._under_way) < (1 if cautious else self.in_flight)

    def _end(self) -> AnnotateReport:
        """Settle the records whose repair was never sent, and record how the run ended."""
        if self._fruitless.error and self._tally.left > self._tally.with_service:
            raise self._fruitless.error
        with self._store.transaction():
            self._settle_all(each for request in self._under_way.values() for each in faulty_of(request))
            self._settle_all(self._queue.unrepaired())
            return self._tally.end(self._ending())

    def _ending(self) -> str:
        if self._tally.left > self._tally.with_service:
            return "budget" if self._over_budget and not self._stopped else "stopped"
        return "with-service" if self._tally.with_service else "done"

    def _heartbeat(self, waiting: str) -> bool:
        """Report progress while the engine waits; true to stop."""
        self._report_progress(waiting)
        return self._must_stop()

    def _must_stop(self) -> bool:
        return bool(self._fruitless.error) or self._watch.stop()

    def _report_progress(self, waiting: str = "") -> None:
        self._watch.on_progress(self._tally.progress(len(self._under_way), waiting))

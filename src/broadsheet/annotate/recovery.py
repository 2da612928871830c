"""Makes annotations from stored replies, for no tokens: all of them anew, or what a kill left unfinished."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from broadsheet.annotate.judging import Judge, Verdict
from broadsheet.annotate.replies import RawRecord, Reading, read
from broadsheet.annotate.reply_findings import ReplyFindings
from broadsheet.annotate.steering import judge_records, overruled, repaired
from broadsheet.annotation import Finding
from broadsheet.engines import engine_of
from broadsheet.fencing import FencedPaper, fenced
from broadsheet.llm import Fault, Reply
from broadsheet.paper import Paper
from broadsheet.record import Maker
from broadsheet.store import Store
from broadsheet.store.annotations import KeptReply

_REPLIES_READ, _REPLIES_A_PAPER = 500, 3
"""How many of the latest replies to read: under a quota, all repairs of a run may wait for its end."""


@dataclass(frozen=True, slots=True)
class _Judged:
    """What a stored reply holds of one paper."""

    paper: Paper
    reply: KeptReply
    record: RawRecord
    verdict: Verdict
    findings: tuple[Finding, ...] = ()
    doubts: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Return the cache key of the annotation."""
        return self.reply.maker.key(self.paper.content_hash)

    def store(self, store: Store) -> int:
        """Store the annotation under the reply's key and time; return the number of its findings."""
        assert self.verdict.annotation is not None  # noqa: S101 - narrows the type: callers looked
        findings = (*self.verdict.findings, *self.findings)
        maker, at = self.reply.maker, self.reply.received_at
        store.annotations.keep(
            self.paper, maker, self.verdict.annotation, findings, self.reply.id, annotated_at=at
        )
        return len(findings)


@dataclass
class Recovered:
    """What stored replies hold for papers that have no annotation.

    Attributes:
        judged: Annotations to store, by paper id.
        faults: Records that are to be repaired, by paper id.
        apart: Papers to ask about alone, because their records look dictated, by id.
    """

    judged: dict[str, _Judged] = field(default_factory=dict)
    faults: dict[str, tuple[Paper, Fault]] = field(default_factory=dict)
    apart: dict[str, Paper] = field(default_factory=dict)

    def has(self, paper_id: str) -> bool:
        """Tell whether a stored reply holds anything of a paper."""
        return paper_id in self.judged or paper_id in self.faults or paper_id in self.apart

    def store(self, store: Store) -> int:
        """Store the annotations; return the number of their findings. Call it inside a transaction."""
        return sum(judged.store(store) for judged in self.judged.values())


def recover(store: Store, judge: Judge, maker: Maker, papers: Sequence[Paper]) -> Recovered:
    """Read the replies that were paid for and not brought to their end before the process was killed.

    A reply is stored before it is read, so a kill leaves at most the last one unread, and any number of
    records that waited for their repair. Records without problems can be stored as they are; those whose
    repair has come, as good as it made them; the others still need theirs.

    Args:
        store: The cache; nothing is written.
        judge: Checks records against their papers.
        maker: Who answers now.
        papers: What has no annotation.
    """
    wanted = {(paper.id, paper.content_hash) for paper in papers}
    found = Recovered()

    def keep(judged: _Judged) -> None:
        if (judged.paper.id, judged.paper.content_hash) in wanted:
            found.judged[judged.paper.id] = judged

    replay = _Replay(store, judge, keep)
    latest = max(_REPLIES_READ, _REPLIES_A_PAPER * len(papers))
    for reply in store.annotations.replies(maker, latest=latest) if papers else ():
        if not wanted.isdisjoint(reply.papers.values()):
            replay.read(reply)
    for key, judged in list(replay.faulty.items()):
        if key in replay.repaired:
            replay.settle(judged)
        elif (judged.paper.id, judged.paper.content_hash) in wanted:
            fault = Fault(judged.record, judged.verdict.problems, judged.reply.id)
            found.faults[judged.paper.id] = judged.paper, fault
    for judged in replay.doubted.values():
        if (judged.paper.id, judged.paper.content_hash) in wanted and not found.has(judged.paper.id):
            found.apart[judged.paper.id] = judged.paper
    return found


def rebuild(store: Store, judge: Judge) -> int:
    """Make every annotation anew from its reply; return how many there are.

    Keys, models and times stay what they were. All is committed together, or nothing is.

    Raises:
        StoreError: The database cannot be written.
    """
    kept = set()

    def keep(judged: _Judged) -> None:
        kept.add(judged.reply.maker.key(judged.paper.content_hash))
        judged.store(store)

    replay = _Replay(store, judge, keep)
    with store.transaction():
        for reply in store.annotations.replies():
            replay.read(reply)
        for judged in list(replay.doubted.values()):
            replay.overrule(judged)
        for judged in list(replay.faulty.values()):
            replay.settle(judged)
    return len(kept)


class _Replay:
    """Reads stored replies in their order, as they were read live.

    Attributes:
        faulty: Records with problems that no later reply has put right, by key.
        repaired: Keys of the records that the model was asked to put right, with or without success.
        doubted: Records that another paper may have dictated and no later reply has confirmed, by key.
    """

    def __init__(self, store: Store, judge: Judge, keep: Callable[[_Judged], None]) -> None:
        self._store = store
        self._judge = judge
        self._keep = keep
        self._findings = ReplyFindings()
        self.faulty: dict[str, _Judged] = {}
        self.repaired: set[str] = set()
        self.doubted: dict[str, _Judged] = {}

    def read(self, reply: KeptReply) -> None:
        sent = _sent(self._store, reply)
        reading = read(Reply(reply.text, reply.finish_reason, reply.refusal), sent)
        # What a paper that has other words now was asked about is unknown.
        same_words = [ref for ref, each in sent.items() if each.paper.content_hash == reply.papers[ref][1]]
        if reply.purpose == "repair":
            self._read_repair(reply, sent, reading, same_words)
            return
        if reply.purpose == "apart":
            self._findings.add_apart(next(iter(sent.values())).paper.id)
        self._findings.add_reading(reading, sent)
        by_rules = engine_of(reply.maker.engine).by_rules
        for each in judge_records(sent, reading.records, self._judge, by_rules=by_rules):
            if each.ref not in same_words:
                continue
            judged = _Judged(sent[each.ref].paper, reply, each.record, each.verdict, doubts=each.doubts)
            if each.doubts:
                self.doubted[judged.key] = judged
            else:
                self._take(judged)

    def _read_repair(
        self,
        reply: KeptReply,
        sent: Mapping[str, FencedPaper],
        reading: Reading,
        same_words: Collection[str],
    ) -> None:
        for ref, each in sent.items():
            key = reply.maker.key(each.paper.content_hash)
            self.repaired.add(key)
            if key in self.doubted:  # no turn was left to ask about it apart, so the rules had their way
                self.overrule(self.doubted[key])
            before = self.faulty.get(key)
            self._findings.add_repair(each.paper.id, before.verdict.problems if before else ())
            record = reading.records.get(ref)
            if record is None or ref not in same_words:
                continue
            findings: tuple[Finding, ...] = ()
            if before:
                record, findings = repaired(sent, ref, before.record, record, self._judge)
            judged = _Judged(each.paper, reply, record, self._judge.judge(each.paper, record))
            if before is None or len(judged.verdict.problems) <= len(before.verdict.problems):
                self._findings.add_overruled(each.paper.id, findings)
                self._take(judged)

    def overrule(self, judged: _Judged) -> None:
        """Take a doubted record with the rules' reading in place of what is doubted."""
        self.doubted.pop(judged.key)
        record, findings = overruled(judged.paper, judged.record, judged.doubts, self._judge)
        self._findings.add_overruled(judged.paper.id, findings)
        self._take(replace(judged, record=record, verdict=self._judge.judge(judged.paper, record)))

    def settle(self, judged: _Judged) -> None:
        """Keep what a faulty record is worth without its problems."""
        settled = replace(judged, verdict=self._judge.settle(judged.paper, judged.verdict))
        if settled.verdict.annotation:
            self._keep_judged(settled)

    def _take(self, judged: _Judged) -> None:
        self.doubted.pop(judged.key, None)
        before = self.faulty.get(judged.key)
        if not judged.verdict.problems:
            self._keep_judged(judged)
        elif before is None or len(judged.verdict.problems) <= len(before.verdict.problems):
            self.faulty[judged.key] = judged

    def _keep_judged(self, judged: _Judged) -> None:
        self.faulty.pop(judged.key, None)
        self._keep(replace(judged, findings=self._findings.pop(judged.paper.id)))


def _sent(store: Store, reply: KeptReply) -> Mapping[str, FencedPaper]:
    """Return all the papers that a reply answers for, so that its records are told apart as they were live.

    A paper that is gone stands there without words: no record is believed to be its own, and none of another
    paper's counts as the answer to a paper that was asked about alone.
    """
    papers = {
        ref: store.papers.by_id(paper_id) or Paper(id=paper_id, title="?")
        for ref, (paper_id, _) in reply.papers.items()
    }
    return {ref: fenced(paper) for ref, paper in papers.items()}

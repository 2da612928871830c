"""Makes annotations from stored replies, for no tokens: all of them anew, or what a kill left unfinished."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from broadsheet.annotate.judging import Judge, Verdict
from broadsheet.annotate.replies import RawRecord, read
from broadsheet.annotate.reply_findings import ReplyFindings
from broadsheet.fencing import FencedPaper, fenced
from broadsheet.llm import Fault, Reply
from broadsheet.paper import Paper
from broadsheet.record import Maker
from broadsheet.store import Store
from broadsheet.store.annotations import KeptReply

_REPLIES_READ = 500
"""How many of the latest replies to read: under a quota, all repairs of a run may wait for its end."""


@dataclass
class _FaultyRecord:
    """A record with problems, until a later reply puts it right."""

    paper: Paper
    reply: KeptReply
    record: RawRecord
    verdict: Verdict


@dataclass
class Recovered:
    """What stored replies hold for papers that have no annotation.

    Attributes:
        verdicts: Annotations to store, each with the reply that holds it, by paper id.
        faults: Records that are to be repaired, by paper id.
    """

    verdicts: dict[str, tuple[Paper, Verdict, KeptReply]] = field(default_factory=dict)
    faults: dict[str, tuple[Paper, Fault]] = field(default_factory=dict)

    def store(self, store: Store) -> int:
        """Store the annotations; returns the number of their findings. Call it inside a transaction."""
        for paper, verdict, reply in self.verdicts.values():
            _store(store, paper, verdict, reply)
        return sum(len(verdict.findings) for _, verdict, _ in self.verdicts.values())


def recover(store: Store, judge: Judge, maker: Maker, papers: Sequence[Paper]) -> Recovered:
    """Read the replies that were paid for and not brought to their end before the process was killed.

    A reply is stored before it is read, so a kill leaves at most the last one unread, and any number of
    records that waited for their repair. Records without problems can be stored as they are; those whose
    repair has come, as good as it made them; the others still need theirs.

    Args:
        store: The cache; nothing is written.
        judge: Holds records against their papers.
        maker: Who answers now.
        papers: What has no annotation.
    """
    wanted = {paper.id: paper for paper in papers}
    found = Recovered()
    for reply in store.annotations.replies(maker, latest=_REPLIES_READ) if papers else ():
        if not any(
            paper_id in wanted and wanted[paper_id].content_hash == content_hash
            for paper_id, content_hash in reply.papers.values()
        ):
            continue
        sent = _sent(store, reply)
        for ref, record in read(_answer(reply), sent).records.items():
            paper = sent[ref].paper
            if paper.id not in wanted or paper.id in found.verdicts or not _as_sent(paper, ref, reply):
                continue
            verdict = judge.judge(paper, record)
            if verdict.problems and reply.purpose != "repair":
                found.faults[paper.id] = paper, Fault(record, verdict.problems, reply.id)
                continue
            verdict = judge.settle(paper, verdict)
            if verdict.annotation:
                found.faults.pop(paper.id, None)
                found.verdicts[paper.id] = paper, verdict, reply
    return found


def rebuild(store: Store, judge: Judge) -> int:
    """Make every annotation anew from its reply; returns how many there are.

    Keys, models and times stay what they were. All is committed together, or nothing is.

    Raises:
        StoreError: The database cannot be written.
    """
    work = _Rebuild(store, judge)
    with store.transaction():
        for reply in store.annotations.replies():
            work.read(reply)
        for faulty in list(work.faulty.values()):
            work.keep(faulty.paper, faulty.reply, judge.settle(faulty.paper, faulty.verdict))
    return len(work.kept)


@dataclass
class _Rebuild:
    store: Store
    judge: Judge
    kept: set[str] = field(default_factory=set)
    faulty: dict[str, _FaultyRecord] = field(default_factory=dict)
    findings: ReplyFindings = field(default_factory=ReplyFindings)

    def read(self, reply: KeptReply) -> None:
        sent = _sent(self.store, reply)
        reading = read(_answer(reply), sent)
        if reply.purpose == "repair":
            for each in sent.values():
                before = self.faulty.get(reply.maker.key(each.paper.content_hash))
                self.findings.add_repair(each.paper.id, before.verdict.problems if before else ())
        else:
            self.findings.add_reading(reading, sent)
        for ref, record in reading.records.items():
            paper = sent[ref].paper
            if not _as_sent(paper, ref, reply):
                continue
            verdict = self.judge.judge(paper, record)
            if verdict.problems:
                key = reply.maker.key(paper.content_hash)
                self.faulty[key] = _FaultyRecord(paper, reply, record, verdict)
            else:
                self.keep(paper, reply, verdict)

    def keep(self, paper: Paper, reply: KeptReply, verdict: Verdict) -> None:
        if verdict.annotation is None:
            return
        key = reply.maker.key(paper.content_hash)
        self.faulty.pop(key, None)
        self.kept.add(key)
        _store(self.store, paper, verdict, reply, self.findings)


def _store(
    store: Store, paper: Paper, verdict: Verdict, reply: KeptReply, findings: ReplyFindings | None = None
) -> None:
    assert verdict.annotation is not None  # noqa: S101 - narrows the type: callers looked
    more = findings.pop(paper.id) if findings else ()
    store.annotations.keep(
        paper,
        reply.maker,
        verdict.annotation,
        (*verdict.findings, *more),
        reply.id,
        annotated_at=reply.received_at,
    )


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


def _as_sent(paper: Paper, ref: str, reply: KeptReply) -> bool:
    """Tell whether the paper still has the words that were asked about."""
    return paper.content_hash == reply.papers[ref][1]


def _answer(reply: KeptReply) -> Reply:
    return Reply(reply.text, reply.finish_reason, reply.refusal)

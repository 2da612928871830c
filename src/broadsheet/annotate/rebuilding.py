"""Makes annotations from kept replies, for no tokens: all of them anew, or what a kill left unfinished."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from broadsheet.annotate.asking import Fault
from broadsheet.annotate.judging import Judge, Verdict
from broadsheet.annotate.notes import Notes
from broadsheet.annotate.replies import RawRecord, read
from broadsheet.fencing import FencedPaper, fenced
from broadsheet.llm import Reply
from broadsheet.paper import Paper
from broadsheet.record import Maker
from broadsheet.store import Store
from broadsheet.store.annotations import KeptReply

_LOOKED_AT = 500
"""Replies that are looked at: under a quota, all records to repair of a run may have waited for its end."""


@dataclass
class _Faulty:
    """A record with problems, until a later reply puts it right."""

    paper: Paper
    reply: KeptReply
    record: RawRecord
    problems: tuple[str, ...]


@dataclass
class _Rebuild:
    store: Store
    judge: Judge
    kept: set[str] = field(default_factory=set)
    faulty: dict[str, _Faulty] = field(default_factory=dict)
    notes: Notes = field(default_factory=Notes)

    def take(self, reply: KeptReply) -> None:
        asked = self._asked(reply)
        reading = read(_answer(reply), asked)
        if reply.purpose == "repair":
            for sent in asked.values():
                told = self.faulty.get(reply.maker.key(sent.paper.content_hash))
                self.notes.of_repair(sent.paper.id, told.problems if told else ())
        else:
            self.notes.of_reading(reading, asked)
        for ref, record in reading.records.items():
            paper = asked[ref].paper
            verdict = self.judge.judge(paper, record)
            if verdict.problems:
                self.faulty[reply.maker.key(paper.content_hash)] = _Faulty(
                    paper, reply, record, verdict.problems
                )
            else:
                self.keep(paper, reply, verdict)

    def keep(self, paper: Paper, reply: KeptReply, verdict: Verdict) -> None:
        if verdict.annotation is None:
            return
        key = reply.maker.key(paper.content_hash)
        self.faulty.pop(key, None)
        self.kept.add(key)
        self.store.annotations.keep(
            paper,
            reply.maker,
            verdict.annotation,
            (*verdict.findings, *self.notes.take(paper.id)),
            reply.id,
            annotated_at=reply.received_at,
        )

    def _asked(self, reply: KeptReply) -> dict[str, FencedPaper]:
        """The papers that were asked about, but for those whose words have changed since."""
        found = {}
        for ref, (paper_id, content_hash) in reply.papers.items():
            paper = self.store.papers.by_id(paper_id)
            if paper is not None and paper.content_hash == content_hash:
                found[ref] = fenced(paper)
        return found


def recover(
    store: Store,
    judge: Judge,
    maker: Maker,
    papers: Sequence[Paper],
    sized: Callable[[Paper], FencedPaper] = fenced,
) -> tuple[set[str], list[Fault]]:
    """Take up the answers that were paid for and not brought to their end before the process was killed.

    A reply is committed before it is read, so a kill leaves at most the last reply of each process unread,
    and any number of records that waited for their repair. Records with nothing wrong with them are kept;
    those whose repair has come, as good as it made them; the others go on to theirs, and are claimed. The
    rest is asked about again. Papers that a living process has claimed are that process's to read.

    Args:
        store: The cache.
        judge: Holds records against their papers.
        maker: Who answers now.
        papers: What has no annotation.
        sized: A paper as it is sent.

    Returns:
        Ids of the papers that have their annotation now, and the records that are to be repaired.
    """
    wanted = {paper.id: paper for paper in papers}
    ours: set[str] = set()
    kept: set[str] = set()
    faults: dict[str, Fault] = {}
    with store.transaction():
        for reply in store.annotations.replies(maker, latest=_LOOKED_AT):
            asked = {
                ref: fenced(wanted[paper_id])
                for ref, (paper_id, content_hash) in reply.papers.items()
                if paper_id in wanted and wanted[paper_id].content_hash == content_hash
            }
            if not asked:
                continue
            keys = {maker.key(sent.paper.content_hash): sent.paper.id for sent in asked.values()}
            ours |= {keys[key] for key in store.claims.take(keys)}
            for ref, record in read(_answer(reply), asked).records.items():
                paper = asked[ref].paper
                if paper.id not in ours - kept:
                    continue
                verdict = judge.judge(paper, record)
                if verdict.problems and reply.purpose == "repair":
                    verdict = judge.settle(paper, record)
                elif verdict.problems:
                    faults[paper.id] = Fault(sized(paper), record, verdict.problems, reply.id)
                    continue
                if verdict.annotation:
                    faults.pop(paper.id, None)
                    store.annotations.keep(
                        paper,
                        maker,
                        verdict.annotation,
                        verdict.findings,
                        reply.id,
                        annotated_at=reply.received_at,
                    )
                    kept.add(paper.id)
        store.claims.release_all()
        store.claims.take(
            {maker.key(fault.paper.paper.content_hash): paper_id for paper_id, fault in faults.items()}
        )
    return kept, list(faults.values())


def _answer(reply: KeptReply) -> Reply:
    return Reply(reply.text, reply.finish_reason, reply.refusal)


def rebuild(store: Store, judge: Judge) -> int:
    """Make every annotation anew from its reply; returns how many there are.

    Keys, models and times stay what they were. All is committed together, or nothing is.

    Raises:
        StoreError: The database cannot be written.
    """
    work = _Rebuild(store, judge)
    with store.transaction():
        for reply in store.annotations.replies():
            work.take(reply)
        for faulty in list(work.faulty.values()):
            work.keep(faulty.paper, faulty.reply, judge.settle(faulty.paper, faulty.record))
    return len(work.kept)

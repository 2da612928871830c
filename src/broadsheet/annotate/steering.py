"""Notices records that another paper of their request may have steered.

Anyone can write an abstract, in any language or disguise, and a model that obeys it may change the records of
the other papers in the same request. So how an order is written is not looked at: what counts is what it
achieves. Tags that the rules of the extractive engine all but rule out are never kept from an answer about
several papers. Such a paper is asked about again alone, where no other abstract can speak for it; beyond
`Apart`'s allowance the rules' own reading takes the place of the tags.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from broadsheet.annotate.judging import Judge, Verdict
from broadsheet.annotate.replies import RawRecord
from broadsheet.annotation import Finding
from broadsheet.fencing import FencedPaper
from broadsheet.paper import Paper

TAGS = ("topics", "contribution")

_TOPICS_APART = 4.5
_CONTRIBUTION_APART = 5.0
_TWO_APART, _THREE_APART, _ACCOMPLICE_APART = 4.0, 2.0, 1.0
"""Log-odds between the rules' choice and a record's tags from which the record is doubted.

A topic 4.5 apart is ninety times less likely. Of 327 careful annotations, 0.3 % are doubted, and 1.5 % where
the weights were fitted without them; of the pairs of a paper and a topic that it does not have, 98 %. Where
two records of one answer share a tag that lies 4.0 apart, or three one that lies 2.0 apart, as they do when
an order is given for all, so is every record of the answer in which that tag lies 1.0 apart.
"""

_FREE_TURNS, _PAPERS_A_TURN = 8, 100
_FREE_LONE_TURNS, _PAPERS_A_LONE_TURN = 2, 120


class Apart:
    """How many papers a run may still ask about apart, so that a model at odds with the rules costs little.

    A paper asked about alone costs as much as three and a half among others. An honest model disagrees with
    the rules about a paper here and there: one in 120 may be asked about apart, and two in any run, which is
    3 % of the tokens at most. It does not disagree in the same way about several papers of one answer; where
    that happens, one in a hundred papers may be, and eight besides.

    Args:
        papers: Papers of the run.
    """

    def __init__(self, papers: int) -> None:
        self._left = _FREE_TURNS + papers // _PAPERS_A_TURN
        self._left_for_lone = max(_FREE_LONE_TURNS, papers // _PAPERS_A_LONE_TURN)

    def take_turn(self, *, lone: bool) -> bool:
        """Take a turn for a record that is doubted alone or with others; false where none is left."""
        if lone:
            self._left_for_lone -= 1
            return self._left_for_lone >= 0
        self._left -= 1
        return self._left >= 0


@dataclass(frozen=True, slots=True)
class JudgedRecord:
    """One record of an answer, what it is worth, and which of its fields another paper may have dictated.

    Attributes:
        ref: Whose record it is.
        record: The record as it came.
        verdict: What it is worth.
        doubts: The fields that may have been dictated.
        lone: Whether no other record of the answer shares the doubted tag.
    """

    ref: str
    record: RawRecord
    verdict: Verdict
    doubts: tuple[str, ...] = ()
    lone: bool = True


@dataclass(frozen=True, slots=True)
class _Doubt:
    """Which fields of a record are doubted, and how far its first tags lie from the rules' choice."""

    fields: tuple[str, ...]
    apart: Mapping[tuple[str, str], float]


def judge_records(
    sent: Mapping[str, FencedPaper], records: Mapping[str, RawRecord], judge: Judge, *, by_rules: bool = False
) -> list[JudgedRecord]:
    """Judge the records of one answer, each against its own paper, and all of them for signs of steering.

    Only a suspicious judge looks for those. A record of a paper that was asked about alone is never doubted:
    no other words stood beside it. Where tags are malformed, what is left of them is looked at.

    Args:
        sent: All the papers of the request.
        records: Its records by ref.
        judge: Judges them.
        by_rules: The engine follows rules, so no abstract can steer it.
    """
    verdicts = {ref: judge.judge(sent[ref].paper, record) for ref, record in records.items()}
    if by_rules or not judge.suspicious or len(sent) == 1:
        return [JudgedRecord(ref, records[ref], verdict) for ref, verdict in verdicts.items()]
    doubts = {ref: _doubt(sent[ref].paper, verdict.fields, judge) for ref, verdict in verdicts.items()}
    shared = _ordered_for_all([doubt.apart for doubt in doubts.values()])
    found = []
    for ref, doubt in doubts.items():
        alike = [tag[0] for tag, far in doubt.apart.items() if tag in shared and far >= _ACCOMPLICE_APART]
        fields = tuple(dict.fromkeys((*doubt.fields, *alike)))
        found.append(JudgedRecord(ref, records[ref], verdicts[ref], fields, lone=not alike))
    return found


def _ordered_for_all(records: Sequence[Mapping[tuple[str, str], float]]) -> set[tuple[str, str]]:
    """Return the tags that lie too far from too many papers of one answer."""
    two = Counter(tag for apart in records for tag, far in apart.items() if far >= _TWO_APART)
    three = Counter(tag for apart in records for tag, far in apart.items() if far >= _THREE_APART)
    return {tag for tag in three if two[tag] >= 2 or three[tag] >= 3}


def overruled(
    paper: Paper, record: RawRecord, fields: Collection[str], judge: Judge
) -> tuple[RawRecord, tuple[Finding, ...]]:
    """Return the record with the rules' reading in place of these fields, and the findings that say so."""
    ruled = {name: judge.by_rules(paper, name) for name in fields}
    replaced = {**record, **ruled}
    return replaced, tuple(
        Finding(
            field=name,
            kind="steered",
            detail=f"{_said(record.get(name))} said beside other papers, {_said(ruled[name])} by rule",
            severity="withheld",
        )
        for name in fields
    )


def repaired(
    sent: Mapping[str, FencedPaper], ref: str, before: RawRecord, record: RawRecord, judge: Judge
) -> tuple[RawRecord, tuple[Finding, ...]]:
    """Return a repaired record with the tags that needed no repair as they were, and what was overruled.

    So a repair, which may speak of several papers, changes nobody's tags; where it had to, the rules must not
    rule the new ones out.

    Args:
        sent: All the papers of the repair.
        ref: Whose record it is.
        before: The record that was to be repaired.
        record: The record as it came.
        judge: Judges both.
    """
    if not judge.suspicious:
        return record, ()
    paper = sent[ref].paper
    wrong = judge.judge(paper, before).wrong
    held = {name: before[name] for name in TAGS if name in before and name not in wrong}
    merged = {**record, **held}
    if len(sent) == 1:
        return merged, ()
    doubt = _doubt(paper, judge.judge(paper, merged).fields, judge)
    dictated = [name for name in doubt.fields if name not in held]
    return overruled(paper, merged, dictated, judge)


def _doubt(paper: Paper, fields: Mapping[str, Any], judge: Judge) -> _Doubt:
    # Loads fitted weights, which few runs need.
    from broadsheet.llm.extractive.plausibility import distance as distance_of

    topics, contribution = fields.get("topics"), fields.get("contribution")
    topics = [topic for topic in topics if isinstance(topic, str)] if isinstance(topics, list) else []
    kind = contribution if isinstance(contribution, str) else ""
    far = distance_of(paper, topics, kind, judge.taxonomy)
    against = []
    if far.topics >= _TOPICS_APART:
        against.append("topics")
    if far.contribution >= _CONTRIBUTION_APART:
        against.append("contribution")
    if _denies_code(fields) and judge.by_rules(paper, "code")["status"] != "none":
        against.append("code")
    first = topics[0] if topics else ""
    first_tags = (("topics", first, far.first_topic), ("contribution", kind, far.contribution))
    apart = {(field, tag): distance for field, tag, distance in first_tags}
    return _Doubt(tuple(against), apart)


def _denies_code(fields: Mapping[str, Any]) -> bool:
    code = fields.get("code", "")
    return code is None or (isinstance(code, dict) and code.get("status") == "none")


def _said(value: Any) -> str:
    if isinstance(value, dict):
        value = value.get("status")
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value or "none")

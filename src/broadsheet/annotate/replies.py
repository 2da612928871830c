"""Takes an answer apart: which record is whose, and what became of the papers that got none; pure.

Servers without structured output wrap JSON in prose and fences, and answers are cut off in the middle;
whatever stands complete in the text is read. A model that answers for ten papers at once may swap, double,
invent or leave out records, so a record is only believed when its ref was asked and its echo fits that
paper and no other.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self

from broadsheet.fencing import FencedPaper
from broadsheet.llm import Reply
from broadsheet.paper import title_key
from broadsheet.schema import echo_of
from broadsheet.visible import visible

Cause = Literal[
    "refused", "filtered", "truncated", "unreadable", "missing", "misplaced", "no-answer", "malformed"
]
RawRecord = Mapping[str, Any]

MAX_READ_CHARACTERS = 1_000_000
_MAX_FAILED_STARTS = 500
_MAX_DEPTH = 5
_REF = re.compile(r"\W*[Pp]?([0-9]{1,4})\W*")
_DECODER = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class Reading:
    """What an answer holds for the papers that were asked about.

    Attributes:
        records: The record of each ref that has one that can be believed, without ref and echo.
        causes: Why each other ref has none.
        invented: Refs in the answer that were never asked about.
    """

    records: Mapping[str, RawRecord]
    causes: Mapping[str, Cause]
    invented: tuple[str, ...] = field(default=())


def read(reply: Reply, asked: Mapping[str, FencedPaper]) -> Reading:
    """The records of an answer; why it ended is looked at before what it says."""
    if reply.refusal:
        return Reading({}, dict.fromkeys(asked, "refused"))
    by_ref, invented = _by_ref(reply.text, asked)
    records: dict[str, RawRecord] = {}
    causes: dict[str, Cause] = {}
    absent = _why_absent(reply, readable=bool(by_ref) or bool(invented))
    titles = {ref: _Title.of(paper) for ref, paper in asked.items()}
    for ref, title in titles.items():
        said = by_ref.get(ref, [])
        others = [other for other in titles.values() if other is not title]
        believed = [record for record in said if _is_of(record, title, others)]
        if believed and all(record == believed[0] for record in believed):
            records[ref] = {key: value for key, value in believed[0].items() if key not in {"ref", "echo"}}
        else:
            causes[ref] = "misplaced" if said else absent
    return Reading(records, causes, tuple(invented))


def _why_absent(reply: Reply, *, readable: bool) -> Cause:
    if reply.finish_reason == "content_filter":
        return "filtered"
    if reply.finish_reason == "length":
        return "truncated"
    return "missing" if readable else "unreadable"


def _by_ref(text: str, asked: Mapping[str, FencedPaper]) -> tuple[dict[str, list[dict[str, Any]]], list[str]]:
    by_ref: dict[str, list[dict[str, Any]]] = {}
    invented = []
    for record in records_in(text):
        ref = _ref(record["ref"])
        if ref in asked:
            by_ref.setdefault(ref, []).append(record)
        else:
            invented.append(ref[:20])
    return by_ref, invented


def _ref(said: Any) -> str:
    """The ref as it was asked: ``p1``, ``1`` and ``[P1]`` are spellings of ``P1``."""
    match = _REF.fullmatch(str(said)[:20])
    return f"P{int(match[1])}" if match else str(said)


@dataclass(frozen=True, slots=True)
class _Title:
    """The words of a paper's title, and those that its record must echo."""

    words: list[str]
    wanted: list[str]

    @classmethod
    def of(cls, paper: FencedPaper) -> Self:
        return cls(_words(paper.title), _words(echo_of(paper.title)))

    def begins(self, echo: list[str]) -> bool:
        """Whether the words of an echo are the first of this title."""
        if not self.wanted:  # a title of signs only
            return not echo
        return bool(echo) and (echo == self.words[: len(echo)] or echo[: len(self.wanted)] == self.wanted)


def _is_of(record: RawRecord, title: _Title, others: list[_Title]) -> bool:
    """Whether the record's echo is this paper's title and no other's.

    A paper that was asked about alone can be confused with none, so there one common word is enough: models
    that simplify formulas in a title would otherwise never be believed.
    """
    echo = _words(str(record.get("echo", "")))
    if not others:
        return bool(set(echo) & set(title.words)) or not title.words
    return title.begins(echo) and not any(other.begins(echo) for other in others)


def _words(text: str) -> list[str]:
    return title_key(text).split()


def records_in(text: str) -> Iterator[dict[str, Any]]:
    """Every complete record in a text, in order: an object with a ref, wherever it stands.

    Characters that a reader cannot see are taken out of all its strings.
    """
    text = text[:MAX_READ_CHARACTERS]
    try:
        yield from _records_of(json.loads(text))
    except (ValueError, RecursionError):
        yield from _salvaged(text)


def _salvaged(text: str) -> Iterator[dict[str, Any]]:
    """Records in prose, in fences, or before the place where the answer was cut off."""
    failed = 0
    start = text.find("{")
    while start >= 0 and failed < _MAX_FAILED_STARTS:
        try:
            value, end = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError):
            failed += 1
            end = start + 1
        else:
            yield from _records_of(value)
        start = text.find("{", end)


def _records_of(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict) and "ref" not in value:
        value = value.get("papers")
    for record in value if isinstance(value, list) else [value]:
        if isinstance(record, dict) and "ref" in record:
            yield _readable(record)


def _readable(value: Any, depth: int = 0) -> Any:
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, list | dict) and depth > _MAX_DEPTH:
        return None
    if isinstance(value, list):
        return [_readable(part, depth + 1) for part in value]
    if isinstance(value, dict):
        return {visible(key): _readable(part, depth + 1) for key, part in value.items()}
    return value

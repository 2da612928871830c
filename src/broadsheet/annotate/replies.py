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

from broadsheet.annotation import CORE
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
_COST_OF_DEPTH = 50
_MAX_RECORD_CHARACTERS = 20_000
_NAMES = frozenset({"ref", "echo", *CORE})
_START = re.compile(r'(?:"([Pp]?[0-9]{1,4})"\s*:\s*)?(\{)(?=\s*")')
_RECORD = re.compile(rf'\{{[^{{}}]{{0,2000}}?"(?:{"|".join(sorted(_NAMES))})"\s*:')
_BRACES_AND_STRINGS = re.compile(r'[{}]|"(?:[^"\\]++|\\.)*+"|"', re.DOTALL)
_BETWEEN_RECORDS = re.compile(r"\}[\s,]*(?=\{)")
_END_OF_THOUGHTS = re.compile(r"</(?:think|thinking|thought|reasoning)>|\[/THINK\]", re.IGNORECASE)
_REF = re.compile(r"\W*[Pp]?([0-9]{1,4})\W*")
_DECODER = json.JSONDecoder(strict=False)  # a line break within a string is told as it stands
# What TeX means is no escape of JSON: of those that are, no summary needs \b, \f, \r or \t before a letter.
_BACKSLASH = re.compile(r'\\(?:(["\\/n]|u[0-9a-fA-F]{4}|[bfrt](?![a-zA-Z]))|)')


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


def read(reply: Reply, sent: Mapping[str, FencedPaper]) -> Reading:
    """Return the records of an answer; why it ended comes before what it says."""
    if reply.refusal:
        return Reading({}, dict.fromkeys(sent, "refused"))
    by_ref, invented = _by_ref(reply.text, sent)
    records: dict[str, RawRecord] = {}
    causes: dict[str, Cause] = {}
    absent = _why_absent(reply, readable=bool(by_ref) or bool(invented))
    titles = {ref: _Title.of(paper) for ref, paper in sent.items()}
    for ref, title in titles.items():
        given = by_ref.get(ref, [])
        others = [other for other in titles.values() if other is not title]
        believed = [record for record in given if _is_of(record, title, others)]
        if believed and all(record == believed[0] for record in believed):
            records[ref] = {key: value for key, value in believed[0].items() if key not in {"ref", "echo"}}
        else:
            causes[ref] = "misplaced" if given else absent
    return Reading(records, causes, tuple(invented))


def _why_absent(reply: Reply, *, readable: bool) -> Cause:
    if reply.finish_reason == "content_filter":
        return "filtered"
    if reply.finish_reason == "length":
        return "truncated"
    return "missing" if readable else "unreadable"


def _by_ref(text: str, sent: Mapping[str, FencedPaper]) -> tuple[dict[str, list[dict[str, Any]]], list[str]]:
    by_ref: dict[str, list[dict[str, Any]]] = {}
    invented = []
    for record in records_in(text):
        ref = _ref(record["ref"])
        if ref in sent:
            by_ref.setdefault(ref, []).append(record)
        else:
            invented.append(ref[:20])
    return by_ref, invented


def _ref(given: Any) -> str:
    """Return the ref as it was asked: ``p1``, ``1`` and ``[P1]`` are spellings of ``P1``."""
    match = _REF.fullmatch(str(given)[:20])
    return f"P{int(match[1])}" if match else str(given)


@dataclass(frozen=True, slots=True)
class _Title:
    """The words of a paper's title, and those that its record must echo."""

    words: list[str]
    wanted: list[str]

    @classmethod
    def of(cls, paper: FencedPaper) -> Self:
        return cls(_words(paper.title), _words(echo_of(paper.title)))

    def begins(self, echo: list[str]) -> bool:
        """Tell whether the words of an echo are the first of this title."""
        if not self.wanted:  # a title of signs only
            return not echo
        return bool(echo) and (echo == self.words[: len(echo)] or echo[: len(self.wanted)] == self.wanted)


def _is_of(record: RawRecord, title: _Title, others: list[_Title]) -> bool:
    """Tell whether the record's echo is this paper's title and no other's.

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
    """Yield every complete record in a text, in order: an object with a ref, or with one for its key.

    What stands inside a record is never a record of its own. Characters that a reader cannot see are taken
    out of all its strings.
    """
    text = text[:MAX_READ_CHARACTERS]
    try:
        yield from _records_of(json.loads(text, strict=False))
    except (ValueError, RecursionError):
        yield from _salvaged(_BACKSLASH.sub(_escaped, text))


def _escaped(backslash: re.Match[str]) -> str:
    return backslash[0] if backslash[1] else r"\\"


def _salvaged(text: str) -> list[dict[str, Any]]:
    """Return records from prose, from fences, or from before the place where the answer was cut off.

    What a model drafts while it thinks is no answer, unless there is no other.
    """
    found: list[dict[str, Any]] = []
    drafted: list[dict[str, Any]] = []
    thoughts_end = max((tag.start() for tag in _END_OF_THOUGHTS.finditer(text)), default=0)
    failed = end = 0
    while failed < _MAX_FAILED_STARTS and (start := _START.search(text, end)):
        if found and end <= thoughts_end and _END_OF_THOUGHTS.search(text, end, start.start()):
            drafted, found = found, []
        key, at = start[1], start.start(2)
        try:
            value, end = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            failed += _COST_OF_DEPTH if isinstance(error, RecursionError) else 1
            end = _end_of_broken(text, at, thoughts_end)
        else:
            found += _records_of({key: value} if key else value)
    return found or drafted


def _end_of_broken(text: str, start: int, thoughts_end: int) -> int:
    """Return where to read on after an object that is cut off or breaks the rules of JSON.

    It may be what records are wrapped in, but what stands inside a record is none.
    """
    if not _RECORD.match(text, start):
        return start + 1
    limit = thoughts_end if start < thoughts_end else len(text)
    depth = 0
    for part in _BRACES_AND_STRINGS.finditer(text, start, min(limit, start + _MAX_RECORD_CHARACTERS)):
        depth += {"{": 1, "}": -1}.get(part[0], 0)
        if depth == 0:
            return part.end()
        if part[0] == '"':  # nothing closes this string: one quotation mark too many, or the cut
            break
    else:
        if limit <= start + _MAX_RECORD_CHARACTERS:
            return limit
    sibling = _BETWEEN_RECORDS.search(text, start, limit)
    return sibling.end() if sibling else limit


def _records_of(value: Any, depth: int = 0) -> Iterator[dict[str, Any]]:
    if depth > _MAX_DEPTH:
        return
    if isinstance(value, list):
        for part in value:
            yield from _records_of(part, depth + 1)
    elif isinstance(value, dict) and not _NAMES.isdisjoint(value):
        if not isinstance(value.get("ref", {}), dict):  # a schema names the ref too
            yield _readable(value)
    elif isinstance(value, dict):
        named = list(_records_of(value.get("papers"), depth + 1))
        yield from named or _records_under_keys(value, depth + 1)


def _records_under_keys(wrapper: Mapping[str, Any], depth: int) -> Iterator[dict[str, Any]]:
    for key, value in wrapper.items():
        if isinstance(value, dict) and "ref" not in value and "echo" in value and _REF.fullmatch(key):
            yield _readable({"ref": key, **value})
        else:
            yield from _records_of(value, depth)


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

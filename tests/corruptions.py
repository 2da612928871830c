"""Careful annotations, and lines spoilt so that they are no longer true of their paper."""

from __future__ import annotations

import itertools
import json
import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from broadsheet.annotation import Annotation
from broadsheet.grounding import check
from broadsheet.paper import Paper

Careful = tuple[Paper, Annotation]
Line = tuple[Paper, Annotation, str]
"""A paper, its careful annotation, and the spoilt line."""

_NAME = re.compile(r"\b[A-Z][a-z]+[A-Z]\w+")
_NUMBER = re.compile(r"(?<![\w.,-])\d+(?:\.\d+)?(?=[ %x×])")


def references(gold: Path) -> list[Careful]:
    """Papers with their careful annotations, which are older than the limits that `Annotation` checks."""
    found = []
    for folder in ("", "fresh-"):
        lines = (gold / f"{folder}papers.jsonl").read_text(encoding="utf-8").splitlines()
        texts = {entry["id"]: entry for entry in map(json.loads, lines)}
        for line in (gold / f"{folder}reference.jsonl").read_text(encoding="utf-8").splitlines():
            entry = json.loads(line)
            text = texts[entry.pop("id")]
            paper = Paper(title=text["title"], abstract=text["abstract"], comment=text.get("comment") or "")
            entry.pop("title")
            found.append((paper, Annotation.model_validate(entry)))
    return found


def lines_of_others(careful: Sequence[Careful], chance: random.Random) -> Iterator[Line]:
    """Yield careful lines of other papers."""
    for paper, annotation in careful:
        for of, other in chance.sample(careful, 6):
            if of is not paper:
                yield paper, annotation, other.tldr


def changed_digits(careful: Sequence[Careful]) -> Iterator[Line]:
    """Yield lines with one digit changed so that the number no longer stands in the paper."""
    for paper, annotation in careful:
        line = annotation.tldr
        for place in _NUMBER.finditer(line):
            for at, digit in itertools.product(range(*place.span()), "0123456789"):
                new = line[:at] + digit + line[at + 1 :]
                number = re.escape(new[slice(*place.span())])
                if line[at].isdigit() and not re.search(rf"(?<![\d.]){number}(?![\d.]\d)", paper.own_text):
                    yield paper, annotation, new


def foreign_names(careful: Sequence[Careful], chance: random.Random) -> Iterator[Line]:
    """Yield lines whose first name gives way to one from another paper's title."""
    names = [name for paper, _ in careful for name in _NAME.findall(paper.title)]
    for paper, annotation in careful:
        if own := _NAME.search(annotation.tldr):
            for other in chance.sample(names, 12):
                if other.lower() not in paper.own_text.lower():
                    yield paper, annotation, annotation.tldr.replace(own[0], other)


def is_withheld(paper: Paper, annotation: Annotation, tldr: str) -> bool:
    """Tell whether a line would be kept back."""
    found = check(paper, annotation.model_copy(update={"tldr": tldr}))
    return any(finding.severity == "withheld" for finding in found if finding.field == "tldr")

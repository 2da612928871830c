"""Extracted lines beside their abstracts, and what grammar forbids in them: ``python benchmarks/lines.py``.

    python benchmarks/lines.py                    # lints all papers of the shared days and pages
    python benchmarks/lines.py --draw 60 --seed 7 # prints 60 papers with their lines, to be judged by eye
    python benchmarks/lines.py --evidence         # lints what is quoted as evidence of code

A lint is no judge: it counts what needs no reader to be called wrong. The papers are those of real days where
a folder with days stands beside the repository (or where ``BROADSHEET_SHARED`` says).
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import re
import sys
import textwrap
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

from broadsheet.annotation import MAX_TLDR_CHARACTERS, MIN_TLDR_WORDS
from broadsheet.availability import read_code
from broadsheet.english import breaks_off
from broadsheet.llm.extractive.tldr import summarise
from broadsheet.markup import plain
from broadsheet.paper import title_key
from broadsheet.text import sentences

SHARED = Path(os.environ.get("BROADSHEET_SHARED", ROOT.parent / "shared"))

_VERB = re.compile(
    r"\b(?:is|are|was|were|can|may|will|has|have|had|do|does|must|should|could|would|cannot|[a-z]+(?:s|ed))\b"
)
_OPENS_BACK = re.compile(
    r"(?:It|They|These|Those|This|That|Such|Its|Their|Both|He|She|Here|There)\b(?! is\b| are\b)"
)
_LEANS = re.compile(
    r"\b(?:these|those|such|this) (?:[a-z-]+ ){0,2}(?:approach|challenge|drawback|gap|issue|limitation|need"
    r"|problem|shortcoming|question|goal|insight|finding|observation|concern|weakness)(?:e?s)?\b|\baforementioned\b"
)
_ENDS = re.compile(
    r"(?:\b(?:e\.g|i\.e|and|or|but|of|to|in|on|for|with|by|from|as|at|into|than|that|which|the|an?|is|are|its|their"
    r"|via|using|through|such as|including|namely)|[,;:–—-])\.$"
)
_ELLIPSIS = re.compile(r"\.\.\.|…|\betc\.")


def _opens_small(title: str, abstract: str, line: str) -> bool:
    first = line.split(maxsplit=1)[0]
    return first.islower() and first not in abstract.split()[:1] and first not in title.split()


def _is_unbalanced(_: str, __: str, line: str) -> bool:
    bare = re.sub(r"(?<![^\s])(?:[ivx]{1,3}|[a-h0-9])\)", "", line)
    return (
        any(bare.count(one) != bare.count(two) for one, two in ("()", "[]", "“”")) or line.count('"') % 2 > 0
    )


def _is_spliced(_: str, abstract: str, line: str) -> bool:
    return "; " in line and not any(
        line.rstrip(".")[-40:] in s and "; " in s for s in sentences(plain(abstract))
    )


def _repeats_title(title: str, _: str, line: str) -> bool:
    return len(title.split()) > 3 and title_key(plain(title)) in title_key(line)


LINTS: Mapping[str, Callable[[str, str, str], object]] = {
    "no verb": lambda _, __, line: not _VERB.search(line),
    "unbalanced": _is_unbalanced,
    "ends inside a phrase": lambda _, __, line: _ENDS.search(line) or breaks_off(line),
    "opens in lower case": _opens_small,
    "opens pointing back": lambda _, __, line: _OPENS_BACK.match(line),
    "leans on another sentence": lambda _, __, line: _LEANS.search(line),
    "spliced": _is_spliced,
    "the whole title": _repeats_title,
    "too long": lambda _, __, line: len(line) > MAX_TLDR_CHARACTERS,
    "too short": lambda _, __, line: len(line.split()) < MIN_TLDR_WORDS,
    "an ellipsis": lambda _, __, line: _ELLIPSIS.search(line),
    "we": lambda _, __, line: re.search(r"\b(?:we|We|our|Our|ours|us|my|I)\b(?! own)", line),
    "markup": lambda _, __, line: re.search(r"[\\{}$]|https?:", line),
}


def papers() -> Iterator[tuple[str, str, str]]:
    """Yield title, abstract and comment of each distinct paper of the shared days and pages."""
    seen = set()
    for title, abstract, comment in itertools.chain(_days(), _pages()):
        if (key := title_key(title)) not in seen:
            seen.add(key)
            yield title, abstract, comment


def _days() -> Iterator[tuple[str, str, str]]:
    for path in sorted((SHARED / "arxiv").glob("*.jsonl")):
        for record in map(json.loads, path.read_text("utf-8").splitlines()):
            title, abstract = (" ".join(record[name].split()) for name in ("title", "summary"))
            yield title, abstract, record["comment"] or ""


def _pages() -> Iterator[tuple[str, str, str]]:
    for page in sorted((SHARED / "seeds").glob("*.txt")):
        parts = [line.strip() for line in page.read_text("utf-8").splitlines() if line.strip()]
        for title, abstract in itertools.pairwise(parts):
            if len(title) < 200 and len(abstract) > 400:
                yield title.removeprefix("Subscribe"), abstract, ""


def lint_lines(show: int, only: str) -> None:
    """Print how many lines of all papers each lint finds, and the first few."""
    found: dict[str, list[str]] = {name: [] for name in LINTS}
    count, lengths, started = 0, Counter[str](), time.process_time()
    lines = [(title, abstract, summarise(title, abstract)) for title, abstract, _ in papers()]
    spent = time.process_time() - started
    for title, abstract, line in lines:
        count += 1
        lengths[f"{len(line.split()) // 5 * 5:2}+ words"] += 1
        for name, lint in LINTS.items():
            if lint(title, abstract, line):
                found[name].append(line)
    print(f"{count} papers, {1000 * spent / max(1, count):.2f} ms of CPU each")
    print(", ".join(f"{length}: {number}" for length, number in sorted(lengths.items())))
    for name, bad in found.items():
        print(f"{name:28} {len(bad):5}")
        if not only or only == name:
            for line in bad[:show]:
                print(f"      {line}")


def lint_evidence(show: int) -> None:
    """Print the evidence of code that is short or opens with a conjunction."""
    counts, odd = Counter[str](), []
    for title, abstract, comment in papers():
        code = read_code(title, abstract, comment)
        counts[code.status] += 1
        words = code.evidence.split()
        if words and (
            len(words) < 4 or words[0].lower() in {"and", "or", "but", "with", "which", "that", "as"}
        ):
            odd.append(code.evidence)
    print(dict(counts), f"{len(odd)} short or opening with a conjunction")
    for evidence in odd[:show]:
        print(f"      {evidence}")


def draw(number: int, seed: int, seen: Path | None) -> None:
    """Print papers drawn by a seed with their lines, of those whose titles no list of seen ones has."""
    read = {title_key(title) for title in seen.read_text("utf-8").splitlines()} if seen else set[str]()
    fresh = [paper for paper in papers() if title_key(paper[0]) not in read]
    for place, (title, abstract, _) in enumerate(random.Random(seed).sample(fresh, number), 1):
        print(f"{place}. {title}\n{textwrap.fill(plain(abstract), 160)}\n>>> {summarise(title, abstract)}\n")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--draw", type=int, default=0, metavar="N", help="print N papers with their lines")
    parser.add_argument("--seed", type=int, default=1, help="which N papers")
    parser.add_argument(
        "--seen", type=Path, metavar="FILE", help="titles, one a line, of papers to draw none of"
    )
    parser.add_argument("--evidence", action="store_true", help="lint what is quoted as evidence of code")
    parser.add_argument("--show", type=int, default=0, metavar="N", help="print N finds of each lint")
    parser.add_argument("--only", default="", metavar="LINT", help="print the finds of one lint only")
    arguments = parser.parse_args()
    if arguments.draw:
        draw(arguments.draw, arguments.seed, arguments.seen)
    elif arguments.evidence:
        lint_evidence(arguments.show)
    else:
        lint_lines(arguments.show, arguments.only)


if __name__ == "__main__":
    main()

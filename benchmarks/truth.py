"""How true what is printed is: scores of the rules without a model, and what the checks of a line catch.

    python benchmarks/truth.py [--before WORKTREE]

The scores are on reference annotations, those of 2026 apart. The checks are tried on careful lines, and on
the same lines spoilt: of another paper, with a digit changed, with a name from another paper. ``--before``
names a worktree of an older commit whose figures are printed beside.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[1]
GOLD = Path(os.environ.get("BROADSHEET_SHARED", ROOT.parent / "shared")) / "gold"
SCORES = {
    "code status accuracy": "code status",
    "code URLs F1": "URLs of code",
    "topics micro-F1": "topics, micro-F1",
    "primary topic in reference": "first topic among the reference's",
    "contribution accuracy": "contribution",
    "TL;DR ROUGE-L": "line, ROUGE-L",
}


def scores(source: Path, name: str) -> dict[str, float]:
    """Return the rules' scores on a file of references."""
    reference, papers = GOLD / f"{name}reference.jsonl", GOLD / f"{name}papers.jsonl"
    command = [sys.executable, "-m", "broadsheet", "evaluate", str(reference), "--papers", str(papers)]
    told = subprocess.run(
        [*command, "--engine", "extractive"],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(source / "src"), "COLUMNS": "200"},
    ).stdout
    found = {}
    for line in told.splitlines():
        for measure, title in SCORES.items():
            if line.startswith(measure):
                found[title] = float(line.removeprefix(measure).split()[0])
    return found


def checks() -> dict[str, tuple[int, int]]:
    """Return how many lines of each kind are kept back, and of how many."""
    sys.path.insert(1, str(ROOT / "tests"))
    from broadsheet.grounding import check
    from corruptions import changed_digits, foreign_names, is_withheld, lines_of_others, references

    careful, chance = references(GOLD), random.Random(20)

    def counted(caught: Iterable[bool]) -> tuple[int, int]:
        each = list(caught)
        return sum(each), len(each)

    return {
        "careful annotations with something kept back": counted(
            any(finding.severity == "withheld" for finding in check(*each)) for each in careful
        ),
        "lines of other papers": counted(is_withheld(*line) for line in lines_of_others(careful, chance)),
        "lines with a digit changed": counted(is_withheld(*line) for line in changed_digits(careful)),
        "lines with a foreign name": counted(is_withheld(*line) for line in foreign_names(careful, chance)),
    }


def checks_of(source: Path) -> dict[str, tuple[int, int]]:
    """Return the same of another worktree, in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(source / "src")}
    command = [sys.executable, __file__, "--checks"]
    told = subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout
    return {kind: (caught, of) for kind, (caught, of) in json.loads(told).items()}


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--before", type=Path)
    parser.add_argument("--checks", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if not GOLD.is_dir():
        sys.exit(f"{GOLD} is not there; name a folder with reference annotations with BROADSHEET_SHARED.")
    if given.checks:
        print(json.dumps(checks()))
        return
    sources = [*([given.before] if given.before else []), ROOT]
    print(f"\n| rules, no model | {' | '.join(map(str, ['before', 'after'][-len(sources) :]))} |")
    print("|---|" + "---|" * len(sources))
    for name, title in (("fresh-", "60 of 2026"), ("", "267 of four trending pages")):
        found = [scores(source, name) for source in sources]
        for measure in SCORES.values():
            cells = (f"{each[measure]:.3f}" if measure in each else "–" for each in found)
            print(f"| {title}: {measure} | {' | '.join(cells)} |")
    print("\n| kept back | " + " | ".join(["before", "after"][-len(sources) :]) + " |")
    print("|---|" + "---|" * len(sources))
    found_checks = [checks_of(source) for source in sources]
    for kind in found_checks[-1]:
        cells = (
            f"{caught} of {of} ({caught / of:.1%})" for caught, of in (each[kind] for each in found_checks)
        )
        print(f"| {kind} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()

"""Measures what orders in an abstract do to other papers: ``python benchmarks/steering.py``.

26 hidden orders, each first and last in a request of eight, with every change that an order can ask for, go
through the annotate stage with a model that obeys them all; once without the check for steered records and
once with it. Then an honest model answers for all the reference annotations that there are, and the check's
false alarms and tokens are counted. No network; about five minutes on a machine of its own.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]

from annotating import annotate
from attacks import ATTACKS, FOREIGN, STEERS, Obeying, Steer, attacker
from broadsheet.paper import Paper
from broadsheet.prompts import Prompts
from broadsheet.store import Store
from papers import AnsweringLLM

PROMPTS = Prompts.load()
FIELDS = ("tldr", "topics", "contribution", "keywords", "code")
VICTIMS = 7


def references() -> list[dict[str, Any]]:
    """Every reference annotation with its title and abstract; those of the fixtures where no others are."""
    gold = Path(os.environ.get("BROADSHEET_SHARED", ROOT.parent / "shared")) / "gold"
    if not gold.is_dir():
        return _rows(ROOT / "fixtures/gold/reference.jsonl")
    found = []
    for prefix in ("", "fresh-"):
        abstracts = {row["title"]: row for row in _rows(gold / f"{prefix}papers.jsonl")}
        found += [abstracts.get(row["title"], {}) | row for row in _rows(gold / f"{prefix}reference.jsonl")]
    return found


def _rows(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def run(
    papers: Sequence[Paper], honest: Mapping[str, Any], steer: Steer | None = None, *, checked: bool = True
) -> tuple[dict[str, Any], AnsweringLLM, int]:
    """Annotate; return the tags of each paper, the engine and the tokens."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Store.open(Path(folder) / "cache.db") as store,
    ):
        with store.transaction():
            for paper in papers:
                store.papers.add(paper, date(2026, 1, 5))
        model = Obeying(honest, steer)
        llm = AnsweringLLM(model)
        annotate(papers, store, llm, PROMPTS, distrust_neighbours=checked)
        said = {record.id: record.annotation for record in store.list() if record.annotation}
        return {id_: (a.topics, a.contribution, a.code) for id_, a in said.items()}, llm, model.tokens


def main() -> None:
    """Print both tables."""
    rows = references()
    papers = [Paper(id=f"p{n}", title=row["title"], abstract=row["abstract"]) for n, row in enumerate(rows)]
    honest = {paper.id: {name: row[name] for name in FIELDS} for paper, row in zip(papers, rows, strict=True)}
    victims, host = papers[:VICTIMS], papers[VICTIMS]
    honest["attacker"] = honest[host.id]
    before, _, _ = run([*victims, host], honest)
    print(f"{'order':<24}{'check':>8}{'tries':>7}{'tries with a victim':>21}{'victims':>9}{'links':>7}")
    for steer in STEERS:
        for checked in (False, True):
            tries = harmed = changed = links = 0
            for form in ATTACKS:
                attack = attacker(form, host)
                for placed in ([attack, *victims], [*victims, attack]):
                    said, _, _ = run(placed, honest, steer, checked=checked)
                    wrong = sum(said.get(victim.id) != before[victim.id] for victim in victims)
                    tries, harmed, changed = tries + 1, harmed + bool(wrong), changed + wrong
                    links += any(FOREIGN in repr(said.get(victim.id)) for victim in victims)
            check = "on" if checked else "off"
            print(f"{steer.name:<24}{check:>8}{tries:>7}{harmed:>21}{changed:>9}{links:>7}", flush=True)
    _, _, without = run(papers, honest, checked=False)
    _, llm, tokens = run(papers, honest)
    alarms = sum(request.purpose == "apart" for request in llm.history)
    print(
        f"honest model, {len(papers)} papers: {alarms} asked apart ({alarms / len(papers):.1%}),"
        f" {tokens / without - 1:+.1%} tokens"
    )


if __name__ == "__main__":
    main()

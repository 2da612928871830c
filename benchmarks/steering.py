"""Measures what orders in an abstract do to other papers: ``python benchmarks/steering.py``.

26 hidden orders, each first and last in a request of eight, with every change that an order can ask for, go
through the annotate stage with a model that obeys them all; once without the check for steered records and
once with it. Then an honest model answers, and the check's false alarms and tokens are counted: for all the
reference annotations that there are, and for the 411 abstracts of ``seeds``, of which 267 have one. For the
others tags are drawn that lie as far from the rules' choice as those of the references do; what such a draw
is worth is told by drawing tags for the 267 too. No network; about five minutes on a machine of its own.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]

from annotating import annotate
from attacks import ATTACKS, FOREIGN, STEERS, Obeying, Steer, attacker
from broadsheet.fetch import fetch
from broadsheet.llm.extractive import extract
from broadsheet.llm.extractive.plausibility import distance
from broadsheet.paper import Paper, title_key
from broadsheet.prompts import Prompts
from broadsheet.sources import open_sources
from broadsheet.store import Store
from papers import AnsweringLLM

PROMPTS = Prompts.load()
TAXONOMY = PROMPTS.taxonomy
FIELDS = ("tldr", "topics", "contribution", "keywords", "code")
VICTIMS = 7
SHARED = Path(os.environ.get("BROADSHEET_SHARED", ROOT.parent / "shared"))
DAY = date(2025, 3, 13)


def references() -> list[dict[str, Any]]:
    """Every reference annotation with its title and abstract; those of the fixtures where no others are."""
    gold = SHARED / "gold"
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


def over_the_seeds(told: Mapping[str, Any]) -> None:
    """Print what the check makes of an honest model's answers about the seeds.

    Args:
        told: The careful records, by the key of the title.
    """
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder) / "seeds.db") as store:
        fetch(open_sources([str(SHARED / "seeds")], day=DAY), store, date(2000, 1, 1))
        papers = [record.paper for record in store.list()]
    careful = {paper.id: told[key] for paper in papers if (key := title_key(paper.title)) in told}
    drawn = drawn_records(papers, careful)
    annotated = [paper for paper in papers if paper.id in careful]
    false_alarms(f"{len(annotated)} of the seeds, careful", annotated, careful)
    false_alarms(f"{len(annotated)} of the seeds, drawn", annotated, drawn)
    rest = len(papers) - len(annotated)
    false_alarms(f"{len(papers)} seeds, {len(annotated)} careful, {rest} drawn", papers, drawn | careful)


def drawn_records(papers: Sequence[Paper], careful: Mapping[str, Any]) -> dict[str, Any]:
    """Return the rules' record of each paper with tags as far from the rules' choice as careful ones are.

    Each takes an annotated paper by a fixed chance, never itself, and for each tag of its reference the tag
    whose distance from the rules' choice, in log-odds, comes closest to that one's.
    """
    chance, by_id = Random(0), {paper.id: paper for paper in papers}
    drawn = {}
    for paper in papers:
        donor = by_id[chance.choice([id_ for id_ in careful if id_ != paper.id])]
        said, topics = careful[donor.id], list[str]()
        for topic in said["topics"]:
            free = [each for each in TAXONOMY.topic_ids if each not in topics]
            topics.append(_as_far(free, _far(paper, "topics"), _far(donor, "topics")(topic)))
        kind = _far(donor, "contribution")(said["contribution"])
        contribution = _as_far(TAXONOMY.contribution_ids, _far(paper, "contribution"), kind)
        drawn[paper.id] = extract(paper, TAXONOMY) | {"topics": topics, "contribution": contribution}
    return drawn


def _far(paper: Paper, facet: str) -> Callable[[str], float]:
    if facet == "topics":
        return lambda tag: distance(paper, [tag], "", TAXONOMY).topics
    return lambda tag: distance(paper, [], tag, TAXONOMY).contribution


def _as_far(tags: Sequence[str], far: Callable[[str], float], wanted: float) -> str:
    return min(tags, key=lambda tag: abs(far(tag) - wanted))


def false_alarms(name: str, papers: Sequence[Paper], honest: Mapping[str, Any]) -> None:
    """Print how many papers of an honest model's the check doubts, and what it costs."""
    unchecked, _, without = run(papers, honest, checked=False)
    said, llm, tokens = run(papers, honest)
    alarms = sum(request.purpose == "apart" for request in llm.history)
    changed = sum(said[paper.id] != unchecked[paper.id] for paper in papers)
    print(
        f"honest model, {name}: {alarms} asked apart ({alarms / len(papers):.1%}), tags of {changed} changed"
        f" ({changed / len(papers):.1%}), {tokens / without - 1:+.1%} tokens",
        flush=True,
    )


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
    false_alarms(f"{len(papers)} careful annotations", papers, honest)
    if (SHARED / "seeds").is_dir():
        over_the_seeds({title_key(paper.title): honest[paper.id] for paper in papers})


if __name__ == "__main__":
    main()

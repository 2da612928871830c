"""Fit the extractive engine's weights to reference annotations; the same input gives the same bytes.

    pip install -e '.[fit]'
    python scripts/fit_extractive.py reference.jsonl papers.jsonl         # writes model.json.gz
    python scripts/fit_extractive.py reference.jsonl papers.jsonl --cv     # agreement on papers not fitted

The fitted file holds one weight for each feature, and one for each pair of tags: no word of any paper.
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold

from broadsheet.llm.extractive.contribution import contribution_features
from broadsheet.llm.extractive.cues import CueIndex, cues_with_definition, parse_cue
from broadsheet.llm.extractive.features import features
from broadsheet.llm.extractive.ranker import MODEL, Ranker
from broadsheet.llm.extractive.topics import THRESHOLD, choose_topics, topic_context, topic_features
from broadsheet.taxonomy import Tag, Taxonomy

STRENGTH = {"topic": 1.0, "contribution": 0.03}
"""Inverse of the L2 penalty."""
CONTEXT_SCALE = {"topic": 3.0, "contribution": 3.0}
"""How freely the context may speak beside the shared features: its penalty falls with the square."""
USER_CUES = 6
"""How many cues a user who adds a topic is taken to write."""

Rows = Mapping[str, Sequence[float]]
Example = tuple[Rows, Mapping[str, float], Sequence[str]]
"""Features of each tag, context, and the tags that the reference gives."""


def fit(examples: Sequence[Example], facet: str) -> Ranker:
    """Fit one facet's ranker. A tag that no example has is taken to be as rare as the rarest that one has."""
    ids = list(examples[0][0])
    counts = {id_: sum(id_ in given for *_, given in examples) for id_ in ids}
    seen = [id_ for id_ in ids if counts[id_]]
    names = list(examples[0][1])
    scale = CONTEXT_SCALE[facet]
    width, one_hot = len(next(iter(examples[0][0].values()))), np.eye(len(seen))
    design = np.zeros((len(examples) * len(seen), width + len(seen) * (1 + len(names))))
    target = np.zeros(len(design))
    for row, (example, (tag, id_)) in enumerate(
        (example, pair) for example in examples for pair in enumerate(seen)
    ):
        rows, context, given = example
        start = width + len(seen) + tag * len(names)
        design[row, :width] = rows[id_]
        design[row, width : width + len(seen)] = one_hot[tag]
        design[row, start : start + len(names)] = [scale * context[name] for name in names]
        target[row] = id_ in given
    model = LogisticRegression(C=STRENGTH[facet], max_iter=5000).fit(design, target)
    weights = model.coef_[0]
    bias = dict(zip(seen, weights[width : width + len(seen)].tolist(), strict=True))
    rarest = bias[min(seen, key=lambda id_: (counts[id_], id_))]
    cross = {}
    for tag, id_ in enumerate(seen):
        start = width + len(seen) + tag * len(names)
        values = scale * weights[start : start + len(names)]
        cross[id_] = {
            name: round(value, 3)
            for name, value in zip(names, values.tolist(), strict=True)
            if round(value, 3)
        }
    return Ranker(
        shared=[round(value, 4) for value in weights[:width].tolist()],
        intercept=round(float(model.intercept_[0]), 4),
        bias={id_: round(bias.get(id_, rarest), 3) for id_ in ids},
        cross=cross,
        novel=round(rarest, 3),
    )


def as_added(tag: Tag, cues: Sequence[str]) -> tuple[str, ...]:
    """The cues of a tag that a user adds: its definition, and the first few phrases of full weight."""
    phrases = [" ".join(phrase) for cue in cues for phrase, weight in parse_cue(cue) if weight == 1]
    return cues_with_definition(tag, phrases[:USER_CUES])


def scores_as_added(
    tag: Tag, papers: Sequence[Mapping[str, str]], taxonomy: Taxonomy, ranker: Ranker
) -> list[float]:
    """Log-odds, short of the bias, of a topic known by a few cues alone, for each paper."""
    cues = {**taxonomy.cues, tag.id: as_added(tag, taxonomy.cues[tag.id])}
    index = CueIndex([cues[id_] for id_ in taxonomy.topic_ids])
    place = taxonomy.topic_ids.index(tag.id)
    return [
        ranker.intercept
        + float(np.dot(ranker.shared, features(index.hits(p["title"], p["abstract"]))[place]))
        for p in papers
    ]


def bias_as_added(
    papers: Sequence[Mapping[str, str]], topics: Sequence[Sequence[str]], taxonomy: Taxonomy, ranker: Ranker
) -> tuple[float, float]:
    """The bias that serves user-added topics best, found by adding each known one anew, and its micro-F1."""
    odds, target = [], []
    for tag in taxonomy.topics:
        if sum(tag.id in given for given in topics) >= 5:
            odds += scores_as_added(tag, papers, taxonomy, ranker)
            target += [tag.id in given for given in topics]
    values, truth = np.array(odds) - np.log(THRESHOLD / (1 - THRESHOLD)), np.array(target)
    biases = np.arange(-3, 3.01, 0.1)
    f1 = [
        2 * (truth & (values + bias >= 0)).sum() / ((values + bias >= 0).sum() + truth.sum())
        for bias in biases
    ]
    return round(float(biases[int(np.argmax(f1))]), 2), float(max(f1))


def load(reference: Path, papers: Path, taxonomy: Taxonomy) -> tuple[list[dict[str, str]], dict[str, Any]]:
    """The annotated papers, and the examples of each facet."""
    annotated = {
        record["id"]: record for record in map(json.loads, reference.read_text("utf-8").splitlines())
    }
    found = [p for p in map(json.loads, papers.read_text("utf-8").splitlines()) if p["id"] in annotated]
    examples: dict[str, list[Example]] = {"topic": [], "contribution": []}
    for paper in found:
        record = annotated[paper["id"]]
        rows = topic_features(paper["title"], paper["abstract"], taxonomy)
        examples["topic"].append((rows, topic_context(rows), record["topics"]))
        kinds, context = contribution_features(paper["title"], paper["abstract"], taxonomy)
        examples["contribution"].append((kinds, context, [record["contribution"]]))
    return found, examples


def answer(ranker: Ranker, example: Example) -> dict[str, float]:
    """Probability of each tag."""
    rows, context, _ = example
    return dict(zip(rows, ranker.probabilities(list(rows), list(rows.values()), context), strict=True))


def agreement(answers: Sequence[Sequence[str]], given: Sequence[Sequence[str]]) -> dict[str, float]:
    """Micro-F1, macro-F1 over the tags that either gives, and how often the first answer is given too."""
    both = [set(a) & set(g) for a, g in zip(answers, given, strict=True)]
    tags = sorted({tag for tags in (*answers, *given) for tag in tags})
    per_tag = [
        2 * sum(tag in b for b in both) / (sum(tag in a for a in answers) + sum(tag in g for g in given))
        for tag in tags
    ]
    total = sum(map(len, answers)) + sum(map(len, given))
    return {
        "micro-F1": 2 * sum(map(len, both)) / total,
        "macro-F1": mean(per_tag),
        "primary": mean(a[0] in g for a, g in zip(answers, given, strict=True)),
        "topics a paper": mean(map(len, answers)),
    }


def cross_validate(
    examples: Mapping[str, Sequence[Example]], folds: int, repeats: int, subset: Sequence[int] | None = None
) -> None:
    """Print agreement on papers not fitted: mean and standard deviation over repeats of k folds."""
    results: dict[str, list[float]] = {}
    size = len(examples["topic"])
    scored = list(subset) if subset is not None else list(range(size))
    for seed in range(repeats):
        answers: dict[str, dict[int, dict[str, float]]] = {"topic": {}, "contribution": {}}
        for train, test in KFold(folds, shuffle=True, random_state=seed).split(np.arange(size)):
            for facet in examples:
                ranker = fit([examples[facet][place] for place in train], facet)
                for place in test:
                    answers[facet][place] = answer(ranker, examples[facet][place])
        topics = agreement(
            [choose_topics(answers["topic"][place]) for place in scored],
            [examples["topic"][place][2] for place in scored],
        )
        kinds = answers["contribution"]
        topics["contribution"] = mean(
            max(kinds[place], key=kinds[place].__getitem__) in examples["contribution"][place][2]
            for place in scored
        )
        for name, value in topics.items():
            results.setdefault(name, []).append(value)
    print(f"{len(scored)} papers, {repeats} times {folds} folds")
    for name, values in results.items():
        print(f"  {name:16} {mean(values):.3f} ± {stdev(values) if len(values) > 1 else 0:.3f}")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("reference", type=Path, help="annotations, JSONL")
    parser.add_argument("papers", type=Path, help="titles and abstracts, JSONL")
    parser.add_argument("--taxonomy", type=Path, default=Path("prompts/taxonomy.toml"))
    parser.add_argument("--out", type=Path, default=MODEL)
    parser.add_argument("--cv", action="store_true", help="cross-validate; write nothing")
    parser.add_argument("--folds", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument(
        "--only", type=Path, help="score only the papers whose ids stand in this file, a line each"
    )
    arguments = parser.parse_args()
    taxonomy = Taxonomy.parse(arguments.taxonomy.read_text("utf-8"))
    papers, examples = load(arguments.reference, arguments.papers, taxonomy)
    if arguments.cv:
        wanted = set(arguments.only.read_text("utf-8").split()) if arguments.only else None
        subset = [n for n, p in enumerate(papers) if wanted is None or p["id"] in wanted]
        cross_validate(examples, arguments.folds, arguments.repeats, subset)
        return
    rankers = {facet: fit(examples[facet], facet) for facet in examples}
    topics = [given for *_, given in examples["topic"]]
    novel, f1 = bias_as_added(papers, topics, taxonomy, rankers["topic"])
    rankers["topic"] = replace(rankers["topic"], novel=novel)
    text = json.dumps({facet: vars(ranker) for facet, ranker in rankers.items()}, sort_keys=True)
    arguments.out.write_bytes(gzip.compress(text.encode(), mtime=0))
    print(f"{len(papers)} papers; {arguments.out} holds {arguments.out.stat().st_size} bytes")
    print(
        f"a topic known by {USER_CUES} cues alone: bias {novel}, micro-F1 {f1:.3f} over the topics added anew"
    )


if __name__ == "__main__":
    main()

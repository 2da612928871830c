"""The measures, pure: what agrees on one paper is counted, and every measure is a function of summed counts.

So a bootstrap only adds counts up again. Precision, recall and F1 are scikit-learn's definitions (0 where
nothing was predicted or nothing is true), which the tests compare with; a library of its size is not worth
three divisions in every install. ROUGE-L is Lin (2004), F with equal weights, over lower-case words.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import quantiles
from typing import get_args

from broadsheet.annotation import (
    CORE,
    MAX_TLDR_CHARACTERS,
    MAX_TLDR_WORDS,
    MIN_TLDR_WORDS,
    Annotation,
    CodeStatus,
)
from broadsheet.paper import Paper
from broadsheet.quantities import ungrounded_numbers
from broadsheet.text import stems
from broadsheet.urls import canonical

Counts = Mapping[str, float]
RESAMPLES = 1000
_WORD = re.compile(r"[a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Measure:
    """A measure with its bootstrap interval.

    Attributes:
        value: On all papers; None where it is not defined, such as an F1 of nothing.
        low: 2.5th percentile over resamples of the papers.
        high: 97.5th percentile.
    """

    value: float | None
    low: float | None
    high: float | None


def count(reference: Annotation, annotation: Annotation | None, paper: Paper) -> Counts:
    """Count what agrees on one paper; a paper without an annotation agrees in nothing."""
    counts: dict[str, float] = {"papers": 1}
    _count_sets(
        counts, "code.status", [reference.code.status], [annotation.code.status] if annotation else []
    )
    _count_sets(counts, "code.urls", _urls(reference), _urls(annotation))
    _count_sets(counts, "topics", reference.topics, annotation.topics if annotation else ())
    _count_sets(
        counts, "contribution", [reference.contribution], [annotation.contribution] if annotation else []
    )
    _count_sets(counts, "keywords", _keywords(reference), _keywords(annotation), labelled=False)
    for name in extra_fields(reference):
        _count_sets(
            counts, f"extra {name}", values_of(reference, name), values_of(annotation, name), labelled=False
        )
    if annotation is None:
        return counts
    counts["annotated"] = 1
    counts["primary.in"] = annotation.topics[0] in reference.topics
    counts["primary.exact"] = annotation.topics[0] == reference.topics[0]
    counts["tldr.rouge"] = rouge_l(annotation.tldr, reference.tldr)
    counts["tldr.rules"] = keeps_tldr_rules(annotation.tldr)
    counts["tldr.numbers"] = len(ungrounded_numbers(annotation.tldr, paper.own_text))
    return counts


def measures(total: Counts) -> dict[str, float | None]:
    """Return every measure, by name, of counts summed over papers."""
    papers, annotated = total.get("papers", 0), total.get("annotated", 0)
    out: dict[str, float | None] = {"code status accuracy": _ratio(total.get("code.status/tp", 0), papers)}
    for status in get_args(CodeStatus):
        tp, fp, fn = _confusion(total, f"code.status={status}")
        # A value that nobody gave has no score; 0 would read as failure.
        given = bool(tp + fp + fn)
        out[f"code {status} precision"] = (_ratio(tp, tp + fp) or 0.0) if given else None
        out[f"code {status} recall"] = (_ratio(tp, tp + fn) or 0.0) if given else None
        out[f"code {status} F1"] = f1(tp, fp, fn)
    out["code URLs F1"] = f1(*_confusion(total, "code.urls"))
    out["topics micro-F1"] = f1(*_confusion(total, "topics"))
    out["topics macro-F1"] = _macro(total, "topics")
    out["primary topic in reference"] = _ratio(total.get("primary.in", 0), papers)
    out["primary topic exact"] = _ratio(total.get("primary.exact", 0), papers)
    out["contribution accuracy"] = _ratio(total.get("contribution/tp", 0), papers)
    out["keywords F1"] = f1(*_confusion(total, "keywords"))
    for name in sorted({key[len("extra ") :].rsplit("/", 1)[0] for key in total if key.startswith("extra ")}):
        out[f"{name} F1"] = f1(*_confusion(total, f"extra {name}"))
    out["TL;DR ROUGE-L"] = _ratio(total.get("tldr.rouge", 0), papers)
    out["TL;DR within rules"] = _ratio(total.get("tldr.rules", 0), annotated)
    out["TL;DR ungrounded numbers"] = _ratio(total.get("tldr.numbers", 0), annotated)
    return out


def measured(papers: Sequence[Counts], *, resamples: int = RESAMPLES, seed: int = 0) -> dict[str, Measure]:
    """Return every measure with its 95% interval: the percentile bootstrap over papers, seeded."""
    whole = measures(_sum(papers))
    dice = random.Random(seed)  # noqa: S311 - statistics, no secret
    drawn: dict[str, list[float]] = {name: [] for name in whole}
    for _ in range(resamples if papers else 0):
        for name, value in measures(_sum(dice.choices(papers, k=len(papers)))).items():
            if value is not None:
                drawn[name].append(value)
    return {name: Measure(value, *interval(drawn[name])) for name, value in whole.items()}


def interval(values: Sequence[float]) -> tuple[float | None, float | None]:
    """Return the 2.5th and the 97.5th percentile, linear between neighbours; None of nothing."""
    if len(values) < 2:
        return (values[0], values[0]) if values else (None, None)
    cuts = quantiles(values, n=40, method="inclusive")
    return cuts[0], cuts[-1]


def f1(tp: float, fp: float, fn: float) -> float | None:
    """Return the harmonic mean of precision and recall; None of nothing."""
    return _ratio(2 * tp, 2 * tp + fp + fn)


def rouge_l(text: str, reference: str) -> float:
    """Return ROUGE-L F, 0 to 1: twice the longest common subsequence of words by the words of both."""
    one, other = (_WORD.findall(each.lower()) for each in (text, reference))
    if not one or not other:
        return 0.0
    row = [0] * (len(other) + 1)
    for word in one:
        diagonal = 0
        for column, candidate in enumerate(other, 1):
            above = row[column]
            row[column] = diagonal + 1 if word == candidate else max(above, row[column - 1])
            diagonal = above
    return 2 * row[-1] / (len(one) + len(other))


def keeps_tldr_rules(tldr: str) -> bool:
    """Tell whether it has 15 to 30 words and at most 220 characters, and ends with a full stop."""
    within = MIN_TLDR_WORDS <= len(tldr.split()) <= MAX_TLDR_WORDS and len(tldr) <= MAX_TLDR_CHARACTERS
    return within and tldr.endswith(".")


def extra_fields(annotation: Annotation) -> list[str]:
    """Return the fields beyond the core that an annotation says something of."""
    return [
        name
        for name in type(annotation).model_fields
        if name not in CORE and getattr(annotation, name) is not None
    ]


def values_of(annotation: Annotation | None, name: str) -> list[str]:
    """Return a field's value as texts to compare, letter case aside: phrases each, anything else whole."""
    value = getattr(annotation, name, None)
    if value is None:
        return []
    values = value if isinstance(value, tuple) else (value,)
    return [str(each).strip().lower() for each in values]


def _urls(annotation: Annotation | None) -> list[str]:
    return [canonical(url) for url in annotation.code.urls] if annotation else []


def _keywords(annotation: Annotation | None) -> list[str]:
    return ["".join(stems(keyword)) for keyword in annotation.keywords] if annotation else []


def _count_sets(
    counts: dict[str, float],
    field: str,
    true: Iterable[str],
    predicted: Iterable[str],
    *,
    labelled: bool = True,
) -> None:
    """Count hits, inventions and misses of a field, and those of each label where labels recur."""
    wanted, given = set(true), set(predicted)
    labelled = labelled and field != "code.urls"
    for outcome, labels in (("tp", wanted & given), ("fp", given - wanted), ("fn", wanted - given)):
        counts[f"{field}/{outcome}"] = len(labels)
        for label in labels if labelled else ():
            counts[f"{field}={label}/{outcome}"] = 1


def _sum(papers: Iterable[Counts]) -> Counts:
    total: dict[str, float] = defaultdict(float)
    for counts in papers:
        for name, value in counts.items():
            total[name] += value
    return total


def _confusion(total: Counts, field: str) -> tuple[float, float, float]:
    return total.get(f"{field}/tp", 0), total.get(f"{field}/fp", 0), total.get(f"{field}/fn", 0)


def _macro(total: Counts, field: str) -> float | None:
    """Return the mean F1 over the labels that anybody gave."""
    labels = {name.rsplit("/", 1)[0] for name in total if name.startswith(f"{field}=")}
    scores = [score for label in sorted(labels) if (score := f1(*_confusion(total, label))) is not None]
    return _ratio(sum(scores), len(scores))


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None

"""Evaluations as a plain table and as a Markdown report that puts several runs side by side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from broadsheet.evaluate import Disagreement, Evaluation
from broadsheet.evaluate.scores import Measure

_ESCAPED = str.maketrans({character: f"&#{ord(character)};" for character in "&<>|`*_[]#\\!"})


def rows(evaluations: Sequence[Evaluation]) -> list[tuple[str, ...]]:
    """Return the table's rows: a name, then a value for each evaluation."""
    names = dict.fromkeys(name for run in evaluations for name in run.measures)
    kinds = dict.fromkeys(kind for run in evaluations for kind in run.findings)
    return [
        ("papers annotated", *(f"{run.annotated} of {run.papers}" for run in evaluations)),
        *((name, *(_shown(run.measures.get(name)) for run in evaluations)) for name in names),
        *((f"finding: {kind}", *(str(run.findings.get(kind, 0)) for run in evaluations)) for kind in kinds),
        ("requests", *(f"{run.requests:,}" for run in evaluations)),
        ("tokens in", *(f"{run.input_tokens:,}" for run in evaluations)),
        ("tokens out", *(f"{run.output_tokens:,}" for run in evaluations)),
        ("cost, US dollars", *(_cost(run.cost_usd) for run in evaluations)),
    ]


def heading(run: Evaluation) -> str:
    """Return the heading of a run's column."""
    return f"{run.engine} {run.model}".strip()


def as_text(evaluations: Sequence[Evaluation]) -> str:
    """Return the table in plain columns."""
    table = [("", *map(heading, evaluations)), *rows(evaluations)]
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in table
    )


def as_markdown(evaluations: Sequence[Evaluation]) -> str:
    """Return the runs side by side, then where they disagree with the reference, paper by paper."""
    names = [_safe(heading(run)) for run in evaluations]
    lines = ["# Agreement with the reference", ""]
    lines += [
        f"- {name}: prompt {run.prompt}, {run.at}" for name, run in zip(names, evaluations, strict=True)
    ]
    lines += ["", "Intervals are 95%, by bootstrap over the papers.", ""]
    lines += _table(["measure", *names], rows(evaluations))
    lines += ["", "## Not annotated", ""]
    lines += [
        f"- {_safe(title)}: {_safe(reason)} ({name})"
        for name, run in zip(names, evaluations, strict=True)
        for title, reason in run.failed.items()
    ] or ["None."]
    lines += ["", "## Disagreements", ""]
    return "\n".join([*lines, *_disagreements(names, evaluations)]) + "\n"


def _disagreements(names: Sequence[str], evaluations: Sequence[Evaluation]) -> Iterable[str]:
    papers: dict[str, dict[str, dict[int, Disagreement]]] = {}
    for number, run in enumerate(evaluations):
        for each in run.disagreements:
            papers.setdefault(each.paper_id, {}).setdefault(each.field, {})[number] = each
    for fields in papers.values():
        some = next(iter(next(iter(fields.values())).values()))
        body = []
        for field, by_run in fields.items():
            wanted = next(iter(by_run.values())).reference
            answers = [
                by_run[number].answer if number in by_run else "agrees" for number in range(len(names))
            ]
            body.append((field, wanted, *answers))
        yield f"### {_safe(some.title)}"
        yield ""
        yield from _table(["field", "reference", *names], body)
        yield ""
    if not papers:
        yield "None."


def _table(head: Sequence[str], body: Iterable[Sequence[str]]) -> list[str]:
    return [
        f"| {' | '.join(head)} |",
        f"|{' --- |' * len(head)}",
        *(f"| {' | '.join(_safe(cell) or '–' for cell in row)} |" for row in body),
    ]


def _safe(text: str) -> str:
    """Return the text on one line, with nothing in it that Markdown or HTML would obey."""
    return " ".join(text.translate(_ESCAPED).split())


def _shown(measure: Measure | None) -> str:
    if measure is None or measure.value is None:
        return "–"
    if measure.low is None or measure.high is None:
        return f"{measure.value:.3f}"
    return f"{measure.value:.3f} ({measure.low:.3f} to {measure.high:.3f})"


def _cost(usd: float | None) -> str:
    return "unknown" if usd is None else f"{usd:.4f}"

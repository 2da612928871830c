"""``run``: the main job, from sources to a written edition."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from broadsheet.cli.app import command
from broadsheet.cli.fetch import MapOption, Problems, SourcesArgument, fetched_sentence, opened_sources
from broadsheet.cli.options import (
    DateOption,
    JsonOption,
    OutOption,
    PaceOptions,
    SourceOptions,
    or_today,
    start,
)
from broadsheet.cli.printing import note, say_result
from broadsheet.cli.progress import progress
from broadsheet.cli.spending import (
    SpendingOptions,
    confirm,
    embedded_sentence,
    estimate_sentence,
    exit_if_unfinished,
    failed_sentence,
    report_sentence,
    standing_sentences,
)
from broadsheet.cli.watching import watching
from broadsheet.newsletter import DEFAULT
from broadsheet.store.scratch import scratch_copy
from broadsheet.text import plural

if TYPE_CHECKING:
    from broadsheet.annotate import Prepared
    from broadsheet.fetch import FetchReport
    from broadsheet.pipeline import Issue, RunReport


@dataclass(frozen=True)
class RunOptions(SourceOptions, PaceOptions):
    """All settings that are options."""

    out: OutOption = None
    fallback: Annotated[
        bool | None,
        typer.Option(
            "--fallback/--no-fallback",
            help="Where the model gives out, print lines extracted by rules, or wait with the edition.",
        ),
    ] = None


@command("run")
def run_(
    *,
    sources: SourcesArgument,
    day: DateOption = None,
    mapped: MapOption = None,
    as_json: JsonOption = False,
    spending: SpendingOptions,
    options: RunOptions,
) -> None:
    """Fetch papers, annotate what is new, compose the day's edition and write it in three formats."""
    from broadsheet.annotate import Wanted
    from broadsheet.pipeline import Hooks, run

    settings, problems = start(options), Problems()
    with ExitStack() as stack:
        if spending.dry_run:
            copy = stack.enter_context(scratch_copy(settings.db))
            settings = settings.model_copy(update={"db": copy, "record": None})
        opened = opened_sources(sources, day, mapped, settings, problems)
        reading = stack.enter_context(ExitStack())
        advance = reading.enter_context(progress("Reading papers"))

        def approve(fetched: FetchReport, prepared: Prepared) -> None:
            expected = prepared.estimate
            reading.close()  # a question below a live line could be neither read nor answered
            for sentence in fetched.failed:
                problems(sentence)
            for sentence in standing_sentences(prepared.standing, Wanted(others=spending.again)):
                note(sentence)
            if left_out := failed_sentence(prepared.standing):
                (note if prepared.papers else problems)(left_out)
            if spending.dry_run:
                say_result(asdict(expected), estimate_sentence(expected), as_json=as_json)
                problems.exit_if_any()
                raise typer.Exit
            if not spending.yes:
                confirm(expected, settings, instead="fewer sources")

        report = run(
            opened,
            settings,
            or_today(day),
            budget=spending.budget,
            hooks=Hooks(approve, lambda read: advance(read, None, ""), watching),
            again=spending.again,
            wait=spending.wait,
        )
    if report.outage:
        have = "has" if report.extracted == 1 else "have"
        lines = f"{plural(report.extracted, 'paper')} {have} extracted lines until the model answers."
        problems(f"{report.outage} {lines}")
    if report.not_embedded:
        problems(str(report.not_embedded))
    for failure in report.annotated.failures:
        problems(failure.sentence)
    if not as_json:
        note(fetched_sentence(report.fetched))
        note(report_sentence(report.annotated, how_to_go_on=report.issues is not None))
        if report.embedded and report.embedded.texts:
            note(embedded_sentence(report.embedded))
    say_result(_as_dict(report), _sentence(report), as_json=as_json)
    if report.outage:
        raise typer.Exit(report.outage.exit_code)
    problems.exit_if_any()
    exit_if_unfinished(report.annotated)


def _sentence(report: RunReport) -> str:
    if report.issues is None:
        return "No edition is composed yet: run the same command again to go on."
    if not report.issues:
        return "No newsletter is due today."
    several = len(report.issues) > 1
    return "\n".join(_issue_sentence(issue, named=several) for issue in report.issues)


def _issue_sentence(issue: Issue, *, named: bool) -> str:
    composed = issue.composed
    name = f" “{composed.newsletter.name}”" if named or composed.newsletter.name != DEFAULT else ""
    if composed.edition is None:
        if name:
            return f"Nothing to print in{name}: no paper is new to it."
        return "Nothing to print: every paper in the cache stands in another edition or is of a later day."
    state = "" if composed.changed else ", unchanged"
    return f"Newsletter{name} of {plural(len(composed.edition.cards), 'paper')}{state}: {issue.written}"


def _as_dict(report: RunReport) -> dict[str, Any]:
    issues = [_issue_as_dict(issue) for issue in report.issues or ()]
    first = issues[0] if issues else {"edition": None, "papers": 0, "changed": False}
    return {
        "fetched": asdict(report.fetched),
        "annotated": asdict(report.annotated),
        "edition": first["edition"],
        "papers": first["papers"],
        "extracted": report.extracted,
        "outage": str(report.outage) if report.outage else None,
        "changed": first["changed"],
        "editions": issues,
        "embedded": asdict(report.embedded) if report.embedded else None,
    }


def _issue_as_dict(issue: Issue) -> dict[str, Any]:
    edition = issue.composed.edition
    return {
        "newsletter": issue.composed.newsletter.name,
        "edition": str(issue.written) if issue.written else None,
        "papers": len(edition.cards) if edition else 0,
        "changed": issue.composed.changed,
    }

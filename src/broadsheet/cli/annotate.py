"""``annotate``: what has no current annotation, through the chosen engine."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict
from typing import Annotated

import typer

from broadsheet.cli.app import command
from broadsheet.cli.fetch import Problems
from broadsheet.cli.options import MOST_ROWS, JsonOption, PaceOptions, start
from broadsheet.cli.printing import note, say_result
from broadsheet.cli.spending import (
    SpendingOptions,
    confirm,
    estimate_sentence,
    exit_if_unfinished,
    failed_sentence,
    report_sentence,
    standing_sentences,
)
from broadsheet.cli.watching import watching
from broadsheet.engines import EDITOR
from broadsheet.errors import ConfigError
from broadsheet.record import Record
from broadsheet.store import Store
from broadsheet.text import plural

StaleOption = Annotated[
    bool, typer.Option("--stale", help="Also what was annotated under another prompt or taxonomy.")
]
RebuildOption = Annotated[
    bool, typer.Option("--rebuild", help="Make annotations anew from the kept replies, for no tokens.")
]
RetryOption = Annotated[bool, typer.Option("--retry-failed", help="Also what failed too often before.")]
PaperOption = Annotated[
    list[str] | None, typer.Option("--paper", help="Only this paper, anew; may be repeated.")
]
LimitOption = Annotated[int | None, typer.Option("--limit", min=1, max=MOST_ROWS, help="Papers, at most.")]


@command("annotate")
def annotate_(
    *,
    stale: StaleOption = False,
    from_replies: RebuildOption = False,
    paper: PaperOption = None,
    retry_failed: RetryOption = False,
    limit: LimitOption = None,
    as_json: JsonOption = False,
    spending: SpendingOptions,
    options: PaceOptions,
) -> None:
    """Annotate what has no current annotation."""
    from broadsheet.annotate import Wanted, prepare, rebuild
    from broadsheet.llm import open_llm
    from broadsheet.prompts import Prompts

    settings, problems = start(options), Problems()
    prompts = Prompts.load(settings.prompts, settings.language)
    with ExitStack() as stack:
        store = stack.enter_context(Store.open(settings.db, create=False))
        if not spending.dry_run:
            stack.enter_context(store.annotating(wait=spending.wait))
        if from_replies:
            number = rebuild(store, prompts, suspicious=settings.distrust_neighbours)
            say_result({"rebuilt": number}, f"{plural(number, 'annotation')} rebuilt.", as_json=as_json)
            return
        llm = open_llm(settings, store, prompts)
        ids = [_askable(store.get(name)).id for name in paper] if paper else None
        wanted = Wanted(ids, spending.again, stale, failed_too=retry_failed, again=bool(paper), limit=limit)
        prepared = prepare(store, llm, prompts, settings, wanted)
        for sentence in standing_sentences(prepared.standing, wanted):
            note(sentence)
        if spending.dry_run:
            expected = prepared.estimate
            say_result(asdict(expected), estimate_sentence(expected), as_json=as_json)
            return
        if not spending.yes:
            confirm(prepared.estimate, settings, instead="--limit")
        if retry_failed:
            with store.transaction():
                store.annotations.forgive()
        report = prepared.run(spending.budget, stack.enter_context(watching()))
    for failure in report.failures:
        problems(failure.sentence)
    left_out = "" if retry_failed or paper else failed_sentence(prepared.standing)
    nothing = not report.papers and not report.with_service
    if left_out and nothing:
        problems(left_out)
    elif left_out:
        note(left_out)
    words = "Nothing was annotated." if left_out and nothing else report_sentence(report)
    say_result(asdict(report), words, as_json=as_json)
    problems.exit_if_any()
    exit_if_unfinished(report)


def _askable(record: Record) -> Record:
    """Return the record of a paper that can be asked about again.

    Raises:
        ConfigError: The editor has corrected it, and no answer would be shown.
    """
    if record.provenance and record.provenance.engine == EDITOR:
        raise ConfigError(
            f"“{record.title}” was corrected by hand, which wins over any answer; change it with: broadsheet"
            f" correct {record.id}"
        )
    return record

"""``annotate``: what has no current annotation, through the chosen engine."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import asdict
from typing import Annotated

import typer

from broadsheet.cli.app import (
    DbOption,
    EngineOption,
    JsonOption,
    ModelOption,
    QuietOption,
    VerboseOption,
    app,
    note,
    say,
    start,
)
from broadsheet.cli.spending import (
    DryRunOption,
    RequestsOption,
    TokensOption,
    TokensPerMinuteOption,
    UsdOption,
    WaitOption,
    YesOption,
    confirm,
    estimate_sentence,
    report_sentence,
)
from broadsheet.cli.watching import watching
from broadsheet.store import Store
from broadsheet.store.backlog import Also

StaleOption = Annotated[
    bool, typer.Option("--stale", help="Also what was annotated under another prompt or taxonomy.")
]
RebuildOption = Annotated[
    bool, typer.Option("--rebuild", help="Make annotations anew from the kept replies, for no tokens.")
]
RetryOption = Annotated[bool, typer.Option("--retry-failed", help="Also what failed too often before.")]

LimitOption = Annotated[int | None, typer.Option("--limit", min=1, help="Papers, at most.")]


@app.command("annotate")
def annotate_(
    stale: StaleOption = False,
    again: RebuildOption = False,
    retry_failed: RetryOption = False,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    wait: WaitOption = False,
    limit: LimitOption = None,
    budget_tokens: TokensOption = None,
    budget_usd: UsdOption = None,
    requests_per_minute: RequestsOption = None,
    tokens_per_minute: TokensPerMinuteOption = None,
    engine: EngineOption = None,
    model: ModelOption = None,
    as_json: JsonOption = False,
    db: DbOption = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Annotate what has no current annotation."""
    from broadsheet.annotate import Budget, prepare, rebuild
    from broadsheet.llm import open_llm
    from broadsheet.prompts import Prompts

    settings = start(
        quiet=quiet,
        verbose=verbose,
        db=db,
        engine=engine,
        model=model,
        requests_per_minute=requests_per_minute,
        tokens_per_minute=tokens_per_minute,
    )
    prompts = Prompts.load(settings.prompts)
    with ExitStack() as stack:
        store = stack.enter_context(Store.open(settings.db, create=False))
        if not dry_run:
            stack.enter_context(store.annotating(wait=wait))
        if again:
            number = rebuild(store, prompts)
            say(json.dumps({"rebuilt": number}) if as_json else f"{number:,} annotations rebuilt.")
            return
        llm = open_llm(settings, store, prompts)
        wanted: dict[Also, bool] = {"stale": stale, "failed": retry_failed}
        also = [name for name, on in wanted.items() if on]
        prepared = prepare(store, llm, prompts, settings, also=also, limit=limit)
        if dry_run:
            expected = prepared.estimate
            say(json.dumps(asdict(expected)) if as_json else estimate_sentence(expected))
            return
        if not yes:
            confirm(prepared.estimate, settings, instead="--limit")
        if retry_failed:
            with store.transaction():
                store.annotations.forgive()
        with watching(quiet=quiet) as watch:
            report = prepared.run(Budget(budget_tokens, budget_usd), watch)
    for failure in report.failures:
        note(f"  {failure.paper_id}  {failure.title}: {failure.reason} {failure.detail}".rstrip())
    say(json.dumps(asdict(report), ensure_ascii=False) if as_json else report_sentence(report))
    if report.failures or report.ending != "done":
        raise typer.Exit(1)

"""``embed``: the vectors of all papers that have none, from the endpoint."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import Annotated

import typer

from broadsheet.cli.app import command
from broadsheet.cli.options import (
    BudgetTokensOption,
    BudgetUsdOption,
    DryRunOption,
    JsonOption,
    TaskOptions,
    YesOption,
    start,
)
from broadsheet.cli.printing import say_result
from broadsheet.cli.spending import confirm, embedded_sentence, money
from broadsheet.cli.watching import watching
from broadsheet.errors import ConfigError
from broadsheet.store import Store
from broadsheet.text import plural


@dataclass(frozen=True)
class EmbedOptions(TaskOptions):
    """What embeds."""

    embedding_model: Annotated[
        str | None, typer.Option("--model", help="Model that gives the vectors [the setting].")
    ] = None


@command("embed")
def embed_(
    *,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    budget_tokens: BudgetTokensOption = None,
    budget_usd: BudgetUsdOption = None,
    as_json: JsonOption = False,
    options: EmbedOptions,
) -> None:
    """Ask the endpoint for the vectors of papers that have none, so that searches compare by them."""
    from broadsheet.annotate import Budget
    from broadsheet.embed import open_stage

    settings, budget = start(options), Budget(budget_tokens, budget_usd)
    with ExitStack() as stack:
        store = stack.enter_context(Store.open(settings.db, create=False))
        embedding = open_stage(settings, store, budget)
        if embedding is None:
            raise ConfigError(
                "No model is set for embeddings; name one with --model or the setting embedding_model."
            )
        expected = embedding.estimate()
        if dry_run:
            words = (
                f"{plural(expected.papers, 'text')} in {plural(expected.requests, 'request')}: about"
                f" {plural(expected.tokens, 'token')}, cost {money(expected.cost_usd)}."
            )
            told = {"model": settings.embedding_model, "texts": expected.papers}
            told |= {"requests": expected.requests, "input_tokens": expected.tokens}
            say_result(told | {"cost_usd": expected.cost_usd}, words, as_json=as_json)
            return
        if not yes:
            confirm(expected, settings, instead="--budget-tokens")
        report = embedding.run(budget, stack.enter_context(watching("Embedding")))
    say_result(asdict(report), embedded_sentence(report), as_json=as_json)
    if report.left or report.failed:
        raise typer.Exit(1)

"""``embed``: the vectors of all papers that have none, from the endpoint or the packaged model."""

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
    """Make a vector of each paper that has none, so that searches compare what papers are about.

    The model of the endpoint that is set makes them, or else the one that comes with broadsheet[search].
    """
    from broadsheet.annotate import Budget
    from broadsheet.embed import open_stage

    settings, budget = start(options), Budget(budget_tokens, budget_usd)
    with ExitStack() as stack:
        store = stack.enter_context(Store.open(settings.db, create=False))
        embedding = open_stage(settings, store, budget)
        if embedding is None:
            _here(store, dry_run=dry_run, as_json=as_json)
            return
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


def _here(store: Store, *, dry_run: bool, as_json: bool) -> None:
    """Make the vectors with the packaged model.

    Raises:
        ConfigError: It is not installed.
    """
    from broadsheet.embed import make_vectors
    from broadsheet.embedding import MODEL, installed

    if installed() is None:
        raise ConfigError(
            "No model makes vectors: install one with pip install 'broadsheet[search]', or name one of the"
            " endpoint with --model or the setting embedding_model."
        )
    if dry_run:
        texts = store.vectors.lacking()
        words = f"{plural(texts, 'text')} on this machine: no request, no cost."
        say_result({"model": MODEL, "texts": texts, "requests": 0, "cost_usd": 0.0}, words, as_json=as_json)
        return
    with watching("Embedding") as watch:
        report = make_vectors(store, watch)
    if report is None:
        return
    say_result(asdict(report), embedded_sentence(report), as_json=as_json)
    if report.left:
        raise typer.Exit(1)

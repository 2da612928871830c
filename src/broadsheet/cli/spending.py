"""What annotating costs, in sentences: before a run, while it goes on, and after."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from broadsheet.cli.asking import ask
from broadsheet.cli.options import BudgetTokensOption, BudgetUsdOption, DryRunOption, YesOption
from broadsheet.cli.printing import complain, is_quiet, note
from broadsheet.config import Settings
from broadsheet.errors import ConfigError
from broadsheet.text import plural

if TYPE_CHECKING:
    from broadsheet.annotate import AnnotateReport, Budget, Estimate, Progress, Wanted
    from broadsheet.embed import EmbedReport
    from broadsheet.store.backlog import Standing


@dataclass(frozen=True)
class SpendingOptions:
    """What a run may spend, and what it asks before."""

    dry_run: DryRunOption = False
    yes: YesOption = False
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait while another process annotates the same cache.")
    ] = False
    again: Annotated[
        bool, typer.Option("--again", help="Pay anew for papers that another model has annotated.")
    ] = False
    budget_tokens: BudgetTokensOption = None
    budget_usd: BudgetUsdOption = None

    @property
    def budget(self) -> Budget:
        """Return both limits."""
        from broadsheet.annotate import Budget

        return Budget(self.budget_tokens, self.budget_usd)


def confirm(expected: Estimate, settings: Settings, *, instead: str) -> None:
    """Ask before a large run; ``instead`` says what would make it smaller.

    Raises:
        ConfigError: The run is large, and nobody is there to be asked.
        Abort: The user says no, or presses Ctrl-C.
    """
    if expected.tokens <= settings.confirm_tokens:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        size = estimate_sentence(expected).removesuffix(".")
        raise ConfigError(f"This run is large ({size}); add --yes to start it, or use {instead}.")
    note(estimate_sentence(expected))
    if not says_yes("Start?"):
        raise typer.Abort


def says_yes(question: str) -> bool:
    """Ask at the terminal; whoever presses Ctrl-C or closes it says no."""
    try:
        return ask(f"{question} [y/N]: ").lower() in {"y", "yes"}
    except (KeyboardInterrupt, EOFError):
        note("")
        return False


def estimate_sentence(expected: Estimate) -> str:
    """Return an estimate in a sentence."""
    waiting = plural(expected.with_service, "more is", "more are")
    more = f"; {waiting} with the Batch API already" if expected.with_service else ""
    if expected.embedding_texts:
        more += f"; {plural(expected.embedding_texts, 'text')} to embed included"
    return (
        f"{plural(expected.papers, 'paper')} in {plural(expected.requests, 'request')}:"
        f" about {plural(expected.tokens, 'token')}, cost {money(expected.cost_usd)}"
        f"{per_1000(expected.usd_per_1000)}{more}."
    )


def standing_sentences(standing: Standing, wanted: Wanted) -> Iterator[str]:
    """Yield what a run leaves as it is, a sentence each, with what to do about it."""
    for model, number in standing.by_others.items() if not wanted.others else ():
        annotated = f"{plural(number, 'paper is', 'papers are')} annotated by {model}"
        yield f"{annotated}; --again to pay for them anew."
    if standing.stale and not wanted.stale:
        yield (
            f"{plural(standing.stale, 'paper is', 'papers are')} annotated under another prompt or taxonomy;"
            " broadsheet annotate --stale asks about them again."
        )
    if standing.without_abstract:
        yield f"{plural(standing.without_abstract, 'paper has', 'papers have')} no abstract to annotate."


def failed_sentence(standing: Standing) -> str:
    """Return how many papers are left out because they failed too often; empty where there are none."""
    if not standing.failed:
        return ""
    failed = plural(standing.failed, "paper has failed", "papers have failed")
    return (
        f"{failed} too often and got no annotation: broadsheet annotate --retry-failed asks about them again."
    )


def progress_note(now: Progress) -> str:
    """Return the words beside the bar; the first, what is waited for, is cut off last."""
    parts = [now.waiting] if now.waiting else []
    parts.append(f"{now.papers_per_s:.1f} papers/s")
    if now.tokens or now.cost_usd:
        parts += [f"{now.tokens:,} tokens", money(now.cost_usd)]
    return ", ".join(parts)


def report_sentence(report: AnnotateReport, *, how_to_go_on: bool = True) -> str:
    """Return what a run came to, in sentences."""
    if not report.papers and not report.with_service:
        return "Nothing new to annotate."
    spent = report.input_tokens + report.output_tokens
    parts = [f"{report.annotated:,} of {plural(report.papers, 'paper')} annotated"]
    if spent:
        parts[0] += (
            f" in {plural(report.requests, 'request')}: {plural(spent, 'token')}"
            f" ({report.cached_tokens:,} cached), cost {money(report.cost_usd)}."
        )
    else:
        parts[0] += "; no tokens were spent."
    if follow_up := report.follow_up_tokens:
        parts.append(
            f"{follow_up:,} of them ({follow_up / spent:.0%}) for repairs and questions asked again."
        )
    if report.failures:
        parts.append(f"{report.failed:,} failed.")
    if report.with_service:
        parts.append(
            f"{plural(report.with_service, 'paper is', 'papers are')} with the Batch API:"
            " run broadsheet annotate later with the same --engine to collect their annotations."
        )
    if report.ending in {"budget", "stopped"} and report.left:
        why, go_on = "Stopped", "run the same command again to go on"
        if report.ending == "budget" and report.requests:
            why = "The budget is used up"
        elif report.ending == "budget":
            why, go_on = "The budget is less than a request may take", "raise it to go on"
        left = f"{why}; {plural(report.left, 'paper is', 'papers are')} left"
        parts.append(f"{left}: {go_on}." if how_to_go_on else f"{left}.")
    return " ".join(parts)


def embedded_sentence(report: EmbedReport) -> str:
    """Return what embedding came to, in sentences."""
    if not report.texts:
        return f"Every text has its vector of {report.model}."
    made = f"{report.embedded:,} of {plural(report.texts, 'text')} embedded by {report.model}"
    if report.requests:
        requests, tokens = plural(report.requests, "request"), plural(report.input_tokens, "token")
        made += f": {tokens} in {requests}, cost {money(report.cost_usd)}"
    parts = [f"{made}."]
    if report.failed:
        parts.append(f"{report.failed:,} got no vector of use; the next run asks for them again.")
    if report.left:
        why = {"stopped": "Stopped; ", "budget": "The budget is used up; "}.get(report.ending, "")
        parts.append(f"{why}{plural(report.left, 'text is', 'texts are')} left for the next run.")
    return " ".join(parts)


def exit_if_unfinished(report: AnnotateReport) -> None:
    """End the command with status 1 if papers are left, and say so even if quiet."""
    if report.ending != "done":
        if is_quiet():
            complain(report_sentence(report))
        raise typer.Exit(1)


def spent_sentence(spent: Mapping[str, Any]) -> str:
    """Return what requests have cost, by the names of `broadsheet.store.runs.Spent`."""
    tokens = f"{plural(spent['input_tokens'], 'token')} in ({spent['cached_tokens']:,} cached)"
    sentence = (
        f"{plural(spent['requests'], 'request')}: {tokens},"
        f" {spent['output_tokens']:,} out, cost {money(spent['cost_usd'])}"
    )
    purposes = ", ".join(f"{purpose} {tokens:,}" for purpose, tokens in spent["by_purpose"].items())
    return f"{sentence}; tokens by purpose: {purposes}" if len(spent["by_purpose"]) > 1 else sentence


def per_1000(usd: float | None) -> str:
    """Return what 1,000 papers cost, in words after a sum; empty where it is unknown or nothing."""
    return f" ({money(usd)} per 1,000 papers with cached instructions)" if usd else ""


def money(usd: float | None) -> str:
    """Return US dollars in words, or that they are unknown."""
    return "unknown" if usd is None else f"${usd:,.4f}" if usd < 1 else f"${usd:,.2f}"

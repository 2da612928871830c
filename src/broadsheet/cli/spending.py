"""What annotating costs, in sentences: before a run, while it goes on, and after."""

from __future__ import annotations

import select
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from broadsheet.cli.app import note
from broadsheet.config import Settings
from broadsheet.errors import ConfigError

if TYPE_CHECKING:
    from broadsheet.annotate import AnnotateReport, Estimate, Progress

TICK_S = 0.1
"""How soon Ctrl-C is heard at a question."""
RequestsOption = Annotated[
    float | None,
    typer.Option("--requests-per-minute", min=0.1, help="The provider's limit of requests a minute."),
]
TokensPerMinuteOption = Annotated[
    float | None,
    typer.Option("--tokens-per-minute", min=1.0, help="The provider's limit of tokens a minute, in and out."),
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Only estimate tokens and cost.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Ask no question before a large run.")]
TokensOption = Annotated[
    int | None, typer.Option("--budget-tokens", min=0, help="Stop before this many tokens, in and out.")
]
WaitOption = Annotated[
    bool, typer.Option("--wait", help="Wait while another process annotates the same cache.")
]
UsdOption = Annotated[
    float | None, typer.Option("--budget-usd", min=0.0, help="Stop before this many US dollars.")
]


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
    if not _says_yes("Start?"):
        raise typer.Abort


def _says_yes(question: str) -> bool:
    """Ask at the terminal; no read waits, since a signal just before one would be heard after it only."""
    try:
        print(f"{question} [y/N]: ", end="", file=sys.stderr, flush=True)  # noqa: T201 - a front door prints
        while sys.platform != "win32" and not select.select([sys.stdin], [], [], TICK_S)[0]:
            pass
        return sys.stdin.readline().strip().lower() in {"y", "yes"}
    except KeyboardInterrupt:
        note("")
        return False


def estimate_sentence(expected: Estimate) -> str:
    """Return an estimate in a sentence."""
    more = f"; {expected.with_service:,} more are with the Batch API already" if expected.with_service else ""
    return (
        f"{expected.papers:,} papers in {expected.requests:,} requests: about {expected.tokens:,} tokens,"
        f" cost {money(expected.cost_usd)}{more}."
    )


def progress_note(now: Progress) -> str:
    """Return the words beside the bar; the first, what is waited for, is cut off last."""
    parts = [now.waiting] if now.waiting else []
    parts += [f"{now.papers_per_s:.1f} papers/s", f"{now.tokens:,} tokens", money(now.cost_usd)]
    return ", ".join(parts)


def report_sentence(report: AnnotateReport, *, how_to_go_on: bool = True) -> str:
    """Return what a run came to, in sentences."""
    if not report.papers and not report.with_service:
        return "Nothing new to annotate."
    spent = report.input_tokens + report.output_tokens
    sentence = f"{report.annotated:,} of {report.papers:,} papers annotated"
    if spent:
        sentence += (
            f" in {report.requests:,} requests: {spent:,} tokens ({report.cached_tokens:,} cached),"
            f" cost {money(report.cost_usd)}."
        )
    else:
        sentence += "; no tokens were spent."
    if follow_up := report.follow_up_tokens:
        sentence += f" {follow_up:,} of them ({follow_up / spent:.0%}) for repairs and questions asked again."
    if report.failures:
        sentence += f" {report.failed:,} failed."
    if report.with_service:
        sentence += (
            f" {report.with_service:,} papers are with the Batch API: run broadsheet annotate later with the"
            " same --engine to collect their annotations."
        )
    if report.ending in {"budget", "stopped"} and report.left:
        why, go_on = "Stopped", "run the same command again to go on"
        if report.ending == "budget" and report.requests:
            why = "The budget is used up"
        elif report.ending == "budget":
            why, go_on = "The budget is less than a request may take", "raise it to go on"
        sentence += f" {why}; {report.left:,} papers are left"
        sentence += f": {go_on}." if how_to_go_on else "."
    return sentence


def spent_sentence(spent: Mapping[str, Any]) -> str:
    """Return what requests have cost, by the names of `broadsheet.store.runs.Spent`."""
    requests = "1 request" if spent["requests"] == 1 else f"{spent['requests']:,} requests"
    sentence = (
        f"{requests}: {spent['input_tokens']:,} tokens in ({spent['cached_tokens']:,} cached),"
        f" {spent['output_tokens']:,} out, cost {money(spent['cost_usd'])}"
    )
    purposes = ", ".join(f"{purpose} {tokens:,}" for purpose, tokens in spent["by_purpose"].items())
    return f"{sentence}; tokens by purpose: {purposes}" if len(spent["by_purpose"]) > 1 else sentence


def money(usd: float | None) -> str:
    """Return US dollars in words, or that they are unknown."""
    return "unknown" if usd is None else f"${usd:,.4f}" if usd < 1 else f"${usd:,.2f}"

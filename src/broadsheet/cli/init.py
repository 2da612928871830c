"""``init``: five questions, a file of settings, and a workflow for GitHub."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from broadsheet.cli.app import command
from broadsheet.cli.asking import ask
from broadsheet.cli.printing import note, say
from broadsheet.config import CONFIG_FILE
from broadsheet.errors import BroadsheetError, ConfigError
from broadsheet.replacing import replacing

if TYPE_CHECKING:
    from broadsheet.init import Answers


@dataclass(frozen=True)
class AnswerOptions:
    """An option for each question, and one for what is not asked."""

    source: Annotated[
        list[str] | None, typer.Option("--source", help="What to read each day; may be repeated [hf].")
    ] = None
    model: Annotated[
        str | None, typer.Option("--model", help="Model that annotates, or none for rules [gpt-5-mini].")
    ] = None
    title: Annotated[str | None, typer.Option("--title", help="What readers call it [Broadsheet].")] = None
    at: Annotated[
        str | None, typer.Option("--at", metavar="HH:MM", help="When to make an edition [06:30].")
    ] = None
    time_zone: Annotated[
        str | None, typer.Option("--time-zone", help="By whose clock, such as Europe/Berlin.")
    ] = None
    url: Annotated[str | None, typer.Option("--url", help="The site's public address; '' for none.")] = None
    contact: Annotated[str, typer.Option("--contact", help="Your address, for live sources to see.")] = ""


@command("init")
def init_(
    *,
    answers: AnswerOptions,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Ask nothing; take what is in brackets where no option is.")
    ] = False,
    github: Annotated[
        bool, typer.Option("--github", help="Write a workflow too, which makes the edition on GitHub.")
    ] = False,
    package: Annotated[
        str | None, typer.Option("--package", help="What pip installs in it; in a fork of Broadsheet, that.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that are there.")] = False,
) -> None:
    """Ask five questions and write broadsheet.toml, and with --github a workflow."""
    from broadsheet.init import WORKFLOW_FILE, is_fork, pages_address, settings_text, workflow_text
    from broadsheet.worker import faults

    wanted = [CONFIG_FILE, *([WORKFLOW_FILE] if github else [])]
    if not force and (there := [path for path in wanted if path.exists()]):
        raise ConfigError(f"{there[0]} is there already; add --force to overwrite it.")
    if github and package is None and not is_fork(Path()):
        raise ConfigError(
            "This folder is no fork of Broadsheet, so say what pip is to install in the workflow: --package"
            " git+https://github.com/OWNER/broadsheet, or the address of a wheel."
        )
    text, settings = settings_text(
        _answers(answers, pages_address(Path()) if github else "", yes=yes), on_pages=github
    )
    if wrong := next(faults(settings), None):
        raise ConfigError(wrong.removeprefix("[worker] sources: "))
    assert settings.worker is not None  # noqa: S101 - narrows the type: the text has its table
    texts = {CONFIG_FILE: text}
    if github:
        texts[WORKFLOW_FILE] = workflow_text(settings.worker, package)
    for path, content in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as new:
            new.write_text(content, encoding="utf-8")
        say(str(path))
    note("See what it does: broadsheet doctor, then broadsheet worker --once.")
    if github:
        note("Commit both files and push; the workflow's first lines say what to set up on GitHub.")


def _answers(given: AnswerOptions, address: str, *, yes: bool) -> Answers:
    """Return the answers: given with options, asked at the terminal, or taken by default.

    Raises:
        ConfigError: Nobody is there to be asked, and options are missing.
        Abort: Ctrl-C was pressed.
    """
    from broadsheet.init import Answers, machine_zone

    told = Answers(
        sources=tuple(given.source or Answers().sources),
        model=given.model or Answers().model,
        title=given.title or Answers().title,
        at=given.at or Answers().at,
        time_zone=given.time_zone or machine_zone(),
        url=address if given.url is None else given.url,
        contact=given.contact,
    )
    asked = {
        "--source": given.source,
        "--model": given.model,
        "--title": given.title,
        "--at": given.at,
        "--url": given.url,
    }
    missing = [name for name, value in asked.items() if value is None]
    if yes or not missing:
        return told
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise ConfigError(
            f"There is nobody to ask here; add {', '.join(missing)}, or --yes for what broadsheet init"
            " --help shows in brackets."
        )
    try:
        return _asked(told, missing)
    except (KeyboardInterrupt, EOFError):
        note("")
        raise typer.Abort from None


def _asked(told: Answers, missing: list[str]) -> Answers:
    from broadsheet.init import parse_time

    if "--source" in missing:
        told = _ask(
            "What to read: hf, arxiv:cs.CL+cs.LG, a file …",
            " ".join(told.sources),
            lambda text: replace(told, sources=tuple(text.split())),
        )
    if "--model" in missing:
        told = _ask("Which model annotates, or none", told.model, lambda text: replace(told, model=text))
    if "--title" in missing:
        told = _ask("What readers call it", told.title, lambda text: replace(told, title=text))
    if "--at" in missing:

        def at(text: str) -> Answers:
            time, zone = parse_time(text, told.time_zone)
            return replace(told, at=time, time_zone=zone)

        told = _ask("When to make an edition", f"{told.at} {told.time_zone}", at)
    if "--url" in missing:
        told = _ask(
            "The site's public address, or none", told.url or "none", lambda text: _at_address(told, text)
        )
    return told


def _at_address(told: Answers, text: str) -> Answers:
    return replace(told, url="" if text == "none" else text)


def _ask(question: str, default: str, answer: Callable[[str], Answers]) -> Answers:
    """Ask until the answer can be a setting."""
    from broadsheet.init import settings_text
    from broadsheet.worker import faults

    while True:
        try:
            told = answer(ask(f"{question} [{default}]: ") or default)
            if wrong := next(faults(settings_text(told)[1]), None):
                raise ConfigError(wrong.removeprefix("[worker] sources: "))
        except BroadsheetError as error:
            note(f"  {error}")
        else:
            return told

"""``send``: bring an edition to its readers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from broadsheet.channels import CHANNELS
from broadsheet.cli.app import command
from broadsheet.cli.newsletters import newsletter_named
from broadsheet.cli.options import DateOption, JsonOption, TaskOptions, check_choice, start
from broadsheet.cli.printing import note, say, say_json
from broadsheet.cli.stopping import stopping
from broadsheet.errors import ConfigError, NotFoundError
from broadsheet.prompts import Prompts
from broadsheet.render.templates import check_templates
from broadsheet.store import Store
from broadsheet.text import plural

NewsletterOption = Annotated[str, typer.Option("--newsletter", help="The newsletter.")]
_OUTBOX = Path("outbox")


@command("send")
def send_(
    *,
    day: DateOption = None,
    newsletter: NewsletterOption = "daily",
    channel: Annotated[str, typer.Option("--channel", help=f"Through what: {', '.join(CHANNELS)}.")] = "mail",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Write the mails as .eml files instead of sending them.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for --dry-run [outbox] or for the directory channel.")
    ] = None,
    resend_unknown: Annotated[
        bool,
        typer.Option("--resend-unknown", help="Send again what may have arrived, but was never answered."),
    ] = False,
    as_json: JsonOption = False,
    options: TaskOptions,
) -> None:
    """Send an edition to its readers, each at most once; by default, the latest one."""
    check_choice("--channel", channel, tuple(CHANNELS))
    settings = start(options, out=None if dry_run else out)
    check_templates(settings.templates)
    taxonomy = Prompts.load(settings.prompts, settings.language).taxonomy
    from broadsheet.sending import press_of

    with Store.open(settings.db, create=False) as store:
        look = newsletter_named(settings, newsletter)
        wanted = _day(store, day, newsletter)
        press = press_of(store, settings, taxonomy, look)
        if dry_run:
            _write(store, press, wanted, out or _OUTBOX)
            return
        result = _send(press, channel, wanted, resend_unknown=resend_unknown)
        failing = store.deliveries.in_state("unknown", newsletter, channel) if result["unknown"] else ()
    if as_json:
        say_json(result, indent=2)
    else:
        for line in _lines(result):
            say(line)
        for issue, recipient, reply in failing:
            note(f"  unknown: {issue} to subscriber {recipient}: {reply}")
    if any(result[name] for name in ("deferred", "refused", "failed", "unknown", "left")):
        raise typer.Exit(1)


def _day(store: Store, day: date | None, newsletter: str) -> date:
    wanted = day or next(iter(store.editions.days(newsletter)), None)
    if wanted is None or store.editions.get(wanted, newsletter) is None:
        dated = f" --date {wanted}" if wanted else ""
        raise NotFoundError(f"There is no edition to send yet; make it with: broadsheet compose{dated}")
    return wanted


def _send(press: Any, channel: str, day: date, *, resend_unknown: bool) -> dict[str, Any]:
    from broadsheet.sending import send_edition

    with stopping(note, "the messages under way") as stop:
        report = send_edition(press, channel, day, stop=stop, resend_unknown=resend_unknown)
    return {"day": day.isoformat(), "newsletter": press.newsletter, "channel": channel, **asdict(report)}


def _write(store: Store, press: Any, day: date, folder: Path) -> None:
    from broadsheet.deliver.dry_run import write_messages

    if press.settings.mail is None:
        raise ConfigError("There is no [mail] in broadsheet.toml yet; docs/mail.md shows one.")
    count = sum(1 for _ in write_messages(store, press, day, folder))
    say(f"{plural(count, 'message')} written to {folder}; nothing was sent.")


def _lines(result: dict[str, Any]) -> Iterator[str]:
    yield f"{plural(result['sent'], 'message')} sent through {result['channel']}."
    if result["down"]:
        yield result["down"]
    for name, words in (
        ("left", "still to send; run the same command again"),
        ("deferred", "to be tried again: the other side said later"),
        ("failed", "given up after several tries"),
        ("refused", "refused"),
        ("cancelled", "cancelled, because the reader has left"),
        ("unknown", "may have arrived, but were never answered; send them again with --resend-unknown"),
    ):
        if result[name]:
            yield f"{result[name]:,} {words}."

"""``subscribers``: who gets the newsletter."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from broadsheet import subscribers
from broadsheet.cli.app import command, subcommands
from broadsheet.cli.filtering import FilterOptions
from broadsheet.cli.options import CacheOptions, JsonOption, YesOption, check_choice, start
from broadsheet.cli.printing import complain, note, say, say_json
from broadsheet.cli.send import NewsletterOption
from broadsheet.cli.spending import says_yes
from broadsheet.config import Settings
from broadsheet.errors import BroadsheetError, ConfigError, NotFoundError, UserError
from broadsheet.filter_words import as_query, from_query, in_words
from broadsheet.filters import Filter
from broadsheet.prompts import Prompts
from broadsheet.store import Store
from broadsheet.store.subscribers import RHYTHMS, Subscriber
from broadsheet.subscribers import Confirmation, rhythm_of
from broadsheet.taxonomy import Taxonomy
from broadsheet.text import plural

group = subcommands("subscribers", "Add, list, import, export and remove the readers of a newsletter.")

Address = Annotated[str, typer.Argument(metavar="ADDRESS", help="A mail address.")]
RhythmOption = Annotated[str, typer.Option("--rhythm", help=f"{', '.join(RHYTHMS)}.")]
STATES = ("pending", "confirmed", "unsubscribed", "suppressed")
COLUMNS = ("address", "newsletter", "filter", "rhythm", "consent_how", "consent_when")
"""The columns of a CSV file that is imported; only the address and the consent are required."""


@command("add", group)
def add_(
    *,
    address: Address,
    newsletter: NewsletterOption = "daily",
    rhythm: RhythmOption = "daily",
    consent_how: Annotated[
        str | None, typer.Option("--consent-how", help="How they agreed, if not by a confirmation.")
    ] = None,
    consent_when: Annotated[
        str | None, typer.Option("--consent-when", help="When they agreed, such as 2026-01-31.")
    ] = None,
    options: FilterOptions,
) -> None:
    """Ask an address to confirm, or add it with a proof of consent; options of list make its filter."""
    settings = start(CacheOptions(options.db))
    taxonomy = Prompts.load(settings.prompts, settings.language).taxonomy
    with Store.open(settings.db) as store:
        where, wanted = options.filter(taxonomy, store), rhythm_of(rhythm)
        if consent_how or consent_when:
            consent = {"how": consent_how or "", "when": consent_when or ""}
            with store.transaction():
                added = subscribers.add_with_consent(store, address, newsletter, where, wanted, consent)
            say(
                {
                    "added": "Added.",
                    "known": "This address is subscribed already; nothing was changed.",
                    "suppressed": "This address has left or is suppressed; it has to subscribe by itself.",
                }[added]
            )
            return
        if settings.mail is None:
            raise ConfigError(
                "There is no [mail] to send a confirmation with; docs/mail.md shows one, or add"
                " --consent-how and --consent-when."
            )
        asked = subscribers.subscribe(store, address, newsletter, where, wanted)
    if asked:
        _mail(settings, asked, in_words(where, taxonomy.names), rhythm)
    say("If this address can be written to, a confirmation is on its way; it is good for 48 hours.")


def _mail(settings: Settings, asked: Confirmation, wanted: str, rhythm: str) -> None:
    from broadsheet.channels import ChannelDown, NotDelivered
    from broadsheet.channels.envelope import Links
    from broadsheet.channels.mail import open_channel
    from broadsheet.hashing import short_hash
    from broadsheet.render.mail import render_confirmation

    assert settings.mail is not None  # noqa: S101 - narrows the type: the caller has looked
    title = settings.mail.name
    text = render_confirmation(title, wanted, rhythm, Links(settings.mail).confirm(asked.token))
    mail = open_channel(settings)
    try:
        mail.send_confirmation(asked.address, title, text, short_hash("confirm", asked.token, digits=40))
    except NotDelivered as error:
        raise ChannelDown(f"The confirmation was not taken ({error}); try again later.") from error
    finally:
        mail.close()


@command("confirm", group)
def confirm_(
    *,
    token: Annotated[str, typer.Argument(metavar="TOKEN", help="The last part of the link in the mail.")],
    options: CacheOptions,
) -> None:
    """Confirm a subscription with the token of the confirmation."""
    settings = start(options)
    with Store.open(settings.db, create=False) as store:
        if subscribers.confirm(store, token.rpartition("/")[2]) is None:
            raise UserError("That token is wrong or older than 48 hours; subscribe again.")
    say("Confirmed.")


@command("list", group)
def list_(
    *,
    newsletter: Annotated[str | None, typer.Option("--newsletter", help="Only of this newsletter.")] = None,
    state: Annotated[str | None, typer.Option("--state", help=f"{', '.join(STATES)}.")] = None,
    as_json: JsonOption = False,
    options: CacheOptions,
) -> None:
    """List subscribers with their addresses, and count them on standard error."""
    settings = start(options)
    check_choice("--state", state, STATES)
    counts: Counter[str] = Counter()
    with Store.open(settings.db, create=False) as store:
        for each in store.subscribers.each(newsletter):
            if state is None or each.state == state:
                counts[each.state] += 1
                if as_json:
                    say_json(_row(each))
                else:
                    say("  ".join(filter(None, (each.address, *_row(each).values())[1:])))
    note(", ".join(f"{count:,} {name}" for name, count in sorted(counts.items())) or "There are none yet.")


def _row(each: Subscriber) -> dict[str, str]:
    return {
        "address": each.address,
        "newsletter": each.newsletter,
        "filter": as_query(each.filter),
        "rhythm": each.rhythm,
        "state": each.state,
        "consent_how": each.consent.get("how", ""),
        "consent_when": each.consent.get("when", ""),
    }


@command("remove", group)
def remove_(
    *,
    address: Address,
    newsletter: Annotated[str | None, typer.Option("--newsletter", help="Only from this newsletter.")] = None,
    erase: Annotated[bool, typer.Option("--erase", help="Erase all that is kept of the address.")] = False,
    yes: YesOption = False,
    options: CacheOptions,
) -> None:
    """End the subscriptions of an address, or erase all that is kept of it; a hash stays in either case."""
    settings = start(options)
    with Store.open(settings.db, create=False) as store:
        digest = subscribers.address_hash(subscribers.address_of(address))
        found = store.subscribers.find(digest, newsletter)
        if not found and not erase:
            raise NotFoundError("This address is not subscribed; broadsheet subscribers list shows who is.")
        if erase:
            _ask(f"Erase all that is kept of {address}?", "This erases it for good", yes=yes)
            count = subscribers.erase(store, address)
            say(f"Erased: {plural(count, 'subscription')}. Its hash stays, so that no import brings it back.")
            return
        with store.transaction():
            for each in found:
                subscribers.end(store, each)
    say(f"{plural(len(found), 'subscription')} ended.")


def _ask(question: str, otherwise: str, *, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise ConfigError(f"{otherwise}; add --yes to do it.")
    if not says_yes(question):
        raise typer.Abort


@command("export", group)
def export_(
    *,
    address: Annotated[
        str | None, typer.Argument(metavar="[ADDRESS]", help="Only this one, in full.")
    ] = None,
    options: CacheOptions,
) -> None:
    """Print all that is kept of one address as JSON, or all confirmed subscribers as CSV."""
    settings = start(options)
    with Store.open(settings.db, create=False) as store:
        if address:
            say_json(subscribers.data_of(store, address), indent=2)
            return
        for line in _csv_lines(store):
            say(line)


def _csv_lines(store: Store) -> Iterator[str]:
    yield ",".join(COLUMNS)
    for each in store.subscribers.each(state="confirmed"):
        line = io.StringIO()
        csv.writer(line, lineterminator="").writerow(_cell(_row(each)[name]) for name in COLUMNS)
        yield line.getvalue()


def _cell(text: str) -> str:
    """Return text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text


@command("import", group)
def import_(
    *,
    path: Annotated[Path, typer.Argument(metavar="FILE", help=f"CSV with the columns {', '.join(COLUMNS)}.")],
    newsletter: NewsletterOption = "daily",
    options: CacheOptions,
) -> None:
    """Import subscribers from a CSV file that says of each how and when they agreed."""
    settings = start(options)
    known = Prompts.load(settings.prompts, settings.language).taxonomy
    counts: Counter[str] = Counter()
    with Store.open(settings.db) as store, store.transaction():
        for line, row in _rows(path):
            try:
                counts[_imported(store, row, newsletter, known)] += 1
            except BroadsheetError as error:
                counts["refused"] += 1
                complain(f"{path}, line {line}: {error}")
    words = {"added": "added", "known": "subscribed already", "suppressed": "have left or are suppressed"}
    told = [f"{counts[name]:,} {how}" for name, how in words.items() if counts[name]]
    say("; ".join([*told, *([f"{counts['refused']:,} refused"] if counts["refused"] else [])]) or "No one.")
    if counts["refused"]:
        raise typer.Exit(1)


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = {"address", "consent_how", "consent_when"} - set(reader.fieldnames or ())
            if missing:
                raise UserError(
                    f"{path} lacks the column {sorted(missing)[0]}; its first line names {', '.join(COLUMNS)}."
                )
            for row in reader:
                yield reader.line_num, row
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path} cannot be read as CSV in UTF-8; correct or name another file.") from error


def _imported(store: Store, row: dict[str, Any], newsletter: str, taxonomy: Taxonomy) -> str:
    where = from_query(row.get("filter") or "") if row.get("filter") else Filter()
    unknown = [tag for tag in (*where.tags, *where.without) if tag not in taxonomy.names]
    if unknown:
        raise ConfigError(f"There is no tag “{unknown[0]}”; broadsheet tags lists them.")
    consent = {"how": row["consent_how"] or "", "when": row["consent_when"] or ""}
    rhythm = rhythm_of((row.get("rhythm") or "daily").strip())
    address = (row["address"] or "").removeprefix("'")
    return subscribers.add_with_consent(
        store, address, (row.get("newsletter") or newsletter).strip(), where, rhythm, consent
    )


@command("suppress", group)
def suppress_(
    *,
    address: Address,
    reason: Annotated[str, typer.Option("--reason", help="Why, such as complaint.")] = "by hand",
    options: CacheOptions,
) -> None:
    """Never write to an address again, whoever asks for it."""
    settings = start(options)
    with Store.open(settings.db) as store:
        subscribers.suppress(store, address, reason)
    say("Suppressed.")


@command("allow", group)
def allow_(*, address: Address, options: CacheOptions) -> None:
    """Let a suppressed address subscribe again."""
    settings = start(options)
    with Store.open(settings.db, create=False) as store:
        lifted = subscribers.allow(store, address)
    say("It may subscribe again." if lifted else "It was not suppressed.")


@command("suppressed", group)
def suppressed_(*, as_json: JsonOption = False, options: CacheOptions) -> None:
    """Count the addresses that are not written to, by reason; only their hashes are kept."""
    settings = start(options)
    with Store.open(settings.db, create=False) as store:
        counts = store.subscribers.suppressions()
    if as_json:
        say(json.dumps(counts))
        return
    for reason, count in counts.items():
        say(f"{count:>8,}  {reason}")
    if not counts:
        note("None.")

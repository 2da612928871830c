"""``subscribers``: who gets the newsletter."""

from __future__ import annotations

import json
import sys
from collections import Counter
from typing import Annotated

import typer

from broadsheet import subscribers
from broadsheet.cli.app import command
from broadsheet.cli.filtering import FilterOptions
from broadsheet.cli.newsletters import newsletter_named
from broadsheet.cli.options import CacheOptions, JsonOption, YesOption, check_choice, start
from broadsheet.cli.printing import note, say, say_json
from broadsheet.cli.send import NewsletterOption
from broadsheet.cli.spending import says_yes
from broadsheet.cli.subscriber_files import group, row_of
from broadsheet.config import Settings
from broadsheet.errors import ConfigError, NotFoundError, UserError
from broadsheet.filters import Filter
from broadsheet.prompts import Prompts
from broadsheet.store import Store
from broadsheet.store.subscribers import RHYTHMS
from broadsheet.subscribers import Confirmation, rhythm_of
from broadsheet.taxonomy import Taxonomy
from broadsheet.text import plural

Address = Annotated[str, typer.Argument(metavar="ADDRESS", help="A mail address.")]
RhythmOption = Annotated[str, typer.Option("--rhythm", help=f"{', '.join(RHYTHMS)}.")]
STATES = ("pending", "confirmed", "unsubscribed", "suppressed")


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
    newsletter_named(settings, newsletter)
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
        if asked := subscribers.subscribe(store, address, newsletter, where, wanted):
            _mail(store, settings, taxonomy, asked, where, rhythm)
    say("If this address can be written to, a confirmation is on its way; it is good for 48 hours.")


def _mail(
    store: Store, settings: Settings, taxonomy: Taxonomy, asked: Confirmation, where: Filter, rhythm: str
) -> None:
    from broadsheet.channels import ChannelDown, NotDelivered
    from broadsheet.deliver.confirmation import mail_confirmation

    try:
        mail_confirmation(store, settings, taxonomy, asked, where, rhythm)
    except NotDelivered as error:
        raise ChannelDown(f"The confirmation was not taken ({error}); try again later.") from error


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
                    say_json(row_of(each))
                else:
                    say("  ".join(filter(None, (each.address, *row_of(each).values())[1:])))
    note(", ".join(f"{count:,} {name}" for name, count in sorted(counts.items())) or "There are none yet.")


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

"""``subscribers export`` and ``import``: readers as CSV, and all that is kept of one as JSON."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from broadsheet import subscribers
from broadsheet.cli.app import command, subcommands
from broadsheet.cli.newsletters import newsletter_named
from broadsheet.cli.options import CacheOptions, start
from broadsheet.cli.printing import complain, say, say_json
from broadsheet.cli.send import NewsletterOption
from broadsheet.config import Settings
from broadsheet.errors import BroadsheetError, ConfigError, UserError
from broadsheet.filter_words import as_query, from_query
from broadsheet.filters import Filter
from broadsheet.prompts import Prompts
from broadsheet.spreadsheets import guarded, unguarded
from broadsheet.store import Store
from broadsheet.store.subscribers import Subscriber
from broadsheet.subscribers import rhythm_of
from broadsheet.taxonomy import Taxonomy

group = subcommands("subscribers", "Add, list, import, export and remove the readers of a newsletter.")

COLUMNS = ("address", "newsletter", "filter", "rhythm", "consent_how", "consent_when")
"""The columns of a CSV file that is imported; only the address and the consent are required."""


def row_of(each: Subscriber) -> dict[str, str]:
    """Return what is shown of a subscriber, by column."""
    return {
        "address": each.address,
        "newsletter": each.newsletter,
        "filter": as_query(each.filter),
        "rhythm": each.rhythm,
        "state": each.state,
        "consent_how": each.consent.get("how", ""),
        "consent_when": each.consent.get("when", ""),
    }


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
            say_json(subscribers.all_about(store, address), indent=2)
            return
        for line in _csv_lines(store):
            say(line)


def _csv_lines(store: Store) -> Iterator[str]:
    yield ",".join(COLUMNS)
    for each in store.subscribers.each(state="confirmed"):
        line = io.StringIO()
        csv.writer(line, lineterminator="").writerow(guarded(row_of(each)[name]) for name in COLUMNS)
        yield line.getvalue()


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
                counts[
                    _imported(store, row, (row.get("newsletter") or newsletter).strip(), settings, known)
                ] += 1
            except BroadsheetError as error:
                counts["refused"] += 1
                complain(f"{path}, line {line}: {error}")
    words = {"added": "added", "known": "subscribed already", "suppressed": "have left or are suppressed"}
    told = [f"{counts[name]:,} {how}" for name, how in words.items() if counts[name]]
    if counts["refused"]:
        told.append(f"{counts['refused']:,} refused")
    say("; ".join(told) or "The file names no one.")
    if counts["refused"]:
        raise typer.Exit(1)


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = {"address", "consent_how", "consent_when"} - set(reader.fieldnames or ())
            if missing:
                named = ", ".join(COLUMNS)
                raise UserError(f"{path} lacks the column {min(missing)}; its first line names {named}.")
            for row in reader:
                yield reader.line_num, {name: unguarded(row[name] or "") for name in reader.fieldnames or ()}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path} cannot be read as CSV in UTF-8; correct or name another file.") from error


def _imported(
    store: Store, row: dict[str, str], newsletter: str, settings: Settings, taxonomy: Taxonomy
) -> str:
    newsletter_named(settings, newsletter)
    where = from_query(row.get("filter") or "") if row.get("filter") else Filter()
    unknown = [tag for tag in (*where.tags, *where.without) if tag not in taxonomy.names]
    if unknown:
        raise ConfigError(f"There is no tag “{unknown[0]}”; broadsheet tags lists them.")
    consent = {"how": row["consent_how"], "when": row["consent_when"]}
    rhythm = rhythm_of((row.get("rhythm") or "daily").strip())
    return subscribers.add_with_consent(store, row["address"], newsletter, where, rhythm, consent)

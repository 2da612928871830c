"""Who is due what: readers of one filter and rhythm together, less the papers that they have had."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from broadsheet.deliver.issues import Issue, issue_due
from broadsheet.deliver.press import Press
from broadsheet.deliver.selection import Selection
from broadsheet.filters import Filter
from broadsheet.store import Store
from broadsheet.store.deliveries import Due
from broadsheet.store.subscribers import RHYTHMS

MAIL = "mail"


@dataclass(frozen=True, slots=True)
class Planned:
    """Readers who are due the same papers of an issue."""

    issue: Issue
    where: Filter
    paper_ids: frozenset[str]
    readers: tuple[Due, ...]


def planned(store: Store, press: Press, name: str, recipient: str, day: date) -> Iterator[Planned]:
    """Yield who is due what on a day and has no delivery of it yet, a few hundred readers at a time.

    Args:
        store: The cache.
        press: Gives the editions.
        name: The channel's name.
        recipient: Whom the channel reaches; empty for mail, which has subscribers.
        day: The day of the edition.
    """
    days = store.editions.days(press.newsletter)
    for rhythm in RHYTHMS if name == MAIL else RHYTHMS[:1]:
        issue = issue_due(rhythm, day, days)
        if issue is None:
            continue
        waiting = store.deliveries.filters_due(press.newsletter, issue.name, rhythm)
        filters = waiting if name == MAIL else [Filter()]
        # The editions of a month are thousands of cards: on most days nobody is due them any more.
        edition = press.edition(issue) if filters else None
        if edition is None:
            continue
        with Selection(edition, store.annotation) as selection:
            for where in filters:
                if found := selection.matching(where):
                    yield from _planned(store, press.newsletter, name, recipient, (issue, where, found))


def _planned(
    store: Store, newsletter: str, name: str, recipient: str, wanted: tuple[Issue, Filter, frozenset[str]]
) -> Iterator[Planned]:
    issue, where, found = wanted
    brought = store.deliveries.brought(newsletter, issue.name, found)
    last = 0
    while True:
        if name == MAIL:
            rows = store.deliveries.due(newsletter, issue.name, issue.rhythm, where.model_dump_json(), last)
            due = [Due(str(id_), new_key(uid, newsletter, issue.name), id_) for id_, uid in rows]
        else:
            due = [Due(recipient, new_key(name, recipient, newsletter, issue.name))] if not last else []
        if not due:
            return
        last = due[-1].subscriber_id or 1
        groups: dict[frozenset[str], list[Due]] = {}
        for each in due:
            had = store.deliveries.had(name, newsletter, each.recipient, brought)
            groups.setdefault(found - had, []).append(each)
        for papers, readers in groups.items():
            if papers:
                yield Planned(issue, where, papers, tuple(readers))


def new_key(*parts: str) -> str:
    """Return the name of a message: the same for the same parts, and guessed by nobody who lacks one."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:40]

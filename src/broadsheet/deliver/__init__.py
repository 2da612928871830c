"""The deliver stage: each issue to each reader at most once, and none lost, through a ledger.

First every delivery is reserved, in one go; then each leaves on its own: the ledger says that it is about to
leave, the channel hands it over, the ledger says what the other side answered. A channel that carries several
at once takes the next one meanwhile. A process that is killed has reserved what is left, so the next one goes
on there. Only what was killed between the last byte and the answer is unknown, and it is sent again only if
the user asks for it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from broadsheet.channels import (
    Answer,
    Channel,
    ChannelDown,
    Content,
    Deferred,
    Message,
    NotDelivered,
    Refused,
)
from broadsheet.deliver.planning import MAIL, Planned, new_key, planned
from broadsheet.deliver.press import Press
from broadsheet.deliver.returns import count_refusal
from broadsheet.errors import BroadsheetError
from broadsheet.reader_tokens import keep_token, random_token, utc_now
from broadsheet.store import Store
from broadsheet.store.deliveries import Delivery

__all__ = ["MAIL", "DeliverReport", "Planned", "Route", "deliver", "new_key", "planned"]

FIRST_RETRY = timedelta(minutes=15)
"""The wait after the first deferral; it grows fourfold each time. Greylisting asks for minutes."""
MOST_TRIES = 5


@dataclass(slots=True)
class DeliverReport:
    """What sending came to.

    Attributes:
        reserved: Deliveries that this run added.
        sent: Deliveries that the other side took.
        deferred: Those that it may take later.
        refused: Those that it never will.
        failed: Those that were deferred too often.
        unknown: Those whose answer was lost, this time or before.
        cancelled: Those whose reader has left.
        left: Those that are still to leave now, because the run was stopped or the other side was down.
        down: Why the other side takes nothing for now, if so.
    """

    reserved: int = 0
    sent: int = 0
    deferred: int = 0
    refused: int = 0
    failed: int = 0
    unknown: int = 0
    cancelled: int = 0
    left: int = 0
    down: str = ""


@dataclass(slots=True)
class Route:
    """How one run sends.

    Attributes:
        store: The cache.
        press: Makes the contents.
        name: The channel's name.
        channel: The channel.
        stop: Tells whether the user has asked to stop; asked between two messages.
    """

    store: Store
    press: Press
    name: str
    channel: Channel
    stop: Callable[[], bool] = lambda: False
    report: DeliverReport = field(default_factory=DeliverReport)


def deliver(route: Route, day: date, *, resend_unknown: bool = False) -> DeliverReport:
    """Send what readers are due on a day, and what earlier runs left.

    Args:
        route: Through what.
        day: The day of the edition that is sent; it is published with the first message.
        resend_unknown: Send again what has an unknown outcome.

    Raises:
        UserError: Something must be put right first; what was sent stays sent, the rest stays reserved.
    """
    store, report, newsletter = route.store, route.report, route.press.newsletter
    with store.sending():
        with store.transaction():
            store.subscribers.drop_expired(utc_now().isoformat())
            store.deliveries.release_unfinished()
            report.cancelled = store.deliveries.cancel_ended(newsletter)
            if resend_unknown:
                store.deliveries.resend_unknown(route.name, newsletter)
        for each in planned(store, route.press, route.name, route.channel.recipient, day):
            _reserve(route, each)
        try:
            _send_all(route)
        except ChannelDown as error:
            report.down = str(error)
        states = store.deliveries.states(newsletter, route.name)
        report.unknown, report.left = states.get("unknown", 0), states.get("reserved", 0)
    return report


def _reserve(route: Route, planned: Planned) -> None:
    deliveries, newsletter, issue = route.store.deliveries, route.press.newsletter, planned.issue
    with route.store.transaction():
        for day in issue.days:
            route.store.editions.publish(day, newsletter)
        where = planned.where.model_dump_json()
        content_id = deliveries.content(newsletter, issue.name, where, planned.paper_ids)
        deliveries.reserve(route.name, newsletter, issue.name, content_id, planned.readers)
    route.report.reserved += len(planned.readers)


def _send_all(route: Route) -> None:
    under_way: deque[tuple[Delivery, Answer]] = deque()
    try:
        for content, delivery in _ready(route):
            while under_way and under_way[0][1].is_there():
                _settle_by(route, *under_way.popleft())
            if route.stop():
                break
            if answer := _handed_over(route, content, delivery):
                under_way.append((delivery, answer))
    except BroadsheetError:
        _settle_all(route, under_way)
        raise
    _settle_all(route, under_way)


def _settle_all(route: Route, under_way: deque[tuple[Delivery, Answer]]) -> None:
    while under_way:
        _settle_by(route, *under_way.popleft())


def _ready(route: Route) -> Iterator[tuple[Content | None, Delivery]]:
    """Yield what can leave now, one content after the other."""
    deliveries, newsletter, press = route.store.deliveries, route.press.newsletter, route.press
    for content_id, issue, where in deliveries.open_contents(route.name, newsletter):
        papers = deliveries.papers(content_id)
        content = press.mail(issue, where, papers) if route.name == MAIL else press.page(issue, papers)
        last = 0
        while ready := deliveries.ready(route.name, content_id, last):
            for delivery in ready:
                yield content, delivery
            last = ready[-1].id


def _handed_over(route: Route, content: Content | None, delivery: Delivery) -> Answer | None:
    """Hand a delivery over; return what will say how it went, or None where that is settled."""
    store = route.store
    message, token = _message(store, content, delivery)
    if message is None:
        with store.transaction():
            store.deliveries.settle(delivery.id, "cancelled", "the reader has left, or the edition is gone")
        route.report.cancelled += 1
        return None
    counted = False

    def handing_over() -> None:
        nonlocal counted
        counted = True
        with store.transaction():
            store.deliveries.handing_over(delivery.id)
            if token and delivery.subscriber_id:
                keep_token(store, token, delivery.subscriber_id, "reader")

    try:
        answer = route.channel.send(message, handing_over)
    except NotDelivered as error:
        _settle(route, delivery, error, counted=counted)
        return None
    if answer is None:
        _settle(route, delivery, None)
    return answer


def _message(store: Store, content: Content | None, delivery: Delivery) -> tuple[Message | None, str]:
    if content is None:
        return None, ""
    if delivery.subscriber_id is None:
        return Message(content, delivery.key), ""
    address = store.subscribers.address_of(delivery.subscriber_id)
    if not address:
        return None, ""
    token = random_token()
    return Message(content, delivery.key, address, token), token


def _settle_by(route: Route, delivery: Delivery, answer: Answer) -> None:
    """Write down what became of a delivery that was handed over."""
    try:
        answer.read()
    except NotDelivered as error:
        _settle(route, delivery, error)
    else:
        _settle(route, delivery, None)


def _settle(route: Route, delivery: Delivery, outcome: NotDelivered | None, *, counted: bool = True) -> None:
    """Write down what became of a delivery.

    Args:
        route: How it was sent.
        delivery: Which.
        outcome: Why the other side does not have it, or None if it has.
        counted: Whether the ledger counts this try already.
    """
    store, report = route.store, route.report
    if isinstance(outcome, Deferred):
        _put_off(route, delivery, outcome, counted=counted)
        return
    with store.transaction():
        if outcome is None:
            store.deliveries.settle(delivery.id, "sent")
            report.sent += 1
        elif isinstance(outcome, Refused):
            store.deliveries.settle(delivery.id, "refused", str(outcome))
            if delivery.subscriber_id:
                count_refusal(
                    store, delivery.subscriber_id, "hard", outcome.status, str(outcome), delivery.key
                )
            report.refused += 1
        else:
            store.deliveries.settle(delivery.id, "unknown", str(outcome))
            report.unknown += 1


def _put_off(route: Route, delivery: Delivery, error: Deferred, *, counted: bool) -> None:
    store, tries = route.store, delivery.tries + 1
    with store.transaction():
        if not counted:
            store.deliveries.count_try(delivery.id)
        if tries >= MOST_TRIES:
            store.deliveries.settle(delivery.id, "failed", str(error))
            if delivery.subscriber_id:
                count_refusal(store, delivery.subscriber_id, "soft", error.status, str(error), delivery.key)
            route.report.failed += 1
            return
        wait = max(FIRST_RETRY * 4 ** (tries - 1), timedelta(seconds=error.after_s or 0))
        store.deliveries.settle(delivery.id, "deferred", str(error), (datetime.now(UTC) + wait).isoformat())
    route.report.deferred += 1

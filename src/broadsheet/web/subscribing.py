"""The pages on which readers subscribe, confirm, choose and leave.

Opening a page changes nothing, since mail programs and virus scanners open every link; only its form does.
No answer tells a stranger whether an address is known.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, BackgroundTasks, Depends, Form, HTTPException, Query, Request
from fastapi.responses import Response
from pydantic import Field

from broadsheet import subscribers
from broadsheet.channels import NotDelivered
from broadsheet.config import Settings
from broadsheet.deliver.confirmation import mail_confirmation
from broadsheet.errors import BroadsheetError, UserError
from broadsheet.filter_words import in_words
from broadsheet.filters import Filter
from broadsheet.newsletter import Newsletter
from broadsheet.store.subscribers import Rhythm, Subscriber
from broadsheet.taxonomy import Taxonomy
from broadsheet.visible import visible
from broadsheet.web.asking import Asked
from broadsheet.web.look import Look, Looking
from broadsheet.web.origins import require_same_origin
from broadsheet.web.reading import Readers, Reading
from broadsheet.web.wishing import Wish, WishForm

log = logging.getLogger(__name__)
router = APIRouter(include_in_schema=False)
_page = partial(router.api_route, methods=["GET", "HEAD"])
_own_form = partial(router.post, dependencies=[Depends(require_same_origin)])
_PRIVATE = {"cache-control": "no-store", "x-robots-tag": "noindex"}
_NO_MAIL = "This server sends no mail; follow a feed instead."
_GONE = "This link is wrong, or older than 48 hours; subscribe again."
_UNKNOWN = "This link belongs to no subscription; use the one in the latest message."


class Subscription(Asked):
    """What the form for subscribing sends."""

    address: str = Field("", max_length=320)
    newsletter: str = Field("", max_length=64)
    rhythm: Rhythm = "daily"


class Preferences(Asked):
    """What the form for preferences sends."""

    rhythm: Rhythm = "daily"


async def _settings(request: Request) -> Settings:
    found: Settings = request.app.state.settings
    return found


Set = Annotated[Settings, Depends(_settings)]


def _private(look: Look, template: str, title: str, page: object, reading: Readers, **more: Any) -> Response:
    head = look.head(title, title, place="subscribe" if template == "subscribe.html" else "")
    answer = look.page(f"mail/{template}", head, page, look.links(reading), **more)
    answer.headers.update(_PRIVATE)
    return answer


@_page("/subscribe")
def ask(asked: Annotated[Asked, Query()], look: Looking, reading: Reading, settings: Set) -> Response:
    """Show the form for subscribing to the papers that a query string asks for."""
    if settings.mail is None:
        raise HTTPException(404, _NO_MAIL)
    form = WishForm.of(Wish(asked.filter.unranked()), settings.newsletters, look.taxonomy)
    return _private(look, "subscribe.html", "By mail", form, reading)


@_own_form("/subscribe")
def subscribe(
    wanted: Annotated[Subscription, Form()],
    look: Looking,
    reading: Reading,
    settings: Set,
    later: BackgroundTasks,
) -> Response:
    """Note a wish to subscribe; what comes of it is told by mail alone, after the answer has left."""
    if settings.mail is None:
        raise HTTPException(404, _NO_MAIL)
    newsletter = _newsletter(wanted.newsletter, settings)
    try:
        address = subscribers.address_of(wanted.address)
    except UserError as error:
        wish = Wish(wanted.filter, wanted.rhythm, newsletter.name, wanted.address, str(error))
        form = WishForm.of(wish, settings.newsletters, look.taxonomy)
        answer = _private(look, "subscribe.html", "By mail", form, reading)
        answer.status_code = 422
        return answer
    later.add_task(_ask_to_confirm, reading, settings, look.taxonomy, address, newsletter.name, wanted)
    return _private(look, "asked.html", "Please look at your mail", None, reading)


def _newsletter(name: str, settings: Settings) -> Newsletter:
    declared = {each.name: each for each in settings.newsletters}
    if name and name not in declared:
        raise HTTPException(422, "There is no newsletter of this name.")
    return declared[name] if name else settings.newsletters[0]


def _ask_to_confirm(
    reading: Readers,
    settings: Settings,
    taxonomy: Taxonomy,
    address: str,
    newsletter: str,
    wanted: Subscription,
) -> None:
    where = wanted.filter.unranked()
    try:
        with reading.writing() as store:
            asked = subscribers.subscribe(store, address, newsletter, where, wanted.rhythm)
            if asked:
                mail_confirmation(store, settings, taxonomy, asked, where, wanted.rhythm)
    except (BroadsheetError, NotDelivered) as error:
        # Without a trace: its frames hold the address.
        log.error("A confirmation could not be mailed: %s", error)  # noqa: TRY400 - see above


@_page("/confirm/{token}")
def look_at_confirmation(token: str, look: Looking, reading: Reading) -> Response:
    """Show what is to be confirmed, with a button that does it."""
    subscriber = subscribers.awaiting(reading.store, token)
    if subscriber is None:
        raise HTTPException(404, _GONE)
    return _private(look, "confirm.html", "Confirm your subscription", _told(subscriber, look), reading)


@_own_form("/confirm/{token}")
def confirm(token: str, look: Looking, reading: Reading) -> Response:
    """Confirm a subscription."""
    subscriber = None
    if subscribers.awaiting(reading.store, token):
        with reading.writing() as store:
            subscriber = subscribers.confirm(store, token)
    if subscriber is None:
        raise HTTPException(404, _GONE)
    return _private(look, "confirmed.html", "You are subscribed", _told(subscriber, look), reading)


@_page("/preferences/{token}")
def look_at_preferences(token: str, look: Looking, reading: Reading, settings: Set) -> Response:
    """Show what a reader gets, in a form that changes it."""
    return _preferences(token, look, reading, settings)


@_own_form("/preferences/{token}")
def change(
    token: str,
    wanted: Annotated[Preferences, Form()],
    look: Looking,
    reading: Reading,
    settings: Set,
) -> Response:
    """Change what a reader gets."""
    if subscribers.reader(reading.store, token) is None:
        raise HTTPException(404, _UNKNOWN)
    with reading.writing() as store:
        changed = subscribers.change(store, token, where=wanted.filter, rhythm=wanted.rhythm)
    if changed is None:
        raise HTTPException(409, "This subscription has ended; subscribe again to get mail.")
    return _preferences(token, look, reading, settings, saved=True)


def _preferences(
    token: str, look: Look, reading: Readers, settings: Settings, *, saved: bool = False
) -> Response:
    subscriber = subscribers.reader(reading.store, token)
    if subscriber is None:
        raise HTTPException(404, _UNKNOWN)
    wish = Wish(subscriber.filter, subscriber.rhythm, subscriber.newsletter)
    form = WishForm.of(wish, settings.newsletters, look.taxonomy)
    told = _told(subscriber, look)
    return _private(
        look, "preferences.html", "Your subscription", form, reading, told=told, token=token, saved=saved
    )


@_page("/unsubscribe/{token}")
def look_at_leaving(token: str, look: Looking, reading: Reading) -> Response:
    """Show the button that ends a subscription."""
    subscriber = subscribers.reader(reading.store, token)
    if subscriber is None:
        raise HTTPException(404, _UNKNOWN)
    told = _told(subscriber, look)
    return _private(look, "unsubscribe.html", "Unsubscribe", told, reading, token=token)


@router.post("/unsubscribe/{token}")
def unsubscribe(token: str, look: Looking, reading: Reading) -> Response:
    """End a subscription: by our button or by the one of a mail program (RFC 8058), which has no origin."""
    subscriber = subscribers.reader(reading.store, token)
    if subscriber is None:
        raise HTTPException(404, _UNKNOWN)
    with reading.writing() as store:
        subscribers.unsubscribe(store, token)
    return _private(look, "left.html", "You have left", _told(subscriber, look), reading, token=token)


def _told(subscriber: Subscriber, look: Look) -> dict[str, str]:
    """Return what a page says of a subscription; the address is shortened, as links are passed on."""
    local, _, domain = subscriber.address.rpartition("@")
    return {
        "address": f"{local[:1]}…@{visible(domain)}",
        "newsletter": visible(look.newsletter_title(subscriber.newsletter)),
        "rhythm": subscriber.rhythm,
        "state": subscriber.state,
        "wanted": visible(_words(subscriber.filter, look.taxonomy)),
    }


def _words(where: Filter, taxonomy: Taxonomy) -> str:
    return in_words(where, taxonomy.names)

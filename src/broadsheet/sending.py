"""Brings a newsletter's edition to its readers through one channel."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from broadsheet.channels import open_channel
from broadsheet.config import Settings
from broadsheet.deliver import DeliverReport, Route, deliver
from broadsheet.deliver.press import Press
from broadsheet.newsletter import Newsletter
from broadsheet.site.layout import absolute, edition_path
from broadsheet.store import Store
from broadsheet.taxonomy import Taxonomy


def press_of(store: Store, settings: Settings, taxonomy: Taxonomy, newsletter: Newsletter) -> Press:
    """Return what puts a newsletter's issues into words; they link to the site, if that has an address."""

    def address(day: date) -> str:
        path = edition_path(day, newsletter.name)
        return absolute(settings.site_url, path) if settings.site_url else ""

    return Press(store, settings, taxonomy, newsletter.name, newsletter.title, address, newsletter)


def send_edition(
    press: Press,
    channel: str,
    day: date,
    *,
    stop: Callable[[], bool] = lambda: False,
    resend_unknown: bool = False,
) -> DeliverReport:
    """Send what readers are due with the edition of a day, and what earlier runs left.

    Args:
        press: Makes the messages.
        channel: A channel by its name.
        day: The edition's day.
        stop: Tells whether the user has asked to stop; asked between two messages.
        resend_unknown: Send again what has an unknown outcome.

    Raises:
        UserError: Something must be put right first; what was sent stays sent.
    """
    way = open_channel(channel, press.settings)
    try:
        route = Route(press.store, press, channel, way, stop)
        return deliver(route, day, resend_unknown=resend_unknown)
    finally:
        way.close()

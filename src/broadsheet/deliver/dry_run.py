"""Writes what would be mailed as ``.eml`` files, which mail programs open; the ledger does not change."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

from broadsheet.channels import Message
from broadsheet.channels.envelope import Envelope
from broadsheet.channels.mail import open_channel
from broadsheet.deliver import MAIL, planned
from broadsheet.deliver.press import Press
from broadsheet.errors import UserError
from broadsheet.store import Store

_NO_TOKEN = "DRY-RUN-0000000000000000000000-0"  # noqa: S105 - it opens nothing
"""As long as a token, and none: links in a file that was never sent lead nowhere."""


def write_messages(store: Store, press: Press, day: date, folder: Path) -> Iterator[Path]:
    """Write one file for each message that readers are due on a day, and yield its path.

    Raises:
        ConfigError: Mail is not set up.
        UserError: The folder cannot be written.
    """
    envelope: Envelope = open_channel(press.settings).envelope
    for each in planned(store, press, MAIL, "", day):
        content = press.mail(each.issue.name, each.where, each.paper_ids)
        for due in each.readers if content else ():
            subscriber = store.subscribers.by_id(due.subscriber_id or 0)
            if content is None or subscriber is None:
                continue
            path = folder / f"{content.issue}-{due.key}.eml"
            try:
                folder.mkdir(parents=True, exist_ok=True)
                path.write_bytes(envelope.message(Message(content, due.key, subscriber.address, _NO_TOKEN)))
            except OSError as error:
                raise UserError(
                    f"{path} cannot be written ({error.strerror}); name another folder with --out."
                ) from error
            yield path

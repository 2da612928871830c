"""Mails the one message that asks a new reader to confirm."""

from __future__ import annotations

from broadsheet.channels import NotDelivered
from broadsheet.channels.envelope import Links
from broadsheet.channels.mail import open_channel
from broadsheet.config import Settings
from broadsheet.errors import BroadsheetError, ConfigError
from broadsheet.filter_words import in_words
from broadsheet.filters import Filter
from broadsheet.hashing import short_hash
from broadsheet.reader_tokens import found_by, utc_now
from broadsheet.render.mail import render_confirmation
from broadsheet.store import Store
from broadsheet.subscribers import Confirmation
from broadsheet.taxonomy import Taxonomy


def mail_confirmation(
    store: Store, settings: Settings, taxonomy: Taxonomy, asked: Confirmation, where: Filter, rhythm: str
) -> None:
    """Mail the link to confirm with; if that fails, forget it, so that the reader can ask again at once.

    Args:
        store: Where the link is kept.
        settings: How mail is sent.
        taxonomy: Gives the tags their names.
        asked: To whom, and the token of the link.
        where: What the reader chose.
        rhythm: How often.

    Raises:
        ConfigError: There is no ``[mail]``, or the server refuses sender, user or password.
        NotDelivered: The server did not take it.
        ChannelDown: It cannot be reached.
    """
    if settings.mail is None:
        raise ConfigError("There is no [mail] in broadsheet.toml yet; docs/mail.md shows one.")
    declared = settings.newsletter.get(asked.newsletter)
    title = declared.title if declared else settings.mail.name
    link = Links(settings.mail).confirm(asked.token)
    wanted = in_words(where, taxonomy.names)
    text = render_confirmation(title, wanted, rhythm, link, templates=settings.templates)
    mail = open_channel(settings)
    try:
        mail.send_confirmation(asked.address, title, text, short_hash("confirm", asked.token, digits=40))
    except (BroadsheetError, NotDelivered):
        with store.transaction():
            if found := found_by(store, asked.token, "confirm", utc_now()):
                store.subscribers.drop_tokens(found[0].id, "confirm")
        raise
    finally:
        mail.close()

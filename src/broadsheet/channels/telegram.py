"""A Telegram chat or channel, through a bot: one message of at most 4,096 characters an issue."""

from __future__ import annotations

from html import escape, unescape
from typing import Any

from broadsheet.channels.digest import lines_that_fit, opening, shortened, utf16_length
from broadsheet.channels.message import Content, HandOver, Headline, Message
from broadsheet.channels.posting import post
from broadsheet.channels.webhook import SENTENCE_CHARACTERS, TITLE_CHARACTERS
from broadsheet.config import Settings
from broadsheet.errors import ConfigError

MESSAGE_CHARACTERS = 4_096


class Telegram:
    """One chat."""

    def __init__(self, url: str, token: str, chat: str) -> None:
        self._address, self._chat = f"{url.rstrip('/')}/bot{token}/sendMessage", chat
        self.recipient = f"telegram {chat}"

    def send(self, message: Message, handing_over: HandOver) -> None:
        """Post the issue."""
        post(self._address, {"chat_id": self._chat, **body(message.content)}, handing_over, "Telegram")

    def close(self) -> None:
        """Do nothing: each post has a connection of its own."""


def body(content: Content) -> dict[str, Any]:
    """Return the message in Telegram's HTML, in which only ``<``, ``>``, ``&`` and quotes mean something."""
    head = f"<b>{escape(opening(content))}</b>\n"
    lines = lines_that_fit(content, _written, MESSAGE_CHARACTERS - _size(head) - 1, _size)
    return {
        "text": "\n".join((head, *lines)),
        "parse_mode": "HTML",
        "link_preview_options": {"is_disabled": True},
    }


def _written(paper: Headline) -> str:
    title = escape(shortened(paper.title, TITLE_CHARACTERS))
    shown = f'<a href="{escape(paper.url)}">{title}</a>' if paper.url else f"<b>{title}</b>"
    return f"{shown}\n{escape(shortened(paper.sentence, SENTENCE_CHARACTERS))}".rstrip() + "\n"


def _size(line: str) -> int:
    """Return a size that is never less than the one that Telegram counts, which leaves the tags out."""
    return utf16_length(unescape(line))


def open_channel(settings: Settings) -> Telegram:
    """Open the channel.

    Raises:
        ConfigError: There is no ``[telegram]``, or the bot's token is missing.
    """
    if settings.telegram is None:
        raise ConfigError('There is no [telegram] in broadsheet.toml yet; add one with chat = "@channel".')
    return Telegram(settings.telegram.url, settings.telegram.token(), settings.telegram.chat)

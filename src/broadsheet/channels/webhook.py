"""A room in Slack, Discord or Mattermost, through its incoming webhook, one message an issue.

The limits are the services' own: Slack takes 50 blocks of 3,000 characters, Discord 4,096 characters in an
embed and 6,000 in all of them, Mattermost 16,383 characters in a post. Names of people and rooms in a title
call nobody.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from broadsheet.channels.digest import lines_that_fit, opening, shortened, utf16_length
from broadsheet.channels.message import Content, HandOver, Headline, Message
from broadsheet.channels.posting import post
from broadsheet.config import Settings
from broadsheet.errors import ConfigError

SLACK_TEXT, SLACK_BLOCK, SLACK_BLOCKS = 3_000, 3_000, 50
DISCORD_DESCRIPTION, DISCORD_TITLE = 4_096, 256
MATTERMOST_POST = 16_383
TITLE_CHARACTERS, SENTENCE_CHARACTERS = 200, 300
_MARKDOWN = re.compile(r"[\\`*_\[\]{}<>|~#@!()]")
_IN_URL = {" ": "%20", "(": "%28", ")": "%29", "<": "%3C", ">": "%3E", "|": "%7C"}


class Webhook:
    """One room."""

    def __init__(self, kind: str, url: str) -> None:
        self._kind, self._url = kind, url
        self.recipient = kind

    def send(self, message: Message, handing_over: HandOver) -> None:
        """Post the issue."""
        post(self._url, BODIES[self._kind](message.content), handing_over, self._kind.capitalize())

    def close(self) -> None:
        """Do nothing: each post has a connection of its own."""


def slack(content: Content) -> dict[str, Any]:
    """Return a Slack message: a heading and a section of mrkdwn for each paper."""

    def escaped(text: str) -> str:
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

    def written(paper: Headline) -> str:
        title = escaped(shortened(paper.title, TITLE_CHARACTERS)).replace("*", "∗").replace("|", "¦")
        shown = f"*<{_url(paper.url)}|{title}>*" if paper.url else f"*{title}*"
        return f"{shown}\n{escaped(shortened(paper.sentence, SENTENCE_CHARACTERS))}".rstrip()

    head = opening(content)
    lines = lines_that_fit(content, written, SLACK_BLOCK * SLACK_BLOCKS, most=SLACK_BLOCKS - 1)
    blocks = [
        {"type": "section", "text": {"type": "mrkdwn", "text": shortened(line, SLACK_BLOCK)}}
        for line in (f"*{escaped(head)}*", *lines)
    ]
    text = shortened(escaped(head), SLACK_TEXT)
    return {"text": text, "blocks": blocks, "unfurl_links": False, "unfurl_media": False}


def discord(content: Content) -> dict[str, Any]:
    """Return a Discord message: one embed, whose text is Markdown, and nobody who is mentioned."""
    head = shortened(opening(content), DISCORD_TITLE)
    lines = lines_that_fit(content, _in_markdown, DISCORD_DESCRIPTION, utf16_length)
    embed = {"title": head, "description": "\n".join(lines), **({"url": content.url} if content.url else {})}
    return {"embeds": [embed], "allowed_mentions": {"parse": []}}


def mattermost(content: Content) -> dict[str, Any]:
    """Return a Mattermost post in Markdown."""
    head = f"**{_escaped(opening(content))}**"
    lines = lines_that_fit(content, _in_markdown, MATTERMOST_POST - len(head) - 2)
    return {"text": "\n".join((head, "", *lines)), "props": {"disable_group_highlight": True}}


BODIES: Mapping[str, Callable[[Content], dict[str, Any]]] = {
    "slack": slack,
    "discord": discord,
    "mattermost": mattermost,
}


def _in_markdown(paper: Headline) -> str:
    title = _escaped(shortened(paper.title, TITLE_CHARACTERS))
    shown = f"[{title}]({_url(paper.url)})" if paper.url else title
    return f"- **{shown}** {_escaped(shortened(paper.sentence, SENTENCE_CHARACTERS))}".rstrip()


def _escaped(text: str) -> str:
    """Return text that Markdown shows letter for letter; a zero-width space takes the power from an @."""
    return _MARKDOWN.sub(lambda match: "@\u200b" if match[0] == "@" else "\\" + match[0], text)


def _url(url: str) -> str:
    return "".join(_IN_URL.get(character, character) for character in url)


def open_channel(settings: Settings) -> Webhook:
    """Open the channel.

    Raises:
        ConfigError: There is no ``[webhook]``, or its address is missing.
    """
    if settings.webhook is None:
        raise ConfigError('There is no [webhook] in broadsheet.toml yet; add one with kind = "slack".')
    return Webhook(settings.webhook.kind, settings.webhook.url())

"""What a channel is handed, and how it says what became of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from broadsheet.errors import BroadsheetError

PLACEHOLDER = "TOKEN-OF-THIS-READER-32-LETTERS."
"""What stands in a content where each reader's token goes; as long as a token, so that no line changes."""


@dataclass(frozen=True, slots=True)
class Headline:
    """One paper for a channel that has little room.

    Attributes:
        title: Its title.
        url: Its own page, or empty.
        sentence: Its summary, or empty.
    """

    title: str
    url: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Content:
    """One issue in words, the same for every reader with the same filter.

    Attributes:
        newsletter: The newsletter's name.
        title: The newsletter's title.
        issue: The issue's name, such as 2026-01-05 or 2026-W02.
        day: The day of its latest edition.
        date: The same in words.
        subject: The subject of a mail: one line of at most 60 characters.
        html: The HTML of a mail, with `PLACEHOLDER` where the token goes.
        text: The text of a mail, likewise.
        papers: How many papers it has.
        markdown: Markdown of the edition, where it is no mail.
        headlines: Its papers, the picks first, where it is no mail.
        url: The edition on the web, or empty.
    """

    newsletter: str
    title: str
    issue: str
    day: date
    date: str
    subject: str
    html: str
    text: str
    papers: int
    markdown: str = ""
    headlines: tuple[Headline, ...] = ()
    url: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """A content on its way to one reader.

    Attributes:
        content: What it holds.
        key: Hexadecimal digits that name the message for good.
        address: To whom, for mail; otherwise empty.
        token: The reader's token, for mail; otherwise empty.
    """

    content: Content
    key: str
    address: str = ""
    token: str = ""


HandOver = Callable[[], None]
"""Called just before the step after which the other side may have the message."""


class Answer(Protocol):
    """What the other side has yet to say to a message that was handed over."""

    def is_there(self) -> bool:
        """Wait while the channel can take no other message; tell whether the answer has come."""

    def read(self) -> None:
        """Wait for the answer; return if the message was taken.

        Raises:
            NotDelivered: It was not, or it is not known whether it was.
        """


class NotDelivered(Exception):  # noqa: N818 - an outcome, which the ledger writes down
    """The other side did not take a message; ``str()`` is its answer, without the reader's address."""


class Deferred(NotDelivered):
    """It may take it later.

    Attributes:
        status: The enhanced status code (RFC 3463), such as 4.2.2, or empty.
        after_s: The seconds that it asks to wait, if it says.
    """

    def __init__(self, reply: str, status: str = "", after_s: float | None = None) -> None:
        super().__init__(reply)
        self.status, self.after_s = status, after_s


class Refused(NotDelivered):
    """It never will.

    Attributes:
        status: The enhanced status code, such as 5.1.1, or empty.
    """

    def __init__(self, reply: str, status: str = "") -> None:
        super().__init__(reply)
        self.status = status


class Unanswered(NotDelivered):
    """The connection was lost after the message had left: whether it arrived is unknown."""


class ChannelDown(BroadsheetError):  # noqa: N818 - the state is the name
    """The other side cannot be reached or wants nothing more for now; what is left is sent by a later run."""

"""An edition as a mail: HTML with its styles inlined, and text of its own, both with the same papers.

Gmail cuts a message off near 102 KB, and with it the link to unsubscribe
(https://www.spamresource.com/2022/01/what-is-gmail-clipping-and-what-to-do.html). So what would make the HTML
longer than `MOST_BYTES` becomes bare titles, and what is left then is said to be on the web.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from broadsheet.edition import Edition
from broadsheet.newsletter import Newsletter
from broadsheet.render.page import CardView, KnownCards, Page, SectionView
from broadsheet.render.templates import filled
from broadsheet.taxonomy import Taxonomy
from broadsheet.text import plural
from broadsheet.visible import visible

if TYPE_CHECKING:
    from css_inline import CSSInliner

MOST_BYTES = 90_000
SUBJECT_CHARACTERS = 60
PREHEADER_CHARACTERS = (40, 90)
_MOST_FULL, _MOST_TITLES = 160, 400
"""More than fit into `MOST_BYTES` in any case, so that no day of thousands is rendered whole first."""
_STEPS_BY_SIZE = 5
"""After so many guesses the sizes are too uneven to go by, and halving is surer."""


@dataclass(frozen=True, slots=True)
class Postmark:
    """What a mail says besides its papers.

    Attributes:
        title: The newsletter's title.
        rhythm: How often it comes: daily, weekly or monthly.
        wanted: The reader's filter in words, or empty for everything.
        unsubscribe: Where the reader leaves.
        preferences: Where the reader changes filter and rhythm.
        web: Where the edition stands on the web, or empty.
        postal: The sender's postal address, or empty.
    """

    title: str
    rhythm: str
    wanted: str
    unsubscribe: str
    preferences: str
    web: str = ""
    postal: str = ""


@dataclass(frozen=True, slots=True)
class MailParts:
    """The parts of a mail that are the same for all who get it.

    Attributes:
        subject: One line of at most 60 characters.
        preheader: What a mailbox shows after the subject: 40 to 90 characters.
        html: At most 90,000 bytes.
        text: Lines of at most 76 columns, addresses apart.
    """

    subject: str
    preheader: str
    html: str
    text: str


@dataclass(frozen=True, slots=True)
class Shortened:
    """A section of which only some cards are told in full, and some not at all.

    Attributes:
        section: The whole of it.
        full: Cards in full.
        titles: Cards that stand as a title.
    """

    section: SectionView
    full: tuple[CardView, ...]
    titles: tuple[CardView, ...]


def render_mail(
    edition: Edition,
    taxonomy: Taxonomy,
    postmark: Postmark,
    language: str = "en",
    *,
    newsletter: Newsletter | None = None,
    known: KnownCards | None = None,
    templates: Path | None = None,
) -> MailParts:
    """Return the mail of an edition: a pure function of what it is given.

    Args:
        edition: What is printed.
        taxonomy: Gives the tags their names.
        postmark: What else the mail says.
        language: BCP 47 tag of the summaries; the newsletter's own goes before it.
        newsletter: Its words at the top, its last words and its colours; by default, as without settings.
        known: Cards in words that other mails of the same issue had; new ones are added.
        templates: A folder of templates that go before the packaged ones.

    Raises:
        ConfigError: One of those templates is wrong.
    """
    look = newsletter or Newsletter(title=postmark.title)
    page = Page.of(edition, taxonomy, language, look, known)
    subject, preheader = subject_of(page, postmark.title), preheader_of(page)

    def shown(full: int, titles: int) -> dict[str, Any]:
        sections, left = _shortened(page, full, titles)
        return {
            "page": page,
            "sections": sections,
            "left": plural(left, "more paper") if left else "",
            "subject": subject,
            "preheader": preheader,
            "mark": postmark,
        }

    @cache
    def html(full: int, titles: int) -> str:
        return _inlined(filled("mail.html", templates, **shown(full, titles)))

    full, titles = _most_that_fit(lambda *some: len(html(*some).encode()), len(edition.cards))
    return MailParts(
        subject=subject,
        preheader=preheader,
        html=html(full, titles),
        text=filled("mail.txt", templates, **shown(full, titles)),
    )


def render_confirmation(
    title: str, wanted: str, rhythm: str, link: str, *, templates: Path | None = None
) -> str:
    """Return the text that asks a new reader to confirm.

    Args:
        title: The newsletter's title.
        wanted: The filter in words, or empty for everything.
        rhythm: How often it comes.
        link: Where to confirm.
        templates: A folder of templates that go before the packaged ones.
    """
    told = {"title": visible(title), "wanted": visible(wanted), "rhythm": rhythm, "link": link}
    return filled("confirm.txt", templates, **told)


def subject_of(page: Page, title: str) -> str:
    """Return a subject of at most 60 characters: the first paper's title, and how many more there are."""
    cards = [card for section in page.sections for card in section.cards]
    picks = [pick for section in page.sections for pick in section.picks]
    first = picks[0].heading if picks else cards[0].heading if cards else visible(title)
    more = f" and {len(cards) - 1:,} more" if len(cards) > 1 else ""
    return _cut(first, SUBJECT_CHARACTERS - len(more)) + more


def preheader_of(page: Page) -> str:
    """Return the line that a mailbox shows after the subject, of 40 to 90 characters."""
    fewest, most = PREHEADER_CHARACTERS
    line = f"{page.extent} · {page.date}"
    for words in (page.code, page.made):
        if len(line) + len(words) + 3 <= most:
            line += f" · {words}"
    line = _cut(line, most)
    return line if len(line) >= fewest else f"{line} · chosen for you by your own filter"


def _cut(text: str, most: int) -> str:
    """Return the text cut to so many characters, at a space if there is one not too far back."""
    if len(text) <= most:
        return text
    kept = text[: most - 3]
    words = kept.rpartition(" ")[0]
    return (words if len(words) > most // 2 else kept).rstrip(" ,.:;–-") + "..."


def _shortened(page: Page, full: int, titles: int) -> tuple[tuple[Shortened, ...], int]:
    """Return the sections with the first cards in full and the next as titles, and how many are left out."""
    sections, place = [], 0
    for section in page.sections:
        cards = section.cards
        named = cards[: max(0, full + titles - place)]
        in_full = tuple(card for card in cards[: max(0, full - place)] if not card.is_brief)
        told = {card.anchor for card in in_full}
        as_titles = tuple(card for card in named if card.anchor not in told)
        place += len(cards)
        if in_full or as_titles or section.picks or section.counts or section.trends:
            sections.append(Shortened(section, in_full, as_titles))
    return tuple(sections), max(0, place - full - titles)


def _most_that_fit(size: Callable[[int, int], int], papers: int) -> tuple[int, int]:
    """Return how many cards fit in full, and how many more as titles.

    Where not all fit, a third of the room is kept for titles, so that as many papers as can be are named.

    Args:
        size: Gives the bytes of a mail with so many cards in full, and so many more as titles.
        papers: How many cards there are.
    """
    full = min(papers, _MOST_FULL)
    rest = min(papers - full, _MOST_TITLES)
    if size(full, rest) <= MOST_BYTES:
        return full, rest
    full = _largest(lambda count: size(count, 0), full, MOST_BYTES * 2 // 3)
    titles = _largest(lambda count: size(full, count), min(papers - full, _MOST_TITLES))
    if titles == papers - full:  # all are named: let as many as can be say more
        full = _largest(lambda count: size(count, papers - count), min(papers, _MOST_FULL))
        titles = papers - full
    return full, titles


def _largest(size: Callable[[int], int], most: int, room: int = MOST_BYTES) -> int:
    """Return a number up to ``most`` whose size leaves almost no room, or 0 where none fits.

    Each size costs a rendering, so the search goes by what the sizes seen say of the next, and is content
    with 98 % of the room.
    """
    low, high = 0, most
    low_size, high_size = size(low), size(high)
    if high_size <= room:
        return most
    steps = 0
    while high - low > 1 and low_size < room * 0.98:
        share = (room * 0.99 - low_size) / (high_size - low_size) if steps < _STEPS_BY_SIZE else 0.5
        guess = min(max(low + round((high - low) * share), low + 1), high - 1)
        guessed = size(guess)
        if guessed <= room:
            low, low_size = guess, guessed
        else:
            high, high_size = guess, guessed
        steps += 1
    return low


@cache
def _inliner() -> CSSInliner:
    from css_inline import CSSInliner  # loaded by who writes mail

    return CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)


def _inlined(html: str) -> str:
    return _inliner().inline(html)

"""A content in little room: a heading, as many papers as fit, and how many more there are."""

from __future__ import annotations

from collections.abc import Callable

from broadsheet.channels.message import Content, Headline
from broadsheet.text import plural


def opening(content: Content) -> str:
    """Return the first line: title, date and number of papers."""
    return f"{content.title} · {content.date} · {plural(content.papers, 'paper')}"


def lines_that_fit(
    content: Content,
    written: Callable[[Headline], str],
    room: int,
    size: Callable[[str], int] = len,
    most: int | None = None,
) -> tuple[str, ...]:
    """Return the lines of as many papers as fit, and last how many more there are.

    Args:
        content: The papers.
        written: Makes the line of a paper, escaped for its format.
        room: How much all lines may come to, with a line break each.
        size: Measures a line.
        most: How many lines there may be, the last one included.
    """
    found: list[str] = []
    last = _more(content, 0)
    papers = content.headlines if most is None else content.headlines[: most - 1]
    for place, headline in enumerate(papers, start=1):
        line, more = written(headline), _more(content, place)
        if sum(size(each) + 1 for each in (*found, line, more)) > room:
            break
        found.append(line)
        last = more
    return (*found, last) if last else tuple(found)


def shortened(text: str, most: int) -> str:
    """Return the text, cut to so many characters."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def utf16_length(text: str) -> int:
    """Return the length as JavaScript and Telegram count it: a character beyond U+FFFF is two."""
    return len(text.encode("utf-16-le")) // 2


def _more(content: Content, told: int) -> str:
    left = content.papers - told
    words = f"and {plural(left, 'more paper')}" if told else plural(left, "paper")
    where = f": {content.url}" if content.url else ""
    return f"{words}{where}" if left else content.url

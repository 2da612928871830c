"""One Jinja2 environment for each format; what a template prints is escaped unless it says not to."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from jinja2 import Environment  # noqa: TID251 - this room renders

COLUMNS = 76
"""The widest line of the text format, addresses apart: it survives being quoted in an 80-column mail."""

_TEMPLATES = Path(__file__).parents[1] / "templates"
_MARKDOWN_ANYWHERE = re.compile(r"[\\`*_\[\]{}<>|~$#]|&(?=#?\w+;)")
# What starts a list, a quote, a heading or its underline when it stands first in a line.
_MARKDOWN_FIRST = re.compile(r"^(\d{1,9}(?=[.)])|(?=[-+=]))")
_URL_AS_IT_IS = "%/:=&?~#+!$,;'@*-._"


class Literal(str):
    """Text that is already in the format of the page."""

    __slots__ = ()


@cache
def html_environment() -> Environment:
    """Return the environment for HTML, which escapes everything."""
    return _environment(autoescape=True)


@cache
def markdown_environment() -> Environment:
    """Return the environment for CommonMark, which escapes everything but `Literal`."""

    def escape(value: Any) -> Any:
        return value if isinstance(value, Literal) else markdown(str(value))

    environment = _environment(finalize=escape)
    environment.filters["destination"] = destination
    environment.filters["literal"] = Literal  # what a macro returns has been escaped inside it
    return environment


@cache
def text_environment() -> Environment:
    """Return the environment for text, in which nothing needs escaping."""
    environment = _environment()
    environment.filters["wrapped"] = wrapped
    environment.filters["underlined"] = underlined
    return environment


def _environment(**options: Any) -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: TID251 - this room renders

    return Environment(  # noqa: S701 - HTML asks for autoescape, Markdown escapes in finalize, text has none
        loader=FileSystemLoader(_TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        **options,
    )


def markdown(text: str) -> str:
    """Escape the text so that CommonMark shows it letter for letter, wherever in a line it stands."""
    escaped = _MARKDOWN_ANYWHERE.sub(lambda match: "\\" + match[0], text)
    return _MARKDOWN_FIRST.sub(lambda match: match[0] + "\\", escaped)


def destination(url: str) -> Literal:
    """Return the address as a CommonMark link destination, percent-encoding what could end it."""
    return Literal(quote(url, safe=_URL_AS_IT_IS))


def width(text: str) -> int:
    """Return the columns of the text on a terminal: wide letters take two, combining marks none."""
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )


def wrapped(text: str, first: str = "", indent: int = 0) -> str:
    """Wrap the text to lines of at most `COLUMNS`; wider words are broken, addresses are not.

    Args:
        text: Words.
        first: What the first line starts with, such as ``1. ``.
        indent: Spaces before every other line, and before the first where ``first`` is empty.
    """
    margin = " " * indent
    lines = [first or margin]
    empty = True
    for word in _pieces(text, COLUMNS - max(indent, width(first))):
        if not empty and width(lines[-1]) + 1 + width(word) > COLUMNS:
            lines.append(margin)
            empty = True
        lines[-1] += word if empty else " " + word
        empty = False
    return "\n".join(line.rstrip() for line in lines)


def underlined(text: str, line: str = "-") -> str:
    """Return the text with a line of its own width under it."""
    shown = wrapped(text)
    return f"{shown}\n{line * max(width(each) for each in shown.splitlines())}"


def _pieces(text: str, room: int) -> Iterator[str]:
    """Yield the words of the text, those wider than the room in parts, addresses whole."""
    for word in text.split():
        if width(word) <= room or word.startswith(("http://", "https://")):
            yield word
            continue
        start = columns = 0
        for end, letter in enumerate(word):
            if (columns := columns + width(letter)) > room:
                yield word[start:end]
                start, columns = end, width(letter)
        yield word[start:]

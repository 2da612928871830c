"""One Jinja2 environment for each format and folder of templates; whatever a template prints is escaped."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from typing import Literal as OneOf
from urllib.parse import quote

from rich.cells import cell_len, chop_cells

if TYPE_CHECKING:
    from jinja2 import Environment  # noqa: TID251 - this room renders

COLUMNS = 76
"""The widest line of the text format, addresses apart: it survives being quoted in an 80-column mail."""

PACKAGED = Path(__file__).parents[1] / "templates"
_MARKDOWN_ANYWHERE = re.compile(r"[\\`*_\[\]{}<>|~$#]|&(?=#?\w+;)")
# What starts a list, a quote, a heading or its underline when it stands first in a line.
_MARKDOWN_FIRST = re.compile(r"^(\d{1,9}(?=[.)])|(?=[-+=]))")
_URL_AS_IT_IS = "%/:=&?~#+!$,;'@*-._"


class Literal(str):
    """Text that is already in the format of the page."""

    __slots__ = ()


Format = OneOf["html", "markdown", "text"]


@cache
def environment(form: Format, folder: Path | None = None) -> Environment:
    """Return the environment of a format.

    HTML and CommonMark escape everything that is printed; text needs no escaping.

    Args:
        form: The format; feeds, stylesheets and pictures are made as HTML is.
        folder: Templates that go before the packaged ones.
    """
    from jinja2 import ChoiceLoader, FileSystemLoader, PrefixLoader, StrictUndefined  # noqa: TID251

    from broadsheet.render.guarded import LITERAL, GuardedEnvironment

    packaged = FileSystemLoader(PACKAGED)
    own = [FileSystemLoader(folder)] if folder else []
    made = GuardedEnvironment(
        loader=ChoiceLoader([PrefixLoader({"packaged": packaged}), *own, packaged]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=folder is not None,  # packaged templates stay as they are
        autoescape=form == "html",
        finalize=_escaped if form == "markdown" else None,
    )
    if form == "markdown":
        made.filters |= {"destination": destination, LITERAL: Literal}
    if form == "text":
        made.filters |= {"wrapped": wrapped, "underlined": underlined}
    return made


def _escaped(value: Any) -> Any:
    return value if isinstance(value, Literal) else markdown(str(value))


def markdown(text: str) -> str:
    """Escape the text so that CommonMark shows it letter for letter, wherever in a line it stands."""
    escaped = _MARKDOWN_ANYWHERE.sub(lambda match: "\\" + match[0], text)
    return _MARKDOWN_FIRST.sub(lambda match: match[0] + "\\", escaped)


def destination(url: str) -> Literal:
    """Return the address as a CommonMark link destination, percent-encoding what could end it."""
    return Literal(quote(url, safe=_URL_AS_IT_IS))


@lru_cache(maxsize=4096)
def wrapped(text: str, first: str = "", indent: int = 0) -> str:
    """Wrap the text to lines of at most `COLUMNS`; wider words are broken, addresses are not.

    Args:
        text: Words.
        first: What the first line starts with, such as ``1. ``.
        indent: Spaces before every other line, and before the first where ``first`` is empty.
    """
    margin = " " * indent
    lines = [first or margin]
    for word in _pieces(text, COLUMNS - max(indent, cell_len(first))):
        if lines[-1].strip() and lines[-1] != first and cell_len(f"{lines[-1]} {word}") > COLUMNS:
            lines.append(margin)
        lines[-1] += word if lines[-1] in {first, margin} else " " + word
    return "\n".join(line.rstrip() for line in lines)


def underlined(text: str, line: str = "-") -> str:
    """Return the text with a line of its own width under it."""
    shown = wrapped(text)
    return f"{shown}\n{line * max(cell_len(each) for each in shown.splitlines())}"


def _pieces(text: str, room: int) -> Iterator[str]:
    """Yield the words of the text, those wider than the room in parts, addresses whole."""
    for word in text.split():
        if cell_len(word) <= room or word.startswith(("http://", "https://")):
            yield word
        else:
            yield from chop_cells(word, room)

"""The words of a search, as queries that SQLite's full-text index (FTS5) takes, whatever was typed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from broadsheet.english import is_asking, is_little

MOST_WORDS = 100
"""Beyond this SQLite's expressions would grow too deep."""
_PIECE = re.compile(r'(-?)"([^"]*)"?|(\S+)')


class Phrase(NamedTuple):
    """One word of a search; signs inside it, as in ``state-of-the-art``, make it several tokens in a row.

    Attributes:
        text: The word as it was typed.
        is_unfinished: Whether its last token may go on, as the last word of a search may.
    """

    text: str
    is_unfinished: bool = False

    @property
    def quoted(self) -> str:
        """Return it as an FTS5 query: raw words such as c++ or a lone quote would be syntax errors."""
        return '"' + self.text.replace('"', '""') + '"' + ("*" if self.is_unfinished else "")


class Search(NamedTuple):
    """A search as it is ranked.

    Attributes:
        words: Each counts where it stands, and none has to.
        required: Phrases in quotes, which must stand.
        excluded: Words and phrases behind a minus sign, which must not.
        text: What is asked for, in words alone, in their order.
    """

    words: tuple[Phrase, ...]
    required: tuple[Phrase, ...]
    excluded: tuple[Phrase, ...]
    text: str

    @property
    def telling(self) -> tuple[Phrase, ...]:
        """Return the words that say what is looked for, or all if none does."""
        said = tuple(word for word in self.words if not (is_little(word.text) or is_asking(word.text)))
        return said or self.words


def storable(text: str) -> str:
    """Replace lone surrogates, which a terminal makes of bytes that are no UTF-8 and SQLite refuses."""
    return text.encode(errors="replace").decode()


def phrases(words: str) -> Iterator[Phrase]:
    """Yield what a paper or its annotation must all have; the last word may be unfinished.

    A word of signs alone answers to nothing and is passed over, unless there is no other.
    """
    given = storable(words).replace("\0", " ").split()
    said = [word for word in given if _has_word(word)] or given[:1]
    *whole, last = said[:MOST_WORDS] or [""]
    yield from map(Phrase, dict.fromkeys(whole))
    if last:
        yield Phrase(last, is_unfinished=True)


def parsed(search: str) -> Search:
    """Return a search in its parts; a quote that is never closed lasts to the end.

    The last word may be unfinished, as it is while a reader types. Signs alone answer to nothing and are
    passed over.
    """
    words: list[str] = []
    required: list[str] = []
    excluded: list[str] = []
    said: list[str] = []
    text = storable(search).replace("\0", " ")
    for match in _PIECE.finditer(text):
        minus, quoted, bare = match.groups()
        if bare is not None:
            is_excluded = bare.startswith("-") and _has_word(bare)
            (excluded if is_excluded else words).append(bare.lstrip("-") if is_excluded else bare)
            said += [] if is_excluded else [bare]
        else:
            (excluded if minus else required).append(quoted)
            said += [] if minus else [quoted]
    asked = [word for word in words if _has_word(word)][:MOST_WORDS]
    *whole, last = asked or [""]
    unfinished = bool(last) and text.endswith(last)
    return Search(
        words=(
            *(Phrase(word) for word in dict.fromkeys(whole) if word != last),
            *([Phrase(last, is_unfinished=unfinished)] if last else []),
        ),
        required=tuple(map(Phrase, dict.fromkeys(filter(_has_word, required)))),
        excluded=tuple(map(Phrase, dict.fromkeys(filter(_has_word, excluded)))),
        text=" ".join(filter(_has_word, said)),
    )


def _has_word(text: str) -> bool:
    return any(map(str.isalnum, text))

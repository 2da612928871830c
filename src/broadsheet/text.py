"""Shared text functions: collapsing white space, splitting sentences and finding phrases.

All are pure functions whose running time is linear in the length of their input.
"""

import functools
import itertools
import re
import unicodedata
from collections.abc import Iterator

_ABBREVIATIONS = frozenset(
    """
    e.g i.e al fig figs eq eqs sec secs tab vs cf etc approx resp dr mr mrs prof st no nos ref refs app
    ch vol viz aka w.r.t i.i.d dept univ inc ltd jr sr incl esp max min avg std
    """.split()  # noqa: SIM905 - easier to read than a list
)
_MAY_CLOSE = frozenset({"etc", "al", "i.i.d", "w.r.t", "inc", "ltd", "no", "app", "ref"})
_OPENERS = "We|Our|The|This|These|In|It|However|Moreover|To|Code|Experiments|Extensive|Finally|Specifically"
_SENTENCE_END = re.compile(
    rf"[.!?][\"'”’)\]}}]{{0,3}}(?=\s)|\.(?<=[a-z)]\.)(?=(?:{_OPENERS})\s)|[。！？]|\n\s*\n"
)
_BEFORE_STOP = re.compile(r"[^\s(\[\"“~/,;]*$")
_NEXT_WORD = re.compile(r"\s*[(\[\"'“‘]*(\S+)")
_OPENING_WORD = re.compile(_OPENERS + "|A|An|For|By|On|As|With")
_INITIALS = re.compile(r"(?:[A-Z]\.)*[A-Z]")
_WORD = re.compile(r"[^\W_]+")
# Scripts that join letters of ours to theirs without a space: all from Cyrillic to Hangul, but not what Latin
# and Greek take up in between.
_OTHER_SCRIPT = "[\u0400-\u1dff\u2e80-\ud7ff\uf900-\ufaff]"
_BORDER = re.compile(
    rf"(?<=[\w%×])(?<!{_OTHER_SCRIPT})(?={_OTHER_SCRIPT})|(?<={_OTHER_SCRIPT})(?=[0-9A-Za-z])"
)
_WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
# Thai, Lao and Burmese, Khmer, kana, ideographs.
_SPACELESS = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
_LETTERS_A_WORD = 2


def squash(text: str) -> str:
    """Return `text` on one line, with each run of white space collapsed to a space and the ends trimmed."""
    return " ".join(text.split())


def word_count(text: str) -> int:
    """Return the number of words; where a script has no spaces, two letters are taken for a word."""
    spaceless = 0 if text.isascii() else len(_SPACELESS.findall(text))
    rest = _SPACELESS.sub(" ", text) if spaceless else text
    words = sum(any(map(str.isalnum, word)) for word in rest.split()) if spaceless else len(rest.split())
    return words + -(-spaceless // _LETTERS_A_WORD)


def spaced(text: str) -> str:
    """Return the text with spaces where its script meets Latin letters and digits, which are made narrow."""
    return text if text.isascii() else _BORDER.sub(" ", text.translate(_WIDE))


def sentence_spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield the start and end offsets of each sentence of `text`, in order.

    Full stops in abbreviations and URLs do not end a sentence.
    """
    start = 0
    for match in _SENTENCE_END.finditer(text):
        first, end = match.span()
        if text[first] not in ".!?" or _closes(text, first, end):
            yield from _without_margins(text, start, end)
            start = end
    yield from _without_margins(text, start, len(text))


def sentences(text: str) -> tuple[str, ...]:
    """Return the sentences of `text`, unchanged."""
    return tuple(text[start:end] for start, end in sentence_spans(text))


def stands_in(phrase: str, text: str) -> bool:
    """Tell whether `phrase` occurs in `text` as whole words.

    Letter case, Unicode form (NFKC), punctuation, plurals, and whether words are joined, hyphenated or spaced
    are ignored: `data set` occurs in `Datasets` and `pretraining` in `pre-training`, but `net` not in
    `networks`. A phrase without a word never occurs.
    """
    if _stands_verbatim(phrase, text):
        return True
    wanted = "".join(stems(phrase))
    letters, starts, ends = _joined(text)
    position = letters.find(wanted) if wanted else -1
    while position >= 0:
        if position in starts and position + len(wanted) in ends:
            return True
        position = letters.find(wanted, position + 1)
    return False


def _stands_verbatim(phrase: str, text: str) -> bool:
    """Tell whether an ASCII phrase occurs in the text, ignoring case; a fast path that needs no stemming."""
    wanted = phrase.lower()
    if not (wanted.isascii() and wanted[:1].isalnum() and wanted[-1:].isalnum()):
        return False
    lowered = _lowered(text)
    position = lowered.find(wanted)
    while position >= 0:
        end = position + len(wanted)
        around = (lowered[position - 1 : position] if position else "", lowered[end : end + 1])
        if all(beside.isascii() and not beside.isalnum() for beside in around):
            return True
        position = lowered.find(wanted, position + 1)
    return False


_lowered = functools.lru_cache(maxsize=16)(str.lower)


def stems(text: str) -> list[str]:
    """Return the words of `text`, in order, lower-cased and in the singular."""
    return [singular(word) for word in _WORD.findall(unicodedata.normalize("NFKC", text).casefold())]


def singular(word: str) -> str:
    """Return the singular of a lower-case English word by its ending; other words are returned unchanged."""
    if len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith(("ias", "iases")):  # bias, biases
        return word.removesuffix("es")
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("ches", "shes", "sses", "xes", "zzes")):
        return word[:-2]
    return word[:-1]


@functools.lru_cache(maxsize=16)
def _joined(text: str) -> tuple[str, frozenset[int], frozenset[int]]:
    """Return the stems joined into one string, and the offsets in it at which stems start and end."""
    words = stems(text)
    ends = tuple(itertools.accumulate(map(len, words)))
    return "".join(words), frozenset((0, *ends[:-1])), frozenset(ends)


def _without_margins(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    piece = text[start:end]
    if kept := piece.strip():
        start += len(piece) - len(piece.lstrip())
        yield start, start + len(kept)


def _closes(text: str, stop: int, end: int) -> bool:
    """Tell whether the full stop, question or exclamation mark at `stop` ends a sentence."""
    following = _NEXT_WORD.match(text, end, end + 60)
    if following is None:
        return True
    after = following[1]
    before = _BEFORE_STOP.search(text[max(0, stop - 30) : stop])
    word = before[0] if before else ""
    if text[stop] == "." and word.lower() in _ABBREVIATIONS:
        return word.lower() in _MAY_CLOSE and after[0].isupper()
    if text[stop] == "." and _INITIALS.fullmatch(word):
        # A person's initial or the U.S., unless the next word clearly opens a sentence.
        return _OPENING_WORD.fullmatch(after) is not None
    # A lower-case word continues the sentence, unless it is a name such as iCaRL or a URL.
    return (
        not after[0].islower()
        or any(character.isupper() for character in after[1:])
        or after.startswith(("http", "www."))
    )


def plural(number: int, one: str, many: str = "") -> str:
    """Return a number with its noun: ``1 paper``, ``2,000 papers``; ``many`` is ``one`` with s by default."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"

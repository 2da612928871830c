"""What every room needs to know about prose: white space, sentences, and whether a phrase stands in it.

Pure functions over strings, linear in their length.
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
    """.split()  # noqa: SIM905 - words read best as words
)
_MAY_CLOSE = frozenset({"etc", "al", "i.i.d", "w.r.t", "inc", "ltd", "no", "app", "ref"})
_OPENERS = "We|Our|The|This|These|In|It|However|Moreover|To|Code|Experiments|Extensive|Finally|Specifically"
_SENTENCE_END = re.compile(
    rf"[.!?][\"'”’)\]}}]{{0,3}}(?=\s)|\.(?<=[a-z)]\.)(?=(?:{_OPENERS})\s)|[。！？]|\n\s*\n"
)
_BEFORE_STOP = re.compile(r"[^\s(\[\"“~/,;]*$")
_NEXT_WORD = re.compile(r"\s*[(\[\"'“‘]*(\S+)")
_OPENING_WORD = re.compile(_OPENERS + "|A|An|For|By|On|As|With")
_WORD = re.compile(r"[^\W_]+")


def squash(text: str) -> str:
    """Returns `text` on one line: every run of white space is one space, and none stands at an end."""
    return " ".join(text.split())


def sentence_spans(text: str) -> Iterator[tuple[int, int]]:
    """Yields start and end of each sentence of `text`, in order; abbreviations and addresses end none."""
    start = 0
    for match in _SENTENCE_END.finditer(text):
        first, end = match.span()
        if text[first] not in ".!?" or _closes(text, first, end):
            yield from _without_margins(text, start, end)
            start = end
    yield from _without_margins(text, start, len(text))


def sentences(text: str) -> tuple[str, ...]:
    """Returns the sentences of `text` as they stand in it."""
    return tuple(text[start:end] for start, end in sentence_spans(text))


def stands_in(phrase: str, text: str) -> bool:
    """Tells whether `phrase` stands in `text` as whole words.

    Letter case, form of writing (NFKC), punctuation between words, the choice of space, hyphen or neither,
    and a plural are set aside: `data set` stands in `Datasets`, `pretraining` in `pre-training`; `net` does
    not stand in `networks`. A phrase without a word stands nowhere.
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
    """Tells, mostly without taking the text apart, that a plain phrase stands in it letter case aside."""
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
    """Returns the words of `text` in order, in lower case and in the singular."""
    return [singular(word) for word in _WORD.findall(unicodedata.normalize("NFKC", text).casefold())]


def singular(word: str) -> str:
    """Returns the singular of a lower-case English word, as far as its ending tells; others as they are."""
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
    """Returns the stems without what stands between them, and the offsets at which one starts and ends."""
    words = stems(text)
    ends = tuple(itertools.accumulate(map(len, words)))
    return "".join(words), frozenset((0, *ends[:-1])), frozenset(ends)


def _without_margins(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    piece = text[start:end]
    if kept := piece.strip():
        start += len(piece) - len(piece.lstrip())
        yield start, start + len(kept)


def _closes(text: str, stop: int, end: int) -> bool:
    """Tells whether the full stop, question or exclamation mark at `stop` ends a sentence."""
    following = _NEXT_WORD.match(text, end, end + 60)
    if following is None:
        return True
    after = following[1]
    before = _BEFORE_STOP.search(text[max(0, stop - 30) : stop])
    word = before[0] if before else ""
    if text[stop] == "." and word.lower() in _ABBREVIATIONS:
        return word.lower() in _MAY_CLOSE and after[0].isupper()
    if (
        text[stop] == "." and len(word) == 1 and word.isupper()
    ):  # the initial of a name, unless a sentence plainly starts
        return _OPENING_WORD.fullmatch(after) is not None
    # A lower-case word goes on with the sentence, unless it is a name such as iCaRL or an address.
    return (
        not after[0].islower()
        or any(character.isupper() for character in after[1:])
        or after.startswith(("http", "www."))
    )

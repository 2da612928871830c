"""Picks keyphrases from a paper's title and abstract that a reader would search for.

The text is split into noun phrases at stop words and punctuation. A phrase's weight grows with its frequency;
it is higher in the title or with an acronym, and lower if it starts or ends with a word common to all papers.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from broadsheet.markup import plain
from broadsheet.text import singular, stands_in
from broadsheet.urls import find_urls

_MAX_CHARACTERS = 8000
_MAX_WORDS = 4
_MAX_PHRASE_CHARACTERS = 60

_STOP = frozenset(
    """
        a an the this that these those it its they their them we our us you your he she his her i who
        whom whose which what when where why how of in on at by for from to with without within into
        onto over under between among across through during before after above below against about
        toward towards upon via per as than then there here and or but nor so yet if while because since
        although though unless until whether is are was were be been being am do does did done doing has
        have had having can could may might must shall should will would not no nor also both each
        either neither all any some many much more most less least few several various other others
        another such same own only very too just even still however moreover furthermore thus hence
        therefore e.g i.e etc et al versus vs first second third one two three four five new novel
        existing previous prior recent current proposed propose proposes present presents introduce
        introduces show shows shown demonstrate demonstrates use uses used using based make makes made
        give gives given take takes get gets find finds found lead leads yield yields well better best
        good high higher highest low lower lowest large larger largest small smaller great greater
        significant significantly important effective effectively efficient efficiently simple different
        similar specific general common several single multiple paper work study approach approaches
        method methods result results experiment experiments problem problems issue issues challenge
        challenges way ways case cases number set sets type types kind part parts aim aims goal goals
        need needs order terms term respect due able allow allows enable enables improve improves
        improved improving achieve achieves achieved outperform outperforms outperforming reduce reduces
        reducing increase increases provide provides provided providing require requires required
        address addresses addressing performance accuracy state-of-the-art state art sota extensive
        comprehensive code available publicly github various typically often usually recently directly
        simultaneously instead further particular particularly specifically especially namely
        respectively including include includes i.e. e.g. like rather across along together around up
        down out off again once almost nearly about consider considers considering develop develops
        design designs designed explore explores investigate investigates study studies studied
        analysis-based learn learns learned obtain obtains obtained obtaining help helps remain remains
        become becomes known called termed named dubbed original standard traditional conventional
        typical popular key main major crucial critical essential possible potential able additional
        evaluate evaluates evaluation evaluations compared comparing comparison applied apply applies
        applying employ employs employing leverage leverages leveraging exploit exploits exploiting
        capture captures capturing extend extends despite unlike let us toward widely highly fully
        jointly easily quickly consistently substantially remarkably theoretical empirical theoretically
        empirically promising superior comparable competitive average baseline baselines effectiveness
        advantage advantages ability capability capabilities framework frameworks model models data
        dataset datasets task tasks algorithm algorithms system systems technique techniques training
        information process processes level levels scale scenario scenarios setting settings application
        applications domain feature features input inputs output outputs space strategy strategies
    """.split()  # noqa: SIM905 - easier to read than a list
)
# Words that are too general alone but belong inside a phrase: "language models", "test-time training".
_INSIDE = frozenset(
    """
        model models data dataset datasets task tasks algorithm algorithms system systems training
        information process processes framework feature features space state level scale domain domains
        setting learned strategy strategies input output large small single multiple general specific
        low high inputs evaluation design analysis standard set sets
    """.split()  # noqa: SIM905 - easier to read than a list
)
_TOKEN = re.compile(r"[A-Za-z0-9α-ωΑ-Ω][\w+*]*(?:[-–/'’.][A-Za-z0-9][\w+*]*)*|[^\w\s]")
_ACRONYM = re.compile(r"\(([A-Z][\w-]{1,12})s?\)")
_NAME_SHAPED = re.compile(r"[A-Z].*[A-Z0-9]|[a-z].*[A-Z]|\w+-\w+")
_BARE_NUMBER = re.compile(r"[\d.,%x×]+")


def keyphrases(title: str, abstract: str, n: int = 6) -> tuple[str, ...]:
    """Return up to `n` lower-case phrases of 1 to 4 words, highest weight first.

    The result is empty only if neither title nor abstract has a word.
    """
    title, body = plain(title[:_MAX_CHARACTERS]), _without_urls(plain(abstract[:_MAX_CHARACTERS]))
    weights = _weights(title, body)
    chosen: list[str] = []
    for phrase in sorted(weights, key=lambda phrase: (-weights[phrase], phrase)):
        if len(chosen) == n:
            break
        if not any(_overlaps(phrase, other) for other in chosen) and stands_in(phrase, f"{title}\n{body}"):
            chosen.append(phrase)
    return tuple(chosen) or _any_words(title, body, n)


def _without_urls(text: str) -> str:
    for url in reversed(find_urls(text)):
        text = text[: url.start] + " . " + text[url.end :]
    return text


def _weights(title: str, body: str) -> dict[str, float]:
    counts: Counter[str] = Counter()
    whole: Counter[str] = Counter()
    shown: dict[str, str] = {}
    named: set[str] = set()
    in_title = set()
    for text in (title, body):
        for chunk in _chunks(text):
            for length in range(1, min(_MAX_WORDS, len(chunk)) + 1):
                for first in range(len(chunk) - length + 1):
                    words = chunk[first : first + length]
                    if not _can_stand(words):
                        continue
                    phrase = " ".join(words)
                    key = " ".join(singular(word.lower()) for word in words)
                    counts[key] += 1
                    whole[key] += length == len(chunk)
                    shown.setdefault(key, phrase.lower())
                    if text is title:
                        in_title.add(key)
                    if length == 1 and _NAME_SHAPED.match(phrase):
                        named.add(key)
    # "causal isotonic", if it occurs only in "causal isotonic calibration", is a fragment.
    pieces = {
        " ".join(piece)
        for key, count in counts.items()
        for piece in (key.split()[:-1], key.split()[1:])
        if piece and counts[" ".join(piece)] <= count
    }
    expanded = {key for key in counts if _is_expanded(shown[key], body)}
    weights = {}
    for key, count in counts.items():
        words = key.split()
        weight = min(count, 5) ** 0.7 * {1: 0.55, 2: 1.35, 3: 1.3, 4: 0.7}[len(words)]
        weight *= 1.0 + 1.1 * (key in in_title) + 1.0 * (key in expanded) + 1.0 * min(2, whole[key]) / 2
        weight *= 0.25 if key in pieces else 1.0
        weight *= 1.5 if key in named else 1.0
        weight *= 0.6 if any(word in _STOP for word in (words[0], words[-1])) else 1.0
        weights[shown[key]] = weight
    return weights


def _chunks(text: str) -> Iterator[list[str]]:
    """Yield the runs of words between stop words and punctuation; words in `_INSIDE` do not end a run."""
    chunk: list[str] = []
    for token in _TOKEN.findall(text):
        word = token.lower()
        if (
            token[0].isalnum()
            and len(token) <= _MAX_PHRASE_CHARACTERS
            and (word not in _STOP or word in _INSIDE)
        ):
            chunk.append(token.removesuffix("'s").removesuffix("’s"))
        elif chunk:
            yield chunk[:40]
            chunk = []
    if chunk:
        yield chunk[:40]


def _can_stand(words: list[str]) -> bool:
    phrase = " ".join(words)
    if (
        len(phrase) > _MAX_PHRASE_CHARACTERS
        or _BARE_NUMBER.fullmatch(words[0])
        or _BARE_NUMBER.fullmatch(words[-1])
    ):
        return False
    if len(words) == 1:
        return words[0].lower() not in _INSIDE and len(words[0]) > 2 and not words[0].lower().endswith("ly")
    return not words[-1].lower().endswith("ly") and len(set(words)) == len(words)


def _is_expanded(phrase: str, body: str) -> bool:
    """Tell whether the text introduces an acronym for the phrase: "direct feedback alignment (DFA)"."""
    place = body.lower().find(phrase + " (")
    return place >= 0 and _ACRONYM.match(body, place + len(phrase) + 1) is not None


def _overlaps(phrase: str, other: str) -> bool:
    one, two = set(re.split(r"[ -]", phrase)), set(re.split(r"[ -]", other))
    return one <= two or two <= one or len(one & two) >= 2


def _any_words(title: str, body: str, n: int) -> tuple[str, ...]:
    words = [
        word.lower()
        for word in re.findall(r"[^\W\d_][\w-]{2,}", f"{title} {body}"[:2000])
        if len(word) <= _MAX_PHRASE_CHARACTERS
    ]
    return tuple(dict.fromkeys(words))[:n]

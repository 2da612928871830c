"""Detects by rule whether a paper's own text says that its code is available.

An engine without a model uses this answer directly; a model's answer is checked against it. The rules follow
the annotation guide: a page said to contain the code counts; a bare project page, a data set, checkpoints, a
list of papers, other people's code and "code" in another sense do not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from broadsheet.annotation import Code, CodeStatus
from broadsheet.availability.rules import Claim, claims
from broadsheet.availability.vocabulary import CONTEXT, DETERMINERS, Token, tagged
from broadsheet.text import sentence_spans
from broadsheet.urls import find_urls, unique

_SIGNS = (
    *("code", "implement", "software", "script", "notebook", "toolkit", "toolbox"),
    *("github", "gitlab", "4open", "http", "www."),
)
_OPEN_SOURCE = re.compile("open.?source")
_NAME = re.compile(r"^\W*([\w.+-]{2,40})\s?[:–—-]\s|\b([A-Z][a-z]*[A-Z]\w*|[A-Z]{3,}\w*)\b")
_SOON = re.compile(
    r"\s?(?:very )?(?:soon|shortly|(?:upon|after|once|following)\b[^.;:()]{0,60})", re.IGNORECASE
)
_HERE = re.compile(r"\s?(?:online|here|at here|at this (?:https? )?(?:URL|link))\b", re.IGNORECASE)

_PREDICATE = re.compile("^[^a].*a[ilqu&]")  # "code available at URL", "code available online"
_LONGEST_LEAD, _LONGEST_TAIL = 60, 25  # words
_BRACKETS = {")": "(", "]": "[", "}": "{"}
# "Code is available; project page: URL": the URL belongs to the noun before it.
_ANOTHER_SUBJECT = re.compile(r"[;.,&][^i;]{0,6}[dp]")

INTRODUCING = CONTEXT["introducing"]


@dataclass(frozen=True, slots=True)
class _Sentence:
    text: str
    start: int
    end: int
    tokens: tuple[Token, ...]


def read_code(title: str, abstract: str, comment: str = "") -> Code:
    """Return what the abstract, or else the authors' comment, says about this work's code.

    The evidence is the shortest clause that says it, quoted exactly. The URLs are cleaned, distinct, and in
    text order.
    """
    names = frozenset(name.lower() for match in _NAME.finditer(title) for name in match.groups() if name)
    for text in (abstract, comment):
        if places := tuple(_signs_in(text)):
            code = _read(text, places, names)
            if code.status != "none":
                return code
    return Code(evidence="", status="none", urls=())


def says_code(evidence: str) -> bool:
    """Tell whether these words of a paper, taken alone, say that its code is or will be available."""
    return evidence_status(evidence) != "none"


def evidence_status(evidence: str) -> CodeStatus:
    """Return the status that these words of a paper, taken alone, speak for."""
    # Without its title, any word may be the work's name: "Zebra is open source".
    names = frozenset(evidence.lower().split())
    places = tuple(_signs_in(evidence))
    return _read(evidence, places, names).status if places else "none"


def _read(text: str, places: Sequence[int], names: frozenset[str]) -> Code:
    sentences = tuple(_sentences(text, places))
    found = {place: tuple(claims(sentence.tokens, names)) for place, sentence in enumerate(sentences)}
    made = [(sentences[place], claim) for place in found for claim in found[place]]
    if not made:
        return Code(evidence="", status="none", urls=())
    status: CodeStatus = "available" if any(claim.status == "available" for _, claim in made) else "announced"
    urls = unique(
        url for place in found if found[place] for url in _code_urls(sentences, found[place], place)
    )
    quotes = [_quote(sentence, claim, urls) for sentence, claim in made if claim.status == status]
    # Prefer a quote that includes the URL.
    evidence = min(quotes, key=lambda quote: (not find_urls(quote), len(quote)))
    return Code(evidence=evidence, status=status, urls=urls)


def _sentences(text: str, places: Sequence[int]) -> Iterator[_Sentence]:
    """Yield all sentences, tokenizing only those with a URL or a sign, since that is the costly part."""
    urls = find_urls(text)
    for start, end in sentence_spans(text):
        inside = [url for url in urls if start <= url.start < end]
        relevant = bool(inside) or any(start <= place < end for place in places)
        tokens = tagged(text, start, max([end, *(url.end for url in inside)]), inside) if relevant else ()
        yield _Sentence(text, start, end, tokens)


def _signs_in(text: str) -> Iterator[int]:
    """Yield the offsets of words such as "code" or "github"; a sentence without any says nothing of code."""
    lowered = text.lower()
    if len(lowered) != len(text):  # a few capitals have a two-letter lower case, which shifts offsets
        yield from range(len(text))
        return
    for sign in _SIGNS:
        place = lowered.find(sign)
        while place >= 0:
            yield place
            place = lowered.find(sign, place + 1)
    if "source" in lowered:
        yield from (match.start() for match in _OPEN_SOURCE.finditer(lowered))


def _code_urls(sentences: Sequence[_Sentence], found: Sequence[Claim], place: int) -> Iterator[str]:
    """Yield the URLs of the sentence at `place` that its claims refer to.

    If it has none, a URL that stands alone in the next sentence counts.
    """
    tokens = sentences[place].tokens
    tags = "".join(token.tag for token in tokens)
    start, before_is_code = 0, False
    for end, token in enumerate(tokens):
        if token.tag != "u":
            continue
        lead = tags[start:end]
        claimed = [claim for claim in found if claim.first <= end and claim.last >= start]
        last = claimed[-1].last if claimed else 0
        is_list = claimed and tags[last] in "ce"  # "we release code and a demo at URL"
        other_subject = claimed and not is_list and _ANOTHER_SUBJECT.search(tags, max(start, last + 1), end)
        chained = before_is_code and len(lead) < 6 and not re.search("[dpn]", lead)
        before_is_code = (bool(claimed) and not other_subject) or chained
        if before_is_code:
            yield token.word
        start = end + 1
    if "u" not in tags and place + 1 < len(sentences):
        following = sentences[place + 1].tokens
        if len(following) <= 4 and not any(token.tag in "dpn" for token in following):
            yield from (token.word for token in following if token.tag == "u")


def _quote(sentence: _Sentence, claim: Claim, urls: Sequence[str]) -> str:
    """Return the shortest clause that makes the claim, from its subject to its last word, verbatim."""
    tokens = sentence.tokens
    first, last = _subject(tokens, claim.first), claim.last
    if _is_fragment(tokens, first, last):
        first = _clause_start(tokens, first)
    if len(tokens) - last < _LONGEST_TAIL and _is_fragment(tokens, first, last):
        last = next(place for place in range(len(tokens) - 1, -1, -1) if tokens[place].tag not in ".!?;,:")
    while first < last and tokens[first].tag == "&":
        first += 1
    for place in range(claim.first, min(len(tokens), last + 15)):
        if tokens[place].tag == "u" and tokens[place].word in urls:
            last = max(last, place)
    end = tokens[last].end
    if tokens[last].tag != "u":
        for tail in (_HERE, _SOON):
            if match := tail.match(sentence.text, end, sentence.end):
                end = match.end()
    start = tokens[first].start
    while _closes(sentence.text[start:end], sentence.text[end : min(end + 1, sentence.end)]):
        end += 1
    return sentence.text[start:end].rstrip(" ,;:(")


def _closes(quote: str, following: str) -> bool:
    """Tell whether the character behind a quote closes a bracket that it opens."""
    opened = _BRACKETS.get(following)
    return opened is not None and quote.count(opened) > quote.count(following)


def _clause_start(tokens: Sequence[Token], place: int) -> int:
    """Return where the clause around `place` starts, or `place` itself where that is out of reach."""
    for first in range(place, max(-1, place - _LONGEST_LEAD), -1):
        if first == 0 or tokens[first - 1].tag == ";":
            return first
    return place


def _is_fragment(tokens: Sequence[Token], first: int, last: int) -> bool:
    """Tell whether a quote from `first` to `last` is no clause: "and URL", "an open-source tool"."""
    quoted = tokens[first : last + 1]
    if quoted[0].tag in "&," or sum(token.word == ")" for token in quoted) > sum(
        token.word == "(" for token in quoted
    ):
        return True
    labelled = len(quoted) > 1 and quoted[-1].tag == "u" and quoted[-2].tag in ":ceptald"
    stated = any(token.tag in "bhkmrvyfs" or token.word in INTRODUCING for token in quoted)
    tags = "".join(token.tag for token in quoted)
    return not (labelled or stated or _PREDICATE.search(tags))


def _subject(tokens: Sequence[Token], place: int) -> int:
    """Return the index of the first token of the noun phrase or clause around `place`."""
    first = place
    while first and place - first < 6 and tokens[first].word not in DETERMINERS:
        if tokens[first - 1].tag not in "cetdpa&xq,w/r" or tokens[first - 1].word in {"while", "that"}:
            break
        first -= 1
    if first and tokens[first].word not in DETERMINERS and tokens[first - 1].tag in "cetdpa&xq,w/r":
        first = place  # no start within reach: quote from the noun
    while first < place and tokens[first].tag in "&,":
        first += 1
    return first

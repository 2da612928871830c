"""Compares an annotation with the paper's own words, and keeps back what does not stand there.

Pure and fast. What fails is dropped field by field, never the paper. Each kind of finding has one severity:

| kind | severity | what is wrong |
|---|---|---|
| `evidence-not-in-text` | withheld | the evidence is no exact quote of title, abstract or comment |
| `evidence-not-of-code` | withheld | the evidence does not say that code is, or will be, available |
| `url-not-in-text` | withheld | a code URL does not stand in the paper's own text, after cleaning |
| `keyword-not-in-text` | withheld | a keyword does not stand there, letter case, hyphen and plural aside |
| `phrase-not-in-text` | withheld | a phrase of another such field does not stand there |
| `number-not-in-text` | withheld | a number, percentage or multiple of the TL;DR does not stand there |
| `name-not-in-text` | withheld | a name in the TL;DR (CamelCase, capitals, digits) does not stand there |
| `not-of-this-paper` | withheld | an English TL;DR shares less than half of its words with an English paper |
| `unfinished` | withheld | the TL;DR ends in the middle of a phrase |
| `markup` | withheld | TL;DR or keyword carries a URL, markup, or a character that leaves no ink |
| `rule-disagrees` | note | the rules for code read another status |
| `opening` | note | the TL;DR opens with "This paper", "We" or "The authors" |
| `too-short` | note | the TL;DR has fewer than 15 words |
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from types import MappingProxyType
from typing import Any

from broadsheet.annotation import MIN_TLDR_WORDS, Annotation, Code, Finding, Severity
from broadsheet.availability import read_code, says_code
from broadsheet.english import breaks_off, reads_english, share_of_words
from broadsheet.markup import plain
from broadsheet.names import ungrounded_names
from broadsheet.paper import Paper
from broadsheet.quantities import in_other_notation, ungrounded_numbers
from broadsheet.schema import phrase_fields
from broadsheet.text import spaced, squash, stands_in, word_count
from broadsheet.urls import canonical, find_urls

LEAST_SHARED = 0.5
"""The least share of a TL;DR's content words that its paper has too.

Of 327 careful TL;DRs, the one that shares the fewest words with its own paper shares 0.65 of them; with other
papers, 99.8 % share less than a half.
"""

SEVERITY: MappingProxyType[str, Severity] = MappingProxyType(
    {
        "evidence-not-in-text": "withheld",
        "evidence-not-of-code": "withheld",
        "url-not-in-text": "withheld",
        "keyword-not-in-text": "withheld",
        "phrase-not-in-text": "withheld",
        "number-not-in-text": "withheld",
        "name-not-in-text": "withheld",
        "not-of-this-paper": "withheld",
        "unfinished": "withheld",
        "markup": "withheld",
        "rule-disagrees": "note",
        "opening": "note",
        "too-short": "note",
    }
)
"""Every kind of finding, and whether the claim is kept back for it."""

_OPENING = re.compile(r"(?:this (?:paper|work|study|article)|we|our|the (?:authors?|paper))\b", re.IGNORECASE)
_MARKUP = re.compile(r"https?://|www\.|[\\{}<>`]|\*\*|__|\$[^$]*\$|\]\(|^#")


def check(paper: Paper, annotation: Annotation) -> tuple[Finding, ...]:
    """Return every disagreement between an annotation and its paper, in the order of the fields."""
    text = paper.own_text
    shown = plain(text)
    return (
        *_check_tldr(annotation.tldr, shown, text),
        *_check_phrases(annotation, shown),
        *_check_code(paper, annotation.code, text),
    )


def withhold(
    paper: Paper, annotation: Annotation, findings: tuple[Finding, ...], fallback: Callable[[str], Any]
) -> Annotation:
    """Return the annotation without what `findings` say must be withheld.

    A TL;DR is replaced whole, single phrases and URLs are left out, and a verdict on code without standing
    evidence gives way to the rules' own reading.

    Args:
        paper: What was annotated.
        annotation: What was said of it.
        findings: What `check` found.
        fallback: The value that takes the place of a whole field, `tldr` or `keywords`; asked for no other.
            The extractive engine's is grounded by construction. Its shape is not checked here.
    """
    wrong = {(finding.field, finding.detail) for finding in findings if finding.severity == "withheld"}
    fields = {field for field, _ in wrong}
    if not fields:
        return annotation
    phrases = {
        name: tuple(phrase for phrase in given if (name, phrase) not in wrong)
        for name in phrase_fields(type(annotation))
        if (given := getattr(annotation, name)) is not None
    }
    urls = tuple(url for url in annotation.code.urls if ("code.urls", url) not in wrong)
    code = (
        read_code(paper.title, paper.abstract, paper.comment)
        if "code.evidence" in fields
        else annotation.code.model_copy(update={"urls": urls})
    )
    return annotation.model_copy(
        update={
            "tldr": fallback("tldr") if "tldr" in fields else annotation.tldr,
            **phrases,
            "keywords": phrases["keywords"] or tuple(fallback("keywords")),
            "code": code,
        }
    )


def _finding(field: str, kind: str, detail: str) -> Finding:
    return Finding(field=field, kind=kind, detail=detail, severity=SEVERITY[kind])


def _is_marked_up(text: str) -> bool:
    return _MARKUP.search(text) is not None or not text.isprintable()


def _check_tldr(tldr: str, text: str, raw: str) -> Iterator[Finding]:
    line, is_english = spaced(tldr), reads_english(tldr)
    for number in _missing_numbers(line, text, raw, is_english=is_english):
        yield _finding("tldr", "number-not-in-text", number)
    for name in ungrounded_names(line, text):
        yield _finding("tldr", "name-not-in-text", name)
    if is_english and (shared := share_of_words(tldr, text)) < LEAST_SHARED and reads_english(text):
        yield _finding("tldr", "not-of-this-paper", f"{shared:.0%} of its words stand in the paper")
    if is_english and breaks_off(tldr):
        yield _finding("tldr", "unfinished", " ".join(tldr.split()[-3:]))
    if _is_marked_up(tldr):
        yield _finding("tldr", "markup", tldr)
    if _OPENING.match(tldr):
        yield _finding("tldr", "opening", " ".join(tldr.split()[:2]))
    if (words := word_count(tldr)) < MIN_TLDR_WORDS:
        yield _finding("tldr", "too-short", f"{words} words")


def _missing_numbers(line: str, text: str, raw: str, *, is_english: bool) -> tuple[str, ...]:
    missing = ungrounded_numbers(line, text)
    if missing:  # a formula's digits may be read off its source as well as off what a reader sees of it
        missing = ungrounded_numbers(line, raw)
    if missing and not is_english:
        missing = min(missing, ungrounded_numbers(in_other_notation(line), text), key=len)
    return missing


def _check_phrases(annotation: Annotation, text: str) -> Iterator[Finding]:
    for name in phrase_fields(type(annotation)):
        kind = "keyword-not-in-text" if name == "keywords" else "phrase-not-in-text"
        for phrase in getattr(annotation, name) or ():
            if _is_marked_up(phrase):
                yield _finding(name, "markup", phrase)
            elif not stands_in(phrase, text):
                yield _finding(name, kind, phrase)


def _check_code(paper: Paper, code: Code, text: str) -> Iterator[Finding]:
    ruled = read_code(paper.title, paper.abstract, paper.comment)
    if code.status != "none" and not (code.evidence and _quotes(code.evidence, text)):
        yield _finding("code.evidence", "evidence-not-in-text", code.evidence)
    elif code.status != "none" and code.evidence != ruled.evidence and not says_code(code.evidence):
        yield _finding("code.evidence", "evidence-not-of-code", code.evidence)
    if code.urls:
        standing = {canonical(found.url) for found in find_urls(text)}
        for url in code.urls:
            if canonical(url) not in standing or url not in {found.url for found in find_urls(url)}:
                yield _finding("code.urls", "url-not-in-text", url)
    if ruled.status != code.status:
        yield _finding("code.status", "rule-disagrees", f"{ruled.status} by rule, {code.status} said")


def _quotes(evidence: str, text: str) -> bool:
    """Tell whether the evidence stands word for word; line breaks of the source are no words."""
    return evidence in text or squash(evidence) in squash(text)

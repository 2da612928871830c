"""Compares an annotation with the paper's own words, and keeps back what does not stand there.

Pure and fast. What fails is dropped field by field, never the paper. Each kind of finding has one severity:

| kind | severity | what is wrong |
|---|---|---|
| `evidence-not-in-text` | withheld | the evidence is no exact quote of title, abstract or comment |
| `url-not-in-text` | withheld | a code URL does not stand in the paper's own text, after cleaning |
| `keyword-not-in-text` | withheld | a keyword does not stand there, letter case, hyphen and plural aside |
| `phrase-not-in-text` | withheld | a phrase of another such field does not stand there |
| `number-not-in-text` | withheld | a number, percentage or multiple of the TL;DR does not stand there |
| `name-not-in-text` | withheld | a name in the TL;DR (CamelCase, capitals, digits) does not stand there |
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
from broadsheet.availability import read_code
from broadsheet.markup import plain
from broadsheet.paper import Paper
from broadsheet.quantities import ungrounded_numbers
from broadsheet.schema import phrase_fields
from broadsheet.text import squash, stands_in
from broadsheet.urls import canonical, find_urls

_LITTLE = "a|an|and|as|at|by|for|from|in|is|its|of|on|or|our|that|the|their|this|to|via|we|with"

SEVERITY: MappingProxyType[str, Severity] = MappingProxyType(
    {
        "evidence-not-in-text": "withheld",
        "url-not-in-text": "withheld",
        "keyword-not-in-text": "withheld",
        "phrase-not-in-text": "withheld",
        "number-not-in-text": "withheld",
        "name-not-in-text": "withheld",
        "markup": "withheld",
        "rule-disagrees": "note",
        "opening": "note",
        "too-short": "note",
    }
)
"""Every kind of finding, and whether the claim is kept back for it."""

_OPENING = re.compile(r"(?:this (?:paper|work|study|article)|we|our|the (?:authors?|paper))\b", re.IGNORECASE)
_MARKUP = re.compile(r"https?://|www\.|[\\{}<>`]|\*\*|__|\$[^$]*\$|\]\(|^#")
# A word with a capital behind its first letter, or with a digit beside a letter: CrossQ, SWAP, GPT-4, top-1.
_NAME = re.compile(r"(?<![\w.])(?=[\w-]*[^\W\d_])[^\W_][\w-]*(?:[A-Z]|(?<=[^\W\d_])\d|(?<=-)\d)[\w-]*")

_DIMENSIONS = re.compile(r"\d+[x×]\d+(?:[x×]\d+)?")
_COMMON_ACRONYMS = frozenset(
    """
        AI ML RL NLP LLM LM VLM CNN RNN GNN GAN VAE MLP MoE RAG QA VQA OCR ASR GPU CPU TPU API SGD ODE
        SDE PDE MDP SOTA AP mAP IoU mIoU AUC FID BLEU ROUGE 2D 3D 4D
    """.split()  # noqa: SIM905 - words read best as words
)
"""What the field writes for words that everybody in it knows; the name of no method."""


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
        name: tuple(phrase for phrase in said if (name, phrase) not in wrong)
        for name in phrase_fields(type(annotation))
        if (said := getattr(annotation, name)) is not None
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
    missing = ungrounded_numbers(tldr, text)
    # A formula's digits may be read off its source as well as off what a reader sees of it.
    for number in ungrounded_numbers(tldr, raw) if missing else ():
        yield _finding("tldr", "number-not-in-text", number)
    for name in dict.fromkeys(_NAME.findall(tldr)):
        if not _is_named(name, text):
            yield _finding("tldr", "name-not-in-text", name)
    if _is_marked_up(tldr):
        yield _finding("tldr", "markup", tldr)
    if _OPENING.match(tldr):
        yield _finding("tldr", "opening", " ".join(tldr.split()[:2]))
    if len(tldr.split()) < MIN_TLDR_WORDS:
        yield _finding("tldr", "too-short", f"{len(tldr.split())} words")


def _is_named(name: str, text: str) -> bool:
    """Tell whether a name, or each part of a hyphenated one, stands in the text, in full or abbreviated."""
    parts = [
        part
        for part in name.split("-")
        if any(character.isupper() or character.isdigit() for character in part)
    ]
    return stands_in(name, text) or all(
        _DIMENSIONS.fullmatch(part) or stands_in(part, text) or _abbreviates(part, text) for part in parts
    )


def _abbreviates(acronym: str, text: str) -> bool:
    """Tell whether words that stand side by side, little ones aside, begin with the acronym's letters."""
    letters = acronym.removesuffix("s")
    if letters in _COMMON_ACRONYMS:
        return True
    if len(letters) < 3 or not (letters.isalpha() and letters.isupper()):
        return False
    words = (rf"(?!(?:{_LITTLE})\b){letter}\w{{2,30}}" for letter in letters)
    return re.search(r"\b" + rf"[\s-]+(?:(?:{_LITTLE})\s)?".join(words), text, re.IGNORECASE) is not None


def _check_phrases(annotation: Annotation, text: str) -> Iterator[Finding]:
    for name in phrase_fields(type(annotation)):
        kind = "keyword-not-in-text" if name == "keywords" else "phrase-not-in-text"
        for phrase in getattr(annotation, name) or ():
            if _is_marked_up(phrase):
                yield _finding(name, "markup", phrase)
            elif not stands_in(phrase, text):
                yield _finding(name, kind, phrase)


def _check_code(paper: Paper, code: Code, text: str) -> Iterator[Finding]:
    if code.status != "none" and not (code.evidence and _quotes(code.evidence, text)):
        yield _finding("code.evidence", "evidence-not-in-text", code.evidence)
    if code.urls:
        standing = {canonical(found.url) for found in find_urls(text)}
        for url in code.urls:
            if canonical(url) not in standing or url not in {found.url for found in find_urls(url)}:
                yield _finding("code.urls", "url-not-in-text", url)
    ruled = read_code(paper.title, paper.abstract, paper.comment).status
    if ruled != code.status:
        yield _finding("code.status", "rule-disagrees", f"{ruled} by rule, {code.status} said")


def _quotes(evidence: str, text: str) -> bool:
    """Tell whether the evidence stands word for word; line breaks of the source are no words."""
    return evidence in text or squash(evidence) in squash(text)

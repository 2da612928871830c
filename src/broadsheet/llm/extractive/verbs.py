"""The verbs found in abstracts, and the two forms that summaries use: `proposes` and `achieving`."""

from __future__ import annotations

import re

BASE_FORMS = frozenset(
    """
        achieve adapt add address adopt advocate aim align allow analyze analyse answer apply argue
        assess attain attempt augment benchmark bound bridge build calculate characterize check choose
        claim collect combine compare complement compose compute conclude conduct confirm conjecture
        consider construct contribute create decompose define deliver demonstrate deploy derive describe
        design detect develop devise discover discuss disentangle distill draw employ enable encode
        encourage enforce enhance ensure equip establish estimate evaluate examine exhibit exploit
        explore extend extract facilitate find fine-tune focus formalize formulate fuse generalize
        generate give guarantee highlight hypothesize identify illustrate implement improve incorporate
        increase infer initiate instantiate integrate introduce investigate learn leverage lower make
        match measure mitigate model modify obtain observe offer open optimize outline outperform
        overcome partition perform pinpoint pose present preserve prevent propose prove provide quantify
        question reach recover reduce reformulate relate relax release remove replace report resolve
        reveal revisit scale select show shed simplify simulate solve speed strive study suggest support
        surpass survey systematize tackle take test train transfer transform treat trace understand
        undertake unify unveil update use utilize validate verify view yield delve boost beat exceed cut
        save accelerate halve rival deliver retain maintain run require produce push set beat predict
        equip show employ eliminate avoid alleviate
    """.split()  # noqa: SIM905 - easier to read than a list
)

_IRREGULAR_PAST = {
    "found": "find", "showed": "show", "shown": "show", "built": "build", "took": "take", "gave": "give",
    "made": "make",
    "drew": "draw", "chose": "choose", "understood": "understand", "undertook": "undertake",
    "ran": "run", "got": "get",
}  # fmt: skip


_FINITE = frozenset(
    "is are was were can cannot may might will would should must could do does did has have had".split()  # noqa: SIM905
)


def has_verb(clause: str) -> bool:
    """Tell whether `clause` has a finite verb, or a word that may be one, after its first word."""
    words = [word.strip(',;:()"') for word in clause.split()[1:]]
    return any(word in _FINITE or bool(base_form(word)) for word in words)


def third_person(base: str) -> str:
    """Return `proposes` for `propose`, `studies` for `study`, `focuses` for `focus`."""
    if base.endswith(("s", "x", "z", "ch", "sh")):
        return base + "es"
    if base.endswith("y") and base[-2:-1] not in "aeiou":
        return base[:-1] + "ies"
    return base + "s"


def gerund(third: str) -> str:
    """Return `achieving` for `achieves`, `cutting` for `cuts`, or an empty string for an unknown verb."""
    base = base_form(third)
    if not base:
        return ""
    if base.endswith("e") and not base.endswith(("ee", "oe")):
        return base[:-1] + "ing"
    return base + (base[-1] if base in {"cut", "run", "get", "let", "set"} else "") + "ing"


def base_form(verb: str) -> str:
    """Return the base form of a known verb in the present or past tense, or an empty string."""
    verb = verb.lower()
    if verb in BASE_FORMS:
        return verb
    if verb in _IRREGULAR_PAST:
        return _IRREGULAR_PAST[verb]
    for ending, instead in (
        ("ies", "y"),
        ("ied", "y"),
        ("es", ""),
        ("s", ""),
        ("ed", ""),
        ("ed", "e"),
        ("d", ""),
    ):
        if verb.endswith(ending) and (base := verb[: -len(ending)] + instead) in BASE_FORMS:
            return base
    return ""


_JOINED = re.compile(
    r"(?P<join>,? (?:and|but|then|or)(?: (?:then|also|further|thus|\w{3,20}ly))? )(?P<verb>[a-z-]{3,15})"
    r"(?= (?:that|the|a|an|how|its|it|their|new|novel|several|two|three|whether|on|in|for|to|by|as|both"
    r"|this|these|[a-z]{4,20}) )"
)


def with_third_person(clause: str) -> str:
    """Put coordinated verbs into the third person too: `and show that` becomes `and shows that`."""
    return _JOINED.sub(
        lambda match: (
            match["join"] + (third_person(match["verb"]) if match["verb"] in _AFTER_AND else match["verb"])
        ),
        clause,
    )


# Verbs that are almost never nouns after "and".
_AFTER_AND = frozenset(
    """
        equip achieve reduce enable generalize allow require maintain preserve derive analyze apply
        argue conduct consider construct demonstrate derive develop devise discuss employ establish
        evaluate examine explore extend find formalize give identify illustrate improve incorporate
        introduce investigate leverage obtain observe propose prove provide reveal show suggest validate
        verify present outperform
    """.split()  # noqa: SIM905 - easier to read than a list
)


_COORDINATED = re.compile(
    r"(?P<join>,? (?:and|but|while)(?: (?:also|further|thus|\w{3,20}ly))? )(?P<verb>[a-z]{3,15}s)(?= )"
)


def with_gerund(clause: str) -> str:
    """Turn coordinated verbs into gerunds too: `and provides` becomes `and providing`."""
    return _COORDINATED.sub(
        lambda match: (
            match["join"]
            + (gerund(match["verb"]) if base_form(match["verb"]) in _AFTER_AND else match["verb"])
        ),
        clause,
    )

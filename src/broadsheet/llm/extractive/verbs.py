"""The verbs by which authors say what they did, in the third person, and the kind of statement each makes."""

from __future__ import annotations

from typing import Literal

Kind = Literal["introduces", "makes", "studies", "details", "claims", "states"]
TELLS_THE_WORK = frozenset[Kind]({"introduces", "makes", "studies"})
"""The kinds of statement that say what a paper is about."""

ACTS = """
    achieve adapt address adopt aim analyze annotate apply argue assess augment build calculate
    characterize collect combine compare conduct consider construct contribute create curate define delve
    demonstrate derive describe develop devise discover discuss emphasize employ enable enhance establish
    estimate evaluate examine expand explore extend find fine-tune formalize formulate generate highlight
    identify illustrate implement improve incorporate integrate introduce investigate learn leverage
    observe obtain offer optimize organize outline outperform perform present propose prove provide
    quantify recommend release reveal seek select show simulate suggest summarize survey tackle trace use
    uncover utilize validate verify
""".split()  # noqa: SIM905 - easier to read than a list
KNOWN_ACTS = frozenset(ACTS)
INTRODUCING = frozenset("propose introduce present describe offer contribute".split())  # noqa: SIM905
MAKING = frozenset("develop devise design build create construct".split())  # noqa: SIM905
_STUDYING = frozenset(
    """
        study investigate explore examine analyze evaluate compare revisit show prove establish argue
        demonstrate characterize survey review give discuss provide derive formalize formulate extend
        assess benchmark find measure probe reassess report test
    """.split()  # noqa: SIM905 - easier to read than a list
)


# Words behind "we" that are no verbs of one subject, and verbs with which no summary begins.
AUXILIARIES = frozenset(
    """
        a an the that both no not to in on of for and or with are have had has was were is can could
        may might must shall will would should did does
    """.split()  # noqa: SIM905 - easier to read than a list
)
UNTOLD = frozenset(
    "call encourage expect hope know make name note plan therefore think want wish believe".split()  # noqa: SIM905
)
_OTHER_ACTS = """
    attempt benchmark design focus measure model pretrain review revisit test train transform
""".split()  # noqa: SIM905 - the same
PAST = {
    "began": "begin",
    "built": "build",
    "chose": "choose",
    "drew": "draw",
    "found": "find",
    "gave": "give",
    "held": "hold",
    "made": "make",
    "went": "go",
    "kept": "keep",
    "led": "lead",
    "left": "leave",
    "met": "meet",
    "put": "put",
    "ran": "run",
    "saw": "see",
    "showed": "show",
    "shown": "show",
    "sought": "seek",
    "sent": "send",
    "spent": "spend",
    "taught": "teach",
    "took": "take",
    "won": "win",
    "wore": "wear",
    "wrote": "write",
} | {
    (
        verb + "d" if verb.endswith("e") else verb[:-1] + "ied" if verb[-2:] in {"dy", "fy"} else verb + "ed"
    ): verb
    for verb in (*ACTS, *_OTHER_ACTS)
}


def third_person(verb: str) -> str:
    """Return `proposes` for `propose`, `proposes` and `proposed`; empty if it is no verb of one subject."""
    if verb in AUXILIARIES:
        return ""
    if verb.endswith("s") and not verb.endswith(("ss", "us")):
        return verb
    base = PAST.get(verb, verb)
    if base.endswith("ed") and base not in {"need", "embed", "exceed"}:
        return ""
    if base.endswith(("s", "x", "z", "ch", "sh", "o")):
        return base + "es"
    return base[:-1] + "ies" if base.endswith("y") and base[-2] not in "aeiou" else base + "s"


def of_participle(participle: str) -> str:
    """Return `propose` for `proposing`, of verbs that authors use."""
    stem = participle.removesuffix("ing")
    is_whole = stem in KNOWN_ACTS | MAKING | {"employ", "exploit"} or stem.endswith("ss")
    return stem if is_whole else f"{stem}e"


def kind_of(third: str) -> Kind:
    """Return what a sentence does whose main verb is this one, in the third person."""
    if third in map(third_person, INTRODUCING):
        return "introduces"
    if third in map(third_person, MAKING):
        return "makes"
    return "studies" if third in map(third_person, _STUDYING) else "details"

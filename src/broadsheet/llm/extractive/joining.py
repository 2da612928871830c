"""Joins two sentences of an abstract by a semicolon.

What is new is followed by what it does or achieves, what is studied by what is found. Where a sentence is
short, what the next one says of the same thing follows, or what the authors did next.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from broadsheet.llm.extractive.emptiness import acts_little, tells_little
from broadsheet.llm.extractive.naming import GENERIC_NOUN, NOUN, place_of
from broadsheet.llm.extractive.rewriting import Statement
from broadsheet.llm.extractive.trimming import SURE, Cut
from broadsheet.llm.extractive.verbs import TELLS_THE_WORK, Kind
from broadsheet.quantities import numbers_in
from broadsheet.text import stems

_FEWEST_WORDS, _FEWEST_CUT = 5, 8
"""How many words another sentence may follow: of a sentence that is nearly whole, and of one that was cut."""
_ENOUGH = 24
"""With so many words a sentence says enough; what the next one says would be one thing too many."""
_LEAST_CUT = 0.3
RESULT = re.compile(
    r"\b(?:outperform|achiev|improv|surpass|reduc|state-of-the-art|faster|better|exceed|increas|boost)"
)
_FEWEST_STUDIED = 8
"""How many words say what is studied, so that a finding after them is understood."""
_SHORT = 3
"""Words of so many letters tell little."""
_FEWEST_ADDED = 5
"""What is shorter, and has no figure, adds nothing."""
_STEP = re.compile(
    r"(?:\w\S* ){0,3}(?:(?:starts|begins|proceeds) (?:by|with|from)\b|first |then |not only )|each "
)
"""A procedure's first step is no achievement, and the thing that comes of the procedure does not take it."""
_DATASET = re.compile(r"\b(?:benchmark|dataset|data set|corpus)\b")  # and no method that could "outperform"
_THE_RESULTS = re.compile(r"the (?:analysis|evaluation|experiments|findings|results) ")
_A_METHOD = re.compile(rf"\b(?:the|this) {NOUN} ")
_THE_METHOD = re.compile(rf"(?:the|this) (?:[\w-]+ ){{0,2}}?{NOUN} ")
_SUBJECT = re.compile(r"(?=\S*[A-Z])[^,;]{2,60}? is (?=an?\b)")
_NAMED = re.compile(r"\S*[A-Z]")
# "Proposes a filter" speaks of one thing, "Proposes a filter, two lenses and a lamp" of several.
_ONE_THING = re.compile(r"(?:[A-Z][a-z]+s |\S.{0,60}? is )(?:an?|the) (?!set |series |family |collection )")
_TO_ITS_NOUN = r"(?:(?!(?:by|for|from|in|of|on|that|to|which|with) )\S+ ){0,8}?"
_SAID = re.compile(r"(?:it|(?:the|this) (?:[\w-]+ ){0,2}?(?P<noun>[a-z]+)) (?P<predicate>.+)", re.DOTALL)
_NAMES_MORE = re.compile(
    r"(?:agents|algorithms|datasets|methods|models|networks|systems|variants) (?:[a-z]+ly )?"
    r"(?:achieve|are|can|demonstrate|exhibit|have|improve|outperform|perform|show|surpass)\b"
)
"""What goes on with the name: "Zebu models outperform others"."""
_NO_VERB = re.compile(
    r"(?:applied|based|built|combined|coupled|designed|driven|equipped|evaluated|fine-tuned|integrated|powered"
    r"|pre-?trained|tested|trained) (?:by|for|from|in|into|on|to|upon|with)\b"
)
"""A participle: "Zebu trained on herds sees stripes"."""
_STUDY = re.compile(
    r"(?:Carries out|Conducts|Gives|Offers|Performs|Presents|Provides|Reports) "
    r"(?:(?!(?:for|of|on|to)\b)\S+ ){0,6}"
    r"(?:analysis|assessment|comparison|evaluation|investigation|study)\b"
)
"""What is a study although its verb does not say so."""
_SEVERAL = re.compile(r"(?:,| and| with) (?:[a-z]+s )?(?:an?|the|two|three|its|another) |; ")


@dataclass(frozen=True, slots=True)
class Half:
    """A sentence that another may follow.

    Attributes:
        cut: What is left of it.
        form: What it was cut from.
        place: Which sentence of the abstract it is.
    """

    cut: Cut
    form: Statement
    place: int


@dataclass(frozen=True, slots=True)
class Addition:
    """What a sentence may add to one before it.

    Attributes:
        place: Which sentence of the abstract it is.
        kind: What it does.
        text: Its words, as they follow a semicolon.
        worth: How much it adds, if it follows at once.
        acts: Whether it opens with a verb of the authors'.
        is_step: Whether the abstract says "first" before it.
    """

    place: int
    kind: Kind
    text: str
    worth: float
    acts: bool
    is_step: bool


def joined(half: Half, addition: Addition, name: str, title: str) -> str:
    """Return a sentence and what a later one adds, or nothing where that may be said of another thing.

    Args:
        half: The first half.
        addition: The second half.
        name: The name that the paper gives its own work, or empty.
        title: The paper's title, which is read before.
    """
    too_short = addition.text.count(" ") < _FEWEST_ADDED - 1 and not numbers_in(addition.text)
    if addition.place <= half.place or too_short or _STEP.match(addition.text):
        return ""
    second = _next(half, addition, name)
    if not second and not half.form.is_half:
        studies = half.form.kind == "studies" or _STUDY.match(half.cut.text)
        found = studies and addition.kind == "claims"
        second = _found(half, addition) if found else _achieved(half, addition, name)
        if not second and name and place_of(name, title) >= 0:
            second = _of_the_titled(half, addition, name)
    return f"{half.cut.text}; {second}" if second and not _says_again(half.cut.text, second) else ""


def _says_again(text: str, second: str) -> bool:
    """Tell whether more than half of what is added was said."""
    added = {stem for stem in stems(second) if len(stem) > _SHORT}
    return 2 * len(added & {*stems(text)}) > len(added)


def may_be_followed(half: Half) -> bool:
    """Tell whether another sentence may follow: what it does is said, and nothing much was cut off."""
    least = _FEWEST_WORDS if half.cut.cost <= _LEAST_CUT else _FEWEST_CUT
    return (
        half.form.kind in TELLS_THE_WORK and half.cut.cost <= SURE and half.cut.text.count(" ") >= least - 1
    )


def _next(half: Half, addition: Addition, name: str) -> str:
    """Return what the next sentence says of what a short one introduces, or what was done besides."""
    if half.cut.text.count(" ") >= _ENOUGH or addition.is_step:
        return ""
    follows = addition.place == half.place + 1
    if addition.acts:
        return _done(half, addition)
    return _said_next(half.cut.text, addition.text, name) if follows else ""


def _done(half: Half, addition: Addition) -> str:
    first, again = (text.split(maxsplit=1)[0].lower() for text in (half.cut.text, addition.text))
    is_new = half.form.acts and again != first != "evaluates"
    return addition.text if is_new and not acts_little(addition.text) else ""


def _said_next(text: str, told: str, name: str) -> str:
    said = _SAID.match(told) if not _DATASET.search(text) or not RESULT.search(told) else None
    if not said or tells_little(said["predicate"]) or not _ONE_THING.match(text) or _SEVERAL.search(text):
        return ""
    is_work = _THE_METHOD.match(told) is not None
    is_dataset = _DATASET.search(text) is not None
    is_it = not said["noun"] or (is_work and not is_dataset and bool(name) and text.startswith(f"{name} is "))
    if is_it or re.match(rf"{_ONE_THING.pattern}{_TO_ITS_NOUN}{re.escape(said['noun'])}\b", text):
        return f"it {said['predicate']}"
    is_known = not is_dataset and (not name or place_of(name, text) >= 0)
    return told if is_work and is_known else ""


def _of_the_titled(half: Half, addition: Addition, name: str) -> str:
    """Return what is said of a thing that only the title names, as it follows a sentence on the work."""
    told, text = addition.text, half.cut.text
    if place_of(name, text) >= 0 or not told.startswith(f"{name} ") or half.form.kind == "studies":
        return ""
    is_work = GENERIC_NOUN.search(text) and not _is_another(text, name) and not _DATASET.search(text)
    return told if is_work and not tells_little(told.partition(" ")[2]) else ""


def _found(half: Half, addition: Addition) -> str:
    """Return a finding as it follows a study: not "finds a reason" for what nobody knows."""
    text, told = half.cut.text, addition.text
    leans = told.startswith(("it ", "the ")) and not _THE_RESULTS.match(told)
    leans = leans or _A_METHOD.search(told) is not None  # a study has none, or several
    is_unknown = _NAMED.match(told) and told.partition(" ")[0] not in text
    return "" if leans or is_unknown or text.count(" ") < _FEWEST_STUDIED - 1 else told


def _achieved(half: Half, addition: Addition, name: str) -> str:
    """Return what a thing achieves as it follows what the thing is."""
    text, told, rest = half.cut.text, addition.text, addition.text.partition(" ")[2]
    is_named = bool(name) and place_of(name, text) >= 0
    is_subject = is_named and told.startswith(f"{name} ")
    predicate = rest if is_subject or told.startswith("it ") else rest.partition(" ")[2]
    if (
        _NO_VERB.match(predicate)
        or tells_little(predicate)
        or (_DATASET.search(text) and RESULT.search(told))
    ):
        return ""
    if is_subject:
        return "" if _NAMES_MORE.match(predicate) else f"it {predicate}"
    # What is introduced without the name that the work has may be a part of it.
    called = is_named or (not name and GENERIC_NOUN.search(text))
    if not called or _DATASET.search(text) or _is_another(text, name):
        return ""
    is_near = addition.place == half.place + 1 or not told.startswith("this ")  # later it may be a part
    if is_named and is_near and _THE_METHOD.match(told) and text.startswith(f"{name} is "):
        return f"it {predicate}"
    return told if _is_of_the_same(text, addition, name if is_named else "") else ""


def _is_of_the_same(text: str, addition: Addition, name: str) -> bool:
    """Tell whether "it", "the filter" or a finding is surely of what a sentence introduces."""
    told, rest = addition.text, addition.text.partition(" ")[2]
    if _THE_RESULTS.match(told):
        return True
    if told.startswith("it "):
        return bool(RESULT.search(told) and _ONE_THING.match(text) and not _SEVERAL.search(text))
    if told.startswith("the "):  # but not "the Zebu filter": what it abbreviates was cut
        return not _NAMED.match(rest) or rest.split(maxsplit=1)[0] in text
    found = addition.kind == "claims" and not addition.acts and not told.startswith("this ")
    return found and bool(name) and place_of(name, told) >= 0


def _is_another(text: str, name: str) -> bool:
    """Tell whether a sentence says of something else than the paper's main work what it is."""
    subject = _SUBJECT.match(text)
    return subject is not None and name not in subject[0]

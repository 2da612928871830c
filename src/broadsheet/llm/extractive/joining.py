"""Joins two sentences of an abstract by a semicolon.

What is new is followed by what it does or achieves, what is studied by what is found. Where a sentence is
short, what the next one says of the same thing follows, or what the authors did next.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from broadsheet.annotation import MIN_TLDR_WORDS
from broadsheet.llm.extractive.naming import GENERIC_NOUN, NOUN
from broadsheet.llm.extractive.rewriting import Statement
from broadsheet.llm.extractive.verbs import Kind
from broadsheet.quantities import numbers_in

FIRST_HALF = {"introduces", "makes", "studies"}
"""What a sentence does that another may follow."""
RESULT = re.compile(
    r"\b(?:outperform|achiev|improv|surpass|reduc|state-of-the-art|faster|better|exceed|increas|boost)"
)
_FEWEST_STUDIED = 8
_FEWEST_ADDED = 5
_STEP = re.compile(
    r"(?:\w\S* ){0,3}(?:(?:starts|begins|proceeds) (?:by|with|from)\b|first |then |not only )|each "
)
"""A procedure's first step is no achievement, and the thing that comes of the procedure does not take it."""
_DATASET = re.compile(r"\b(?:benchmark|dataset|data set|corpus)\b")  # and no method that could "outperform"
_THE_METHOD = re.compile(rf"the {NOUN} ")
_SUBJECT = re.compile(r"(?=\S*[A-Z])[^,;]{2,60}? is (?=an?\b)")
_NAMED = re.compile(r"\S*[A-Z]")
# "Proposes a filter" speaks of one thing, "Proposes a filter, two lenses and a lamp" of several.
_ONE_THING = re.compile(r"(?:[A-Z][a-z]+s |\S.{0,60}? is )(?:an?|the) (?!set |series |family |collection )")
_SEVERAL = re.compile(r"(?:,| and| with) (?:an?|the|two|three|its|another) |; ")
_TELLS_LITTLE = re.compile(
    r"(?:aims?|conducts?|demonstrates (?:its|the)|evaluates|extends|highlights|hopes"
    r"|is (?:\w+ )?(?:available|evaluated|released|tested|validated)|organizes|outlines|performs"
    r"|releases|serves|validates|verifies)\b"
)


@dataclass(frozen=True, slots=True)
class Addition:
    """What a sentence may add to one before it.

    Attributes:
        place: Which sentence of the abstract it is.
        kind: What it does.
        text: Its words, as they follow a semicolon.
        worth: How much it adds.
        acts: Whether it opens with a verb of the authors'.
        is_step: Whether the abstract says "first" before it.
    """

    place: int
    kind: Kind
    text: str
    worth: float
    acts: bool
    is_step: bool


def joined(text: str, form: Statement, place: int, addition: Addition, name: str) -> str:
    """Return a sentence and what a later one adds, or nothing where that may be said of another thing.

    Args:
        text: The first half, without a full stop.
        form: What it was cut from.
        place: Which sentence of the abstract that is.
        addition: The second half.
        name: The name that the paper gives its own work, or empty.
    """
    if addition.place <= place or _STEP.match(addition.text):
        return ""
    if second := _goes_on(text, form, addition, follows=addition.place == place + 1):
        return f"{text}; {second}"
    if form.is_half:
        return ""
    found = form.kind == "studies" and addition.kind == "claims"
    second = _found(text, addition.text) if found else _achieved(text, addition.text, name)
    # A sentence that says enough is better whole than with a half that adds no figure.
    worthwhile = found or len(text.split()) < MIN_TLDR_WORDS or numbers_in(second)
    return f"{text}; {second}" if second and worthwhile else ""


def _goes_on(text: str, form: Statement, addition: Addition, *, follows: bool) -> str:
    """Return what the next sentence says of what a short one introduces, or what was done next."""
    enough = len(text.split()) >= MIN_TLDR_WORDS or len(addition.text.split()) < _FEWEST_ADDED
    if enough or addition.is_step or not follows:
        return ""
    if addition.acts:
        repeated = addition.text.split()[0].lower() == text.split(maxsplit=1)[0].lower()
        return addition.text if form.acts and not repeated and not _TELLS_LITTLE.match(addition.text) else ""
    if not _ONE_THING.match(text) or _SEVERAL.search(text):
        return ""
    subject, _, rest = addition.text.partition(" ")
    if subject in {"the", "this"}:
        noun, _, rest = rest.partition(" ")
        if not re.search(rf"\b{re.escape(noun)}\b", text):
            return ""
    elif subject != "it":
        return ""
    return "" if _TELLS_LITTLE.match(rest) else f"it {rest}"


def _found(text: str, addition: str) -> str:
    """Return a finding as it follows a study: not "finds a reason" for what nobody knows."""
    named = _NAMED.match(addition) and addition.partition(" ")[0] not in text
    return "" if named or addition.startswith("the ") or len(text.split()) < _FEWEST_STUDIED else addition


def _achieved(text: str, addition: str, name: str) -> str:
    """Return what a thing achieves as it follows what the thing is."""
    rest = addition.partition(" ")[2]
    if _DATASET.search(text) and RESULT.search(addition):
        return ""
    if name and addition.startswith(f"{name} ") and name in text:
        return f"it {addition[len(name) + 1 :]}"
    if _THE_METHOD.match(addition) and name and text.startswith(f"{name} is "):
        return f"it {rest.partition(' ')[2]}"
    called = GENERIC_NOUN.search(text) or (name and name in text)
    if not addition.startswith("the ") or _DATASET.search(text) or not called or _is_another(text, name):
        return ""
    # What it abbreviates was cut.
    return "" if _NAMED.match(rest) and rest.split()[0] not in text else addition


def _is_another(text: str, name: str) -> bool:
    """Tell whether a sentence says of something else than the paper's main work what it is."""
    subject = _SUBJECT.match(text)
    return subject is not None and name not in subject[0]

r"""Finds the numbers in a text and normalizes them, however they are written.

`3.18times`, `3.18x` and `3.18×` are the same number; so are `5%`, `5\%` and `five percent`, and `1,000` and
`1k`. Digits in a name do not count: `GPT-4`, `CIFAR-10`, `ImageNet-1K`, `ResNet50`, `3D`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import NamedTuple

_SPELLED = {
    word: str(value)
    for value, word in enumerate(
        """
        zero one two three four five six seven eight nine ten eleven twelve
        """.split()  # noqa: SIM905 - easier to read than a list
    )
}
_SPELLED |= {"twice": "2x", "thrice": "3x"}
_SPELLED |= dict.fromkeys(("double", "doubles", "doubled", "doubling", "twofold"), "2x")
_SPELLED |= dict.fromkeys(("triple", "triples", "tripled", "tripling", "threefold"), "3x")
_SPELLED |= {"fourfold": "4x", "fivefold": "5x", "tenfold": "10x"}
_SPELLED_WORD = re.compile(rf"\b(?:{'|'.join(_SPELLED)})\b", re.IGNORECASE)

_POWERS = {"k": 3, "thousand": 3, "m": 6, "million": 6, "b": 9, "billion": 9, "t": 12, "trillion": 12}
_POWERS |= dict.fromkeys("万萬만", 4) | dict.fromkeys("亿億억", 8)
_NUMBER = re.compile(
    r"""
    (?<!\w)[^\W\d_][\w.]{0,60}?[-_]?\d[\w.]*(?:-\w+)*            # the digits of a name: GPT-4, CIFAR-10
    | (?<![\w.])[2-6]-?D\b                                       # 3D
    | (?<![\w.])
      (?P<digits>\d{1,3}(?:,\d{3}(?!\d))+|\d{1,40})(?P<fraction>\.\d{1,40})?
      (?:
        [ ]?(?P<percent>%|(?:per[ ]?cent|percentage[ ]points?|pp)\b)
        | [ -]?(?P<multiple>[xX×](?!\w)|(?:times|fold)\b)
        | (?P<letter>[kKMBT])(?!\w)
        | [ -]?(?P<power>(?:thousand|million|billion|trillion)\b|[万萬만亿億억])
      )?
    """,
    re.VERBOSE,
)
_DIGIT = re.compile(r"\d")
_BARE_FRACTION = re.compile(r"\.(?<![\w.]\.)(?=\d)")
_BETWEEN = re.compile(r"\s?(?:[-–—~∼～]|--|to|and)\s?")
# A count in a name or beside a unit: ViT-85M, 85 M, 85m.
_ATTACHED = re.compile(r"(?<![\d.,])(\d{1,4}(?:\.\d{1,3})?) ?([kKmMbBT])(?![A-Za-z])")
_ROUNDED = re.compile(r"(?:\b(?:about|around|roughly|approximately|nearly|almost|over|than|some)|[~≈>]) ?$")
_GROUPED = re.compile(r"(?<=\d)[ \u202f'’](?=\d{3}(?!\d))")
_COMMA_FOR_POINT = str.maketrans(",.", ".,")
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")


class Quantity(NamedTuple):
    """A number found in a text.

    Attributes:
        value: Decimal digits without separators or trailing zeros, multiplied out: `1000`, `3.18`.
        unit: `%`, `x` (a multiple) or empty.
        words: The number as the text writes it.
    """

    value: str
    unit: str
    words: str


def numbers_in(text: str, *, spelled: bool = False) -> tuple[Quantity, ...]:
    """Return the numbers in `text`, in order, except digits that are part of a name.

    Args:
        text: Prose, plain or with markup.
        spelled: Whether to include words such as `one` to `twelve`, `twice` and `threefold`.
    """
    return tuple(_quantities(_digits_only(text, spelled=spelled)))


def ungrounded_numbers(claim: str, text: str) -> tuple[str, ...]:
    """Return the numbers in `claim`, as written there, that do not occur in `text`.

    A number without a unit matches the same value with any unit; `5%` and `5x` must match with their unit.
    A number that the claim calls approximate ("about 60%") matches one that it rounds. Numbers that the claim
    spells out are not checked, because they often count things that the text lists.
    """
    missing = numbers_in(claim)
    # Most numbers are written in digits, so number words in the text are parsed only if one is still missing.
    for spelled in (False, True):
        if missing:
            found = numbers_in(text, spelled=spelled)
            exact = {(number.value, number.unit) for number in found}
            values = {number.value for number in found}
            missing = tuple(
                number
                for number in missing
                if not ((number.value, number.unit) in exact if number.unit else number.value in values)
            )
    if missing:
        attached = {_value(digits, power) for digits, power in _ATTACHED.findall(text)}
        missing = tuple(
            number for number in missing if number.value not in attached and not _rounds(number, claim, found)
        )
    return tuple(number.words for number in missing)


def in_other_notation(claim: str) -> str:
    """Return the claim as English writes its numbers, where decimals have a comma: `1.000,5` is `1,000.5`."""
    return _GROUPED.sub("", claim).translate(_COMMA_FOR_POINT)


def _rounds(number: Quantity, claim: str, found: Iterable[Quantity]) -> bool:
    """Tell whether the claim calls the number approximate and a more exact one stands in the text."""
    if not _ROUNDED.search(claim, 0, claim.find(number.words)):
        return False
    unit = Decimal(1).scaleb(-len(number.value.partition(".")[2]))
    return any(
        other.unit == number.unit
        and len(other.value) > len(number.value)
        and "." in other.value
        and abs(Decimal(other.value) - Decimal(number.value)) < unit
        for other in found
    )


def _digits_only(text: str, *, spelled: bool) -> str:
    if not text.isascii():
        text = text.translate(_SUPERSCRIPTS)
    text = text.replace("\\", "").replace("$", "").replace("{,}", ",")
    text = _BARE_FRACTION.sub("0.", text)
    return _SPELLED_WORD.sub(lambda match: _SPELLED[match[0].lower()], text) if spelled else text


def _quantities(text: str) -> Iterator[Quantity]:
    pending: re.Match[str] | None = None
    for match in _matches(text):
        if match["digits"] is None:
            continue
        if pending is not None:
            yield _quantity(pending, _borrowed_unit(text, pending, match))
        pending = match
    if pending is not None:
        yield _quantity(pending, _unit(pending))


def _matches(text: str) -> Iterator[re.Match[str]]:
    """Yield the matches of `_NUMBER`; skip ahead to words with digits first, since most have none."""
    position = 0
    while digit := _DIGIT.search(text, position):
        word = text.rfind(" ", position, digit.start()) + 1
        match = _NUMBER.search(text, max(position, word))
        if match is None:
            return
        yield match
        position = match.end()


def _unit(match: re.Match[str]) -> str:
    return "%" if match["percent"] else "x" if match["multiple"] else ""


def _borrowed_unit(text: str, match: re.Match[str], following: re.Match[str]) -> str:
    """Return the unit of a number; the first number of a range such as 10-20% takes the second's unit."""
    in_range = _BETWEEN.fullmatch(text[match.end() : following.start()]) is not None
    return _unit(match) or (_unit(following) if in_range else "")


def _quantity(match: re.Match[str], unit: str) -> Quantity:
    digits = match["digits"].replace(",", "") + (match["fraction"] or "")
    return Quantity(_value(digits, match["letter"] or match["power"]), unit, match[0])


def _value(digits: str, power: str | None) -> str:
    value = format(Decimal(digits).scaleb(_POWERS[power.lower()] if power else 0), "f")
    return value.rstrip("0").rstrip(".") if "." in value else value

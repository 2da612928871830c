"""Reads the values of fields: text, names of people, dates and counts in the forms that files use."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from itertools import groupby
from typing import Any

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = rf"(?P<name>{'|'.join(_MONTHS)})[a-z]{{0,6}}\.?"
_DATES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"^(?P<year>\d{4})[-/](?P<month>\d)(?:[-/](?P<day>\d{1,2}))?(?!\d)",  # 2017-6-2
        r"^(?P<year>\d{4})(?:[-/]?(?P<month>\d{2})(?:[-/]?(?P<day>\d{2}))?)?(?!\d)",  # 2017, 2017/06/12/
        rf"\b(?P<day>\d{{1,2}})[ -]{_MONTH}[ -](?P<year>\d{{4}})\b",  # 12 June 2017, Mon, 12 Jun 2017 10:00
        rf"\b{_MONTH} (?P<day>\d{{1,2}})(?:st|nd|rd|th)?,? (?P<year>\d{{4}})\b",  # June 12, 2017
        rf"\b{_MONTH},? (?P<year>\d{{4}})\b",  # June 2017
        r"^(?P<month>\d{1,2})/(?P<year>\d{4})$",  # 06/2017
    )
)
_SUFFIX = re.compile(r"(?:jr|sr|[IVX]+|ph\.? ?d|m\.? ?d)\.?", re.IGNORECASE)


class Unreadable(ValueError):  # noqa: N818 - the state is the name
    """A record that is not a paper; the message is a clause such as "it has no title"."""


def value_at(record: Any, path: str) -> Any:
    """Return the value of a field, or of a field inside it if the path has dots; None if there is none.

    ``content.title.value`` goes down objects, ``urls.0`` into a list, and ``authors.name`` through a list,
    of whose objects it returns the list of values.
    """
    if isinstance(record, Mapping):
        if path in record:
            return record[path]
        name, dot, rest = path.partition(".")
        return value_at(record.get(name), rest) if dot else None
    if isinstance(record, list):
        index, _, rest = path.partition(".")
        if index.isdecimal():
            member = record[int(index)] if int(index) < len(record) else None
            return value_at(member, rest) if rest else member
        return [value for member in record if (value := value_at(member, path)) is not None] or None
    return None


def text(value: Any) -> str:
    """Return a string, number or list of strings as text, in which single line breaks are spaces.

    Raises:
        Unreadable: The value is anything else.
    """
    if value is None:
        return ""
    if isinstance(value, str):
        # JSON can contain lone surrogates, which cannot be stored as UTF-8.
        clean = value.encode("utf-8", errors="replace").decode().replace("\x00", "")
        if "\n" in clean:
            lines = [part.strip() for part in clean.split("\n")]
            return "\n\n".join(" ".join(group) for has_text, group in groupby(lines, key=bool) if has_text)
        return clean.strip()
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return text(" ".join(value))
    raise Unreadable(f"it has {str(value)[:40]!r} where text was expected")


def line(value: Any) -> str:
    """Return a value, or the first of a list, as one line of text."""
    return " ".join(text(next(iter(value), None) if isinstance(value, list) else value).split())


def people(value: Any) -> tuple[str, ...]:
    """Return the names in a list of strings or named objects, or in a string with "and", ";" or ","."""
    if isinstance(value, str):
        value = re.sub(r"\([^()]*\)", "", value)  # arXiv's affiliations
        value = re.split(r";" if ";" in value else r",\s*and\s|\sand\s|,", value)
    if not isinstance(value, (list, tuple)):
        return ()
    names = (author.get("name") if isinstance(author, Mapping) else author for author in value)
    return tuple(
        _first_name_first(clean) for name in names if isinstance(name, str) and (clean := line(name))
    )


def _first_name_first(name: str) -> str:
    """Return ``Bo Sample`` for ``Sample, Bo``; a suffix comes last, wherever it stands."""
    if "," not in name:
        return name
    last, *rest = (part.strip() for part in name.split(","))
    suffix = [part for part in rest if _SUFFIX.fullmatch(part)]
    first = [part for part in rest if part not in suffix]
    return " ".join((*first, last, *suffix)).strip() if len(first) == 1 else name.strip()


def date_in(value: Any) -> date | None:
    """Parse a date as ISO 8601, in words, or as ``date-parts``; a year or month gives its first day.

    Anything else gives None.
    """
    if isinstance(value, date):
        return date(value.year, value.month, value.day)
    if isinstance(value, Mapping):
        parts = value_at(value, "date-parts.0")
        return (
            _date(*parts[:3])
            if isinstance(parts, list) and parts
            else date_in(value.get("raw") or value.get("literal"))
        )
    written = str(value or "").strip()
    for pattern in _DATES:
        if match := pattern.search(written):
            found = match.groupdict()
            month = _MONTHS.index(found["name"].lower()) + 1 if found.get("name") else found.get("month")
            return _date(found["year"], month or 1, found.get("day") or 1)
    return None


def date_of_milliseconds(value: Any) -> date | None:
    """Return the UTC day of a time in milliseconds since 1970, or None."""
    try:
        return datetime.fromtimestamp(value / 1000, UTC).date()
    except (TypeError, ValueError, OverflowError, OSError):
        return None


def count(value: Any) -> int | None:
    """Return the value if it is a non-negative integer that fits into SQLite, else None."""
    if isinstance(value, str) and value.strip().isdecimal():
        value = int(value.strip()[:20])
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63
    return value if is_count else None


def _date(year: Any, month: Any = 1, day: Any = 1) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except (TypeError, ValueError, OverflowError):
        return None

"""Writes the tables of README.md and of docs/ that are projections of the code; tests fail if stale.

usage: .venv/bin/python scripts/update_readme.py
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel

from broadsheet.annotation import Annotation
from broadsheet.config import Settings
from broadsheet.delivery_settings import MailSettings
from broadsheet.schema import shown_fields
from broadsheet.sources.records import NAMES
from broadsheet.worker_settings import WorkerSettings

README = Path(__file__).parents[1] / "README.md"


def fields() -> str:
    """The fields of an annotation, those of nested models on lines of their own."""
    labels = {shown.name: shown.show.label for shown in shown_fields()}
    rows = ["| field | shown as | what |", "|---|---|---|"]
    for name, field in Annotation.model_fields.items():
        rows.append(f"| `{name}` | {labels.get(name, '')} | {field.description} |")
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            rows += [
                f"| `{name}.{inner}` | | {part.description or _choice(part.annotation)} |"
                for inner, part in field.annotation.model_fields.items()
            ]
    return "\n".join(rows)


def _choice(type_: Any) -> str:
    """The values of a field that needs no other words."""
    *others, last = (f"`{value}`" for value in get_args(type_))
    return f"{', '.join(others)} or {last}"


def settings() -> str:
    """The settings, with their variables and defaults."""
    rows = ["| key | variable | default | what |", "|---|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = "" if field.default_factory or field.default is None else f"`{field.default}`"
        rows.append(f"| `{name}` | `BROADSHEET_{name.upper()}` | {default} | {field.description} |")
    return "\n".join(rows)


def mail() -> str:
    """The keys of ``[mail]``, with their defaults."""
    rows = ["| key | default | what |", "|---|---|---|"]
    for name, field in MailSettings.model_fields.items():
        default = "" if field.is_required() or field.default in {None, ""} else f"`{field.default}`"
        rows.append(f"| `{field.alias or name}` | {default} | {field.description} |")
    return "\n".join(rows)


def worker() -> str:
    """The keys of ``[worker]``, with their defaults."""
    rows = ["| key | default | what |", "|---|---|---|"]
    for name, field in WorkerSettings.model_fields.items():
        default = "" if field.is_required() or field.default in {None, ""} else f"`{field.default}`"
        default = default.replace("`06:30:00`", '`"06:30"`')
        rows.append(f"| `{name}` | {default} | {field.description} |")
    return "\n".join(rows)


def names() -> str:
    """The fields that ``--map`` takes."""
    return ", ".join(f"`{name}`" for name in NAMES)


MAIL = Path(__file__).parents[1] / "docs" / "mail.md"
TABLES = {"fields": fields, "settings": settings, "map": names}
MAIL_TABLES = {"mail": mail}
SCHEDULE = MAIL.with_name("schedule.md")
SCHEDULE_TABLES = {"worker": worker}


def updated(text: str, tables: Mapping[str, Callable[[], str]] = TABLES) -> str:
    """The text with each table between its markers made anew."""
    for name, table in tables.items():
        begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
        before, rest = text.split(begin)
        _, after = rest.split(end)
        text = f"{before}{begin}\n\n{table()}\n\n{end}{after}"
    return text


if __name__ == "__main__":
    README.write_text(updated(README.read_text(encoding="utf-8")), encoding="utf-8")
    MAIL.write_text(updated(MAIL.read_text(encoding="utf-8"), MAIL_TABLES), encoding="utf-8")
    SCHEDULE.write_text(updated(SCHEDULE.read_text(encoding="utf-8"), SCHEDULE_TABLES), encoding="utf-8")
    print(f"{README.name} and {MAIL.name} are up to date")

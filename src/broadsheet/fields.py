"""Fields beyond the core of `Annotation`: declared in ``annotation.py``, or by a user in ``fields.toml``.

`annotation_model` is the class that everything else projects: JSON Schema, columns, records, pages. Whatever
is not core may stay unsaid (None), so no paper is lost to an engine without a rule for it, or to a model that
leaves it out. A user's field is declared like this:

    [audience]
    choices = ["practitioner", "researcher"]
    description = "Who can use it"
    show = "badge"
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Annotated, Any, Literal, Optional, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, create_model, model_validator

from broadsheet import annotation as declarations
from broadsheet.annotation import CORE, Annotation, FilledText, InText, Phrases, Place, Show
from broadsheet.errors import ConfigError, plain_reason
from broadsheet.toml_file import parse_toml

FieldType = Literal["text", "phrases", "yes-no", "choice"]
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_TAKEN = frozenset(
    {"id", "title", "abstract", "authors", "url", "published", "first_seen", "source", "findings"}
    | {"engine", "model", "prompt", "annotated_at", "key", "paper_id", "content_hash", "schema", "reply_id"}
    | {"title_key", "comment", "arxiv_id", "version", "doi", "local_id", "votes", "current_key", "rowid"}
    | {"admitted_at", "revised_at", "failure", "ref", "echo", "papers"}
)
"""Names of a record's other keys, of other columns read with the fields, and of a reply's other keys."""


class UserField(BaseModel):
    """One table of ``fields.toml``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    type: FieldType
    choices: tuple[FilledText, ...] = ()
    description: FilledText
    label: str = ""
    show: Place = "line"

    @model_validator(mode="before")
    @classmethod
    def _choices_make_a_choice(cls, values: dict[str, Any]) -> dict[str, Any]:
        return {"type": "choice", **values} if "choices" in values else values

    @model_validator(mode="after")
    def _choices_belong_to_a_choice(self) -> Self:
        if (self.type == "choice") != bool(self.choices):
            raise ValueError('choices = ["one", "another"] make a choice, and no other type takes them')
        return self

    def definition(self) -> tuple[Any, Any]:
        """Return type and default as `pydantic.create_model` takes them."""
        show = Show(self.label or self.name.replace("_", " ").capitalize(), at=self.show)
        types: Mapping[FieldType, Any] = {
            "text": FilledText | None,
            "yes-no": bool | None,
            "choice": Optional[Literal[self.choices or ("",)]],  # noqa: UP045 - mypy takes no | here
            "phrases": Phrases | None,
        }
        return Annotated[types[self.type], show], Field(None, description=self.description)


def parse(text: str, name: str = "fields.toml") -> tuple[UserField, ...]:
    """Read a user's declarations.

    Args:
        text: TOML, a table for each field.
        name: What to call the file in an error.

    Raises:
        ConfigError: It is no TOML, or a field has a name that is taken, an unknown type or no description.
    """
    return tuple(_user_field(field, table, name) for field, table in parse_toml(text, name).items())


def _user_field(field: str, table: Any, file: str) -> UserField:
    if not isinstance(table, dict):
        raise ConfigError(f"{file} has {field!r} outside a table; write [{field}] above its settings.")
    if not _NAME.fullmatch(field) or keyword.iskeyword(field) or field.startswith("model_"):
        raise ConfigError(
            f"{file}: write the field {field!r} in lower-case letters, digits and _, with a letter first."
        )
    if field in _TAKEN or field in declarations.Annotation.model_fields:
        raise ConfigError(f"{file}: the name {field!r} is taken; choose another for your field.")
    try:
        return UserField(name=field, **table)
    except (ValidationError, TypeError) as error:
        detail = error.errors()[0] if isinstance(error, ValidationError) else {"loc": ()}
        where = ".".join(map(str, detail["loc"])) or "it"
        why = plain_reason(detail) if "type" in detail else "it must be a table of names and values"
        raise ConfigError(
            f"{file}: [{field}] cannot be used ({where}: {why}); it takes type"
            f" ({', '.join(get_args(FieldType))}) or choices, and description, label and show."
        ) from error


def annotation_model(user_fields: tuple[UserField, ...] = ()) -> type[Annotation]:
    """Return `Annotation` with the user's fields, everything beyond the core optional.

    Without such fields it is `Annotation` itself.
    """
    return _model(declarations.Annotation, user_fields)


@lru_cache(maxsize=64)
def _model(base: type[Annotation], user_fields: tuple[UserField, ...]) -> type[Annotation]:
    fields = {name: field for name, field in base.model_fields.items() if name not in CORE}
    optional: dict[str, Any] = {}
    for name, field in fields.items():
        if field.is_required():
            type_: Any = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
            marks = [mark for mark in field.metadata if isinstance(mark, Show | InText)]
            optional[name] = (Annotated[type_ | None, *marks], Field(None, description=field.description))
    optional |= {field.name: field.definition() for field in user_fields}
    return create_model("Annotation", __base__=base, **optional) if optional else base


def read_annotation(model: type[Annotation], values: Mapping[str, Any]) -> Annotation:
    """Return an annotation that was stored as JSON, without what the present declarations do not allow.

    An old edition may hold a choice that a user has since dropped.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        wrong = {str(part["loc"][0]) for part in error.errors()} - set(CORE)
        if not wrong:
            raise
        return read_annotation(model, {name: value for name, value in values.items() if name not in wrong})


def dump(fields: tuple[UserField, ...]) -> Iterator[tuple[str, str]]:
    """Yield each field's name and its declaration as JSON, for the cache."""
    for field in fields:
        yield field.name, field.model_dump_json()


def load(declared: Iterator[str]) -> tuple[UserField, ...]:
    """Return the fields of declarations that `dump` wrote."""
    adapter = TypeAdapter(UserField)
    return tuple(adapter.validate_json(text) for text in declared)

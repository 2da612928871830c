"""Projections of `Annotation`, all pure: JSON Schema, database columns, order of display, docs table."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from broadsheet.annotation import Annotation, InFacet, Show
from broadsheet.hashing import short_hash
from broadsheet.taxonomy import Taxonomy

JSON = Any
ECHO_WORDS = 3


def reply_schema(taxonomy: Taxonomy) -> dict[str, JSON]:
    """JSON Schema of one reply, in the subset that strict structured output accepts.

    The reply is ``{"papers": [record, …]}``; a record is an annotation preceded by ``ref`` (``P1``, ``P2`` …)
    and ``echo`` (the first words of the title), by which a swapped, doubled or invented record is caught.
    Every property is required, no other is allowed, and no length keyword is used: providers differ on which
    they enforce, so lengths are checked by `Annotation`.
    """
    record = {
        "ref": {"type": "string"},
        "echo": {"type": "string", "description": f"First {ECHO_WORDS} words of the title"},
        **{name: _field_schema(field, taxonomy) for name, field in Annotation.model_fields.items()},
    }
    return _object({"papers": {"type": "array", "items": _object(record)}})


def echo_of(title: str) -> str:
    """What a record must echo of its paper: the first words of the title."""
    return " ".join(title.split()[:ECHO_WORDS])


def schema_id(taxonomy: Taxonomy) -> str:
    """Hash of the reply schema: an annotation made under another is stale."""
    return short_hash(json.dumps(reply_schema(taxonomy), sort_keys=True))


def _object(properties: dict[str, JSON]) -> dict[str, JSON]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _field_schema(field: FieldInfo, taxonomy: Taxonomy) -> dict[str, JSON]:
    projected = _type_schema(field.annotation, taxonomy, tuple(field.metadata))
    return {**projected, "description": field.description} if field.description else projected


_SCALARS = {str: "string", bool: "boolean", int: "integer", float: "number"}


def _type_schema(type_: Any, taxonomy: Taxonomy, metadata: tuple[Any, ...] = ()) -> dict[str, JSON]:
    if get_origin(type_) is Annotated:
        inner, *more = get_args(type_)
        return _type_schema(inner, taxonomy, (*metadata, *more))
    facet = next((mark for mark in metadata if isinstance(mark, InFacet)), None)
    if facet:
        return {"type": "string", "enum": list(facet.ids(taxonomy))}
    if type_ in _SCALARS:
        return {"type": _SCALARS[type_]}
    if get_origin(type_) is tuple:
        return {"type": "array", "items": _type_schema(get_args(type_)[0], taxonomy)}
    if isinstance(type_, type) and issubclass(type_, BaseModel):
        return _object({name: _field_schema(field, taxonomy) for name, field in type_.model_fields.items()})
    if get_origin(type_) is Literal:
        return {"type": "string", "enum": list(get_args(type_))}
    raise TypeError(f"no projection for the type {type_!r}; add one to schema.py")


@dataclass(frozen=True, slots=True)
class Column:
    """One database column of the annotations table.

    Attributes:
        name: Field names joined by ``_``, such as ``code_status``.
        path: The field names that lead to the value, such as ``("code", "status")``.
        empty: The empty value of its type, such as ``""`` or ``()``. A text is stored as it is, any other
            type as JSON.
    """

    name: str
    path: tuple[str, ...]
    empty: str | bool | float | tuple[()]

    def store(self, value: Any) -> str:
        """The value as the column holds it."""
        return value if isinstance(self.empty, str) else json.dumps(value, ensure_ascii=False)

    def load(self, stored: str | None) -> Any:
        """The value that `store` was given; the empty one where an older version had no such column."""
        if stored is None:
            return self.empty
        if isinstance(self.empty, str):
            return stored
        value = json.loads(stored)
        return tuple(value) if isinstance(value, list) else value


@cache
def columns() -> tuple[Column, ...]:
    """The columns that hold an annotation, nested models laid flat."""
    return tuple(_columns_of(Annotation, ()))


def _columns_of(model: type[BaseModel], path: tuple[str, ...]) -> Iterator[Column]:
    for name, field in model.model_fields.items():
        type_ = field.annotation
        if isinstance(type_, type) and issubclass(type_, BaseModel):
            yield from _columns_of(type_, (*path, name))
        else:
            yield Column("_".join((*path, name)), (*path, name), _empty(type_))


def _empty(type_: Any) -> Any:
    if get_origin(type_) is tuple:
        return ()
    return type_() if type_ in _SCALARS else ""


def to_row(annotation: Annotation) -> dict[str, str]:
    """The annotation as column values, all of them text."""
    row = {}
    for column in columns():
        value: Any = annotation
        for name in column.path:
            value = getattr(value, name)
        row[column.name] = column.store(value)
    return row


def from_row(row: Mapping[str, Any]) -> Annotation:
    """The annotation that `to_row` wrote.

    A column that an older version did not have reads as null and becomes the empty value of its type; rows
    are not validated again, since only validated annotations are written.
    """
    values = _laid_out(lambda column: column.load(row[column.name]))
    annotation: Annotation = _construct(Annotation, values)
    return annotation


def _laid_out(value_of: Callable[[Column], Any]) -> dict[str, Any]:
    """A value for each column, nested as the fields are."""
    values: dict[str, Any] = {}
    for column in columns():
        target = values
        for name in column.path[:-1]:
            target = target.setdefault(name, {})
        target[column.path[-1]] = value_of(column)
    return values


def unsaid() -> dict[str, JSON]:
    """An annotation's fields with nothing said in any of them: the empty values of their types, as JSON."""
    return _construct(Annotation, _laid_out(lambda column: column.empty)).model_dump(mode="json")  # type: ignore[no-any-return]


def _construct(model: Any, values: dict[str, Any]) -> Any:
    fields = {
        name: _construct(model.model_fields[name].annotation, value) if isinstance(value, dict) else value
        for name, value in values.items()
    }
    return model.model_construct(**fields)


@dataclass(frozen=True, slots=True)
class ShownField:
    """A field of the annotation with how it is shown."""

    name: str
    show: Show
    description: str


@cache
def shown_fields() -> tuple[ShownField, ...]:
    """The annotation's fields in order of display, those shown nowhere left out."""
    return tuple(
        ShownField(name, mark, field.description or "")
        for name, field in Annotation.model_fields.items()
        for mark in field.metadata
        if isinstance(mark, Show) and mark.at != "nowhere"
    )

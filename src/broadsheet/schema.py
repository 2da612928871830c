"""Projections of an annotation's class, all pure: JSON Schema, database columns, order of display."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from broadsheet.annotation import CORE, Annotation, InFacet, InText, NotAsked, NullFor, Show
from broadsheet.hashing import short_hash
from broadsheet.taxonomy import Taxonomy

JSON = Any
ECHO_WORDS = 2
"""In requests of ten, 12 of 9,825 papers of real days share the first two words with another, 10 the first
three."""


def reply_schema(taxonomy: Taxonomy, model: type[Annotation] = Annotation) -> dict[str, JSON]:
    """Return the JSON Schema of one reply, in the subset that strict structured output accepts.

    The reply is ``{"papers": [record, …]}``; a record is an annotation preceded by ``ref`` (1, 2 …) and
    ``echo`` (the first words of the title), by which a swapped, doubled or invented record is caught.
    Every property is required, no other is allowed, and no length keyword is used: providers differ on which
    they enforce, so lengths are checked by `Annotation`. Null stands for a field that may stay unsaid, or for
    a commonest value (`NullFor`).
    """
    record = {
        "ref": {"type": "integer"},
        "echo": {"type": "string", "description": f"First {ECHO_WORDS} words of the title"},
        **{name: _field_schema(field, taxonomy) for name, field in model.model_fields.items()},
    }
    return _object({"papers": {"type": "array", "items": _object(record)}})


def echo_of(title: str) -> str:
    """Return what a record must echo of its paper: the first words of the title."""
    return " ".join(title.split()[:ECHO_WORDS])


def schema_id(taxonomy: Taxonomy, model: type[Annotation] = Annotation) -> str:
    """Return the hash of the reply schema: an annotation made under another is stale."""
    return short_hash(json.dumps(reply_schema(taxonomy, model), sort_keys=True))


def _object(properties: dict[str, JSON]) -> dict[str, JSON]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _field_schema(field: FieldInfo, taxonomy: Taxonomy) -> dict[str, JSON]:
    projected = _type_schema(field.annotation, taxonomy, tuple(field.metadata))
    unasked = {mark.choice for mark in field.metadata if isinstance(mark, NotAsked)}
    if unasked:
        projected["enum"] = [choice for choice in projected["enum"] if choice not in unasked]
    if any(isinstance(mark, NullFor) for mark in field.metadata):
        projected = {"anyOf": [projected, {"type": "null"}]}
    return {**projected, "description": field.description} if field.description else projected


_SCALARS = {str: "string", bool: "boolean", int: "integer", float: "number"}


def _type_schema(type_: Any, taxonomy: Taxonomy, metadata: tuple[Any, ...] = ()) -> dict[str, JSON]:
    if get_origin(type_) is Annotated:
        inner, *more = get_args(type_)
        return _type_schema(inner, taxonomy, (*metadata, *more))
    if (inner := said_type(type_)) is not type_:
        return {"anyOf": [_type_schema(inner, taxonomy, metadata), {"type": "null"}]}
    facet = next((mark for mark in metadata if isinstance(mark, InFacet)), None)
    if facet:
        return {"type": "string", "enum": list(facet.ids(taxonomy))}
    if get_origin(type_) is tuple:
        return {"type": "array", "items": _type_schema(get_args(type_)[0], taxonomy)}
    if isinstance(type_, type) and issubclass(type_, BaseModel):
        return _object({name: _field_schema(field, taxonomy) for name, field in type_.model_fields.items()})
    return _scalar_schema(type_)


def _scalar_schema(type_: Any) -> dict[str, JSON]:
    if type_ in _SCALARS:
        return {"type": _SCALARS[type_]}
    if get_origin(type_) is Literal:
        return {"type": "string", "enum": list(get_args(type_))}
    raise TypeError(f"no projection for the type {type_!r}; add one to schema.py")


def said_type(type_: Any) -> Any:
    """Return the type of a value that is there: ``X`` of ``X | None``, else the type itself."""
    if get_origin(type_) in {Union, UnionType}:
        types = [part for part in get_args(type_) if part is not NoneType]
        return types[0] if len(types) == 1 else type_
    return type_


def _plain(type_: Any) -> Any:
    """Return the type of a value that is there, without its marks."""
    inner = said_type(type_)
    return _plain(get_args(inner)[0]) if get_origin(inner) is Annotated else inner


@cache
def phrase_fields(model: type[Annotation]) -> tuple[str, ...]:
    """Return the fields whose phrases must stand in the paper's own text."""
    return tuple(name for name, field in model.model_fields.items() if _is_in_text(field))


def _is_in_text(field: FieldInfo) -> bool:
    inner = said_type(field.annotation)
    marks = (*field.metadata, *(get_args(inner)[1:] if get_origin(inner) is Annotated else ()))
    return any(isinstance(mark, InText) for mark in marks)


@dataclass(frozen=True, slots=True)
class Column:
    """One database column of the annotations table.

    Attributes:
        name: Field names joined by ``_``, such as ``code_status``.
        path: The field names that lead to the value, such as ``("code", "status")``.
        empty: The value where an older version had no such column: the empty one of its type, such as ``""``
            or ``()``, and None for what may stay unsaid.
        is_text: Whether it holds text as it is; any other type is stored as JSON.
    """

    name: str
    path: tuple[str, ...]
    empty: str | bool | float | tuple[()] | None
    is_text: bool

    def store(self, value: Any) -> str | None:
        """Return the value as the column holds it."""
        if value is None or self.is_text:
            return value  # type: ignore[no-any-return]
        return json.dumps(value, ensure_ascii=False)

    def load(self, stored: str | None) -> Any:
        """Return the value that `store` was given.

        Raises:
            ValueError: A core field holds what Broadsheet never writes there.
        """
        if stored is None or self.is_text:
            return self.empty if stored is None else stored
        is_core = self.path[0] in CORE
        try:
            value = json.loads(stored)
        except (ValueError, RecursionError):
            if is_core:
                raise
            return self.empty  # written when the field was of another type
        if is_core and not isinstance(value, list):
            raise ValueError(f"{self.name} is no list")
        return tuple(value) if isinstance(value, list) else value


@cache
def columns(model: type[Annotation] = Annotation) -> tuple[Column, ...]:
    """Return the columns that hold an annotation, nested models laid flat."""
    return tuple(_columns_of(model, (), optional=False))


def _columns_of(model: type[BaseModel], path: tuple[str, ...], *, optional: bool) -> Iterator[Column]:
    for name, field in model.model_fields.items():
        type_, may_be_none = (
            _plain(field.annotation),
            optional or said_type(field.annotation) is not field.annotation,
        )
        if isinstance(type_, type) and issubclass(type_, BaseModel):
            yield from _columns_of(type_, (*path, name), optional=may_be_none)
        else:
            is_text = type_ is str or get_origin(type_) is Literal
            empty = None if may_be_none else _empty(type_)
            yield Column("_".join((*path, name)), (*path, name), empty, is_text)


def _empty(type_: Any) -> Any:
    if get_origin(type_) is tuple:
        return ()
    return type_() if type_ in _SCALARS else ""


def to_row(annotation: Annotation) -> dict[str, str | None]:
    """Return the annotation as column values, all of them text; null for what is unsaid."""
    row = {}
    for column in columns(type(annotation)):
        value: Any = annotation
        for name in column.path:
            value = getattr(value, name, None)
        row[column.name] = column.store(value)
    return row


def from_row(row: Mapping[str, Any], model: type[Annotation] = Annotation) -> Annotation:
    """Return the annotation that `to_row` wrote.

    Rows are not validated again, since only validated annotations are written.
    """
    annotation: Annotation = model.model_construct(**_values(row, _parts(model)))
    return annotation


class _Part(NamedTuple):
    """A field, with its column or with what it is made of.

    Attributes:
        name: The field's.
        column: None for a model.
        model: What is made of the parts; None for a column.
        is_optional: Whether it may be unsaid: then all its columns are null.
        parts: Its own fields.
    """

    name: str
    column: Column | None
    model: type[BaseModel] | None = None
    is_optional: bool = False
    parts: tuple[_Part, ...] = ()


@cache
def _parts(model: type[Annotation]) -> tuple[_Part, ...]:
    return tuple(_parts_of(model, (), {column.path: column for column in columns(model)}))


def _parts_of(
    model: type[BaseModel], path: tuple[str, ...], by_path: Mapping[tuple[str, ...], Column]
) -> Iterator[_Part]:
    for name, field in model.model_fields.items():
        column = by_path.get((*path, name))
        if column:
            yield _Part(name, column)
            continue
        is_optional, type_ = said_type(field.annotation) is not field.annotation, _plain(field.annotation)
        yield _Part(name, None, type_, is_optional, tuple(_parts_of(type_, (*path, name), by_path)))


def _values(row: Mapping[str, Any], parts: Sequence[_Part]) -> dict[str, Any]:
    values = {}
    for name, column, model, is_optional, within in parts:
        if column is not None:
            values[name] = column.load(row[column.name])
        elif model is not None:
            inner = _values(row, within)
            is_unsaid = is_optional and all(value is None for value in inner.values())
            values[name] = None if is_unsaid else model.model_construct(**inner)
    return values


@dataclass(frozen=True, slots=True)
class ShownField:
    """A field of the annotation with how it is shown."""

    name: str
    show: Show
    description: str


@cache
def shown_fields(model: type[Annotation] = Annotation) -> tuple[ShownField, ...]:
    """Return the annotation's fields in order of display, without those shown nowhere."""
    return tuple(
        ShownField(name, mark, field.description or "")
        for name, field in model.model_fields.items()
        for mark in field.metadata
        if isinstance(mark, Show) and mark.at != "nowhere"
    )

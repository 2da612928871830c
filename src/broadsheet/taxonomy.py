"""Loads ``prompts/taxonomy.toml``: the tags, in two facets, that papers are filtered by."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from broadsheet.errors import ConfigError
from broadsheet.hashing import short_hash
from broadsheet.toml_file import parse_toml

FACETS = ("topic", "contribution")
_TABLES = (*FACETS, "names", "cues")
PACKAGED_CUES = Path(__file__).parent / "llm" / "extractive" / "cues.toml"
"""Data of the extractive engine, read here too because an annotation's key depends on it."""
_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Tag:
    """One tag of a facet.

    Attributes:
        id: What is stored, filtered by and written in URLs, such as ``computer-vision``.
        name: What a reader sees, such as ``Computer vision``.
        definition: What a reader who follows the tag wants; it is part of the prompt.
    """

    id: str
    name: str
    definition: str


@dataclass(frozen=True)
class Taxonomy:
    """The tags of each facet, in the order in which the newsletter shows them.

    Attributes:
        own_cues: The phrases of the table ``[cues]``, by tag.
    """

    topics: tuple[Tag, ...]
    contributions: tuple[Tag, ...]
    own_cues: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)

    @classmethod
    def parse(cls, text: str, *, name: str = "taxonomy.toml", base: str = "") -> Taxonomy:
        """Read a taxonomy from TOML.

        Args:
            text: Tables ``[topic]`` and ``[contribution]``, a line ``id = "definition"`` for each tag;
                optional tables ``[names]`` (``id = "Shown name"``) and ``[cues]`` (``id = ["phrase", …]``).
            name: The file's name, for errors.
            base: A taxonomy to which `text` adds. There ``id = false`` removes a tag, and ``"*" = false``
                every tag that the facet had.

        Raises:
            ConfigError: It is no TOML, a facet is empty, an id is malformed or in both facets, a name or cue
                has no tag, or a table is none of these.
        """
        tables = _tables(text, name)
        own = {table: set(content) for table, content in tables.items()}
        if base:
            tables = _added(_tables(base, "the packaged taxonomy"), tables, name)
        names, cues = tables["names"], tables["cues"]
        facets = {facet: _tags(tables[facet], names, facet, name) for facet in FACETS}
        ids = [tag.id for tags in facets.values() for tag in tags]
        known = set(ids)
        if twice := sorted(id_ for id_ in known if ids.count(id_) > 1):
            raise ConfigError(f"{name} has {twice[0]!r} in both facets; rename one.")
        for table in ("names", "cues"):
            for stray in sorted(own[table] - known):
                raise ConfigError(
                    f"{name} has {stray!r} under [{table}] but no such tag; define it or remove it."
                )
        return cls(facets["topic"], facets["contribution"], _phrases(cues, name))

    @cached_property
    def topic_ids(self) -> tuple[str, ...]:
        """Return the ids of the topic facet, in order."""
        return tuple(tag.id for tag in self.topics)

    @cached_property
    def contribution_ids(self) -> tuple[str, ...]:
        """Return the ids of the contribution facet, in order."""
        return tuple(tag.id for tag in self.contributions)

    @cached_property
    def names(self) -> Mapping[str, str]:
        """Return the shown name of every tag, by id."""
        return {tag.id: tag.name for tag in (*self.topics, *self.contributions)}

    @cached_property
    def id(self) -> str:
        """Return the hash of ids and definitions: what a model's answer depends on."""
        return short_hash(*(f"{tag.id}={tag.definition}" for tag in (*self.topics, *self.contributions)))

    def counted(self, papers: Mapping[str, int]) -> list[dict[str, Any]]:
        """Return every tag with its name, its facet and the number of its papers.

        Tags that the taxonomy has no more, but papers have, come last; their facet is ``former``.

        Args:
            papers: The number of papers of each tag that has some, by id.
        """
        facets = (("topic", self.topics), ("contribution", self.contributions))
        rows = [
            {"tag": tag.id, "name": tag.name, "facet": facet, "papers": papers.get(tag.id, 0)}
            for facet, tags in facets
            for tag in tags
        ]
        former = [tag for tag in papers if tag not in self.names]
        return rows + [{"tag": tag, "name": tag, "facet": "former", "papers": papers[tag]} for tag in former]

    @cached_property
    def cues(self) -> Mapping[str, tuple[str, ...]]:
        """Return the phrases that speak for each tag, by id: its own, else the packaged ones, else none.

        Only the extractive engine reads them; they are never sent to a model.
        """
        cues = {**packaged_cues(), **self.own_cues}
        return {tag.id: cues.get(tag.id, ()) for tag in (*self.topics, *self.contributions)}

    @cached_property
    def cues_id(self) -> str:
        """Return the hash of ids, definitions and cues: what the extractive engine's answer depends on."""
        return short_hash(self.id, *(cue for cues in self.cues.values() for cue in cues))


@cache
def packaged_cues() -> Mapping[str, tuple[str, ...]]:
    """Return the cues that come with the extractive engine, by tag; read once."""
    return _phrases(
        parse_toml(PACKAGED_CUES.read_text(encoding="utf-8"), PACKAGED_CUES.name), PACKAGED_CUES.name
    )


def _tables(text: str, name: str) -> dict[str, dict[str, Any]]:
    tables = parse_toml(text, name)
    for table, content in tables.items():
        if table not in _TABLES or not isinstance(content, dict):
            raise ConfigError(
                f"{name} has {table!r}, but takes the tables [{'], ['.join(_TABLES)}] only; correct it."
            )
    return {table: tables.get(table, {}) for table in _TABLES}


def _added(
    base: Mapping[str, Mapping[str, Any]], own: Mapping[str, Mapping[str, Any]], name: str
) -> dict[str, dict[str, Any]]:
    """Return the tables of `base` with those of `own` added, and without the tags that `own` removes."""
    added = {}
    for table in _TABLES:
        removed = {id_ for id_, value in own[table].items() if value is False}
        if stray := sorted(removed - {*base[table], "*"}):
            raise ConfigError(f"{name} removes {stray[0]!r} from [{table}], which has none; correct the id.")
        kept = {} if "*" in removed else base[table]
        added[table] = {id_: value for id_, value in {**kept, **own[table]}.items() if id_ not in removed}
    return added


def _phrases(cues: Mapping[str, Any], name: str) -> dict[str, tuple[str, ...]]:
    for id_, phrases in cues.items():
        if not isinstance(phrases, list) or not all(isinstance(phrase, str) for phrase in phrases):
            raise ConfigError(f"{name}: the cues of {id_!r} must be a list of phrases.")
    return {id_: tuple(phrases) for id_, phrases in cues.items()}


def _tags(table: Mapping[str, Any], names: Mapping[str, str], facet: str, name: str) -> tuple[Tag, ...]:
    if not table:
        raise ConfigError(
            f'{name} defines no {facet}; add a line such as  language = "translation, parsing".'
        )
    tags = []
    for id_, definition in table.items():
        if not _ID.fullmatch(id_):
            raise ConfigError(f"{name}: write the id {id_!r} in lower-case letters, digits and hyphens.")
        if not isinstance(definition, str) or not definition.strip() or "\n" in definition:
            raise ConfigError(f"{name}: the definition of {id_!r} must be one line of text.")
        shown = names.get(id_, id_.replace("-", " ").capitalize())
        if not isinstance(shown, str) or not shown.strip():
            raise ConfigError(f"{name}: the name of {id_!r} must be a text.")
        tags.append(Tag(id_, shown, " ".join(definition.split())))
    return tuple(tags)


def tag_id(tag: str, known: Mapping[str, str]) -> str:
    """Return the id of a tag that is given by its id or its shown name, in any letter case.

    Args:
        tag: What the user wrote.
        known: The shown name of each tag, by id.

    Raises:
        ConfigError: There is no such tag.
    """
    ids = {shown.casefold(): id_ for id_, shown in known.items()} | {id_.casefold(): id_ for id_ in known}
    if (found := ids.get(tag.strip().casefold())) is None:
        close = get_close_matches(tag.casefold(), ids, n=1)
        hint = f"did you mean {ids[close[0]]}?" if close else "broadsheet tags lists them."
        raise ConfigError(f"There is no tag “{tag}”; {hint}")
    return found

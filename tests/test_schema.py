"""The projections of an annotation: strict JSON Schema, columns, order of display."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field

from broadsheet import schema
from broadsheet.annotation import CORE, Annotation, Code, Show
from broadsheet.fields import annotation_model
from broadsheet.prompts import Prompts
from broadsheet.store import Store
from broadsheet.taxonomy import Taxonomy
from builders import add, annotate, annotation, paper

TAXONOMY = Prompts.load().taxonomy
STRICT_KEYWORDS = {
    "type",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "enum",
    "anyOf",
    "description",
}
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20).filter(str.strip)


def every_schema(node: Any) -> Iterator[dict[str, Any]]:
    """The schema and all schemas inside it."""
    yield node
    inside = [*node.get("properties", {}).values(), *node.get("anyOf", ())]
    for inner in (*inside, *([node["items"]] if "items" in node else [])):
        yield from every_schema(inner)


def test_the_root_is_an_object() -> None:
    assert schema.reply_schema(TAXONOMY)["type"] == "object"


def test_every_object_requires_all_its_properties_and_allows_no_other() -> None:
    objects = [node for node in every_schema(schema.reply_schema(TAXONOMY)) if node.get("type") == "object"]
    assert len(objects) == 3
    for node in objects:
        assert node["required"] == list(node["properties"])
        assert node["additionalProperties"] is False


def test_only_keywords_of_strict_mode_are_used_so_no_default_and_no_length() -> None:
    used = {keyword for node in every_schema(schema.reply_schema(TAXONOMY)) for keyword in node}
    assert used <= STRICT_KEYWORDS


def test_tags_are_enums_of_the_taxonomy() -> None:
    record = schema.reply_schema(TAXONOMY)["properties"]["papers"]["items"]["properties"]
    assert tuple(record["topics"]["items"]["enum"]) == TAXONOMY.topic_ids
    assert tuple(record["contribution"]["enum"]) == TAXONOMY.contribution_ids
    assert record["code"]["anyOf"][0]["properties"]["status"]["enum"] == ["available", "announced"]


def test_a_record_names_its_paper_first_and_code_gives_evidence_before_the_verdict() -> None:
    record = schema.reply_schema(TAXONOMY)["properties"]["papers"]["items"]["properties"]
    assert list(record) == ["ref", "echo", *Annotation.model_fields]
    assert list(record["code"]["anyOf"][0]["properties"]) == ["evidence", "status", "urls"]


def test_null_stands_for_no_code_and_is_the_only_way_that_a_model_is_offered() -> None:
    record = schema.reply_schema(TAXONOMY)["properties"]["papers"]["items"]["properties"]
    assert record["code"]["anyOf"][1] == {"type": "null"}
    assert "null" not in json.dumps({name: record[name] for name in record if name != "code"})


def test_every_field_carries_its_definition_to_the_model() -> None:
    record = schema.reply_schema(TAXONOMY)["properties"]["papers"]["items"]["properties"]
    for name, field in Annotation.model_fields.items():
        assert field.description
        assert record[name]["description"] == field.description


def test_another_tag_gives_another_schema_id_and_the_same_taxonomy_the_same() -> None:
    small = '[topic]\ntides = "x"\n{}[contribution]\nmethod = "y"\n'
    one, more = (Taxonomy.parse(small.format(line)) for line in ("", 'waves = "z"\n'))
    assert schema.schema_id(one) == schema.schema_id(Taxonomy.parse(small.format("")))
    assert schema.schema_id(one) != schema.schema_id(more)


codes = st.one_of(
    st.just(Code(evidence="", status="none", urls=())),
    st.builds(
        Code,
        evidence=TEXT,
        status=st.sampled_from(["available", "announced"]),
        urls=st.lists(TEXT, max_size=3).map(tuple),
    ),
)
made_annotations = st.builds(
    Annotation,
    tldr=TEXT,
    topics=st.lists(st.sampled_from(TAXONOMY.topic_ids), min_size=1, max_size=4).map(tuple),
    contribution=st.sampled_from(TAXONOMY.contribution_ids),
    keywords=st.lists(TEXT, min_size=1, max_size=6).map(tuple),
    code=codes,
)


@given(made_annotations)
def test_a_row_gives_back_the_annotation_that_it_was_made_from(made: Annotation) -> None:
    row = schema.to_row(made)
    assert schema.from_row(row) == made
    assert all(isinstance(value, str) for value in row.values())


def test_a_column_that_an_older_version_lacked_reads_as_the_empty_value() -> None:
    row: dict[str, Any] = {**schema.to_row(annotation()), "keywords": None, "code_evidence": None}
    read = schema.from_row(row)
    assert read.keywords == ()
    assert read.code.evidence == ""
    assert read.tldr == annotation().tldr


class Carbon(BaseModel):
    """A nested model, as a newcomer might declare one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    measured: bool = Field(description="Whether it was measured")
    tonnes: float = Field(description="Tonnes of it")


class Grown(Annotation):
    """An annotation with a field more of each kind."""

    datasets: Annotated[tuple[str, ...], Show("Data sets", at="line")] = Field(description="Those used")
    limitation: Annotated[str, Show("Limitation", at="nowhere")] = Field(description="What it cannot do")
    pages: Annotated[int, Show("Pages", at="badge")] = Field(description="How long it is")
    carbon: Annotated[Carbon, Show("Carbon", at="line")] = Field(description="What training cost")


SCHEMA_ID = "b907c6b7ae6c"
MORE = {
    "datasets": ("Wadden-9",),
    "limitation": "Rivers only.",
    "pages": 12,
    "carbon": Carbon(measured=True, tonnes=1.5),
}
NEW_COLUMNS = {"datasets", "limitation", "pages", "carbon_measured", "carbon_tonnes"}


@pytest.fixture
def grown(monkeypatch: pytest.MonkeyPatch) -> type[Annotation]:
    """Broadsheet as it is once someone has declared new fields."""
    monkeypatch.setattr("broadsheet.annotation.Annotation", Grown)
    return annotation_model()


def test_a_new_field_is_in_the_schema_the_columns_and_the_display_by_its_declaration_alone(
    grown: type[Annotation],
) -> None:
    record = schema.reply_schema(TAXONOMY, grown)["properties"]["papers"]["items"]
    assert {"datasets", "limitation", "pages", "carbon"} <= set(record["required"])
    carbon, nothing = record["properties"]["carbon"]["anyOf"]
    assert carbon["properties"]["measured"]["type"] == "boolean"
    assert nothing == {"type": "null"}
    assert {column.name for column in schema.columns(grown)} >= NEW_COLUMNS
    shown = [field.name for field in schema.shown_fields(grown)]
    assert "datasets" in shown
    assert "limitation" not in shown


def test_a_new_field_of_any_type_comes_back_from_its_row_as_it_went_in(grown: type[Annotation]) -> None:
    for more in (MORE, {}, {"pages": 0, "datasets": (), "limitation": ""}):
        made = grown(**{**dict(annotation()), **more})
        assert schema.from_row(schema.to_row(made), grown) == made


def test_a_nested_field_is_unsaid_only_where_all_of_it_is(grown: type[Annotation]) -> None:
    row: dict[str, Any] = schema.to_row(grown(**{**dict(annotation()), **MORE}))
    assert schema.from_row({**row, "carbon_tonnes": None}, grown).carbon.measured is True
    assert schema.from_row({**row, "carbon_tonnes": None, "carbon_measured": None}, grown).carbon is None


def test_a_new_field_becomes_a_column_of_an_existing_database_whose_rows_are_kept(
    request: pytest.FixtureRequest,
) -> None:
    old, new = paper("Old Tides"), paper("New Tides")
    with Store.open("b.db") as store:
        add(store, old)
        annotate(store, old)
    grown = request.getfixturevalue("grown")
    with Store.open("b.db") as store:
        add(store, new)
        annotate(store, new, said=grown(**{**dict(annotation()), **MORE}))
        kept, written = (store.get(title).annotation for title in ("Old Tides", "New Tides"))
    assert type(kept) is type(written) is grown
    assert kept.tldr == annotation().tldr
    assert (kept.datasets, kept.limitation, kept.pages, kept.carbon) == (None, None, None, None)
    assert (written.datasets, written.carbon) == (MORE["datasets"], MORE["carbon"])


def test_without_further_fields_the_class_and_so_every_cache_key_is_what_it_was() -> None:
    assert annotation_model() is Annotation
    assert tuple(Annotation.model_fields) == CORE
    # The hash that annotations bear for this small taxonomy: where it changes, all of them become stale.
    small = Taxonomy.parse('[topic]\nsea = "tides"\n[contribution]\nmethod = "new"\n')
    assert schema.schema_id(small) == SCHEMA_ID


def test_a_type_without_a_projection_says_where_to_add_one() -> None:
    with pytest.raises(TypeError, match=r"schema\.py"):
        schema._type_schema(dict[str, str], TAXONOMY)


def test_the_echo_is_the_first_two_words_of_a_title() -> None:
    assert schema.echo_of("SandLoom:  Tidal\nFlats from Soundings") == "SandLoom: Tidal"
    assert schema.echo_of("Tides") == "Tides"


def test_the_schema_is_plain_json() -> None:
    made = schema.reply_schema(TAXONOMY)
    assert json.loads(json.dumps(made)) == made

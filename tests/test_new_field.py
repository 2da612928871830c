"""One declaration makes a field: a line in ``annotation.py``, or a table in a user's ``fields.toml``."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from papers import papers, record
from scratch import Ran, Scratch

PAPERS = papers(3)
DAY = "2026-01-05"
ANCHOR = "\nSeverity = Literal["
NESTED = """
class Carbon(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    measured: bool
    tonnes: float


"""


def declaration(type_: str, at: str, label: str) -> str:
    return f'    field: Annotated[{type_}, Show("{label}", at="{at}")] = Field(description="Something new")\n'


AUDIENCE = 'Literal["practitioner", "researcher"]'
# What is declared, what a model gives, and what every page and `show` then prints.
CASES: dict[str, tuple[str, str, Any, str, str]] = {
    "literal": ('Literal["practitioner", "researcher"]', "badge", "researcher", "Audience", "researcher"),
    "optional": (
        'Literal["practitioner", "researcher"] | None',
        "badge",
        "researcher",
        "Audience",
        "researcher",
    ),
    "bool": ("bool", "badge", True, "Open weights", "Open weights"),
    "str": ("FilledText", "line", "Only harbours.", "Limitations", "Only harbours."),
    "phrases": ("Phrases", "line", ["contrastive learning"], "Data sets", "Data sets: contrastive learning"),
    "model": ("Carbon", "line", {"measured": True, "tonnes": 1.5}, "Carbon", "tonnes 1.5"),
}


def write_input(folder: Path, value: Any) -> None:
    """The papers, and two scripts of a model: one that omits the field and one that gives it."""
    lines = [{"id": each.id, "title": each.title, "abstract": each.abstract} for each in PAPERS]
    (folder / "in.jsonl").write_text("\n".join(map(json.dumps, lines)))
    for name, more in (("omits", {}), ("gives", {"field": value})):
        records = [{"title": each.title, "record": {**record(each), **more}} for each in PAPERS]
        (folder / f"{name}.jsonl").write_text("\n".join(map(json.dumps, records)))
    reference = [{**line, **record(each), "field": value} for line, each in zip(lines, PAPERS, strict=True)]
    (folder / "reference.jsonl").write_text("\n".join(map(json.dumps, reference)))


def whole_lines(
    scratch: Scratch, *engines: str, **environment: str
) -> dict[str, tuple[dict[str, Ran], dict[str, str]]]:
    """Every command over a cache for each engine, and the pages that it wrote; all in one process."""
    commands = {engine: commands_of(engine) for engine in engines}
    ran = iter(
        scratch.run_each(
            *(
                (words, {"BROADSHEET_SCRIPT": f"{engine}.jsonl", **environment})
                for engine in engines
                for words in commands[engine].values()
            )
        )
    )
    lines = {}
    for engine in engines:
        folder = scratch.folder / engine / DAY
        told = {name: next(ran) for name in commands[engine]}
        assert {name: each.err for name, each in told.items() if each.code} == {}
        lines[engine] = told, {name: (folder / f"index.{name}").read_text() for name in ("html", "md", "txt")}
    return lines


def commands_of(engine: str) -> dict[str, list[str]]:
    common = ["--db", f"{engine}.db"]
    chosen = ["--engine", "extractive" if engine == "extractive" else "scripted"]
    return {
        "run": ["run", "in.jsonl", "--date", DAY, "--out", engine, "--quiet", *chosen, *common],
        "show": ["show", PAPERS[0].title, *common],
        "show --json": ["show", PAPERS[0].title, "--json", *common],
        "list --json": ["list", "--json", *common],
        "csv": ["export", "--format", "csv", *common],
        "evaluate": ["evaluate", "reference.jsonl", "--json", "--quiet", *chosen],
    }


def whole_line(scratch: Scratch, engine: str, **environment: str) -> tuple[dict[str, Ran], dict[str, str]]:
    """Every command over one cache, and the pages that it wrote."""
    return whole_lines(scratch, engine, **environment)[engine]


def records_of(ran: dict[str, Ran]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in ran["list --json"].out.splitlines()]


@pytest.mark.parametrize("case", CASES)
def test_one_declaration_brings_a_field_through_the_whole_line_whoever_says_it(
    tmp_path: Path, case: str
) -> None:
    type_, at, value, label, printed = CASES[case]
    scratch = Scratch(tmp_path)
    source = "src/broadsheet/annotation.py"
    scratch.edit(source, ANCHOR, declaration(type_, at, label) + ANCHOR)
    scratch.edit(source, "\nclass Annotation(BaseModel):", NESTED + "class Annotation(BaseModel):")
    write_input(tmp_path, value)
    for engine, (ran, pages) in whole_lines(scratch, "extractive", "omits", "gives").items():
        records = records_of(ran)
        said = value if engine == "gives" else None
        assert [each["field"] for each in records] == 3 * [said]
        assert not [
            finding for each in records for finding in each["findings"] if finding["field"] == "field"
        ]
        assert json.loads(ran["show --json"].out)["field"] == said
        rows = csv.DictReader(io.StringIO(ran["csv"].out))
        is_said = engine == "gives"
        for row in rows:
            cells = [cell for name, cell in row.items() if name == "field" or name.startswith("field_")]
            assert any(cells) == is_said
        for text in (*pages.values(), ran["show"].out):
            assert (label in text) == is_said
        for text in pages.values():
            assert (printed in text.replace("\\", "")) == is_said
        evaluation = json.loads(ran["evaluate"].out)
        assert evaluation["annotated"] == 3
        assert evaluation["measures"]["field F1"]["value"] == (1.0 if is_said else 0.0)


FIELDS = """
[limitations]
type = "text"
description = "What the authors say that it cannot do"

[audience]
choices = ["practitioner", "researcher"]
description = "Who can use it"
show = "badge"

[datasets]
type = "phrases"
description = "Data sets used, as the abstract names them"
label = "Data"

[open_weights]
type = "yes-no"
description = "Whether weights can be had"
show = "badge"
"""
SAID = {
    "limitations": "It was tried on three harbours only.",
    "audience": "researcher",
    "datasets": ["contrastive learning", "an invented set"],
    "open_weights": True,
}


@pytest.fixture
def with_fields(tmp_path: Path) -> Scratch:
    """A user's prompts folder with further fields, and a model that says them of the first paper."""
    scratch = Scratch(tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "fields.toml").write_text(FIELDS)
    write_input(tmp_path, None)
    records = [
        {"title": each.title, "record": {**record(each), **(SAID if each is PAPERS[0] else {})}}
        for each in PAPERS
    ]
    (tmp_path / "gives.jsonl").write_text("\n".join(map(json.dumps, records)))
    return scratch


def test_a_users_fields_are_asked_for_checked_and_in_every_record_and_page(with_fields: Scratch) -> None:
    ran, pages = whole_line(with_fields, "gives", BROADSHEET_PROMPTS="mine")
    first, *others = sorted(records_of(ran), key=lambda each: each["title"] != PAPERS[0].title)
    assert [first[name] for name in ("limitations", "audience", "open_weights")] == [
        SAID["limitations"],
        "researcher",
        True,
    ]
    assert first["datasets"] == ["contrastive learning"]
    assert {"field": "datasets", "kind": "phrase-not-in-text"}.items() <= first["findings"][0].items()
    assert {each[name] for each in others for name in SAID} == {None}
    assert next(csv.DictReader(io.StringIO(ran["csv"].out))).keys() >= SAID.keys()
    for text in (*pages.values(), ran["show"].out):
        for words in ("Limitations", "three harbours only", "Audience", "researcher", "Data", "Open weights"):
            assert words in text
        assert "an invented set" not in text


def test_a_users_fields_filter_also_where_their_folder_is_not_at_hand(with_fields: Scratch) -> None:
    whole_line(with_fields, "gives", BROADSHEET_PROMPTS="mine")
    filters = {
        "audience=researcher": 1,
        "audience=RESEARCHER": 1,
        "audience=practitioner": 0,
        "datasets=contrastive learning": 1,
        "datasets=an invented set": 0,
        "open_weights=yes": 1,
        "open_weights=no": 0,
        "code.status=none": 3,
        "keywords=neural network": 3,
    }
    common = ["--json", "--db", "gives.db"]
    ran = with_fields.run(*(["list", "--where", each, *common] for each in filters))
    assert {each: len(found.out.splitlines()) for each, found in zip(filters, ran, strict=True)} == filters
    two, unknown, malformed, rendered = with_fields.run(
        ["list", "--where", "audience=researcher", "--where", "open_weights=no", *common],
        ["list", "--where", "colour=red", *common],
        ["list", "--where", "audience", *common],
        ["render", "--date", DAY, "--out", "again", "--db", "gives.db"],
    )
    assert (two.code, two.out) == (0, "")
    assert (unknown.code, malformed.code, rendered.code) == (2, 2, 0)
    assert "No field is called 'colour'; --where takes one of" in unknown.err
    assert "--where takes FIELD=VALUE" in malformed.err
    before, again = (
        (with_fields.folder / out / DAY / "index.html").read_bytes() for out in ("gives", "again")
    )
    assert before == again


def test_without_the_fields_a_cache_with_them_goes_on_and_asks_for_nothing_twice(
    with_fields: Scratch,
) -> None:
    whole_line(with_fields, "gives", BROADSHEET_PROMPTS="mine")
    again = ["run", "in.jsonl", "--date", DAY, "--json", "--engine", "scripted", "--db", "gives.db"]
    (ran,) = with_fields.run(again, BROADSHEET_SCRIPT="gives.jsonl")
    assert ran.code == 0
    assert json.loads(ran.out)["annotated"]["requests"] == 0


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[tldr]\ntype = 'text'\ndescription = 'x'", "the name 'tldr' is taken"),
        ("[version]\ntype = 'text'\ndescription = 'x'", "the name 'version' is taken"),
        ("[engine]\ntype = 'text'\ndescription = 'x'", "the name 'engine' is taken"),
        ("[Who?]\ntype = 'text'\ndescription = 'x'", "is not valid TOML"),
        ("['Who']\ntype = 'text'\ndescription = 'x'", "lower-case letters"),
        ("[who]\ntype = 'words'\ndescription = 'x'", "[who] cannot be used (type: "),
        ("[who]\ntype = 'text'", "[who] cannot be used (description: "),
        ("[who]\ntype = 'text'\nchoices = ['a']\ndescription = 'x'", "make a choice"),
        ("[who]\nchoices = []\ndescription = 'x'", "make a choice"),
        ("who = 1", "outside a table"),
    ],
)
def test_a_declaration_that_cannot_be_used_is_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    from broadsheet.errors import ConfigError
    from broadsheet.prompts import Prompts

    (tmp_path / "fields.toml").write_text(text)
    with pytest.raises(ConfigError) as raised:
        Prompts.load(tmp_path)
    words = str(raised.value)
    assert sentence in words
    assert "fields.toml" in words
    assert "\n" not in words


def test_an_old_edition_is_rendered_when_a_choice_has_been_dropped_and_a_type_has_changed(
    with_fields: Scratch,
) -> None:
    whole_line(with_fields, "gives", BROADSHEET_PROMPTS="mine")
    fields = with_fields.folder / "mine" / "fields.toml"
    changed = FIELDS.replace('["practitioner", "researcher"]', '["practitioner", "student"]')
    fields.write_text(changed.replace('[limitations]\ntype = "text"', '[limitations]\ntype = "phrases"'))
    (with_fields.folder / "new.jsonl").write_text('{"title": "Quarries at Dusk", "abstract": "We count."}')
    common = ["--db", "gives.db"]
    ran, _, listed = with_fields.run(
        ["run", "new.jsonl", "--date", "2026-01-06", "--quiet", "--engine", "extractive", *common],
        ["annotate", "--stale", "--engine", "scripted", "--quiet", *common],
        ["list", "--json", *common],
        BROADSHEET_PROMPTS="mine",
        BROADSHEET_SCRIPT="omits.jsonl",
    )
    assert (ran.code, listed.code) == (0, 0), ran.err + listed.err
    (again,) = with_fields.run(["render", "--date", DAY, "--out", "again", *common])
    assert again.code == 0, again.err
    assert PAPERS[0].title in (with_fields.folder / "again" / DAY / "index.txt").read_text()

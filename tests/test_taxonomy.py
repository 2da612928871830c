"""The tags: what the packaged file holds, and what a mistake in one's own says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from broadsheet.errors import ConfigError
from broadsheet.prompts import Prompts
from broadsheet.taxonomy import Taxonomy, packaged_cues
from scratch import Scratch

CUES_ID_0_1_0 = "3dc204d500f7"
"""The hash that annotations extracted by version 0.1.0 bear."""
SMALL = '[topic]\ntides = "sea level, currents"\n[contribution]\nmethod = "a technique"\n'


def test_every_packaged_tag_has_a_name_and_a_definition() -> None:
    taxonomy = Prompts.load().taxonomy
    assert all(tag.definition and tag.name for tag in (*taxonomy.topics, *taxonomy.contributions))


def test_a_new_tag_is_one_line() -> None:
    longer = SMALL.replace("[contribution]", 'deep-sea = "below 200 m"\n[contribution]')
    taxonomy = Taxonomy.parse(longer)
    assert taxonomy.topic_ids == ("tides", "deep-sea")
    assert taxonomy.names["deep-sea"] == "Deep sea"


def test_a_name_is_overridden_under_names() -> None:
    assert Taxonomy.parse(SMALL + '[names]\ntides = "Tides & waves"\n').names["tides"] == "Tides & waves"


def test_a_definition_changes_the_id_and_a_cue_changes_only_the_id_of_the_cues() -> None:
    plain, cued = Taxonomy.parse(SMALL), Taxonomy.parse(SMALL + '[cues]\ntides = ["spring tide"]\n')
    redefined = Taxonomy.parse(SMALL.replace("currents", "waves"))
    assert plain.id == cued.id
    assert plain.cues_id != cued.cues_id
    assert redefined.id != plain.id
    assert redefined.cues_id != plain.cues_id


def test_cues_of_ones_own_win_over_the_packaged_ones_tag_by_tag() -> None:
    own = SMALL.replace("[contribution]", 'graphs = "networks"\nrobotics = "robots"\n[contribution]')
    cues = Taxonomy.parse(own + '[cues]\ngraphs = ["mesh"]\n').cues
    assert cues["graphs"] == ("mesh",)
    assert cues["robotics"] == packaged_cues()["robotics"]
    assert cues["tides"] == ()


def test_the_packaged_cues_are_those_of_the_packaged_tags() -> None:
    assert set(packaged_cues()) == set(Prompts.load().taxonomy.names)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[topic", "not valid TOML"),
        (SMALL + '[topic]\nmore = "x"\n', "not valid TOML"),
        ("", "defines no topic"),
        ('[topic]\ntides = "x"\n', "defines no contribution"),
        ("[topic]\n[contribution]\nmethod = 'x'\n", "defines no topic"),
        ("topic = 'tides'\n", "'topic'"),
        ("topic = ['tides']\n", "'topic'"),
        (SMALL + "[cue]\ntides = []\n", "'cue'"),
        ("names = 'x'\n" + SMALL, "'names'"),
        ("cues = 3\n" + SMALL, "'cues'"),
        (SMALL.replace('"sea level, currents"', "3"), "definition of 'tides'"),
        (SMALL.replace("sea level, currents", " "), "definition of 'tides'"),
        (SMALL.replace('"sea level, currents"', '"""two\nlines"""'), "definition of 'tides'"),
        (SMALL.replace("tides", '"Deep Sea"'), "'Deep Sea'"),
        (SMALL.replace("tides", '"a/b"'), "'a/b'"),
        (SMALL.replace("tides", '""'), "''"),
        (SMALL.replace("tides", "method"), "both facets"),
        (SMALL + '[names]\nwaves = "Waves"\n', "'waves' under [names]"),
        (SMALL + '[cues]\nwaves = ["wave"]\n', "'waves' under [cues]"),
        (SMALL + "[cues]\ntides = 'tide'\n", "cues of 'tides'"),
        (SMALL + "[cues]\ntides = [1]\n", "cues of 'tides'"),
        (SMALL + "[names]\ntides = 1\n", "name of 'tides'"),
        (SMALL + "[names]\ntides = ''\n", "name of 'tides'"),
    ],
)
def test_a_malformed_taxonomy_is_told_of_in_one_sentence_that_names_the_place(text: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Taxonomy.parse(text, name="mine.toml")
    sentence = str(caught.value)
    assert words in sentence
    assert "mine.toml" in sentence
    assert "\n" not in sentence


def test_the_key_of_extracted_annotations_is_what_it_was_when_cues_stood_in_the_taxonomy() -> None:
    assert Prompts.load().taxonomy.cues_id == CUES_ID_0_1_0


def test_a_tag_is_one_line_that_rules_and_models_go_by_without_cues(tmp_path: Path) -> None:
    scratch = Scratch(tmp_path)
    scratch.edit(
        "prompts/taxonomy.toml",
        "\n[contribution]\n",
        'tidal-flats = "mud, tides, estuaries"\n\n[contribution]\n',
    )
    about = {
        "title": "Mud Banks Move",
        "abstract": "We map tidal flats: mud and tides in estuaries. " * 3,
    }
    said = {
        "tldr": "Maps of mud and tides show how tidal flats move between estuaries, and where the mud goes.",
        "topics": ["tidal-flats"],
        "contribution": "empirical",
        "keywords": ["tidal flats", "mud", "tides"],
        "code": {"evidence": "", "status": "none", "urls": []},
    }
    (tmp_path / "in.jsonl").write_text(json.dumps(about))
    (tmp_path / "script.jsonl").write_text(json.dumps({"title": about["title"], "record": said}))
    common = ["--date", "2026-01-05", "--quiet"]
    for engine in ("extractive", "scripted"):
        place = ["--db", f"{engine}.db", "--engine", engine, "--out", engine]
        ran, listed = scratch.run(
            ["run", "in.jsonl", *common, *place],
            ["list", "--tag", "tidal-flats", "--db", f"{engine}.db"],
            BROADSHEET_SCRIPT="script.jsonl",
        )
        assert ran.code == 0, ran.err
        assert "Mud Banks Move" in listed.out
        assert "Tidal flats" in (tmp_path / engine / "2026-01-05" / "index.md").read_text()

"""The tags: what the packaged file holds, and what a mistake in one's own says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from broadsheet.errors import ConfigError
from broadsheet.prompts import Prompts
from broadsheet.taxonomy import Taxonomy, packaged_cues
from scratch import Scratch

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


@pytest.mark.parametrize(
    ("own", "topics"),
    [
        ('[topic]\nwaves = "swell"\n', ["tides", "waves"]),
        ('[topic]\ntides = "ebb"\n', ["tides"]),
        ('[topic]\ntides = false\nwaves = "swell"\n', ["waves"]),
        ('[topic]\n"*" = false\nwaves = "swell"\n', ["waves"]),
        ('[names]\ntides = "Ebb and flow"\n', ["tides"]),
        ("", ["tides"]),
    ],
)
def test_a_taxonomy_of_ones_own_is_added_to_its_base(own: str, topics: list[str]) -> None:
    taxonomy = Taxonomy.parse(own, base=SMALL)
    assert list(taxonomy.topic_ids) == topics
    assert taxonomy.contribution_ids == ("method",)


def test_what_is_added_may_redefine_and_rename_a_tag_of_the_base() -> None:
    own = '[topic]\ntides = "ebb"\n[names]\nmethod = "Means"\n[cues]\ntides = ["neap"]\n'
    taxonomy = Taxonomy.parse(own, base=SMALL)
    assert taxonomy.topics[0].definition == "ebb"
    assert taxonomy.names["method"] == "Means"
    assert taxonomy.cues["tides"] == ("neap",)


@pytest.mark.parametrize(
    ("own", "words"),
    [
        ("[topic]\nwaves = false\n", "'waves'"),
        ("[topic]\ntides = false\n", "defines no topic"),
        ('[topic]\n"*" = false\n', "defines no topic"),
        ('[contribution]\ntides = "x"\n', "both facets"),
        ("[topic]\ntides = false\nsea = 'x'\n[names]\ntides = 'T'\n", "'tides' under [names]"),
    ],
)
def test_a_mistake_in_what_is_added_is_an_error_that_names_the_file(own: str, words: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(words)) as caught:
        Taxonomy.parse(own, name="mine.toml", base=SMALL)
    assert "mine.toml" in str(caught.value)


def test_a_folder_with_a_fragment_adds_it_to_the_packaged_tags(tmp_path: Path) -> None:
    (tmp_path / "taxonomy.toml").write_text('[topic]\ntidal-flats = "mud"\nrobotics = false\n')
    packaged = Prompts.load().taxonomy
    expected = [id_ for id_ in packaged.topic_ids if id_ != "robotics"]
    taxonomy = Prompts.load(tmp_path).taxonomy
    assert list(taxonomy.topic_ids) == [*expected, "tidal-flats"]
    assert taxonomy.contributions == packaged.contributions


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

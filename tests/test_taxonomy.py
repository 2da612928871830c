"""The tags: what the packaged file holds, and what a mistake in one's own says."""

from __future__ import annotations

import pytest

from broadsheet.errors import ConfigError
from broadsheet.prompts import Prompts
from broadsheet.taxonomy import Taxonomy

GUIDE = """
    computer-vision video-and-3d image-generation multimodal language large-language-models reasoning
    code-and-agents speech-and-audio retrieval-and-recommendation reinforcement-learning robotics graphs
    time-series tabular-data science-and-health generative-models architectures mixture-of-experts
    representation-learning transfer-and-adaptation few-shot-and-meta-learning multi-task-and-continual
    model-merging distillation-and-compression efficiency-and-systems optimization learning-theory
    probabilistic-and-causal robustness-and-safety alignment interpretability data-and-labels
    benchmarks-and-surveys
"""
TOPICS = GUIDE.split()
SMALL = '[topic]\ntides = "sea level, currents"\n[contribution]\nmethod = "a technique"\n'


def test_the_packaged_taxonomy_has_the_34_topics_and_the_six_contributions_of_the_guide() -> None:
    taxonomy = Prompts.load().taxonomy
    assert len(TOPICS) == 34
    assert sorted(taxonomy.topic_ids) == sorted(TOPICS)
    assert set(taxonomy.contribution_ids) == {"method", "theory", "empirical", "resource", "survey", "system"}


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

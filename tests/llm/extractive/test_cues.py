"""The grammar of cues, and where their phrases are found."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.errors import ConfigError
from broadsheet.llm.extractive.cues import BODY, FIRST, LAST, OWN, TITLE, CueIndex, parse_cue, words


def found(cue: str | list[str], title: str = "", abstract: str = "") -> dict[float, list[int]]:
    cues = [cue] if isinstance(cue, str) else cue
    return {hit.weight: hit.counts for hit in CueIndex([cues]).hits(title, abstract)[0]}


def test_one_cue_may_list_several_phrases_and_a_weight() -> None:
    assert list(parse_cue("machine translation, bleu ^0.4")) == [
        (("machine", "translation"), 0.4),
        (("bleu",), 0.4),
    ]


def test_a_plain_phrase_weighs_one() -> None:
    assert list(parse_cue("protein folding")) == [(("protein", "folding"), 1.0)]


@pytest.mark.parametrize("text", ["Graph-Networks", "graph networks", "GRAPH NETWORK", "graph\nnetwork's"])
def test_case_hyphens_line_ends_and_plurals_make_no_difference(text: str) -> None:
    assert found("graph network", title=text)


@pytest.mark.parametrize(
    ("cue", "text"), [("optimisation", "Optimization"), ("organized", "organised"), ("behavior", "behaviour")]
)
def test_british_and_american_spellings_are_one(cue: str, text: str) -> None:
    assert found(cue, title=text)


def test_a_phrase_is_no_part_of_a_longer_word() -> None:
    assert not found("gan", title="Organ meaning, elegance and gannets")


def test_a_star_stands_for_any_ending() -> None:
    assert found("crowdsourc*", title="Crowdsourcing beats crowdsourced") == {1.0: [2, 0, 0, 0, 0]}


def test_the_longest_phrase_hides_the_shorter_ones_in_it() -> None:
    cues = ["text", "scene text ^0"]
    assert found(cues, title="Scene text in the wild") == {0.0: [1, 0, 0, 0, 0]}
    assert found(cues, title="Text in the wild") == {1.0: [1, 0, 0, 0, 0]}


def test_one_tag_does_not_hide_the_phrases_of_another() -> None:
    text, scene = CueIndex([["text"], ["scene text"]]).hits("Scene text", "")
    assert len(text) == len(scene) == 1


def test_the_zone_of_a_phrase_is_the_sentence_it_stands_in() -> None:
    abstract = "Owls fly. They hunt owls. We propose owls. Nothing here. All owls sleep."
    counts = found("owl", title="Owls", abstract=abstract)[1.0]
    assert [counts[zone] for zone in (TITLE, FIRST, BODY, OWN, LAST)] == [1, 1, 1, 1, 1]


@pytest.mark.parametrize("cue", ["owls ^heavy", "owls ^", "two words*", "o*wl"])
def test_a_malformed_cue_is_named_to_the_user(cue: str) -> None:
    with pytest.raises(ConfigError, match="cue"):
        CueIndex([[cue]])


@given(st.text(max_size=300))
def test_words_of_any_text_are_stable_under_joining(text: str) -> None:
    once = words(text)
    assert words(" ".join(once)) == [word for found in once for word in words(found)]
    assert all(once)

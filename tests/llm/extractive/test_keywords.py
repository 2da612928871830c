"""Extracted keywords stand in the paper and are worth a search. Every abstract is invented."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broadsheet.llm.extractive.keywords import keyphrases
from broadsheet.text import stands_in
from growth import grows_linearly

TITLE = "ZebraNet: Stripe Attention for Long Video Retrieval"
ABSTRACT = (
    "Long video retrieval is slow. We propose ZebraNet, a stripe attention that skips empty frames. "
    "Stripe attention makes long video retrieval faster on SavannahBench. Code: "
    "https://github.com/owner/zebra"
)


def test_the_phrases_are_those_of_the_title_and_the_subject() -> None:
    phrases = keyphrases(TITLE, ABSTRACT)
    assert {"stripe attention", "long video retrieval", "zebranet"} <= set(phrases)


def test_phrases_stand_in_the_text_in_lower_case() -> None:
    phrases = keyphrases(TITLE, ABSTRACT)
    assert 3 <= len(phrases) <= 6
    for phrase in phrases:
        assert phrase == phrase.lower()
        assert 1 <= len(phrase.split()) <= 4
        assert stands_in(phrase, f"{TITLE}\n{ABSTRACT}")


def test_no_phrase_is_a_piece_of_another_or_of_an_address() -> None:
    phrases = keyphrases(TITLE, ABSTRACT)
    assert not any(
        one != other and set(one.split()) <= set(other.split()) for one in phrases for other in phrases
    )
    assert not any("github" in phrase or "owner" in phrase for phrase in phrases)


@settings(deadline=None)
@given(st.text(max_size=60), st.text(max_size=300), st.integers(3, 6))
def test_any_text_gives_at_most_n_phrases(title: str, abstract: str, n: int) -> None:
    phrases = keyphrases(title, abstract, n)
    assert len(phrases) <= n
    assert len(set(phrases)) == len(phrases)


@pytest.mark.parametrize("piece", ["zebra", "zebra stripe ", "a-", "(A) "])
def test_time_grows_with_the_length_of_the_abstract(piece: str) -> None:
    assert grows_linearly(lambda abstract: keyphrases("Stripes", abstract), piece)

"""Identity: what makes two tellings one paper, and what makes a paper's words new."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from broadsheet.paper import Paper, title_key
from builders import paper

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
WORDS = st.lists(st.from_regex(r"[a-z0-9+.-]{1,8}", fullmatch=True), min_size=1, max_size=8)
GAPS = st.sampled_from([" ", "  ", "\n", "\t", " \u00a0", "\r\n"])


def test_an_arxiv_id_is_the_identity_before_a_doi_and_a_doi_before_the_title() -> None:
    assert paper(arxiv_id="2601.00042", doi="10.1/x").id == "2601.00042"
    assert paper(doi="10.1/x").id == "10.1/x"
    assert len(paper().id) == 12
    assert paper(id="given", arxiv_id="2601.00042").id == "given"


def test_a_files_own_id_is_no_identity() -> None:
    assert paper(local_id="row-7").id == paper().id


def test_titles_that_differ_in_case_spaces_and_punctuation_are_one_paper() -> None:
    assert paper("Mixup: Your  Own-Pairs").id == paper("mixup your own pairs").id
    assert paper("Mixup: Your Own Pairs").id != paper("Mixup: Your Own Pair").id


def test_a_title_keeps_the_letters_of_every_script() -> None:
    assert title_key("Überraschung: 深層学習 №2") == "überraschung 深層学習 no2"


@given(TEXT)
def test_a_key_is_its_own_key(title: str) -> None:
    assert title_key(title_key(title)) == title_key(title)


@given(TEXT)
def test_a_key_does_not_depend_on_how_unicode_spells_a_letter(title: str) -> None:
    assert title_key(unicodedata.normalize("NFC", title)) == title_key(unicodedata.normalize("NFKC", title))


@given(WORDS, st.data())
def test_line_breaks_and_doubled_spaces_leave_the_content_hash_alone(
    words: list[str], data: st.DataObject
) -> None:
    spread = "".join(word + data.draw(GAPS) for word in words)
    assert paper(abstract=spread).content_hash == paper(abstract=" ".join(words)).content_hash


@given(WORDS, WORDS)
def test_other_words_give_another_content_hash(one: list[str], other: list[str]) -> None:
    same = one == other
    for field in ("abstract", "comment"):
        hashes = {paper(**{field: " ".join(words)}).content_hash for words in (one, other)}
        assert (len(hashes) == 1) is same


def test_a_word_that_moves_from_the_title_to_the_abstract_is_a_change() -> None:
    assert paper("a b", abstract="c").content_hash != paper("a", abstract="b c").content_hash
    assert paper("a\x1fb", abstract="c").content_hash != paper("a", abstract="b\x1fc").content_hash


@pytest.mark.parametrize("field", ["url", "authors", "version", "local_id", "sighting", "published"])
def test_what_a_model_does_not_read_leaves_the_content_hash_alone(field: str) -> None:
    changed = {
        "url": "https://example.org/p",
        "authors": ("A. Nonym",),
        "version": 2,
        "local_id": "7",
        "sighting": None,
        "published": "2026-01-01",
    }
    assert paper(**{field: changed[field]}).content_hash == paper().content_hash


def test_claims_are_grounded_in_title_abstract_and_comment() -> None:
    assert paper("T", abstract="A", comment="C").own_text == "T\nA\nC"
    assert paper("T", abstract="", comment="").own_text == "T"


@pytest.mark.parametrize("fields", [{"title": ""}, {"title": "T", "colour": "red"}, {"title": "\ud800"}])
def test_a_paper_without_a_title_or_with_an_unknown_field_or_half_a_character_is_refused(
    fields: dict[str, str],
) -> None:
    with pytest.raises(ValidationError):
        Paper(**fields)

"""The extracted summary stands alone, in the abstract's own words. Every abstract is invented."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broadsheet.annotation import MAX_TLDR_CHARACTERS, MAX_TLDR_WORDS, MIN_TLDR_WORDS
from broadsheet.llm.extractive.anaphora import points_back
from broadsheet.llm.extractive.naming import own_name
from broadsheet.llm.extractive.rewriting import statements
from broadsheet.llm.extractive.tldr import summarise
from broadsheet.llm.extractive.trimming import balanced, shortened
from broadsheet.quantities import ungrounded_numbers
from growth import grows_linearly

SEEDS = Path(__file__).parents[4] / "shared" / "seeds"

TITLE = "ZebraNet: Stripe Attention for Long Videos"
ABSTRACT = (
    "Long videos are everywhere, and reading them has attracted much attention. However, existing models "
    "read every frame. "
    "To address this issue, we propose ZebraNet, a stripe attention that skips frames in which nothing "
    "moves and spends what it saves on the others. "
    "Extensive experiments show that our method outperforms the strongest baseline by 3.2\\% on four "
    "benchmarks. "
    "Code is available at https://github.com/owner/zebra."
)


def within_the_rules(tldr: str) -> bool:
    return (
        MIN_TLDR_WORDS <= len(tldr.split()) <= MAX_TLDR_WORDS
        and len(tldr) <= MAX_TLDR_CHARACTERS
        and tldr.endswith(".")
    )


def stated(sentence: str, name: str = "") -> list[str]:
    return [statement.text for statement in statements(sentence, name)]


def test_the_summary_names_the_method_and_its_result() -> None:
    tldr = summarise(TITLE, ABSTRACT)
    assert within_the_rules(tldr)
    assert tldr.startswith("ZebraNet is a stripe attention that skips frames")
    assert "3.2%" in tldr


@pytest.mark.parametrize(
    ("sentence", "name", "alone"),
    [
        ("In this work, we propose a filter for stripes.", "", "Proposes a filter for stripes"),
        ("We introduce Zebu, a filter for stripes.", "Zebu", "Zebu is a filter for stripes"),
        (
            "This paper introduces a filter called Striped Filter Merging (ZebuMerging).",
            "",
            "Striped Filter Merging (ZebuMerging) is a filter",
        ),
        ("To this end, we present Zebu, which filters stripes.", "Zebu", "Zebu filters stripes"),
        ("We present Zebu to filter stripes.", "Zebu", "Zebu filters stripes"),
        (
            "We propose a simple filter called Zebu for stripes.",
            "Zebu",
            "Zebu is a simple filter for stripes",
        ),
        ("Extensive experiments show that our method outperforms others.", "Zebu", "Zebu outperforms others"),
        ("Moreover, we prove that stripes are dense.", "", "Stripes are dense"),
        (
            "We study stripes and show that they are dense.",
            "",
            "Studies stripes and shows that they are dense",
        ),
        ("To count stripes faster, we develop a filter.", "", "Develops a filter to count stripes faster"),
    ],
)
def test_a_sentence_is_put_so_that_it_stands_alone(sentence: str, name: str, alone: str) -> None:
    assert alone in stated(sentence, name)


@pytest.mark.parametrize(
    "text", ["It filters stripes", "These results hold", "We go", "Stripes of this issue", "Shows our filter"]
)
def test_what_leans_on_another_sentence_is_seen(text: str) -> None:
    assert points_back(text)


def test_a_question_is_no_statement() -> None:
    assert stated("Can stripes be counted?") == []


@pytest.mark.parametrize(
    ("title", "abstract", "name"),
    [
        ("ZebraNet: Stripes", "We propose ZebraNet for stripes.", "ZebraNet"),
        ("Counting Stripes", "We propose a filter called ZebraNet.", "ZebraNet"),
        ("Counting Stripes", "We propose Stripe Filter Networks (SFN), which count.", "SFN"),
        ("Stripes: A Survey", "We survey them.", ""),
        ("Counting Stripes", "We count.", ""),
    ],
)
def test_the_papers_own_name_is_found(title: str, abstract: str, name: str) -> None:
    assert (
        own_name(title, abstract) in {name, "Stripe Filter Networks"}
        if name == "SFN"
        else own_name(title, abstract) == name
    )


@given(st.text(alphabet='abcd ,;:()"—andwhichby', max_size=300))
def test_a_shortened_sentence_is_balanced_and_within_the_limits(text: str) -> None:
    for piece in shortened(text, 30, 220):
        assert balanced(piece)
        assert len(piece.split()) <= 30
        assert len(piece) < 220


@pytest.mark.parametrize("length", range(205, 225))
def test_an_article_that_grows_by_a_letter_makes_no_summary_too_long(length: int) -> None:
    claim = "a edge detector with a orthogonal basis finds harbours"
    claim += " in panchromatic photographs of estuaries taken from aeroplanes" * 3
    abstract = f"We show that {claim[: length - 3].rstrip()}{'y' * 3}."
    assert len(summarise("Edges", abstract)) <= MAX_TLDR_CHARACTERS


@settings(deadline=None)
@given(st.text(max_size=60), st.text(max_size=400))
def test_any_paper_with_a_word_has_a_sentence_within_the_limits(title: str, abstract: str) -> None:
    try:
        tldr = summarise(title, abstract)
    except ValueError:
        return
    assert 1 <= len(tldr.split()) <= MAX_TLDR_WORDS
    assert len(tldr) <= MAX_TLDR_CHARACTERS
    assert tldr.endswith(".")
    assert tldr.isprintable()


@pytest.mark.parametrize(
    ("title", "abstract"),
    [
        ("Stripes", ""),
        ("", "Stripes are dense."),
        ("Stripes", "We count."),
        ("条纹", "我们提出一种方法。它很快。"),
        ("Stripes", "zebra" * 20_000),
        ("Stripes", "zebra " * 17_000),
        ("S" * 400, ""),
    ],
)
def test_strange_papers_have_a_summary_too(title: str, abstract: str) -> None:
    tldr = summarise(title, abstract)
    assert 2 <= len(tldr) <= MAX_TLDR_CHARACTERS
    assert tldr.endswith(".")


@pytest.mark.parametrize("piece", ["zebra", "zebra ", "We propose a zebra. ", "which, "])
def test_time_grows_with_the_length_of_the_abstract(piece: str) -> None:
    assert grows_linearly(lambda abstract: summarise("Stripes", abstract), piece)


def test_a_paper_without_a_word_has_none() -> None:
    with pytest.raises(ValueError, match="no summary"):
        summarise(" ", "\n")


@pytest.mark.skipif(not SEEDS.exists(), reason="the shared pages are not here")
def test_every_real_abstract_has_a_summary_within_the_rules() -> None:
    seen = 0
    for page in sorted(SEEDS.glob("*.txt")):
        parts = [line.strip() for line in page.read_text(encoding="utf-8").splitlines() if line.strip()]
        for title, abstract in itertools.pairwise(parts):
            if len(title) < 200 and len(abstract) > 400:
                tldr = summarise(title, abstract)
                seen += 1
                assert within_the_rules(tldr), tldr
                assert not ungrounded_numbers(tldr, f"{title}\n{abstract}"), tldr
                assert not re.search(
                    r"\b[Ww]e\b|[\\{}$]|https?:|^(?:It|This|These|They|However|Moreover) ", tldr
                ), tldr
    assert seen > 400

"""The extracted summary stands alone, in the abstract's own words. Every abstract is invented."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broadsheet.annotation import MAX_TLDR_CHARACTERS, MAX_TLDR_WORDS, MIN_TLDR_WORDS, Annotation
from broadsheet.llm.extractive import tldr as tldr_module
from broadsheet.llm.extractive.naming import own_name
from broadsheet.llm.extractive.rewriting import statements
from broadsheet.llm.extractive.tldr import summarise
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


PIECES = [*ABSTRACT.split(". "), "We propose", "Our method", "which is", "(", "and shows that", ". ", "; "]
WORDS = st.lists(st.text("aé条纹الحمارЗебра ,;()-.", max_size=60), max_size=40).map(" ".join)


SHAPE = {
    "topics": ["graphs"],
    "contribution": "method",
    "keywords": ["stripes"],
    "code": {"evidence": "", "status": "none", "urls": []},
}


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
    assert tldr == (
        "ZebraNet is a stripe attention that skips frames in which nothing moves and spends what it saves "
        "on the others; the method outperforms the strongest baseline by 3.2% on four benchmarks."
    )


def test_a_name_that_looks_like_a_word_is_not_written_small_in_the_second_half() -> None:
    joined = tldr_module._referring("marten improves on all readers", "Marten is a reader of pages", "")
    assert joined == "it improves on all readers"
    acts = tldr_module._referring("proposes two masks", "Proposes a reader of pages", "")
    assert acts == "proposes two masks"


@pytest.mark.parametrize(
    ("sentence", "name", "alone"),
    [
        ("In this work, we propose a filter for stripes.", "", "Proposes a filter for stripes"),
        ("We introduce Zebu, a filter for stripes.", "Zebu", "Zebu is a filter for stripes"),
        (
            "To this end, we present Zebu, which filters stripes.",
            "Zebu",
            "Presents Zebu, which filters stripes",
        ),
        ("We study manes and propose a filter.", "", "Proposes a filter"),
        ("We ran tests and evaluate them.", "", "Runs tests and evaluates them"),
        (
            "We count herds, organise them by age, and plot the years.",
            "",
            "Counts herds, organises them by age, and plots the years",
        ),
        (
            "We use a tool to sort data, analyze the logs, and plot the years.",
            "",
            "Uses a tool to sort data, analyze the logs, and plot the years",
        ),
        ("We study and compare manes.", "", "Studies and compares manes"),
        (
            "We build a tool to find, analyze, and use it.",
            "",
            "Builds a tool to find, analyze, and use it",
        ),
        ("We present a filter that addresses these issues.", "", "Presents a filter"),
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


def test_a_long_sentence_loses_its_last_clause() -> None:
    kept = "Proposes a filter that finds stripes in photographs of herds taken from aeroplanes"
    abstract = f"We propose{kept[8:]}, which has{' long' * 25} been an open question."
    assert summarise("", abstract) == f"{kept}."


def test_a_long_sentence_loses_what_stands_in_parentheses() -> None:
    rest = "deter flies, and how they do so in every season of the year."
    abstract = f"We study whether stripes (of quaggas{' too' * 20}) {rest}"
    assert summarise("", abstract) == f"Studies whether stripes {rest}"


def test_no_summary_leans_on_a_sentence_that_is_not_there() -> None:
    abstract = (
        "Zebras have stripes that differ between herds, seasons and years for reasons nobody has explained. "
        "It is long. These results hold. We show that this problem is hard. Can stripes be counted?"
    )
    assert summarise("Zebras", abstract) == abstract.split(". ", maxsplit=1)[0] + "."


@pytest.mark.parametrize("length", range(MAX_TLDR_CHARACTERS - 15, MAX_TLDR_CHARACTERS + 5))
def test_a_sentence_near_the_limit_makes_no_summary_too_long(length: int) -> None:
    claim = "an edge detector with an orthogonal basis finds harbours"
    claim += " in panchromatic photographs of estuaries taken from aeroplanes" * 4
    abstract = f"We show that {claim[: length - 3].rstrip()}{'y' * 3}."
    assert len(summarise("Edges", abstract)) <= MAX_TLDR_CHARACTERS


@settings(deadline=None)
@given(
    st.text(max_size=400) | WORDS,
    st.text(max_size=900) | st.lists(st.sampled_from(PIECES) | WORDS, max_size=12).map(" ".join),
)
def test_any_paper_with_a_word_has_a_sentence_within_the_limits(title: str, abstract: str) -> None:
    try:
        tldr = summarise(title, abstract)
    except ValueError:
        return
    assert 1 <= len(tldr.split()) <= MAX_TLDR_WORDS
    assert len(tldr) <= MAX_TLDR_CHARACTERS
    assert tldr.endswith(".")
    assert tldr.isprintable()
    Annotation.model_validate({**SHAPE, "tldr": tldr})


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
    seen = short = 0
    for page in sorted(SEEDS.glob("*.txt")):
        parts = [line.strip() for line in page.read_text(encoding="utf-8").splitlines() if line.strip()]
        for title, abstract in itertools.pairwise(parts):
            if len(title) < 200 and len(abstract) > 400:
                tldr = summarise(title, abstract)
                seen += 1
                short += not within_the_rules(tldr)
                assert len(tldr.split()) <= MAX_TLDR_WORDS
                assert not ungrounded_numbers(tldr, f"{title}\n{abstract}"), tldr
                assert not re.search(
                    r"\b[Ww]e\b|[\\{}$]|https?:|^(?:It|This|These|They|However|Moreover) ", tldr
                ), tldr
    assert seen > 400
    assert short < seen / 20

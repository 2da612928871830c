"""What kind of contribution a paper makes. Every paper here is invented."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.llm.extractive import extract
from broadsheet.llm.extractive.contribution import classify_contribution
from broadsheet.paper import Paper
from broadsheet.prompts import Prompts
from broadsheet.taxonomy import Taxonomy

DEFAULT = Prompts.load().taxonomy

PAPERS = {
    "method": (
        "Ladders for Sparse Attention",
        (
            "Attention is slow on long inputs. We propose Ladder, a novel sparse attention that climbs "
            "from local to global context. Extensive experiments show that it outperforms the state of the "
            "art."
        ),
    ),
    "theory": (
        "Tight Bounds for Forgetful Learners",
        (
            "We study learners with bounded memory. We prove a lower bound on their sample complexity and "
            "show that it is tight up to logarithmic factors. Our proof relies on a new concentration "
            "inequality."
        ),
    ),
    "empirical": (
        "Do Deeper Parsers Help?",
        (
            "We investigate how depth affects parsers. We find that deeper models rarely help. "
            "Surprisingly, width matters more. Our findings suggest that common practice should be "
            "revisited."
        ),
    ),
    "resource": (
        "HedgeSong: A Benchmark for Bird Song",
        (
            "We introduce HedgeSong, a new dataset of ten thousand annotated recordings. Existing models "
            "struggle with it. We release the dataset and baselines."
        ),
    ),
    "survey": (
        "A Survey of Gradient Compression",
        (
            "Communication is the bottleneck of distributed training. This survey reviews methods that "
            "compress gradients, proposes a taxonomy, and discusses open challenges."
        ),
    ),
    "system": (
        "Serving Recipes to a Million Cooks",
        (
            "We describe the production system that serves recipes to millions of users. It has been "
            "deployed for two years; online A/B tests show gains and latency falls by a third."
        ),
    ),
}


@pytest.mark.parametrize("kind", PAPERS)
def test_a_plain_paper_of_each_kind_is_told(kind: str) -> None:
    assert classify_contribution(*PAPERS[kind], DEFAULT) == kind


def test_a_paper_that_says_nothing_is_a_method() -> None:
    assert classify_contribution("", "", DEFAULT) == "method"


@given(title=st.text(max_size=200), abstract=st.text(max_size=1000))
def test_any_text_gets_a_contribution_of_the_taxonomy(title: str, abstract: str) -> None:
    assert classify_contribution(title, abstract, DEFAULT) in DEFAULT.contribution_ids


def test_a_method_with_a_proof_beside_it_stays_a_method() -> None:
    title = "Momentum That Remembers Its Mistakes"
    abstract = (
        "Stochastic gradient descent with momentum overshoots. We propose an optimizer whose step size "
        "shrinks after an overshoot and prove its convergence rate under standard assumptions. It trains "
        "networks faster than AdamW."
    )
    assert classify_contribution(title, abstract, DEFAULT) == "method"


def test_a_title_that_says_survey_is_believed() -> None:
    taxonomy = Prompts.load().taxonomy
    title = "A Survey of Zebra Counting"
    assert classify_contribution(title, "We propose a novel taxonomy of methods.", taxonomy) == "survey"


def test_a_survey_that_the_taxonomy_does_not_know_is_never_answered() -> None:
    taxonomy = Taxonomy.parse('[topic]\nlanguage = "text"\n[contribution]\nmethod = "a technique"')
    assert classify_contribution("A Survey of Zebra Counting", "We survey.", taxonomy) == "method"


FILTER = "Filters of stripes are slow. We propose a novel filter that outperforms the state of the art."
COUNTED = f"{FILTER} We introduce a large dataset of stripes and train our filter on it."


@pytest.mark.parametrize(
    ("title", "abstract", "kind"),
    [
        ("Deep Zebra Dataset (DZD): Stripes Seen From Above", COUNTED, "resource"),
        ("Zebu: A New, Very Large-Scale Benchmark for Stripes", COUNTED, "resource"),
        ("Zebu: A Corpus", COUNTED, "resource"),
        # The title names more than the data, or data of others, or the abstract presents none.
        ("Zebu: A Dataset and a Method for Stripes", COUNTED, "method"),
        ("Zebu: Filtering Stripes With a Synthetic Dataset", COUNTED, "method"),
        ("Zebu: Training on a Benchmark for Stripes", COUNTED, "method"),
        ("Zebu: A Benchmark for Stripes", FILTER, "method"),
    ],
)
def test_a_title_that_says_data_set_is_believed_where_the_abstract_presents_one(
    title: str, abstract: str, kind: str
) -> None:
    assert classify_contribution(title, abstract, DEFAULT) == kind


@pytest.mark.parametrize(
    ("title", "presented", "kind"),
    [
        ("Zebu: Counting Stripes", "We introduce Zebu, a large, multi-view benchmark of herds.", "resource"),
        (
            "Counting Stripes with ZebuQA",
            "This paper presents the ZebuQA (Zebu Questions) dataset.",
            "resource",
        ),
        ("ZQA: Counting Stripes", "We present the Zebu Question Answering (ZQA) benchmark.", "resource"),
        # What the title names is no data set, or is the work's method beside its data.
        ("Zebu: Counting Stripes", "We introduce Moo, a large benchmark of herds.", "method"),
        ("Zebu: Counting Stripes", "We introduce Zebu, a framework, and Moo, a large dataset.", "method"),
        ("Zebu: A Framework for Stripes", "We introduce the Zebu dataset.", "method"),
    ],
)
def test_what_is_presented_as_a_data_set_under_the_name_in_the_title_is_one(
    title: str, presented: str, kind: str
) -> None:
    assert classify_contribution(title, f"{FILTER} {presented}", DEFAULT) == kind


def test_a_data_set_that_the_title_names_has_the_topic_of_benchmarks_and_another() -> None:
    paper = Paper(
        title="Zebu: Grasping Robots", abstract="We introduce Zebu, a large benchmark for robots that grasp."
    )
    said = extract(paper, DEFAULT)
    topics = said["topics"]
    assert said["contribution"] == "resource"
    assert isinstance(topics, list)
    assert topics[-1] == "benchmarks-and-surveys"
    assert "robotics" in topics

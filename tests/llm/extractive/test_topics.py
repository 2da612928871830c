"""Which topics a paper gets. Every paper here is invented."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.llm.extractive import extract
from broadsheet.llm.extractive.cues import words
from broadsheet.llm.extractive.features import FEATURES
from broadsheet.llm.extractive.ranker import MODEL, load_rankers
from broadsheet.llm.extractive.topics import SURVEYS, classify_topics, topic_probabilities
from broadsheet.paper import Paper
from broadsheet.prompts import Prompts
from broadsheet.taxonomy import Taxonomy
from growth import grows_linearly

DEFAULT = Prompts.load().taxonomy

PAPERS = {
    "speech-and-audio": (
        "Whispering Across a Noisy Room",
        (
            "Automatic speech recognition fails when the speaker whispers. We propose an acoustic front "
            "end that restores pitch before the recogniser listens, and word error rate falls by a third."
        ),
    ),
    "reinforcement-learning": (
        "Patient Critics for Offline Reinforcement Learning",
        (
            "Offline RL overestimates the value of unseen actions. We introduce a critic whose Q-function "
            "waits for evidence, and it improves the policy on continuous control tasks."
        ),
    ),
    "graphs": (
        "Two Hops Are Enough",
        (
            "Graph neural networks smooth away what tells nodes apart. We show that message passing over "
            "two hops suffices for node classification and link prediction."
        ),
    ),
    "distillation-and-compression": (
        "Quantisation without Regret",
        (
            "Post-training quantization to 4 bits costs accuracy. We present a rounding rule for weights "
            "that keeps it, and combine it with pruning."
        ),
    ),
    "probabilistic-and-causal": (
        "Treatment Effects from Crooked Logs",
        (
            "Causal inference from observational data needs every confounder. We propose an estimator of "
            "treatment effects that is doubly robust to one that is missing, with valid confidence "
            "intervals."
        ),
    ),
    "security": (
        "Ransomware That Hides in the Noise",
        (
            "Malware authors hide from intrusion detection by encryption. We present a ransomware detector "
            "that watches a side channel, and it stops the attacker before a file is encrypted."
        ),
    ),
    "human-computer-interaction": (
        "Reading Maps by Touch",
        (
            "Blind users find maps hard to read. In a participatory design workshop and a user study with "
            "twelve participants we built a haptic user interface, and we report on its usability."
        ),
    ),
    "games-and-economics": (
        "Honest Bids for Berths",
        (
            "Harbours sell berths by auction. We give an incentive compatible mechanism design whose Nash "
            "equilibrium has a price of anarchy of two, and study the bidders' strategic behaviour."
        ),
    ),
    "communications": (
        "Listening between the Waves",
        (
            "Massive MIMO needs accurate channel estimation. We propose a beamforming scheme for wireless "
            "base stations that comes close to channel capacity at low signal-to-noise ratio."
        ),
    ),
    "software-engineering": (
        "Which Commit Broke the Build?",
        (
            "Regression testing in continuous integration is slow. We present a fault localization technique "
            "for software developers that reads a pull request and its bug reports."
        ),
    ),
}


def with_lines(topic: str = "", cues: str = "", *, without: str = "") -> Taxonomy:
    """The default taxonomy's tags with a topic more or less."""
    lines = [f"{tag.id} = {json.dumps(tag.definition)}" for tag in DEFAULT.topics if tag.id != without]
    contributions = [f"{tag.id} = {json.dumps(tag.definition)}" for tag in DEFAULT.contributions]
    return Taxonomy.parse(
        "\n".join(["[topic]", *lines, topic, "[contribution]", *contributions, "[cues]", cues])
    )


BIRDS = (
    "Counting Warblers from a Hedge",
    (
        "Ornithology depends on volunteers who count birds by ear. We propose a classifier of bird song "
        "and birdsong onsets that counts warblers in a recording."
    ),
)


@pytest.mark.parametrize("topic", PAPERS)
def test_a_plain_paper_of_a_field_gets_its_topic_first(topic: str) -> None:
    assert classify_topics(*PAPERS[topic], DEFAULT)[0] == topic


def test_an_evaluation_on_pictures_alone_does_not_make_a_vision_paper() -> None:
    title = "Momentum That Remembers Its Mistakes"
    abstract = (
        "Stochastic gradient descent with momentum overshoots. We propose an optimizer whose step size "
        "shrinks after an overshoot and prove its convergence rate. On ImageNet it trains a ResNet faster "
        "than AdamW."
    )
    topics = classify_topics(title, abstract, DEFAULT)
    assert topics[0] == "optimization"
    assert "computer-vision" not in topics


def test_a_topic_that_a_user_adds_works_at_once() -> None:
    taxonomy = with_lines(
        'ornithology = "birds and their songs"', 'ornithology = ["bird song, ornithology, warbler"]'
    )
    assert "ornithology" in classify_topics(*BIRDS, taxonomy)
    for title, abstract in PAPERS.values():
        assert "ornithology" not in classify_topics(title, abstract, taxonomy)


def test_a_topic_that_a_user_adds_is_not_lost_among_those_with_many_cues() -> None:
    taxonomy = with_lines(
        'ornithology = "birds and their songs"', 'ornithology = ["bird song, ornithology, warbler"]'
    )
    title, abstract = PAPERS["speech-and-audio"]
    topics = classify_topics(title, f"{abstract} It hears a warbler as well, and other bird song.", taxonomy)
    assert topics[0] == "speech-and-audio"
    assert "ornithology" in topics


def test_a_topic_that_a_user_adds_works_from_its_definition_alone() -> None:
    taxonomy = with_lines('bird-song = "ornithology, birds, warblers"')
    assert "bird-song" in classify_topics(*BIRDS, taxonomy)


def test_a_topic_that_a_user_removes_is_never_answered() -> None:
    for topic, paper in PAPERS.items():
        assert topic not in classify_topics(*paper, with_lines(without=topic))


def test_a_survey_has_the_topic_of_surveys_and_another() -> None:
    for title, abstract in (*PAPERS.values(), ("Everything: A Survey", "We survey benchmarks and surveys.")):
        paper = Paper(title=f"{title}: A Survey", abstract=abstract)
        said = extract(paper, DEFAULT)
        topics = said["topics"]
        assert said["contribution"] == "survey"
        assert isinstance(topics, list)
        assert SURVEYS in topics
        assert 2 <= len(topics) <= 4
        assert len(set(topics)) == len(topics)


def test_a_paper_without_any_cue_still_gets_one_topic() -> None:
    assert len(classify_topics("", "", DEFAULT)) == 1


@given(title=st.text(max_size=200), abstract=st.text(max_size=2000))
def test_any_text_gets_one_to_four_topics_of_the_taxonomy(title: str, abstract: str) -> None:
    topics = classify_topics(title, abstract, DEFAULT)
    assert 1 <= len(topics) <= 4
    assert len(set(topics)) == len(topics)
    assert set(topics) <= set(DEFAULT.topic_ids)


@given(
    st.lists(
        st.sampled_from([word for id_ in DEFAULT.topic_ids for word in DEFAULT.cues[id_][0].split()]),
        max_size=300,
    )
)
def test_any_heap_of_cue_words_gets_one_to_four_topics_in_order_of_probability(heap: list[str]) -> None:
    text = " ".join(heap)
    topics, probability = classify_topics(text, text, DEFAULT), topic_probabilities(text, text, DEFAULT)
    assert 1 <= len(topics) <= 4
    assert [probability[id_] for id_ in topics] == sorted(probability.values(), reverse=True)[: len(topics)]
    assert all(math.isfinite(value) for value in probability.values())


@pytest.mark.parametrize("word", ["attention ", "zebra "])
def test_time_grows_with_the_length_of_one_word_repeated(word: str) -> None:
    assert grows_linearly(lambda abstract: classify_topics("Attention", abstract, DEFAULT), word)


def test_the_fitted_file_is_small_and_holds_no_words_but_tags() -> None:
    assert MODEL.stat().st_size < 100_000
    topic, contribution = load_rankers()["topic"], load_rankers()["contribution"]
    assert len(topic.shared) == len(contribution.shared) == len(FEATURES)
    named = {
        name.split(":")[0] for r in (topic, contribution) for cross in r.cross.values() for name in cross
    }
    assert named <= {*DEFAULT.topic_ids, *DEFAULT.contribution_ids, "coined name"}


def test_every_tag_of_the_default_taxonomy_is_fitted_and_has_cues() -> None:
    for facet, tags in (("topic", DEFAULT.topics), ("contribution", DEFAULT.contributions)):
        assert set(load_rankers()[facet].bias) == {tag.id for tag in tags}
        assert all(DEFAULT.cues[tag.id] for tag in tags)


GOLD = Path(__file__).parents[4] / "shared" / "gold"


@pytest.mark.skipif(not GOLD.is_dir(), reason="the reference annotations are not beside this checkout")
def test_no_cue_is_the_better_part_of_a_title_of_the_reference() -> None:
    cues = {
        phrase.strip()
        for id_ in DEFAULT.topic_ids
        for cue in DEFAULT.cues[id_]
        for phrase in cue.split("^")[0].split(",")
    }
    titles = [
        json.loads(line)["title"].lower() for line in (GOLD / "papers.jsonl").read_text("utf-8").splitlines()
    ]
    phrases = {f" {' '.join(words(cue))} " for cue in cues}
    for title in titles:
        spaced = f" {' '.join(words(title))} "
        longest = max((len(phrase.split()) for phrase in phrases if phrase in spaced), default=0)
        assert longest <= 2 or longest <= len(words(title)) * 2 / 3, title

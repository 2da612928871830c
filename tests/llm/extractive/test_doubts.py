"""A doubt is raised by the fault and not by its sound counterpart. Every line is invented."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from broadsheet.llm.extractive import doubts as module
from broadsheet.llm.extractive.doubts import GRAVE, abbreviations, doubts

RULES = tomllib.loads(Path(module.__file__).with_suffix(".toml").read_text(encoding="utf-8"))["doubt"]


@pytest.mark.parametrize("rule", RULES, ids=[rule["found"] for rule in RULES])
def test_each_rule_doubts_the_fault_and_not_what_is_sound(rule: dict[str, str]) -> None:
    assert doubts(rule["found"], set()) >= 1.5
    assert doubts(rule["sound"], set()) < doubts(rule["found"], set())
    if rule["weight"] == "grave":
        assert doubts(rule["found"], set()) >= GRAVE
        assert doubts(rule["sound"], set()) < GRAVE


@pytest.mark.parametrize(
    ("text", "sound"),
    [
        # Which one is meant stands in another sentence.
        ("Formalizes the task", "Formalizes the task of counting stripes"),
        (
            "Proves the use of stripes by the proposed methodology",
            "Proves the use of stripes by a methodology",
        ),
        ("The framework exceeds all counters", "The framework of two towers exceeds all counters"),
        ("Trains the model on herds", "Trains the stripe counter Zebu on herds"),
        ("The methods achieve more than manes", "The methods of keepers achieve more than manes"),
        (
            "Counts stripes with two new cameras for the problem",
            "Counts stripes, a problem, and plots the problem",
        ),
        ("Thanks to cameras, counters of stripes are proposed", "With cameras, stripes are counted"),
        (
            "Zebu is faster by 3, 4, and 5 percent, respectively",
            "Counts 3, 4, and 5 herds in wet, dry, and hot parks, respectively",
        ),
        # They are not named.
        ("Presents a counter which helps them to see", "Presents a counter that helps keepers as they see"),
        # A verb that was not put into the third person.
        ("Analyzes stripes and compare the manes", "Analyzes stripes and compares the manes"),
        ("Analyzes stripes and compare the manes", "Builds a tool to find and compare the manes"),
        (
            "Builds a tool that counts stripes and analyze the manes",
            "Builds a tool that counts and plots manes",
        ),
        ("Analyzes manes by stripes and propagate labels", "Uses a tool to count manes and propagate labels"),
    ],
)
def test_what_leans_or_breaks_is_doubted_gravely(text: str, sound: str) -> None:
    assert doubts(text, set()) >= GRAVE
    assert doubts(sound, set()) < GRAVE


def test_what_the_title_names_is_hardly_doubted() -> None:
    text = "Describes the counting task by stripes"
    assert doubts(text, {"counting", "of", "stripe"}) < doubts(text, set()) < GRAVE


@pytest.mark.parametrize(
    ("text", "sound"),
    [
        # What a reader would need another sentence for.
        ("Proves the speed of the introduced filter of herds", "Proves the speed of a filter of herds"),
        ("Given new herds it counts all their stripes", "Given new herds, keepers count all stripes"),
        ("Offers ways to count them in large parks", "Offers ways to count zebras in large parks"),
        ("In herds, each method is fast", "In herds, each keeper is fast"),
        ("Counts more than all the tested filters", "Counts more than all filters"),
        ("Looks at their manes", "Looks at zebras and their manes"),
        ("The particular coat of zebras deters flies", "The coat of zebras deters flies"),
        ("Zebu has comparable results", "Zebu has comparable results to keepers"),
        ("Presents the first model, counting stripes", "Presents the first model of zebras"),
        # What breaks.
        ("Zebu is the first that counting the herds", "Zebu is the first that counts the herds"),
        ("Proposes the effectiveness of stripes", "Proves the effectiveness of stripes"),
        ("Inference: a counter of stripes is built", "A counter of stripes is built"),
        ("Proposes via stripes that herds are large", "Proposes that herds are large"),
        ("Proposes and shows that herds are large", "Shows that herds are large"),
        ("Presents Zebu, for a filter of stripes", "Presents Zebu, a filter of stripes"),
        ("Builds towers to quickly counts the stripes", "Builds towers to quickly count the stripes"),
        ("Presents a Coat (CC) and a Zebra Filter; it counts", "Presents a Coat (CC); it counts"),
        ("Zebu counts with superior speed in herds than others", "Zebu counts with superior speed in herds"),
        ("Counts more stripes by 2.17 to 2.82", "Counts more stripes by 2.17% to 2.82%"),
        ("Counts mgg stripes", "Counts many stripes"),
        ("Counts a mane' of herds", "Counts a 'mane' of herds"),
        ("Analyzes herds and compare two zebras", "Analyzes herds and compares two zebras"),
        ("Revisits herds of parks and conduct a count", "Revisits herds of parks and conducts a count"),
        (
            "Zebu is a counter of herds; it enables the model to see",
            "Zebu is a counter of herds; it sees more",
        ),
        ("Designs includes towers of large parks", "Designs towers of large parks"),
        ("Adds up to the sum of each module", "Adds up to the sum of each herd"),
        ("Counts herds; weighs their stripes", "Counts herds; weighs manes"),
        ("By counting stripes of herds, it sees more", "By counting stripes of herds, Zebu sees more"),
        ("In herds, existing methods fail to see", "In herds, counters fail to see"),
        ("Counts herds, then sort them by age", "Counts herds, then sorts them by age"),
        ("Counts large herds Second, counts few manes", "Counts large herds and few manes"),
        ("Presents a second counter of herds", "Presents a counter of herds"),
        ("Counts herds by -stripes of zebras", "Counts herds by stripes of zebras"),
        ("Counts more stripes in each case", "Counts more stripes in each herd"),
        ("All six filters count the stripes of herds", "Six filters count the stripes of herds"),
        ("Bold Mane Count: plots manes of herds", "Plots manes of herds"),
    ],
)
def test_a_line_that_leans_or_breaks_gives_way_to_the_title(text: str, sound: str) -> None:
    assert doubts(text, set()) >= GRAVE
    assert doubts(sound, set()) < GRAVE


@pytest.mark.parametrize(
    ("text", "sound"),
    [
        ("A keeper is then shown herds", "A keeper is shown herds"),
        ("Offers an empirical answer by counting herds", "Offers a count of herds"),
        ("Evaluates performance across wet and dry herds", "Evaluates performance of keepers across herds"),
        ("Counts herds for any reasonable choice of n", "Counts herds for any reasonable choice of keeper"),
        ("Counts the stripes of those caged zebras", "Counts the stripes of caged zebras"),
        ("Takes an opposite path through herds", "Takes a path through herds"),
        ("Designs extensive experiments on herds", "Designs two cameras on herds"),
        ("Counts herds by the trained model", "Counts herds by a trained model"),
        ("Presents a lamp which Learning from herds", "Presents a lamp which learns from herds"),
        ("Weighs the three key stripes", "Weighs three key stripes"),
        ("Finds a far more dangerous herd", "Finds a herd far more dangerous than lions"),
        ("Keepers ask whether similar stripes fade", "Keepers ask whether stripes fade"),
        ("Builds within its original tower", "Builds a tower within its original walls"),
        ("Looks into the future of counters", "Looks into the towers of counters"),
        ("Envisions counters as a step for herds", "Builds counters as a step for herds"),
        # Nobody said what ZF is, or which language model it was.
        ("ZF counts the stripes of herds", "ZF is a counter of the stripes of herds"),
        (
            "Zebu is a counter; ZF counts the stripes of herds",
            "Zebu is a counter; it counts the stripes of herds",
        ),
        ("Keepers of herds ask while the LLM answers", "Keepers of herds ask while an LLM answers"),
        ("Experiments on herds count stripes", "Keepers of herds count stripes"),
        ("Counts a herd C of zebras", "Counts a herd of zebras"),
        # The farther what governs a verb, the less sure it is that it does.
        (
            "Builds a tool to find the stripes of all zebras in large parks and compare two manes",
            "Builds a tool to find and compare two manes of all zebras in large parks",
        ),
        # Early in a line a reader looks for what "the" one is, and a title that shares its class tells not.
        (
            "Studies the fading in parks",
            "Studies how zebras of large and of small herds live with the fading in parks",
        ),
        ("Studies herds in the meadow", "Studies herds in the wild"),
        ("Describes the growth and decline", "Describes the growth and decline of herds"),
    ],
)
def test_a_doubtful_line_is_doubted_more_than_a_plain_one(text: str, sound: str) -> None:
    assert doubts(text, set()) > doubts(sound, set())


def test_a_title_tells_what_a_vague_noun_and_a_name_mean() -> None:
    text = "Narrows the gap in herds; ZF is fast"
    assert doubts(text, {"gap"}) < doubts(text, set())
    assert doubts(text, {"zf"}) < doubts(text, set())


def test_a_title_tells_which_is_meant_by_more_than_the_class() -> None:
    text = "On plains, the student networks run"
    assert doubts(text, {"student"}) < doubts(text, {"network"})


def test_what_another_sentence_abbreviates_is_doubted() -> None:
    abstract = "A zebra filter (ZF), a stripe counter (SC) and a language model (LLM) see herds."
    abbreviated = abbreviations(abstract, "The Stripe Counter")
    assert abbreviated == {"ZF"}
    assert abbreviations(abstract, "Zonal Fences and Striped Cattle") == frozenset()
    assert abbreviations("A mane counter (MC²) sees herds.", "Manes") == {"MC²"}
    assert doubts("Counts herds by ZF", set(), abbreviated) > doubts("Counts herds by ZF", set())
    spelt = "Counts herds by a zebra filter (ZF)"
    assert doubts(spelt, set(), abbreviated) == doubts(spelt, set())


def test_what_a_second_half_leaves_open_is_doubted_like_what_a_line_begins_with() -> None:
    halves = "Counts many stripes of zebras in large parks by night{} plots the towers"
    assert doubts(halves.format(";"), set()) > doubts(halves.format(" and"), set()) > 0

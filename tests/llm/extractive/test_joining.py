"""A second half is surely said of what the first introduces. Every sentence is invented."""

from __future__ import annotations

import pytest

from broadsheet.llm.extractive.emptiness import acts_little, tells_little
from broadsheet.llm.extractive.joining import Addition, Half, joined
from broadsheet.llm.extractive.rewriting import statements
from broadsheet.llm.extractive.tldr import summarise
from broadsheet.llm.extractive.trimming import Cut


def both(first: str, second: str, name: str = "Zebu", title: str = "Zebu: Stripes") -> str:
    """Return what two sentences of an abstract that follow each other become."""
    half, addition = next(statements(first, name)), next(f for f in statements(second, name) if f.addition)
    told = Addition(1, addition.kind, addition.addition, 0, addition.acts, is_step=False)
    return joined(Half(Cut(half.text), half, 0), told, name, title).partition("; ")[2]


@pytest.mark.parametrize(
    ("first", "second", "half"),
    [
        ("We present Zebu, a counter.", "It sees herds from afar.", "it sees herds from afar"),
        ("We present Zebu, a counter.", "Zebu sees herds from afar.", "it sees herds from afar"),
        ("We present Zebu, a counter.", "Our model sees herds from afar.", "it sees herds from afar"),
        ("We present a counter.", "This counter sees herds from afar.", "it sees herds from afar"),
        ("We present a method.", "Zebu sees herds from afar.", "Zebu sees herds from afar"),
        (
            "We present Zebu, a counter.",
            "Using two cameras, Zebu sees herds from afar.",
            "it sees herds from afar",
        ),
        (
            "We present Zebu, a counter.",
            "Using two cameras, our experiments show that Zebu sees herds from afar.",
            "it sees herds from afar",
        ),
        # What "it" is said of is one of several, or another thing than the name.
        ("We present a filter and a dataset.", "It sees herds from afar.", ""),
        ("We present two filters.", "It sees herds from afar.", ""),
        ("We present Zebu, a counter.", "Zebu models outperform five others by far.", ""),
        ("We present Zebu, a dataset.", "Our model sees herds from afar.", ""),
        ("We present Zebu, a dataset.", "It reduces errors on large herds.", ""),
        ("We present a filter for towers.", "This tower sees herds from afar.", ""),
        # What was done is evaluated, or done again.
        ("We evaluate a counter of herds.", "We find the manes of herds.", ""),
        ("We present a counter of herds.", "We present a filter of manes.", ""),
        ("We present two filters of stripes.", "We describe two filters of the stripes.", ""),
        ("We build a counter of large herds at night.", "We sort large herds at night with the counter.", ""),
        # A participle is no verb, and a study of several has no method of its own.
        ("We present Zebu, a counter.", "Zebu trained on large herds even sees manes.", ""),
        (
            "We compare several models of stripes and manes at night in large herds.",
            "Experiments show that, in fog, the model sees half of all stripes.",
            "",
        ),
        ("We present a counter of herds.", "We sort the manes of herds.", "sorts the manes of herds"),
    ],
)
def test_a_second_half_is_said_of_the_same_thing(first: str, second: str, half: str) -> None:
    assert both(first, second) == half


@pytest.mark.parametrize(
    ("predicate", "little"),
    [
        ("achieves new state-of-the-art results on many benchmarks", True),
        ("achieves better accuracy by 3.2%", False),
        ("outperforms all other methods", True),
        ("outperforms other methods by 3.2% in herds", False),
        ("shows significant improvements", True),
        ("shows significant improvements of 3.2%", False),
        ("is publicly available online", True),
        ("sees herds from afar", False),
    ],
)
def test_what_is_said_of_nearly_everything_tells_little_unless_it_has_a_figure(
    predicate: str, little: bool
) -> None:
    assert tells_little(predicate) is little


def test_what_nearly_all_authors_do_tells_little() -> None:
    assert acts_little("evaluates the counter on herds")
    assert not acts_little("counts the manes of herds")


def test_what_was_done_later_can_follow_too_unless_all_authors_do_it() -> None:
    begun = "We present a counter of stripes at dawn. Herds are large."
    done = "We train the counter on photographs that two cameras took from a tower in fog."
    little = "We evaluate the counter on photographs that two cameras took from a tower in fog."
    assert summarise("A Counter of Stripes", f"{begun} {done}").partition("; ")[2].startswith("trains the")
    assert "; " not in summarise("A Counter of Stripes", f"{begun} {little}")


def test_a_short_second_half_is_worth_its_room() -> None:
    first = (
        "We present Zebu, a lamp whose flashes let two cheap cameras see manes through fog, rain and dust."
    )
    line = summarise("Zebu: Stripes", f"{first} Zebu sees large herds at night.")
    assert line.endswith("; it sees large herds at night.")


def test_a_part_that_is_spoken_of_later_is_not_taken_for_the_whole() -> None:
    begun = "We present Zebu, a framework with a lamp. Herds are large. {} sees more of all stripes at night."
    assert "; it sees" in summarise("Zebu: Stripes", begun.format("Our framework"))
    assert "; " not in summarise("Zebu: Stripes", begun.format("This strategy"))
    part = "We present a model of lamps. Zebu has two. Our method sees more of all stripes at night."
    assert "; the method" not in summarise("Zebu: Stripes", part)


def test_achievements_that_would_not_agree_with_their_verb_are_left_out() -> None:
    shown = "Experiments show the use of our filter, reducing errors by 5{} counts on herds."
    said = [form.addition for form in statements(shown.format("% in all"), "")]
    assert "it reduces errors by 5% in all counts on herds" in said
    assert not any(
        "it reduces" in form.addition for form in statements(shown.format("%, and speeding up"), "")
    )


def test_a_second_half_whose_verbs_do_not_agree_is_left_out() -> None:
    told = "Stripes matter. We present Zebu, a counter of herds. {}"
    assert "; " in summarise("Zebu: Stripes", told.format("We sort large herds and count their manes."))
    assert "; " not in summarise(
        "Zebu: Stripes", told.format("We sort large herds but increase their speed.")
    )


def test_a_name_that_neither_title_nor_line_explains_gives_way() -> None:
    line = summarise(
        "Counting the Stripes of Herds",
        "Stripes matter to herds. We propose a filter called ZebraNet. "
        "ZebraNet counts the stripes of large herds in many parks with two cameras.",
    )
    assert not line.startswith("ZebraNet")

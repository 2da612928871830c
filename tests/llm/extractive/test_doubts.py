"""A doubt is raised by the fault and not by its sound counterpart. Every line is invented."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from broadsheet.llm.extractive import doubts as module
from broadsheet.llm.extractive.doubts import GRAVE, doubts

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
    text = "Improves the counting task by stripes"
    assert doubts(text, {"counting", "of", "stripe"}) < doubts(text, set()) < GRAVE

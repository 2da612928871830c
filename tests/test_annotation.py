"""The shape of an annotation: what is refused, whoever made it."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from broadsheet.annotation import Annotation, Code
from broadsheet.prompts import Prompts
from builders import TLDR, annotation

SAID: dict[str, Any] = {
    "tldr": TLDR,
    "topics": ["graphs"],
    "contribution": "method",
    "keywords": ["tidal flats"],
    "code": {"evidence": "", "status": "none", "urls": []},
}
EVIDENCE = "Our code is available"


def validated(**changes: Any) -> Annotation:
    return Annotation.model_validate({**SAID, **changes}, context={"taxonomy": Prompts.load().taxonomy})


def test_an_annotation_within_the_rules_is_accepted() -> None:
    assert validated().topics == ("graphs",)


@pytest.mark.parametrize(
    "changes",
    [
        {"tldr": ""},
        {"tldr": " \n "},
        {"tldr": "a" * 261},
        {"tldr": " ".join(["word"] * 36)},
        {"topics": []},
        {"topics": ["graphs", "language", "robotics", "reasoning", "multimodal"]},
        {"topics": ["tidal-flats"]},
        {"topics": ["method"]},
        {"topics": "graphs"},
        {"contribution": "graphs"},
        {"contribution": ""},
        {"keywords": []},
        {"keywords": list("abcdefg")},
        {"keywords": ["tides", " "]},
        {"code": {"evidence": EVIDENCE, "status": "none", "urls": []}},
        {"code": {"evidence": "", "status": "none", "urls": ["https://example.org"]}},
        {"code": {"evidence": "", "status": "available", "urls": []}},
        {"code": {"evidence": " ", "status": "announced", "urls": []}},
        {"code": {"evidence": EVIDENCE, "status": "maybe", "urls": []}},
        {"code": {"evidence": EVIDENCE, "status": "available"}},
        {"code": {"evidence": EVIDENCE, "status": "available", "urls": [""]}},
        {"mood": "cheerful"},
    ],
)
def test_what_breaks_a_rule_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        validated(**changes)


@pytest.mark.parametrize("field", list(SAID))
def test_a_field_that_is_missing_is_refused(field: str) -> None:
    with pytest.raises(ValidationError):
        Annotation.model_validate({name: value for name, value in SAID.items() if name != field})


def test_a_tldr_at_the_limits_is_accepted() -> None:
    assert validated(tldr=" ".join(["seven7"] * 34) + " end.")
    assert len(validated(tldr="a" * 260).tldr) == 260


def test_repeats_are_dropped_and_the_order_is_kept() -> None:
    said = validated(topics=["robotics", "graphs", "robotics"], keywords=["tides", "sand", "tides"])
    assert said.topics == ("robotics", "graphs")
    assert said.keywords == ("tides", "sand")
    assert Code(evidence=EVIDENCE, status="available", urls=("u", "u")).urls == ("u",)


def test_space_around_a_text_is_dropped() -> None:
    assert validated(tldr=f"  {TLDR}\n").tldr == TLDR


def test_an_annotation_cannot_be_changed_after_it_was_checked() -> None:
    with pytest.raises(ValidationError):
        annotation().tldr = "Other words."


def test_no_code_is_written_as_null_or_in_full() -> None:
    in_full = {"evidence": "", "status": "none", "urls": []}
    assert validated(code=None) == validated(code=in_full)
    assert validated(code=None).code.model_dump(mode="json") == in_full


def test_two_letters_of_a_script_without_spaces_count_as_a_word() -> None:
    assert validated(tldr="方" * 70).tldr
    with pytest.raises(ValidationError):
        validated(tldr="方" * 71)

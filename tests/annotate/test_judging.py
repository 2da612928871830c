from __future__ import annotations

from typing import Any

import pytest

from broadsheet.annotate.judging import Judge
from broadsheet.annotation import Annotation
from broadsheet.paper import Paper
from broadsheet.prompts import Prompts
from papers import papers, record

JUDGE = Judge(Prompts.load().taxonomy)
(PAPER,) = papers(1)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (
            {"topics": ["cookery", "gardening"]},
            ["0: 'cookery' is not a topic of the taxonomy", "1: 'gardening' is not a topic of the taxonomy"],
        ),
        ({"keywords": ["", "tides", ""]}, ["0: ", "2: "]),
        ({"code": {"evidence": "", "status": "maybe", "urls": [""]}}, ["status: ", "urls.0: "]),
    ],
)
def test_a_problem_tells_every_fault_of_its_field_and_where_it_is(
    wrong: dict[str, Any], told: list[str]
) -> None:
    (problem,) = JUDGE.judge(PAPER, {**record(PAPER), **wrong}).problems
    assert problem.startswith(f"{next(iter(wrong))}: ")
    faults = problem.split(": ", 1)[1].split("; ")
    assert len(faults) == len(told)
    assert all(fault.startswith(start) for fault, start in zip(faults, told, strict=True))


def test_what_is_withheld_for_its_shape_says_every_fault() -> None:
    wrong = {**record(PAPER), "topics": ["cookery", "gardening"]}
    verdict = JUDGE.settle(PAPER, JUDGE.judge(PAPER, wrong))
    assert verdict.annotation is not None
    (finding,) = [finding for finding in verdict.findings if finding.kind == "malformed"]
    assert "cookery" in finding.detail
    assert "gardening" in finding.detail


def test_a_problem_stays_short_however_much_is_wrong() -> None:
    wrong = {"topics": 4 * ["nonsense " * 500], "keywords": 6 * [""], "code": {str(n): n for n in range(500)}}
    problems = JUDGE.judge(PAPER, {**record(PAPER), **wrong}).problems
    assert all(len(problem) < 1500 for problem in problems)


@pytest.mark.parametrize("code", [None, {"evidence": "", "status": "none", "urls": []}])
def test_no_code_is_read_as_null_and_in_the_shape_of_older_replies(code: dict[str, Any] | None) -> None:
    verdict = JUDGE.judge(PAPER, {**record(PAPER), "code": code})
    assert verdict.problems == ()
    assert verdict.annotation == Annotation.model_validate(record(PAPER))


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (["robotics"], ("robotics", "benchmarks-and-surveys")),
        (["benchmarks-and-surveys", "robotics"], ("benchmarks-and-surveys", "robotics")),
        (
            ["robotics", "computer-vision", "reasoning", "multimodal"],
            ("robotics", "computer-vision", "reasoning", "benchmarks-and-surveys"),
        ),
    ],
)
def test_a_survey_has_the_topic_of_surveys_whatever_the_model_says(
    given: list[str], kept: tuple[str, ...]
) -> None:
    verdict = JUDGE.judge(PAPER, {**record(PAPER), "contribution": "survey", "topics": given})
    assert verdict.annotation is not None
    assert verdict.annotation.topics == kept
    assert verdict.problems == ()
    assert [finding.kind for finding in verdict.findings] == (["completed"] if set(kept) - set(given) else [])


def test_the_topic_of_surveys_never_stands_alone_on_a_survey() -> None:
    paper = Paper(
        title="A survey of grasping robots",
        abstract="We survey robots that grasp, robot arms and robotic manipulation.",
    )
    said = {**record(paper), "contribution": "survey", "topics": ["benchmarks-and-surveys"]}
    verdict = JUDGE.judge(paper, said)
    assert verdict.annotation is not None
    assert verdict.annotation.topics == ("robotics", "benchmarks-and-surveys")

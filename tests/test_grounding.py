"""What an annotation says stands in the paper, or is kept back. Every paper here is invented."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.annotation import Annotation, Code
from broadsheet.availability import read_code
from broadsheet.grounding import SEVERITY, check, withhold
from broadsheet.paper import Paper
from corruptions import changed_digits, foreign_names, is_withheld, lines_of_others, references
from growth import grows_linearly

URL = "https://github.com/owner/zebra"
PAPER = Paper(
    title="Zebra: Stripe Attention for Long Videos",
    abstract=(
        "Long videos are costly to read. We propose Zebra, a stripe attention that skips empty frames of "
        "a video. "
        "On SavannahBench it is 3.18times faster than GPT-4 at 95\\% of its accuracy, with 1,000 clips. "
        f"Code is available at {URL}.git."
    ),
)
TRUE = Annotation(
    tldr="Zebra skips empty frames of long videos with stripe attention and is 3.18× faster than GPT-4 at "
    "95% of its accuracy.",
    topics=("video-and-3d",),
    contribution="method",
    keywords=("stripe attention", "long video", "SavannahBench"),
    code=Code(evidence=f"Code is available at {URL}", status="available", urls=(URL,)),
)
FALLBACK = TRUE.model_copy(
    update={"tldr": "Zebra is a stripe attention that skips empty frames of a video.", "keywords": ("zebra",)}
)


def grounded(annotation: Annotation) -> Annotation:
    return withhold(PAPER, annotation, check(PAPER, annotation), lambda name: getattr(FALLBACK, name))


def kinds(annotation: Annotation, paper: Paper = PAPER) -> list[str]:
    return [finding.kind for finding in check(paper, annotation)]


def with_tldr(tldr: str) -> Annotation:
    return TRUE.model_copy(update={"tldr": tldr})


def with_code(**changes: object) -> Annotation:
    return TRUE.model_copy(update={"code": TRUE.code.model_copy(update=changes)})


def test_what_the_paper_says_has_no_finding() -> None:
    assert check(PAPER, TRUE) == ()


@pytest.mark.parametrize(
    ("annotation", "kind"),
    [
        (with_tldr(TRUE.tldr.replace("3.18", "3.81")), "number-not-in-text"),
        (with_tldr(TRUE.tldr.replace("95%", "59%")), "number-not-in-text"),
        (with_tldr(TRUE.tldr.replace("95%", "95x")), "number-not-in-text"),
        (with_tldr(TRUE.tldr.replace("GPT-4", "GPT-5")), "name-not-in-text"),
        (with_tldr(TRUE.tldr.replace("Zebra", "GiraffeNet")), "name-not-in-text"),
        (with_tldr(TRUE.tldr + " https://evil.example"), "markup"),
        (with_tldr(TRUE.tldr.replace("empty", "**empty**")), "markup"),
        (with_tldr(TRUE.tldr.replace("empty", "em\u200bpty")), "markup"),
        (with_tldr(TRUE.tldr.replace("empty", "\u202eempty")), "markup"),
        (TRUE.model_copy(update={"keywords": ("diffusion",)}), "keyword-not-in-text"),
        (TRUE.model_copy(update={"keywords": ("<b>video</b>",)}), "markup"),
        (with_code(urls=("https://github.com/owner/lion",)), "url-not-in-text"),
        (with_code(urls=(URL + "/tree/main",)), "url-not-in-text"),
        (with_code(urls=("javascript:alert(1)",)), "url-not-in-text"),
        (with_code(evidence="Code is freely available"), "evidence-not-in-text"),
        (with_code(evidence="We propose Zebra"), "evidence-not-of-code"),
        (with_tldr("A loom weaves tides into maps of harbours without any sounding."), "not-of-this-paper"),
        (with_tldr("Zebra skips empty frames of long videos with 95% of the accuracy and."), "unfinished"),
        (with_tldr("Zebra skips empty frames of long videos, with 95% of the accuracy (of"), "unfinished"),
    ],
)  # fmt: skip
def test_what_the_paper_does_not_say_is_withheld(annotation: Annotation, kind: str) -> None:
    assert kind in kinds(annotation)
    assert SEVERITY[kind] == "withheld"
    kept = grounded(annotation)
    assert kept != annotation
    assert not [finding for finding in check(PAPER, kept) if finding.severity == "withheld"]


def test_the_status_is_noted_where_the_rules_read_another() -> None:
    denied = TRUE.model_copy(update={"code": Code(evidence="", status="none", urls=())})
    findings = check(PAPER, denied)
    assert [(finding.kind, finding.severity) for finding in findings] == [("rule-disagrees", "note")]
    assert grounded(denied) == denied


def test_a_verdict_without_standing_evidence_gives_way_to_the_rules() -> None:
    code = grounded(with_code(evidence="invented", status="announced")).code
    assert code == read_code(PAPER.title, PAPER.abstract)
    assert code.urls == (URL,)


def test_one_false_keyword_leaves_the_others() -> None:
    mixed = TRUE.model_copy(update={"keywords": ("diffusion", "stripe attention")})
    assert grounded(mixed).keywords == ("stripe attention",)


def test_no_keyword_left_takes_the_fallbacks() -> None:
    false = TRUE.model_copy(update={"keywords": ("diffusion",)})
    assert grounded(false).keywords == FALLBACK.keywords


def test_the_fallback_is_not_made_where_nothing_is_withheld() -> None:
    def never(name: str) -> str:
        raise AssertionError(f"asked for {name}")

    assert withhold(PAPER, TRUE, check(PAPER, TRUE), never) is TRUE


@pytest.mark.parametrize("opening", ["This paper", "We", "The authors"])
def test_an_opening_that_is_not_content_is_noted(opening: str) -> None:
    assert "opening" in kinds(with_tldr(f"{opening} skip empty frames of long videos with stripe attention."))


def test_a_well_known_acronym_is_no_invented_name() -> None:
    paper = Paper(title="Stripes", abstract="Reinforcement learning of stripe attention networks.")
    assert "name-not-in-text" not in kinds(
        with_tldr("RL trains stripe attention networks, called SAN."), paper
    )


@given(st.integers(1, 10**6), st.sampled_from(["%", "x", "", " times", " percent"]))
def test_a_number_that_the_paper_does_not_give_is_always_found(number: int, unit: str) -> None:
    if number in {1000, 95, 4}:
        return
    assert "number-not-in-text" in kinds(with_tldr(f"Zebra skips empty frames and gains {number}{unit}."))


@given(st.from_regex(r"[a-z]{1,8}/[a-z]{1,8}", fullmatch=True))
def test_a_repository_that_the_paper_does_not_give_is_always_found(name: str) -> None:
    if name != "owner/zebra":
        assert "url-not-in-text" in kinds(with_code(urls=(f"https://github.com/{name}",)))


@given(st.integers(0, 200), st.integers(2, 60))
def test_any_piece_of_the_abstract_is_grounded_evidence(start: int, length: int) -> None:
    piece = PAPER.abstract[start : start + length].strip()
    if piece:
        assert "evidence-not-in-text" not in kinds(with_code(evidence=piece))


def test_time_grows_with_the_length_of_the_abstract() -> None:
    assert grows_linearly(lambda abstract: check(Paper(title="Zebra", abstract=abstract), TRUE), "stripe ")


@pytest.mark.parametrize(
    ("acronym", "stands"),
    [
        ("GNN", True),  # graph neural networks
        ("RLHF", True),  # a little word between
        ("SSL", True),  # hyphens
        ("TOW", False),  # the initials of "trained on weather" hold a little word's
        ("WAG", False),  # letters that meet only across a sentence's end
        ("QXZ", False),
    ],
)
def test_an_acronym_stands_for_words_side_by_side(acronym: str, stands: bool) -> None:
    paper = Paper(
        title="Zebra Stripes",
        abstract="A graph neural network is trained on weather. A graph of self-supervised learning is"
        " shown, with reinforcement learning from human feedback on stripes, at half of the cost.",
    )
    tldr = f"Zebra stripes are told apart by {acronym} at half of the cost of the best earlier method shown."
    annotation = TRUE.model_copy(update={"tldr": tldr})
    found = [finding for finding in check(paper, annotation) if finding.kind == "name-not-in-text"]
    assert (not found) == stands


@pytest.mark.parametrize(
    ("tldr", "abstract"),
    [
        ("Zebra skips frames 10 to 20 times as fast.", "Zebra skips frames 10~20X as fast."),
        ("Zebra skips frames 10-20x as fast.", r"Zebra skips frames $10\sim20\times$ as fast."),
        ("Zebra skips frames with 85 million weights.", "Zebra skips frames with Zebra-85M weights."),
        ("Zebra skips frames with 85 million weights.", "Zebra skips frames with 85m weights."),
        ("Zebra skips frames by 0.11 to 0.18 dB.", "Zebra skips frames by 0.11~0.18dB."),
        ("Zebra skips frames with an l1 loss.", "Zebra skips frames with an ell_1 loss."),
        ("Zebra skips frames with an l1 loss.", r"Zebra skips frames with an $\ell_1$ loss."),
        ("Zebra skips frames with ZebraCrossings.", "Zebra skips frames with ZebraCrosings."),
        ("Zebra skips frames in about 60% of the videos.", "Zebra skips frames in 60.15% of the videos."),
    ],
)
def test_what_a_careful_line_writes_in_another_way_has_no_finding(tldr: str, abstract: str) -> None:
    paper = Paper(title="Zebra", abstract=abstract)
    assert not is_withheld(paper, TRUE, tldr), check(paper, with_tldr(tldr))


@pytest.mark.parametrize(
    ("tldr", "abstract"),
    [
        ("Zebra skips frames 10 to 30 times as fast.", "Zebra skips frames 10~20X as fast."),
        ("Zebra skips frames with 58 million weights.", "Zebra skips frames with Zebra-85M weights."),
        ("Zebra skips frames with an l2 loss.", "Zebra skips frames with an ell_1 loss."),
        ("Zebra skips frames with ZebraNet51.", "Zebra skips frames with ZebraNet50."),
        ("Zebra skips frames with LLaMA.", "Zebra skips frames with LLaVA."),
        ("Zebra skips frames in 60% of the videos.", "Zebra skips frames in 60.15% of the videos."),
        ("Zebra skips frames in about 70% of the videos.", "Zebra skips frames in 60.15% of the videos."),
    ],
)
def test_what_only_resembles_the_abstract_is_withheld(tldr: str, abstract: str) -> None:
    assert is_withheld(Paper(title="Zebra", abstract=abstract), TRUE, tldr)


@pytest.mark.parametrize(
    ("tldr", "found"),
    [
        ("Zebra用条纹注意力跳过长视频的空帧，在SavannahBench上比GPT-4快3.18倍，准确率为95%。", []),
        ("Zebra用条纹注意力跳过长视频的空帧，比GPT-4快3.81倍，准确率为95%。", ["number-not-in-text"]),
        ("Zebra用条纹注意力跳过长视频的空帧，比GiraffeNet快3.18倍，准确率为95％。", ["name-not-in-text"]),
        ("Zebra saute les images vides : 3,18 fois plus vite, 95 % de justesse sur 1 000 clips.", []),
        ("Zebra ist 3,18-mal so schnell wie GPT-4, bei 59 % der Genauigkeit.", ["number-not-in-text"]),
    ],
)  # fmt: skip
def test_names_and_numbers_of_a_line_in_another_language_must_stand_in_the_abstract(
    tldr: str, found: list[str]
) -> None:
    assert [kind for kind in kinds(with_tldr(tldr)) if kind != "too-short"] == found


GOLD = Path(__file__).parents[2] / "shared" / "gold"
with_gold = pytest.mark.skipif(not GOLD.is_dir(), reason="the shared reference annotations are not here")


@with_gold
def test_at_most_one_careful_annotation_in_500_is_withheld_from() -> None:
    careful = references(GOLD)
    wrong = [
        found
        for paper, annotation in careful
        for found in check(paper, annotation)
        if found.severity == "withheld"
    ]
    assert len(careful) > 300
    assert len(wrong) <= len(careful) / 500, wrong


@with_gold
def test_99_of_100_lines_of_other_papers_and_changed_digits_and_95_foreign_names_are_withheld() -> None:
    careful, chance = references(GOLD), random.Random(20)
    for least, lines in (
        (0.99, lines_of_others(careful, chance)),
        (0.99, changed_digits(careful)),
        (0.95, foreign_names(careful, chance)),
    ):
        caught = [is_withheld(*line) for line in lines]
        assert len(caught) > 500
        assert sum(caught) >= least * len(caught)

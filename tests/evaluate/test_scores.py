"""Each measure against an example worked by hand, and against scikit-learn where it is installed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broadsheet.annotation import Code
from broadsheet.evaluate.scores import (
    count,
    f1,
    interval,
    keeps_tldr_rules,
    measured,
    measures,
    rouge_l,
)
from builders import annotation, paper


def total(pairs):
    counts = [count(true, said, paper()) for true, said in pairs]
    return {name: measure.value for name, measure in measured(counts, resamples=0).items()}


def test_code_status_is_scored_value_by_value() -> None:
    # true: a a n n w   said: a n n a w   (a available, n none, w announced)
    true = ["available", "available", "none", "none", "announced"]
    said = ["available", "none", "none", "available", "announced"]
    got = total([(annotation(code=t), annotation(code=s)) for t, s in zip(true, said, strict=True)])
    assert got["code status accuracy"] == pytest.approx(3 / 5)
    assert (got["code available precision"], got["code available recall"]) == (0.5, 0.5)
    assert got["code none F1"] == pytest.approx(0.5)
    assert got["code announced F1"] == 1.0


def test_topics_are_scored_over_all_labels_and_label_by_label() -> None:
    pairs = [
        (annotation(topics=("graphs", "language")), annotation(topics=("language", "robotics"))),
        (annotation(topics=("graphs",)), annotation(topics=("graphs",))),
    ]
    got = total(pairs)
    assert got["topics micro-F1"] == pytest.approx(2 * 2 / (2 * 2 + 1 + 1))
    # graphs: tp 1, fn 1 -> 2/3; language: 1; robotics: fp 1 -> 0
    assert got["topics macro-F1"] == pytest.approx((2 / 3 + 1 + 0) / 3)
    assert got["primary topic in reference"] == 1.0
    assert got["primary topic exact"] == 0.5


def test_urls_are_compared_in_canonical_form() -> None:
    def with_urls(*urls):
        return annotation(code=Code(status="available", evidence="x", urls=urls))

    got = total(
        [
            (
                with_urls("https://github.com/A/B"),
                with_urls("http://www.github.com/a/b.git", "https://x.org/c"),
            )
        ]
    )
    assert got["code URLs F1"] == pytest.approx(2 * 1 / (2 * 1 + 1))


def test_keywords_are_compared_without_case_hyphen_and_plural() -> None:
    got = total(
        [
            (
                annotation(keywords=("graph networks", "tidal flats", "soundings")),
                annotation(keywords=("Graph-Network", "tidal flat", "estuaries")),
            )
        ]
    )
    assert got["keywords F1"] == pytest.approx(2 / 3)


def test_rouge_l_is_the_f_of_the_longest_common_subsequence() -> None:
    # Lin (2004): "police killed the gunman" and "police kill the gunman" share police-the-gunman: 3 of 4.
    assert rouge_l("police kill the gunman", "police killed the gunman") == pytest.approx(0.75)
    assert rouge_l("the gunman kill police", "police killed the gunman") == pytest.approx(0.5)
    assert rouge_l("", "police") == 0.0


@given(st.text(max_size=60), st.text(max_size=60))
def test_rouge_l_is_symmetric_and_between_0_and_1(one: str, other: str) -> None:
    assert rouge_l(one, other) == pytest.approx(rouge_l(other, one))
    assert 0.0 <= rouge_l(one, other) <= 1.0


def test_a_tldr_keeps_the_rules_only_with_its_length_and_full_stop() -> None:
    assert keeps_tldr_rules(" ".join(["word"] * 15) + ".")
    assert not keeps_tldr_rules(" ".join(["word"] * 14) + ".")
    assert not keeps_tldr_rules(" ".join(["word"] * 15))
    assert not keeps_tldr_rules(" ".join(["abcdefghijklmn"] * 18) + ".")


def test_a_number_that_the_abstract_lacks_is_counted() -> None:
    said = annotation(
        tldr="SandLoom predicts how tidal flats change and cuts the error on them by 47% and 3x."
    )
    assert total([(annotation(), said)])["TL;DR ungrounded numbers"] == 2.0


def test_a_paper_without_an_annotation_agrees_in_nothing() -> None:
    got = total([(annotation(), annotation()), (annotation(), None)])
    assert got["code status accuracy"] == got["contribution accuracy"] == 0.5
    assert got["primary topic exact"] == got["TL;DR ROUGE-L"] == 0.5
    assert got["topics micro-F1"] == pytest.approx(2 * 2 / (2 * 2 + 2))


def test_nothing_to_find_and_nothing_said_has_no_score() -> None:
    assert f1(0, 0, 0) is None
    assert measures({"papers": 1})["code URLs F1"] is None


def test_an_interval_ends_between_neighbouring_values() -> None:
    assert interval(range(41)) == (1, 39)
    assert interval([4, 1, 3, 2]) == pytest.approx((1.075, 3.925))
    assert (interval([3]), interval([])) == ((3, 3), (None, None))


def test_the_interval_holds_the_value_narrows_with_papers_and_is_the_same_for_a_seed() -> None:
    right = count(annotation(), annotation(), paper())
    wrong = count(annotation(), annotation(contribution="theory"), paper())
    few, many = [right, wrong] * 5, [right, wrong] * 80
    name = "contribution accuracy"
    narrow, wide = measured(many, resamples=200)[name], measured(few, resamples=200)[name]
    assert narrow.value == wide.value == 0.5
    assert wide.low < narrow.low <= 0.5 <= narrow.high < wide.high
    assert measured(few, resamples=50) == measured(few, resamples=50)
    assert measured(few, resamples=50) != measured(few, resamples=50, seed=1)


STATUS = st.sampled_from(["available", "announced", "none"])


@settings(deadline=None)  # the first example pays for the import
@given(st.lists(st.tuples(STATUS, STATUS), min_size=1, max_size=12))
def test_scores_of_code_status_are_those_of_scikit_learn(pairs: list[tuple[str, str]]) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    got = total([(annotation(code=t), annotation(code=s)) for t, s in pairs])
    true, said = zip(*pairs, strict=True)
    for label in {*true, *said}:
        scores = metrics.precision_recall_fscore_support(true, said, labels=[label], zero_division=0)
        names = (f"code {label} precision", f"code {label} recall", f"code {label} F1")
        assert [got[name] for name in names] == pytest.approx([score[0] for score in scores[:3]])

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.annotate.replies import Reading, read, records_in
from broadsheet.fencing import FencedPaper, fenced
from broadsheet.llm import Reply
from broadsheet.paper import Paper
from broadsheet.prompts import Prompts
from broadsheet.schema import echo_of, reply_schema
from broadsheet.visible import visible
from growth import grows_linearly
from papers import answer, papers, record

PAPERS = papers(4)
ASKED = {f"P{number}": fenced(paper) for number, paper in enumerate(PAPERS, 1)}


def said() -> list[dict[str, Any]]:
    """The right records of all papers that were asked about."""
    return [{"ref": ref, "echo": echo_of(sent.title), **record(sent.paper)} for ref, sent in ASKED.items()]


def reading(text: str, asked: dict[str, FencedPaper] = ASKED, **reply: Any) -> Reading:
    return read(Reply(text, **reply), asked)


def test_a_right_answer_gives_each_paper_its_record() -> None:
    found = reading(answer(said()))
    assert dict(found.records) == {ref: record(sent.paper) for ref, sent in ASKED.items()}
    assert not found.causes


def test_a_missing_record_costs_only_its_own_paper() -> None:
    found = reading(answer([one for one in said() if one["ref"] != "P3"]))
    assert dict(found.causes) == {"P3": "missing"}
    assert set(found.records) == {"P1", "P2", "P4"}


def test_swapped_records_are_refused_both() -> None:
    records = said()
    records[0]["ref"], records[1]["ref"] = "P2", "P1"
    found = reading(answer(records))
    assert dict(found.causes) == {"P1": "misplaced", "P2": "misplaced"}


def test_a_record_with_another_papers_echo_is_not_given_to_that_paper() -> None:
    records = said()
    records[0]["echo"] = records[1]["echo"]
    found = reading(answer(records))
    assert found.causes["P1"] == "misplaced"
    assert found.records["P2"] == record(PAPERS[1])


def test_an_echo_that_fits_two_papers_is_believed_of_neither() -> None:
    alike = {
        "P1": fenced(Paper(title="Deep tides of the north")),
        "P2": fenced(Paper(title="Deep lakes of the south")),
    }
    records = [{"ref": "P1", "echo": "Deep"}, {"ref": "P2", "echo": "Deep lakes of"}]
    found = read(Reply(answer(records)), alike)
    assert set(found.records) == {"P2"}


def test_a_record_given_twice_alike_counts_once() -> None:
    records = said()
    assert set(reading(answer([*records, records[0]])).records) == set(ASKED)


def test_two_different_records_of_one_paper_are_refused_both() -> None:
    records = said()
    found = reading(answer([*records, {**records[0], "contribution": "survey"}]))
    assert dict(found.causes) == {"P1": "misplaced"}


def test_a_record_that_was_never_asked_for_is_named_and_ignored() -> None:
    found = reading(answer([*said(), {**said()[0], "ref": "P9"}]))
    assert found.invented == ("P9",)
    assert set(found.records) == set(ASKED)


@pytest.mark.parametrize("spelling", ["p1", "1", "[P1]", 1, "P01"])
def test_a_ref_may_be_spelt_in_other_ways(spelling: object) -> None:
    records = said()
    records[0]["ref"] = spelling
    assert "P1" in reading(answer(records)).records


@pytest.mark.parametrize(
    "wrapped",
    [
        "```json\n{}\n```",
        "Sure! Here are the records:\n{}\nLet me know if you need more.",
        "<think>P1 is {{a method}}.</think>{}",
        "{}{}",
    ],
)
def test_json_in_prose_and_fences_is_read(wrapped: str) -> None:
    text = wrapped.replace("{{", "(").replace("}}", ")").replace("{}", answer(said()))
    assert set(reading(text).records) == set(ASKED)


def test_a_bare_list_of_records_is_read() -> None:
    assert set(reading(json.dumps(said())).records) == set(ASKED)


def by_key() -> dict[str, Any]:
    """The right records under their refs, which stand nowhere else."""
    return {one.pop("ref"): one for one in said()}


@pytest.mark.parametrize(
    "wrapped",
    [
        {"result": {"papers": said()}},
        {"records": said()},
        {"papers": by_key()},
        by_key(),
        {"data": {"P1": said()[0]}, "rest": said()[1:]},
        {"papers": [{"record": one} for one in said()]},
        {"papers": said(), "draft": [{**said()[0], "contribution": "survey"}]},
    ],
)
@pytest.mark.parametrize("around", ["{}", "Sure: {} I hope that this helps."])
def test_records_are_found_in_whatever_they_are_wrapped(wrapped: Any, around: str) -> None:
    found = reading(around.replace("{}", json.dumps(wrapped)))
    assert dict(found.records) == {ref: record(sent.paper) for ref, sent in ASKED.items()}
    assert not found.invented


DRAFT = answer([{**one, "contribution": "survey"} for one in said()])


@pytest.mark.parametrize("opened", ["<think>", "", "<thinking>", "[THINK]"])
def test_a_draft_among_the_thoughts_is_no_second_answer(opened: str) -> None:
    closed = {"<thinking>": "</thinking>", "[THINK]": "[/THINK]"}.get(opened, "</think>")
    found = reading(f"{opened}So: {DRAFT} or better:{closed}\n{answer(said())}")
    assert dict(found.records) == {ref: record(sent.paper) for ref, sent in ASKED.items()}


def test_a_record_that_is_only_begun_among_the_thoughts_hides_no_answer() -> None:
    found = reading(f'<think>I write {{"ref": "P1", "echo": and so on.</think>{answer(said())}')
    assert set(found.records) == set(ASKED)


def test_a_draft_is_the_answer_where_there_is_no_other() -> None:
    assert set(reading(f"<think>So: {answer(said())}</think> Done.").records) == set(ASKED)


def test_a_record_that_speaks_of_thoughts_ends_none() -> None:
    records = said()
    records[2]["tldr"] = "A model that writes </think> when it has thought."
    assert set(reading(f"Here: {answer(records)}").records) == set(ASKED)


def test_formulas_among_the_thoughts_do_not_hide_the_answer() -> None:
    thoughts = r"\frac{a}{b} { x } " * 3000
    assert set(reading(f"<think>{thoughts}</think>{answer(said())}").records) == set(ASKED)


def test_a_schema_that_is_repeated_before_the_answer_holds_no_record() -> None:
    found = reading(f"By {json.dumps(reply_schema(Prompts.load().taxonomy))}: {answer(said())}")
    assert set(found.records) == set(ASKED)
    assert not found.invented


def hidden(inner: Any) -> st.SearchStrategy[Any]:
    """A value with a record somewhere inside."""
    wrapped = st.recursive(
        st.just(inner),
        lambda inside: (
            st.builds(lambda one: [one], inside)
            | st.builds(lambda name, one: {name: one}, st.sampled_from(["papers", "P2", "x", "code"]), inside)
        ),
        max_leaves=4,
    )
    return wrapped | wrapped.map(json.dumps)


@given(
    st.data(),
    st.sampled_from(["tldr", "topics", "code", "echo", "note", "P2", "papers"]),
    st.sampled_from([{"ref"}, {"echo"}, {"ref", "echo"}, set()]),
    st.sampled_from(["{}", "So: {} Done.", "<think>{}</think>", "{},"]),
)
def test_what_stands_inside_a_record_is_never_read_as_one(
    data: st.DataObject, name: str, lacking: set[str], around: str
) -> None:
    first, second, *_ = said()
    inner = {key: value for key, value in second.items() if key != "ref"} if name == "P2" else second
    outer = {key: value for key, value in first.items() if key not in lacking}
    outer[name] = data.draw(hidden(inner))
    whole = around.replace("{}", answer([outer]))
    cut = data.draw(st.integers(0, len(whole)))
    for text in (whole, whole[:cut]):
        assert "P2" not in {one["ref"] for one in records_in(text)}


def test_a_record_that_is_no_json_costs_only_itself() -> None:
    broken = answer(said()).replace("Lanterns trains", 'Lanterns of 12" \\alpha trains')
    assert set(reading(broken).records) == {"P1", "P3", "P4"}


@pytest.mark.parametrize("sign", ["{", '{"', '{"a":', '{"ref":', "{ ", '{"P1":{', "}{", '{"ref":"'])
def test_time_grows_with_the_length_of_braces_that_never_close(sign: str) -> None:
    assert grows_linearly(lambda braces: list(records_in("So: " + braces)), sign)


@given(st.integers(0, 2000))
def test_a_cut_answer_keeps_the_whole_records_that_stand_under_their_refs(cut: int) -> None:
    text = json.dumps({"papers": by_key()})
    found = reading(text[:cut], finish_reason="length")
    ends = {ref: text.find(json.dumps(one)) + len(json.dumps(one)) for ref, one in by_key().items()}
    assert set(found.records) == {ref for ref, end in ends.items() if end <= cut}


@given(st.integers(0, 2000))
def test_a_cut_answer_keeps_exactly_the_records_that_are_whole(cut: int) -> None:
    text = answer(said())
    found = reading(text[:cut], finish_reason="length")
    ends = [text.find(json.dumps(one)) + len(json.dumps(one)) for one in said()]
    whole = {one["ref"] for one, end in zip(said(), ends, strict=True) if end <= cut}
    assert set(found.records) == whole
    assert set(found.causes.values()) <= {"truncated"}


def test_a_refusal_is_looked_at_before_the_text() -> None:
    found = reading(answer(said()), refusal="I cannot help with that.")
    assert not found.records
    assert set(found.causes.values()) == {"refused"}


def test_what_a_content_filter_cut_off_is_filtered_and_what_stood_before_is_kept() -> None:
    found = reading(answer(said()[:2]), finish_reason="content_filter")
    assert set(found.records) == {"P1", "P2"}
    assert set(found.causes.values()) == {"filtered"}


@pytest.mark.parametrize(
    "text", ["", "null", "[]", "I am sorry.", "{" * 5000, '{"a":' * 5000, "[" * 100_000, "\ud800"]
)
def test_an_answer_without_a_record_is_unreadable(text: str) -> None:
    assert set(reading(text).causes.values()) == {"unreadable"}


@given(st.text(max_size=300) | st.recursive(st.none() | st.text() | st.integers(), st.lists).map(json.dumps))
def test_no_answer_stops_the_reading(text: str) -> None:
    found = reading(text)
    assert set(found.records) | set(found.causes) == set(ASKED)


def test_unseen_characters_are_taken_out_of_what_is_read() -> None:
    (one,) = records_in('{"ref": "P1", "tldr": "a\\u202e b\\ud800", "keywords": ["c\\u200bd"]}')
    assert one == {"ref": "P1", "tldr": "a b", "keywords": ["cd"]}


def test_deep_nesting_is_cut_off() -> None:
    (one,) = records_in('{"ref": "P1", "code": ' + "[" * 50 + "]" * 50 + "}")
    assert json.dumps(one).count("[") < 10


def test_a_paper_asked_about_alone_is_believed_when_its_echo_is_simplified() -> None:
    sent = fenced(Paper(title=r"$\ell_p$-Tides Revisited"))
    found = read(Reply(answer([{"ref": "P1", "echo": "lp tides revisited"}])), {"P1": sent})
    assert "P1" in found.records


def test_a_paper_asked_about_alone_is_not_believed_with_a_strangers_echo() -> None:
    sent = fenced(Paper(title="Tides Revisited"))
    found = read(Reply(answer([{"ref": "P1", "echo": "Kettles of Old"}])), {"P1": sent})
    assert found.causes["P1"] == "misplaced"


def test_what_stands_inside_a_record_that_breaks_json_after_another_name_is_none() -> None:
    first, second, *_ = said()
    broken = json.dumps({"number": 1, **first, "code": second, "note": ""})[:-3] + "}"
    assert not list(records_in(f"So: {broken}"))


def test_a_line_break_in_a_string_breaks_nothing() -> None:
    assert not reading(answer(said()).replace("contrastive learning", "contrastive\nlearning")).causes


@pytest.mark.parametrize("formula", [r"\alpha", r"\beta \to \theta", r"\(x_i\)", r"\rho_{\textrm{max}}"])
def test_a_formula_whose_backslashes_are_not_escaped_is_read_as_it_stands(formula: str) -> None:
    right = said()
    right[1]["tldr"] = 'It gains \\sqrt 2 points and a "quote".'
    text = answer(right).replace("sorting pebbles", rf"sorting {formula} and \delta")
    found = reading(text)
    assert not found.causes
    assert found.records["P1"]["keywords"][0] == rf"sorting {formula} and \delta"
    assert found.records["P2"]["tldr"] == right[1]["tldr"]


@given(st.lists(st.text(st.sampled_from('\\"bnu0/a ')), min_size=1))
def test_backslashes_that_are_escaped_are_not_escaped_again(words: list[str]) -> None:
    records = [{"ref": f"P{number}", "tldr": word} for number, word in enumerate(words)]
    fenced_answer = f"```json\n{answer(records)}\n```"
    assert [found["tldr"] for found in records_in(fenced_answer)] == [visible(word) for word in words]

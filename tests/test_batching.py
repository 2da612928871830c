from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.annotate.replies import read
from broadsheet.batching import (
    ANSWER_FRAME_TOKENS,
    MIN_ABSTRACT_CHARACTERS,
    Limits,
    halves,
    pack,
    plan,
    what_binds,
)
from broadsheet.fencing import MAX_ABSTRACT_CHARACTERS, fenced
from broadsheet.llm import Reply
from broadsheet.paper import Paper, title_key
from broadsheet.schema import echo_of
from papers import answer, papers

WORDS = st.lists(
    st.sampled_from(["tidal", "graph", "Ω", "</paper>", "a", "lantern"]), min_size=1, max_size=6
).map(" ".join)
PAPERS = st.lists(
    st.builds(Paper, id=st.uuids().map(str), title=WORDS, abstract=st.text(max_size=3000)), max_size=40
)
LIMITS = st.builds(
    Limits,
    papers=st.integers(1, 20),
    input_tokens=st.integers(500, 5000),
    output_tokens=st.integers(200, 5000),
    context_tokens=st.none() | st.integers(500, 8000),
)


def count(text: str) -> int:
    return len(text)


@given(PAPERS, LIMITS)
def test_every_paper_travels_exactly_once(chosen: list[Paper], limits: Limits) -> None:
    batches = pack(chosen, limits, fixed_tokens=100, count=count)
    sent = [paper.paper.id for batch in batches for paper in batch.papers]
    assert sorted(sent) == sorted(paper.id for paper in chosen)


@given(PAPERS, LIMITS)
def test_a_batch_of_several_papers_keeps_all_four_limits(chosen: list[Paper], limits: Limits) -> None:
    for batch in pack(chosen, limits, fixed_tokens=100, count=count):
        assert len(batch.papers) <= limits.papers
        if len(batch.papers) > 1:
            assert batch.tokens + 100 <= limits.input_tokens
            answer = len(batch.papers) * limits.answer_tokens + ANSWER_FRAME_TOKENS
            assert answer <= limits.output_tokens
            assert batch.tokens + 100 + answer <= (limits.context_tokens or 10**9)


@given(PAPERS, LIMITS)
def test_no_two_papers_of_a_batch_begin_alike(chosen: list[Paper], limits: Limits) -> None:
    for batch in pack(chosen, limits, fixed_tokens=100, count=count):
        echoes = [title_key(echo_of(paper.title)) for paper in batch.papers]
        assert len(set(echoes)) == len(echoes)


@given(PAPERS)
def test_the_right_echo_is_believed_of_every_paper_of_a_batch(chosen: list[Paper]) -> None:
    for batch in pack(chosen, Limits(papers=20), count=count):
        asked = {f"P{number}": sent for number, sent in enumerate(batch.papers, 1)}
        records = [{"ref": ref, "echo": echo_of(sent.title)} for ref, sent in asked.items()]
        assert set(read(Reply(answer(records)), asked).records) == set(asked)


def test_a_paper_whose_title_begins_anothers_does_not_share_its_batch() -> None:
    titles = ["Deep Nets", "Deep Nets for All", "Deep", "Deeper Nets"]
    batches = pack([Paper(title=title) for title in titles], Limits(), count=count)
    assert sorted([sent.title for sent in batch.papers] for batch in batches) == [
        ["Deep"],
        ["Deep Nets", "Deeper Nets"],
        ["Deep Nets for All"],
    ]


def test_a_paper_beyond_the_budget_travels_alone_with_its_abstract_cut() -> None:
    long = Paper(id="long", title="A Long Story", abstract="word " * 2000)
    batches = pack([*papers(3), long], Limits(input_tokens=1500), fixed_tokens=1000, count=count)
    (home,) = [batch for batch in batches if any(sent.paper.id == "long" for sent in batch.papers)]
    (sent,) = home.papers
    assert home.tokens <= 500
    assert MIN_ABSTRACT_CHARACTERS <= len(sent.text) < len(long.abstract)


def test_a_budget_smaller_than_any_paper_still_sends_every_paper_alone() -> None:
    batches = pack(papers(3), Limits(input_tokens=500), fixed_tokens=499, count=count)
    assert [len(batch.papers) for batch in batches] == [1, 1, 1]


def test_what_is_sent_of_an_abstract_ends_at_its_greatest_length() -> None:
    assert len(fenced(Paper(title="T", abstract="x" * 100_000)).text) == MAX_ABSTRACT_CHARACTERS


def test_a_paper_is_sent_in_the_same_words_whatever_its_neighbours() -> None:
    one, *others = papers(5)
    alone = pack([one], Limits(), count=count)[0].papers[0]
    among = pack([*others, one], Limits(), count=count)[0].papers[-1]
    assert alone == among


def test_full_batches_hold_as_many_papers_as_the_count_allows() -> None:
    batches = pack(papers(40), Limits(papers=8), count=count)
    assert [len(batch.papers) for batch in batches] == [8, 8, 8, 8, 8]


@pytest.mark.parametrize(
    ("number", "in_flight", "quota", "expected"),
    [
        (411, 16, 60_000, 16),  # the quota binds: as large as may be
        (411, 16, None, 16),  # more papers than fit under way at once: large batches lose nothing
        (160, 16, None, 10),  # only latency binds: all go out at once
        (20, 16, None, 7),  # but in no more requests than batches of eight need
        (20, None, None, 16),  # one job: latency is not ours
    ],
)
def test_the_size_of_batches_follows_what_binds(
    number: int, in_flight: int | None, quota: int | None, expected: int
) -> None:
    chosen = plan(number, Limits(papers=16), in_flight=in_flight, tokens_per_minute=quota)
    assert chosen.papers == expected
    assert chosen.why.startswith(f"{expected} papers a request: ")


@pytest.mark.parametrize(("number", "expected"), [(120, 16), (61, 16), (60, 8), (10, 5)])
def test_batches_are_as_large_as_may_be_where_papers_are_more_than_a_minutes_requests(
    number: int, expected: int
) -> None:
    chosen = plan(number, Limits(papers=16), in_flight=16, tokens_per_minute=None, requests_per_minute=60.0)
    assert chosen.papers == expected
    assert ("the quota of 60 requests a minute binds" in chosen.why) == chosen.under_quota == (number > 60)


def test_a_quota_of_requests_is_none_where_all_go_out_as_one_job() -> None:
    chosen = plan(99, Limits(), in_flight=None, tokens_per_minute=None, requests_per_minute=1.0)
    assert "one job" in chosen.why


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (Limits(papers=8, input_tokens=1000), "the input budget of 1,000 tokens binds"),
        (Limits(papers=8, context_tokens=1600), "the context of 1,600 tokens binds"),
        (Limits(papers=8, input_tokens=1000, context_tokens=9000), "the input budget of 1,000 tokens binds"),
        (Limits(papers=8), ""),
        (Limits(papers=3, input_tokens=1300), ""),
        (Limits(papers=8, output_tokens=500), ""),
    ],
)
def test_what_keeps_batches_small_is_named(limits: Limits, said: str) -> None:
    batches = pack(papers(20), limits, fixed_tokens=100, count=count)
    binding = what_binds(batches, limits, fixed_tokens=100)
    assert binding.endswith(said)
    if said:
        assert binding.startswith(f"{max(len(batch.papers) for batch in batches)} papers a request: ")
    else:
        assert not binding


def test_papers_that_begin_alike_are_not_blamed_on_the_tokens() -> None:
    alike = [Paper(title="Tides of the North", abstract=str(number)) for number in range(5)]
    assert not what_binds(pack(alike, Limits(), count=count), Limits(), fixed_tokens=100)
    assert not what_binds([], Limits(), fixed_tokens=100)


@pytest.mark.parametrize(
    ("limits", "advice"),
    [
        (Limits(input_tokens=1000), "set BROADSHEET_BATCH_INPUT_TOKENS to 1500 or more."),
        (Limits(input_tokens=1499), "set BROADSHEET_BATCH_INPUT_TOKENS to 1500 or more."),
        (
            Limits(input_tokens=1499, context_tokens=9000),
            "set BROADSHEET_BATCH_INPUT_TOKENS to 1500 or more.",
        ),
        (Limits(context_tokens=1500), "set BROADSHEET_CONTEXT_TOKENS to 1740 or more if it has."),
    ],
)
def test_limits_without_room_for_a_paper_are_told_with_what_to_do(limits: Limits, advice: str) -> None:
    assert limits.without_room(1200).endswith(advice)


@pytest.mark.parametrize("limits", [Limits(input_tokens=1500), Limits(context_tokens=1740), Limits()])
def test_limits_with_room_for_a_paper_are_taken(limits: Limits) -> None:
    assert not limits.without_room(1200)


@pytest.mark.parametrize(("output_tokens", "expected"), [(1039, 4), (1040, 5), (400, 1), (100, 1)])
def test_the_output_budget_bounds_the_size_of_batches_with_the_frame_of_the_answer(
    output_tokens: int, expected: int
) -> None:
    limits = Limits(papers=16, output_tokens=output_tokens, answer_tokens=200)
    assert plan(400, limits, in_flight=4, tokens_per_minute=1).papers == expected


@given(st.lists(st.integers(), min_size=2, max_size=20))
def test_halves_are_smaller_and_together_the_whole(numbers: list[int]) -> None:
    sent = [fenced(paper) for paper in papers(len(numbers))]
    first, second = halves(sent)
    assert (*first, *second) == tuple(sent)
    assert 0 < len(second) <= len(first) < len(sent)

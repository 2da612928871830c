from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from broadsheet.annotate.requests import RequestBuilder
from broadsheet.batching import ANSWER_FRAME_TOKENS, Limits, pack
from broadsheet.prompts import Prompts
from broadsheet.record import Maker
from papers import papers

PROMPTS = Prompts.load()
MAKER = Maker("answering", "test-1", "p", "s")


def builder_of(limits: Limits, allowance: int) -> RequestBuilder:
    """A builder whose allowance was doubled until it is this."""
    builder = RequestBuilder(PROMPTS, limits, MAKER, prompted=True)
    while allowance > 1:
        builder.allow_longer_answers()
        allowance //= 2
    return builder


@given(
    st.integers(1, 8),
    st.sampled_from([1, 2, 4, 8]),
    st.integers(2000, 9000),
    st.none() | st.integers(4000, 12_000),
)
def test_an_answer_is_never_given_more_than_the_output_budget_and_the_context_leave(
    number: int, allowance: int, output_tokens: int, context_tokens: int | None
) -> None:
    limits = Limits(input_tokens=12_000, output_tokens=output_tokens, context_tokens=context_tokens)
    builder = builder_of(limits, allowance)
    for batch in pack(papers(number), limits, fixed_tokens=builder.fixed_tokens):
        request = builder.build(batch.papers)
        plain = len(batch.papers) * limits.answer_tokens + ANSWER_FRAME_TOKENS
        assert request.max_output_tokens >= plain
        assert request.max_output_tokens <= output_tokens
        assert request.input_tokens + request.max_output_tokens <= (context_tokens or 10**9)
        if plain * 8 <= output_tokens and context_tokens is None:
            assert (
                request.max_output_tokens == allowance * (plain - ANSWER_FRAME_TOKENS) + ANSWER_FRAME_TOKENS
            )


def test_a_prompt_that_fills_the_context_leaves_the_answer_what_a_record_takes() -> None:
    builder = builder_of(Limits(context_tokens=1000), 8)
    (batch,) = pack(papers(1), Limits(), fixed_tokens=builder.fixed_tokens)
    assert builder.build(batch.papers).max_output_tokens == 200 + ANSWER_FRAME_TOKENS

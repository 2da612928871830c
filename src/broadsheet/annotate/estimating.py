"""What a run will cost, before anything is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from broadsheet import tokens
from broadsheet.annotate.asking import Asker
from broadsheet.batching import Limits, pack
from broadsheet.llm import LLM
from broadsheet.paper import Paper
from broadsheet.prices import Prices
from broadsheet.prompts import Prompts

ANSWER_TOKENS = 120
"""Tokens of one paper's record: 267 reference annotations measure 116 on average."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run will take if every answer is right at once.

    Attributes:
        papers: Papers to annotate.
        requests: Requests.
        input_tokens: Prompt tokens.
        output_tokens: Tokens of the answers.
        cost_usd: US dollars, nothing cached; None where the price is unknown.
    """

    papers: int
    requests: int
    input_tokens: int
    output_tokens: int
    cost_usd: float | None

    @property
    def tokens(self) -> int:
        """Tokens in and out."""
        return self.input_tokens + self.output_tokens


def estimate(papers: Sequence[Paper], llm: LLM, prompts: Prompts, limits: Limits, prices: Prices) -> Estimate:
    """Count what a run over these papers will take; an engine without a prompt takes no tokens."""
    if not papers:
        return Estimate(0, 0, 0, 0, 0.0)
    fixed = Asker(prompts, limits, prompted=llm.prompted).fixed_tokens
    batches = pack(papers, limits, fixed_tokens=fixed, count=tokens.count if llm.prompted else len)
    asked = fixed * len(batches) + sum(batch.tokens for batch in batches) if llm.prompted else 0
    answered = ANSWER_TOKENS * len(papers) if llm.prompted else 0
    price = prices.of(llm.engine, llm.model)
    cost = price.cost(asked, 0, answered) if price else None
    return Estimate(len(papers), len(batches), asked, answered, cost)

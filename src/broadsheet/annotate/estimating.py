"""What a run will cost, before anything is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from broadsheet.annotate.asking import Asker
from broadsheet.batching import Limits, pack
from broadsheet.llm import LLM
from broadsheet.llm.lasting import Lasting
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
        with_service: Papers that requests of earlier runs ask about; their answers are not counted here.
    """

    papers: int
    requests: int
    input_tokens: int
    output_tokens: int
    cost_usd: float | None
    with_service: int = 0

    @property
    def tokens(self) -> int:
        """Tokens in and out."""
        return self.input_tokens + self.output_tokens


def estimate(papers: Sequence[Paper], llm: LLM, prompts: Prompts, limits: Limits, prices: Prices) -> Estimate:
    """Count what a run over these papers will take; an engine without a prompt takes nothing.

    Raises:
        ConfigError: The limits leave no room for a paper.
    """
    with_service = llm.count_held() if isinstance(llm, Lasting) else 0
    if not (papers and llm.prompted):
        return Estimate(len(papers), 0, 0, 0, 0.0, with_service)
    asker = Asker(prompts, limits, prompted=True)
    asker.require_room()
    fixed = asker.fixed_tokens
    batches = pack(papers, limits, fixed_tokens=fixed)
    asked = fixed * len(batches) + sum(batch.tokens for batch in batches)
    answered = ANSWER_TOKENS * len(papers)
    price = prices.of(llm.engine, llm.model)
    cost = price.cost(asked, 0, answered) if price else None
    return Estimate(len(papers), len(batches), asked, answered, cost, with_service)

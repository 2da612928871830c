"""`Ledger`: what has been spent, what is reserved, and whether one more request still fits the budget.

A request reserves its prompt and the longest answer that it may get, and settles for what it cost. A request
is only sent if its reservation fits, so a budget is never exceeded while the provider counts tokens as we do
and answers keep to their limit. If it counts more, or lets answers run longer, all reservations grow from its
first answer on. Until then only one request is under way, so at most that one exceeds the budget; an engine
that sends all requests at once reserves twice each prompt.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

from broadsheet.llm import Request, Usage
from broadsheet.prices import Price

_UNSEEN_FACTOR = 2.0
"""Tokens to reserve for each token we count, until the provider's first answer shows how it counts."""
_MARGIN = 0.1
"""If a provider counts more than we do, its excess over our count may vary by a tenth between prompts."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What a run may cost, at most; None for no bound."""

    tokens: int | None = None
    usd: float | None = None


class Ledger:
    """The money of one run.

    Attributes:
        requests: Answers that came.
        usage: Their tokens.
        cost_usd: Their cost; None once the price of one is unknown.
        by_purpose: Their tokens in and out, by the purpose of the request.

    Args:
        budget: What the run may cost.
        price: What the model's tokens cost; None if unknown.
        all_at_once: Whether many requests go out before the first answer shows how the provider counts.
    """

    def __init__(self, budget: Budget, price: Price | None, *, all_at_once: bool = False) -> None:
        self._budget = budget
        self._price = price
        self._all_at_once = all_at_once
        self._reserved: dict[str, tuple[int, int]] = {}
        self._held_input = self._held_output = 0
        self._counted_more = self._answered_more = 1.0
        self.requests = 0
        self.usage = Usage()
        self.cost_usd: float | None = 0.0 if price else None
        self.by_purpose: Counter[str] = Counter()

    @property
    def unsure(self) -> bool:
        """Tell whether there is a budget, and no answer yet that shows how the provider counts."""
        return not self.requests and (self._budget.tokens is not None or self._budget.usd is not None)

    @property
    def within(self) -> bool:
        """Tell whether what is spent and what is reserved fit the budget together."""
        return self._fits(0, 0)

    def reserve(self, request: Request) -> bool:
        """Reserve what a request may cost at most; false where the budget forbids it."""
        if not self._fits(request.input_tokens, request.max_output_tokens):
            return False
        self.hold(request)
        return True

    def hold(self, request: Request) -> None:
        """Reserve what a request of an earlier run may cost, whatever the budget is.

        The provider may have it already; if not, `within` says whether it may be sent.
        """
        self._reserved[request.id] = request.input_tokens, request.max_output_tokens
        self._held_input += request.input_tokens
        self._held_output += request.max_output_tokens

    def settle(self, request: Request, usage: Usage | None) -> float | None:
        """Release the reservation and count what the answer cost; returns US dollars, or None if unknown."""
        input_tokens, output_tokens = self._reserved.pop(request.id, (0, 0))
        self._held_input -= input_tokens
        self._held_output -= output_tokens
        if usage is None:
            return None
        self.requests += 1
        self.by_purpose[request.purpose] += usage.input_tokens + usage.output_tokens
        self._counted_more = max(self._counted_more, _excess(usage.input_tokens, request.input_tokens))
        self._answered_more = max(
            self._answered_more, _excess(usage.output_tokens, request.max_output_tokens)
        )
        self.usage = Usage(
            self.usage.input_tokens + usage.input_tokens,
            self.usage.cached_tokens + usage.cached_tokens,
            self.usage.output_tokens + usage.output_tokens,
        )
        if self._price is None or self.cost_usd is None:
            return None
        cost = self._price.cost(usage.input_tokens, usage.cached_tokens, usage.output_tokens)
        self.cost_usd += cost
        return cost

    def _fits(self, input_tokens: int, output_tokens: int) -> bool:
        """Tell whether what is spent, what is reserved and so much more fit the budget together."""
        counted_more = max(self._counted_more, _UNSEEN_FACTOR if self._all_at_once and self.unsure else 1.0)
        prompts = math.ceil((self._held_input + input_tokens) * counted_more)
        answers = math.ceil((self._held_output + output_tokens) * self._answered_more)
        tokens = self.usage.input_tokens + self.usage.output_tokens + prompts + answers
        usd = (self.cost_usd or 0.0) + (self._price.cost(prompts, 0, answers) if self._price else 0.0)
        return (self._budget.tokens is None or tokens <= self._budget.tokens) and (
            self._budget.usd is None or usd <= self._budget.usd
        )


def _excess(counted: int, expected: int) -> float:
    """Return the factor from the expected to the real count, with a margin on any excess."""
    times = counted / max(1, expected)
    return times + max(0.0, times - 1) * _MARGIN

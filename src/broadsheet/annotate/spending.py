"""Money: what has been spent, what is under way, and whether one more request still fits the budget.

A request reserves its prompt and the longest answer that it may get, and settles for what it cost. Since a
request is only made when the reservation fits, a budget is never passed where tokens are counted as the
provider counts them and answers keep to their limit. Where it counts more, or lets answers be longer, all
reservations grow from its first answer on. Until that has come one request is under way, so only that one may
pass the budget; where all go out at once, each reserves twice its prompt.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from broadsheet.llm import Request, Usage
from broadsheet.prices import Price

_UNSURE = 2.0
"""How many times our count a provider is taken to count that nobody has seen count."""
_MARGIN = 0.1
"""How much of what a provider has counted more it may count more still, for prompts differ."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What a run may cost, at most; None for no bound."""

    tokens: int | None = None
    usd: float | None = None


class Spending:
    """The account of one run.

    Attributes:
        requests: Answers that came.
        usage: Their tokens.
        cost_usd: Their cost; None once the price of one is unknown.
        all_at_once: Whether many requests go out before the first answer tells how the provider counts.
    """

    def __init__(self, budget: Budget, price: Price | None) -> None:
        self._budget = budget
        self._price = price
        self._reserved: dict[str, tuple[int, int]] = {}
        self._held_input = self._held_output = 0
        self._counted_more = self._answered_more = 1.0
        self.requests = 0
        self.usage = Usage()
        self.cost_usd: float | None = 0.0 if price else None
        self.all_at_once = False

    @property
    def unsure(self) -> bool:
        """Whether there is a budget, and no answer yet that tells how the provider counts."""
        return not self.requests and (self._budget.tokens is not None or self._budget.usd is not None)

    @property
    def within(self) -> bool:
        """Whether what is spent and what is set aside fit the budget together."""
        return self._fits(0, 0)

    def reserve(self, request: Request) -> bool:
        """Set aside what a request may cost at most; false where the budget forbids it."""
        if not self._fits(request.input_tokens, request.max_output_tokens):
            return False
        self.hold(request)
        return True

    def hold(self, request: Request) -> None:
        """Set aside what a request may cost that an earlier run has made, whatever the budget is.

        It may be with the provider already; where it is not, `within` tells whether it may be sent.
        """
        self._reserved[request.id] = request.input_tokens, request.max_output_tokens
        self._held_input += request.input_tokens
        self._held_output += request.max_output_tokens

    def settle(self, request: Request, usage: Usage | None) -> float | None:
        """Take the reservation back and count what the answer cost; returns US dollars, or None."""
        input_tokens, output_tokens = self._reserved.pop(request.id, (0, 0))
        self._held_input -= input_tokens
        self._held_output -= output_tokens
        if usage is None:
            return None
        self.requests += 1
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
        """Whether what is spent, what is set aside and so much more fit the budget together."""
        counted_more = max(self._counted_more, _UNSURE if self.all_at_once and self.unsure else 1.0)
        prompts = math.ceil((self._held_input + input_tokens) * counted_more)
        answers = math.ceil((self._held_output + output_tokens) * self._answered_more)
        tokens = self.usage.input_tokens + self.usage.output_tokens + prompts + answers
        usd = (self.cost_usd or 0.0) + (self._price.cost(prompts, 0, answers) if self._price else 0.0)
        return (self._budget.tokens is None or tokens <= self._budget.tokens) and (
            self._budget.usd is None or usd <= self._budget.usd
        )


def _excess(counted: int, expected: int) -> float:
    """How many times what was expected the next may count, with a margin on what is more."""
    times = counted / max(1, expected)
    return times + max(0.0, times - 1) * _MARGIN

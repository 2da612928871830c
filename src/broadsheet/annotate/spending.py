"""Money: what has been spent, what is under way, and whether one more request still fits the budget.

A request reserves its prompt and the longest answer that it may get, and settles for what it cost. Since a
request is only made when the reservation fits, a budget is never passed where tokens are counted as the
provider counts them. Where it counts more, reservations grow from its first answer on, and until that has
come one request is under way, so only that one may pass the budget.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal

from broadsheet.llm import Request, Usage
from broadsheet.prices import Price


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
    """

    def __init__(self, budget: Budget, price: Price | None) -> None:
        self._budget = budget
        self._price = price
        self._reserved: dict[str, tuple[int, Decimal]] = {}
        self._held_tokens, self._held_usd = 0, Decimal(0)
        self._counted_more = 1.0
        self.requests = 0
        self.usage = Usage()
        self.cost_usd: float | None = 0.0 if price else None

    @property
    def unsure(self) -> bool:
        """Whether there is a budget, and no answer yet that tells how the provider counts."""
        return not self.requests and (self._budget.tokens is not None or self._budget.usd is not None)

    @property
    def within(self) -> bool:
        """Whether what is spent and what is set aside fit the budget together."""
        return self._fits(0, Decimal(0))

    def reserve(self, request: Request) -> bool:
        """Set aside what a request may cost at most; false where the budget forbids it."""
        tokens, usd = self._worst(request)
        if not self._fits(tokens, usd):
            return False
        self._set_aside(request, tokens, usd)
        return True

    def hold(self, request: Request) -> None:
        """Set aside what a request may cost that an earlier run has made, whatever the budget is.

        It may be with the provider already; where it is not, `within` tells whether it may be sent.
        """
        self._set_aside(request, *self._worst(request))

    def settle(self, request: Request, usage: Usage | None) -> float | None:
        """Take the reservation back and count what the answer cost; returns US dollars, or None."""
        tokens, usd = self._reserved.pop(request.id, (0, Decimal(0)))
        self._held_tokens -= tokens
        self._held_usd -= usd
        if usage is None:
            return None
        self.requests += 1
        self._counted_more = max(self._counted_more, usage.input_tokens / max(1, request.input_tokens))
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

    def _fits(self, tokens: int, usd: Decimal) -> bool:
        used = self.usage.input_tokens + self.usage.output_tokens + self._held_tokens + tokens
        used_usd = (self.cost_usd or 0.0) + float(self._held_usd + usd)
        return (self._budget.tokens is None or used <= self._budget.tokens) and (
            self._budget.usd is None or used_usd <= self._budget.usd
        )

    def _set_aside(self, request: Request, tokens: int, usd: Decimal) -> None:
        self._reserved[request.id] = tokens, usd
        self._held_tokens += tokens
        self._held_usd += usd

    def _worst(self, request: Request) -> tuple[int, Decimal]:
        prompt = math.ceil(request.input_tokens * self._counted_more)
        usd = self._price.cost(prompt, 0, request.max_output_tokens) if self._price else 0.0
        return prompt + request.max_output_tokens, Decimal(usd)

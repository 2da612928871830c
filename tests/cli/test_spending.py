"""What annotating costs, in the words of the command line."""

from __future__ import annotations

import pytest

from broadsheet.annotate import Estimate
from broadsheet.cli.spending import estimate_sentence
from broadsheet.prices import Prices


def test_an_estimate_says_what_a_thousand_papers_cost_where_the_price_is_known() -> None:
    known = Estimate(50, 13, 30_000, 6_000, 0.02, usd_per_1000=0.3)
    assert "$0.0200 ($0.3000 per 1,000 papers" in estimate_sentence(known)
    assert "per 1,000" not in estimate_sentence(Estimate(50, 13, 30_000, 6_000, None))


@pytest.mark.parametrize("model", Prices.load().models)
def test_every_listed_model_that_writes_has_a_price_for_cached_input_that_is_below_the_other(
    model: str,
) -> None:
    price = Prices.load().models[model]
    assert 0 < price.cached <= price.input
    assert (price.cached < price.input) == (price.output > 0)
    assert price.cost(2_000_000, 1_000_000, 0) == pytest.approx(price.input + price.cached)

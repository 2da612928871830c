"""What a server tells of its quota is planned with in the next run."""

from __future__ import annotations

import pytest

from broadsheet.batching import Limits as Room
from broadsheet.batching import binding, plan
from broadsheet.llm import Control, quota_of
from broadsheet.store.endpoints import Quota
from servers.limits import Limits
from servers.openai_server import Behaviour, OpenAIServer

FREE = Control()


def test_the_limits_in_the_headers_are_known_to_the_next_run_and_forgotten_when_they_are_gone(
    engine, ask
) -> None:
    behaviour = Behaviour(limits=Limits(rpm=900, tpm=90_000))
    with OpenAIServer(behaviour=behaviour) as server:
        assert quota_of(engine(server)) == Quota()
        list(engine(server).complete([ask(0)], FREE))
        assert quota_of(engine(server)) == Quota(900.0, 90_000.0)
        behaviour.headers = False
        list(engine(server).complete([ask(1)], FREE))
        assert quota_of(engine(server)) == Quota()


def test_an_engine_that_knows_no_quota_has_none() -> None:
    assert quota_of(object()) == Quota()  # type: ignore[arg-type]


@pytest.mark.parametrize(("told", "size"), [(None, 8), (2_000_000.0, 8), (30_000.0, 10)])
def test_a_told_quota_makes_batches_full_only_where_the_run_exceeds_it(told: float | None, size: int) -> None:
    chosen = plan(
        400,
        Room(),
        in_flight=256,
        tokens_per_minute=binding(told, 400, 500),
    )
    assert chosen.papers == size
    assert chosen.under_quota is (size == 10)

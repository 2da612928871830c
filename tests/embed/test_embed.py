"""Vectors come from the endpoint once a text, over real HTTP on loopback, whatever the server makes of it."""

from __future__ import annotations

import math
import random
import signal
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tenacity import wait_fixed

from broadsheet.annotate import Budget, Watch
from broadsheet.config import Settings
from broadsheet.embed import EmbedReport, batches, open_stage
from broadsheet.errors import ConfigError, LLMMisconfigured, LLMUnavailable, LLMUseless
from broadsheet.paper import Paper
from broadsheet.store import Store
from builders import add, annotate, keep_reply, paper, rows
from commands import ended, start
from servers.openai_server import OpenAIServer

MODEL = "text-embedding-3-small"
LENGTHS = "SELECT DISTINCT model, length(vector) FROM vectors"


def numbered(count: int) -> list[Paper]:
    return [paper(f"Sluice {n}", abstract=f"Water {n} passes gate {n * 7}.") for n in range(count)]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenAIServer]:
    with OpenAIServer() as made:
        monkeypatch.setenv("OPENAI_BASE_URL", made.base_url)
        yield made


@pytest.fixture
def store() -> Iterator[Store]:
    with Store.in_memory() as made:
        yield made


def embed(store: Store, budget: Budget | None = None, *, model: str = MODEL, **settings: Any) -> EmbedReport:
    stage = open_stage(Settings(embedding_model=model, **settings), store, budget)
    assert stage
    return stage.run(budget)


def test_each_text_is_asked_for_once_and_papers_with_the_same_text_are_one(
    server: OpenAIServer, store: Store
) -> None:
    papers = numbered(200)
    twin = papers[0].model_copy(update={"id": "twin"})
    add(store, *papers, twin)
    report = embed(store)
    assert (report.texts, report.embedded, report.failed, report.ending) == (200, 200, 0, "done")
    assert Counter(server.embeddings.answered) == Counter(f"{p.title}. {p.abstract}" for p in papers)
    assert embed(store).texts == 0
    assert len(server.embeddings.answered) == 200


def test_the_latest_papers_come_first_and_several_share_a_request(server: OpenAIServer, store: Store) -> None:
    add(store, *numbered(200))
    embed(store)
    asked = [len(each.texts) for each in server.embeddings.seen]
    assert asked == [8, 16, 32, 64, 64, 16]
    assert server.embeddings.seen[0].texts[0].startswith("Sluice 199.")


def test_a_request_has_a_bounded_number_of_tokens(
    server: OpenAIServer, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "MOST_TOKENS", 100)
    add(store, *(paper(f"Weir {n}", abstract="silt " * 30) for n in range(12)))
    assert embed(store).embedded == 12
    assert {len(each.texts) for each in server.embeddings.seen} == {2}


def test_vectors_are_stored_as_256_unit_bytes_where_the_server_shortens_them(
    server: OpenAIServer, store: Store
) -> None:
    add(store, *numbered(3))
    embed(store)
    assert rows(store, LENGTHS) == [(MODEL, 256)]
    for (vector,) in rows(store, "SELECT vector FROM vectors"):
        assert np.linalg.norm(np.frombuffer(vector, np.int8) / 127) == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize("how", ["refused", "refused without a word"])
def test_a_server_that_refuses_dimensions_is_asked_without_them_once_for_all(
    server: OpenAIServer, store: Store, how: Any
) -> None:
    server.embeddings.dimensions, server.embeddings.numbers = how, 300
    add(store, *numbered(40))
    assert embed(store).embedded == 40
    add(store, *(paper(f"Lock {n}") for n in range(3)))
    assert embed(store).embedded == 3
    assert rows(store, LENGTHS) == [(MODEL, 300)]
    assert [each.status for each in server.embeddings.seen].count(400) == 1
    assert ["dimensions" in each.body for each in server.embeddings.seen].count(True) == 1


def test_a_server_that_passes_dimensions_over_gives_its_own(server: OpenAIServer, store: Store) -> None:
    server.embeddings.dimensions, server.embeddings.numbers = "ignored", 1_024
    add(store, *numbered(3))
    assert embed(store).embedded == 3
    assert rows(store, LENGTHS) == [(MODEL, 1_024)]


def test_a_server_that_takes_few_texts_is_given_few(server: OpenAIServer, store: Store) -> None:
    server.embeddings.most_texts = 10
    add(store, *numbered(100))
    assert embed(store).embedded == 100
    statuses = [each.status for each in server.embeddings.seen]
    assert statuses.count(422) == 1
    assert len(server.embeddings.answered) == 100


def test_a_text_that_is_refused_is_found_by_halving_and_costs_no_other_its_vector(
    server: OpenAIServer, store: Store
) -> None:
    server.embeddings.refuses = "gate 70."
    add(store, *numbered(60))
    report = embed(store)
    assert (report.embedded, report.failed) == (59, 1)
    assert len(server.embeddings.answered) == 59


def test_a_text_that_is_too_long_is_cut_until_the_model_takes_it(server: OpenAIServer, store: Store) -> None:
    server.embeddings.longest = 1_000
    add(store, paper("Estuary", abstract="mud " * 1_000), paper("Delta", abstract="reed"))
    assert embed(store).embedded == 2
    assert max(map(len, server.embeddings.answered)) <= 1_000


@pytest.mark.parametrize("status", [429, 500, 503])
def test_what_passes_is_asked_again_and_paid_for_once(
    server: OpenAIServer, store: Store, status: int
) -> None:
    server.embeddings.first = [status, status]
    add(store, *numbered(20))
    assert embed(store).embedded == 20
    assert len(server.embeddings.answered) == 20


def test_a_key_that_is_refused_ends_the_run_with_a_sentence(server: OpenAIServer, store: Store) -> None:
    server.embeddings.first = [401] * 9
    add(store, *numbered(3))
    with pytest.raises(LLMMisconfigured, match="OPENAI_API_KEY is refused"):
        embed(store)
    assert rows(store, "SELECT ending FROM runs") == [("failed",)]


def test_a_server_that_is_down_ends_the_run_and_keeps_what_came(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(store, *numbered(30))
    monkeypatch.setattr("broadsheet.llm.openai.exchange._WAIT", wait_fixed(0))
    with OpenAIServer() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        embed(store, Budget(tokens=150))
    came = rows(store, "SELECT count(*) FROM vectors")[0][0]
    assert 0 < came < 30
    with pytest.raises(LLMUnavailable, match="does not answer"):
        embed(store)
    assert rows(store, "SELECT count(*) FROM vectors") == [(came,)]


def wrong_number(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return told[1:]


def no_numbers(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row | {"embedding": [math.nan] * len(row["embedding"])} for row in told]


def words(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row | {"embedding": "AAAA"} for row in told]


def empty(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row | {"embedding": []} for row in told]


def same_place(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row | {"index": 1} for row in told]


@pytest.mark.parametrize("spoil", [wrong_number, no_numbers, words, empty, same_place])
def test_answers_of_no_use_are_counted_stored_nowhere_and_end_the_run_after_two(
    server: OpenAIServer, store: Store, spoil: Callable[[list[dict[str, Any]]], Any]
) -> None:
    server.embeddings.spoil = spoil
    add(store, *numbered(100))
    with pytest.raises(LLMUseless, match=f"The answers of {MODEL} are of no use"):
        embed(store)
    assert rows(store, "SELECT count(*) FROM vectors") == [(0,)]
    assert len(server.embeddings.seen) == 2
    assert store.statistics.summary()["requests"] == 2


def test_a_vector_that_is_no_number_is_asked_for_by_the_next_run_and_the_others_are_kept(
    server: OpenAIServer, store: Store
) -> None:
    def one(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [row | ({"embedding": [math.nan] * 256} if row["index"] == 2 else {}) for row in told]

    server.embeddings.spoil = one
    add(store, *numbered(8))
    assert (report := embed(store)).embedded == 7
    assert report.failed == 1
    server.embeddings.spoil = list
    assert embed(store).embedded == 1


def test_rows_in_another_order_are_told_apart_by_their_index(server: OpenAIServer, store: Store) -> None:
    server.embeddings.spoil = lambda told: told[::-1]
    add(store, *numbered(5))
    embed(store)
    backwards = rows(store, "SELECT content_hash, vector FROM vectors ORDER BY 1")
    server.embeddings.spoil = list
    with Store.in_memory() as other:
        add(other, *numbered(5))
        embed(other)
        assert rows(other, "SELECT content_hash, vector FROM vectors ORDER BY 1") == backwards


def test_a_vector_without_a_direction_is_near_to_nothing_and_not_asked_for_again(
    server: OpenAIServer, store: Store
) -> None:
    server.embeddings.vector = lambda text, numbers: [float("Sluice 3." not in text)] * numbers
    add(store, *numbered(30))
    assert embed(store).embedded == 30
    assert embed(store).texts == 0
    assert rows(store, "SELECT count(*) FROM vectors WHERE vector = zeroblob(256)") == [(1,)]


def test_what_it_cost_is_in_the_statistics_and_in_the_runs(server: OpenAIServer, store: Store) -> None:
    add(store, *numbered(100))
    report = embed(store)
    told = store.statistics.summary()
    assert told["tokens by purpose"] == {"embedding": report.input_tokens}
    assert told["cost_usd"] == pytest.approx(report.input_tokens * 0.02e-6)
    (run,) = store.runs.latest()
    assert (run["model"], run["annotated"], run["ending"]) == (MODEL, 100, "done")
    assert run["input_tokens"] == report.input_tokens


def test_tokens_are_counted_where_the_server_does_not(server: OpenAIServer, store: Store) -> None:
    server.embeddings.counts = False
    add(store, *numbered(10))
    assert embed(store).input_tokens > 50


def test_answers_in_vectors_are_no_replies_to_read_annotations_from(
    server: OpenAIServer, store: Store
) -> None:
    add(store, *numbered(3))
    annotate(store, numbered(3)[0])
    kept = keep_reply(store, {"1": numbered(3)[0]})
    embed(store)
    assert [reply.id for reply in store.annotations.replies()] == [kept]


def test_a_budget_of_tokens_is_kept_and_the_next_run_goes_on(server: OpenAIServer, store: Store) -> None:
    add(store, *numbered(100))
    report = embed(store, Budget(tokens=400))
    assert report.ending == "budget"
    assert report.input_tokens <= 400
    assert 0 < report.embedded < 100
    assert report.left == 100 - report.embedded
    assert embed(store).embedded == report.left
    assert len(server.embeddings.answered) == 100


def test_a_budget_in_dollars_needs_a_price(server: OpenAIServer, store: Store) -> None:
    with pytest.raises(ConfigError, match="The price of nomic-embed-text is unknown"):
        embed(store, Budget(usd=1.0), model="nomic-embed-text")


def test_a_run_that_is_stopped_awaits_what_is_under_way_and_leaves_the_rest(
    server: OpenAIServer, store: Store
) -> None:
    add(store, *numbered(100))
    stage = open_stage(Settings(embedding_model=MODEL), store)
    assert stage
    report = stage.run(watch=Watch(stop=lambda: bool(server.embeddings.answered)))
    assert report.ending == "stopped"
    assert report.embedded == len(server.embeddings.answered) < 100


def test_papers_of_another_model_are_asked_for_anew_and_keep_the_other(
    server: OpenAIServer, store: Store
) -> None:
    add(store, *numbered(5))
    embed(store)
    assert embed(store, model="nomic-embed-text").embedded == 5
    assert sorted(rows(store, LENGTHS)) == [("nomic-embed-text", 256), (MODEL, 256)]


def test_a_model_that_gives_other_numbers_than_before_has_its_older_vectors_removed(
    server: OpenAIServer, store: Store
) -> None:
    server.embeddings.dimensions = "ignored"
    add(store, *numbered(5))
    embed(store)
    server.embeddings.numbers = 100
    add(store, paper("Levee"))
    assert embed(store).embedded == 1
    assert rows(store, LENGTHS) == [(MODEL, 100)]
    assert embed(store).embedded == 5


def test_vectors_go_with_the_text_of_a_paper(server: OpenAIServer, store: Store) -> None:
    papers = numbered(4)
    add(store, *papers)
    store.complete_vectors()
    embed(store)
    with store.transaction():
        store.papers.remove(papers[0].id)
        store.papers.revise(papers[1].model_copy(update={"abstract": "Now dry."}))
    assert rows(store, "SELECT count(*), count(DISTINCT model) FROM vectors") == [(4, 2)]


def test_without_a_key_or_numpy_one_sentence_says_what_to_do(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigError, match="Embeddings need OPENAI_API_KEY"):
        embed(store)
    monkeypatch.setattr("broadsheet.embed.can_count", lambda: False)
    with pytest.raises(ConfigError, match="pip install 'broadsheet"):
        embed(store)
    assert open_stage(Settings(), store) is None


def test_kills_pay_again_at_most_for_the_request_under_way(tmp_path: Path, server: OpenAIServer) -> None:
    db, dice, kills = tmp_path / "b.db", random.Random(5), 0
    with Store.open(db) as made:
        add(made, *numbered(120))

    def stored() -> int:
        with closing(sqlite3.connect(db)) as plain:
            assert plain.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            return int(plain.execute("SELECT count(*) FROM vectors").fetchone()[0])

    words = ("embed", "--model", MODEL, "--db", db, "--quiet")
    while (before := stored()) < 120:
        paid = len(server.embeddings.answered)
        process = start(*words, server=server, killed_after=dice.randint(15, 45))
        kills += ended(process)[0] == -signal.SIGKILL
        unpaid = len(server.embeddings.answered) - paid - (stored() - before)
        assert 0 <= unpaid <= 64
        assert kills < 60
    twice = sum(times - 1 for times in Counter(server.embeddings.answered).values())
    assert kills >= 2
    assert twice <= 64 * kills

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from annotating import annotate as annotate_stage
from broadsheet import tokens
from broadsheet.annotate import Budget, Progress, maker_of, prepare, rebuild
from broadsheet.batching import Limits
from broadsheet.config import Settings
from broadsheet.errors import ConfigError, LLMMisconfigured, StoreError
from broadsheet.llm import Control, Outcome, Reply, Request, Usage, open_llm
from broadsheet.llm.extractive import ExtractiveLLM
from broadsheet.llm.scripted import ScriptedLLM
from broadsheet.paper import Paper
from broadsheet.prompts import Prompts
from broadsheet.store import Store
from papers import AnsweringLLM, answer, numbered, papers, record, right

PROMPTS = Prompts.load()
FIVE = Limits(papers=5)

# Under a quota batches are as large as the limits allow, so that a test knows who shares a request.
annotate = partial(annotate_stage, tokens_per_minute=1_000_000)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "cache.db") as opened:
        yield opened


def admitted(store: Store, count: int = 20) -> list[Paper]:
    with store.transaction():
        for paper in papers(count):
            store.papers.add(paper, date(2026, 1, 5))
    return papers(count)


def changed(request: Request, change: Callable[[list[dict[str, Any]]], Any], *, times: int = 1) -> Reply:
    """The right answer with its records changed."""
    records = numbered(request)
    change(records)
    return Reply(answer(records), usage=Usage(request.input_tokens, 0, 100 * len(records)))


def first_time(change: Callable[[list[dict[str, Any]]], Any]) -> AnsweringLLM:
    """An engine whose first answer is changed and whose others are right."""
    asked = iter([True])
    return AnsweringLLM(lambda request: changed(request, change) if next(asked, False) else right(request))


def test_every_paper_gets_its_own_record(store: Store) -> None:
    chosen = admitted(store)
    report = annotate(chosen, store, AnsweringLLM(), PROMPTS, limits=FIVE)
    assert (report.annotated, report.failed, report.requests) == (20, 0, 4)
    for paper in chosen:
        assert store.get(paper.id).annotation.tldr == record(paper)["tldr"]


def test_a_second_run_asks_for_nothing(store: Store) -> None:
    admitted(store)
    llm = AnsweringLLM()
    for expected in (20, 0):
        wanting = store.backlog.wanting(maker_of(llm, PROMPTS))
        assert annotate(wanting, store, llm, PROMPTS).annotated == expected
    assert len(llm.history) == 2


def test_one_new_paper_costs_one_request_about_that_paper_alone(store: Store) -> None:
    *old, new = admitted(store, 21)
    annotate(old, store, AnsweringLLM(), PROMPTS)
    llm = AnsweringLLM()
    annotate(store.backlog.wanting(maker_of(llm, PROMPTS)), store, llm, PROMPTS)
    assert [list(request.papers.values()) for request in llm.history] == [[new]]


def test_the_static_part_of_every_request_is_the_same_to_the_byte(store: Store) -> None:
    llm = AnsweringLLM()
    annotate(admitted(store), store, llm, PROMPTS, limits=FIVE)
    assert len({(request.turns[0].text, json.dumps(request.schema)) for request in llm.history}) == 1
    assert all(request.turns[0].role == "system" for request in llm.history)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda records: records.pop(2),
        lambda records: records[1].update(ref="P77"),
        lambda records: (records[0].update(ref="P2"), records[1].update(ref="P1")),
        lambda records: records[3].update(echo=records[4]["echo"]),
        lambda records: records.__setitem__(2, {**records[1], "contribution": "survey"}),
    ],
    ids=["missing", "wrong id", "swapped", "echo of another", "doubled over another"],
)
def test_no_paper_takes_anothers_record_and_only_the_rest_is_asked_again(
    store: Store, spoil: Callable[[list[dict[str, Any]]], Any]
) -> None:
    llm = first_time(spoil)
    report = annotate(admitted(store, 5), store, llm, PROMPTS, limits=FIVE)
    assert report.annotated == 5
    for paper in papers(5):
        assert store.get(paper.id).annotation.tldr == record(paper)["tldr"]
    assert len(llm.history) == 2
    assert 0 < len(llm.history[1].papers) < 5


@pytest.mark.parametrize(
    ("poisoned", "reason"),
    [
        (Reply("", refusal="I cannot."), "refused"),
        (Reply("", finish_reason="content_filter"), "filtered"),
        (Reply('{"papers": [', finish_reason="length"), "truncated"),
        (Reply("What a lovely abstract!"), "unreadable"),
    ],
)
def test_a_poisoned_paper_is_halved_out_and_fails_alone_with_its_reason(
    store: Store, poisoned: Reply, reason: str
) -> None:
    chosen = admitted(store, 8)
    llm = AnsweringLLM(lambda request: poisoned if chosen[3] in request.papers.values() else right(request))
    report = annotate(chosen, store, llm, PROMPTS, limits=Limits(papers=8))
    assert (report.annotated, report.failed) == (7, 1)
    assert [(failure.paper_id, failure.reason) for failure in report.failures] == [(chosen[3].id, reason)]
    assert store.get(chosen[3].id).failure == reason


def test_records_before_a_cut_are_kept_and_only_the_rest_is_asked_again(store: Store) -> None:
    asked = iter([True])

    def cut_once(request: Request) -> Reply:
        reply = right(request)
        return (
            Reply(reply.text[: len(reply.text) // 2], finish_reason="length") if next(asked, False) else reply
        )

    llm = AnsweringLLM(cut_once)
    report = annotate(admitted(store, 8), store, llm, PROMPTS, limits=Limits(papers=8))
    assert report.annotated == 8
    assert llm.asked_for(papers(8)[0]) == 1
    assert llm.asked_for(papers(8)[7]) == 2


def test_answers_cut_before_any_record_are_given_more_room(store: Store) -> None:
    def thinking(request: Request) -> Reply:
        enough = request.max_output_tokens >= 500 * len(request.papers)
        return right(request) if enough else Reply("", finish_reason="length")

    report = annotate(admitted(store, 8), store, AnsweringLLM(thinking), PROMPTS, limits=Limits(papers=8))
    assert report.annotated == 8


def test_a_malformed_record_is_asked_about_once_more_with_what_was_wrong(store: Store) -> None:
    llm = first_time(lambda records: records[2].update(tldr="word " * 40))
    report = annotate(admitted(store, 5), store, llm, PROMPTS, limits=FIVE)
    assert report.annotated == 5
    repair = llm.history[1]
    assert [turn.role for turn in repair.turns] == ["system", "user", "assistant", "user"]
    assert list(repair.papers.values()) == [papers(5)[2]]
    assert "40 words" in repair.turns[3].text
    assert report.by_purpose["repair"] == repair.input_tokens + 100


def test_records_to_repair_share_a_request(store: Store) -> None:
    llm = AnsweringLLM(
        lambda request: (
            changed(request, lambda records: records[0].update(tldr=""))
            if request.purpose == "annotate"
            else right(request)
        )
    )
    report = annotate(admitted(store, 20), store, llm, PROMPTS, limits=FIVE)
    assert (report.annotated, report.requests) == (20, 5)


@pytest.mark.parametrize("purpose", ["repair", "missing"])
def test_left_overs_are_asked_about_within_the_input_budget_and_the_context(
    store: Store, purpose: str
) -> None:
    def spoilt(request: Request) -> Reply:
        if request.purpose != "annotate":
            return right(request)
        if purpose == "repair":
            return changed(request, lambda records: [one.update(tldr="word " * 40) for one in records])
        return changed(request, lambda records: records.pop())

    limits = Limits(papers=10, input_tokens=2500, context_tokens=3400)
    llm = AnsweringLLM(spoilt)
    report = annotate(admitted(store, 60), store, llm, PROMPTS, limits=limits)
    assert report.annotated == 60
    assert any(request.purpose == purpose for request in llm.history)
    assert all(request.input_tokens <= 2500 for request in llm.history)
    assert all(request.input_tokens + request.max_output_tokens <= 3400 for request in llm.history)


def test_an_unknown_topic_is_dropped_with_a_finding_and_without_a_repair(store: Store) -> None:
    llm = first_time(lambda records: records[0].update(topics=["herons", "representation-learning"]))
    report = annotate(admitted(store, 5), store, llm, PROMPTS, limits=FIVE)
    assert report.requests == 1
    found = store.get(papers(1)[0].id)
    assert found.annotation.topics == ("representation-learning",)
    assert [(finding.kind, finding.detail, finding.severity) for finding in found.findings] == [
        ("unknown-topic", "herons", "withheld")
    ]


def test_an_unanswered_request_leaves_its_papers_wanting_and_listed(store: Store) -> None:
    llm = AnsweringLLM(lambda _: None)
    for _ in range(5):
        report = annotate(admitted(store, 5) if not store.papers.count() else papers(5), store, llm, PROMPTS)
        assert [failure.reason for failure in report.failures] == ["no-answer"] * 5
    assert len(store.backlog.wanting(maker_of(llm, PROMPTS))) == 5


def test_every_answer_is_kept_as_it_came(store: Store, tmp_path: Path) -> None:
    lines = [{"text": "no JSON \ud800 at all", "input_tokens": 10, "output_tokens": 5}]
    lines += [{"id": paper.id, "record": record(paper)} for paper in papers(4)]
    report = annotate(admitted(store, 4), store, ScriptedLLM(lines), PROMPTS)
    assert report.annotated == 4
    assert report.by_purpose["annotate"] == 15
    assert store.statistics.summary()["annotated"] == 4


def test_no_more_requests_are_under_way_than_allowed(store: Store) -> None:
    most = 0

    class Greedy(AnsweringLLM):
        def complete(self, requests: Any, control: Control) -> Iterator[Outcome]:
            nonlocal most
            done = 0
            while done < len(requests):
                most = max(most, len(requests) - done)
                yield Outcome(requests[done], right(requests[done]))
                done += 1

    annotate(admitted(store, 20), store, Greedy(), PROMPTS, limits=Limits(papers=1), in_flight=3)
    assert most == 3


@pytest.mark.parametrize("tokens", [0, 4_000, 10_000, 20_000])
def test_a_budget_of_tokens_is_never_passed_and_what_was_paid_for_is_kept(store: Store, tokens: int) -> None:
    llm = AnsweringLLM()
    report = annotate(admitted(store, 40), store, llm, PROMPTS, limits=FIVE, budget=Budget(tokens=tokens))
    assert report.input_tokens + report.output_tokens <= tokens
    assert report.annotated == 5 * report.requests
    assert (report.ending, report.left) == ("budget", 40 - report.annotated)
    rest = store.backlog.wanting(maker_of(llm, PROMPTS))
    assert annotate(rest, store, llm, PROMPTS).left == 0


def test_a_budget_of_money_is_never_passed(store: Store, tmp_path: Path) -> None:
    report = annotate(
        admitted(store, 40),
        store,
        AnsweringLLM(),
        PROMPTS,
        limits=FIVE,
        prices=priced(tmp_path),
        budget=Budget(usd=0.05),
    )
    assert 0 < report.cost_usd <= 0.05
    assert report.ending == "budget"


@pytest.mark.parametrize("in_flight", [1, 16])
def test_a_budget_holds_where_the_provider_counts_more_than_we_do(store: Store, in_flight: int) -> None:
    def dearer(request: Request) -> Reply:
        reply = right(request)
        return replace(reply, usage=replace(reply.usage, input_tokens=3 * request.input_tokens))

    llm, budget = AnsweringLLM(dearer), Budget(tokens=30_000)
    report = annotate(
        admitted(store), store, llm, PROMPTS, limits=Limits(papers=2), in_flight=in_flight, budget=budget
    )
    assert report.ending == "budget"
    assert 15_000 < report.input_tokens + report.output_tokens <= 30_000


def test_a_budget_holds_where_all_goes_out_before_it_is_known_how_the_provider_counts(store: Store) -> None:
    def dearer(request: Request) -> Reply:
        reply = right(request)
        return replace(reply, usage=Usage(2 * request.input_tokens, 0, request.max_output_tokens))

    llm, budget = AnsweringLLM(dearer), Budget(tokens=30_000)
    llm.deferred = True
    report = annotate(admitted(store, 40), store, llm, PROMPTS, limits=Limits(papers=2), budget=budget)
    assert report.ending == "budget"
    assert 15_000 < report.input_tokens + report.output_tokens <= 30_000


@pytest.mark.parametrize("in_flight", [1, 16])
def test_a_budget_holds_where_answers_are_longer_than_they_may_be(store: Store, in_flight: int) -> None:
    def longer(request: Request) -> Reply:
        reply = right(request)
        return replace(reply, usage=replace(reply.usage, output_tokens=3 * request.max_output_tokens))

    llm, budget = AnsweringLLM(longer), Budget(tokens=30_000)
    report = annotate(
        admitted(store), store, llm, PROMPTS, limits=Limits(papers=2), in_flight=in_flight, budget=budget
    )
    assert report.ending == "budget"
    assert 15_000 < report.input_tokens + report.output_tokens <= 30_000


@pytest.mark.parametrize("budget", [Budget(tokens=0), Budget(usd=0.0)])
def test_an_engine_that_costs_nothing_uses_up_no_budget(store: Store, budget: Budget) -> None:
    llm = ExtractiveLLM(PROMPTS.taxonomy)
    report = annotate(admitted(store), store, llm, PROMPTS, budget=budget)
    assert (report.annotated, report.ending) == (20, "done")


def test_a_budget_is_spent_to_its_end_although_more_is_set_aside_than_answers_cost(store: Store) -> None:
    chosen = admitted(store, 40)
    spent = annotate(chosen, store, AnsweringLLM(), PROMPTS, limits=FIVE)
    enough = spent.input_tokens + spent.output_tokens + 5 * 200
    with Store.open("again.db") as again:
        budget = Budget(tokens=enough)
        report = annotate(admitted(again, 40), again, AnsweringLLM(), PROMPTS, limits=FIVE, budget=budget)
    assert (report.ending, report.annotated) == ("done", 40)


def test_a_budget_of_money_needs_a_known_price(store: Store) -> None:
    with pytest.raises(ConfigError, match=r"price of test-1 is unknown"):
        annotate(admitted(store, 1), store, AnsweringLLM(), PROMPTS, budget=Budget(usd=1.0))


def test_an_unknown_price_is_an_unknown_cost(store: Store) -> None:
    assert annotate(admitted(store, 1), store, AnsweringLLM(), PROMPTS).cost_usd is None


def test_a_stop_awaits_what_is_under_way_and_asks_nothing_new(store: Store) -> None:
    llm = AnsweringLLM()
    report = annotate(
        admitted(store, 40), store, llm, PROMPTS, limits=FIVE, in_flight=3, stop=lambda: len(llm.history) >= 2
    )
    assert report.ending == "stopped"
    assert len(llm.history) == 4
    assert (report.annotated, report.left) == (20, 20)


def test_a_stop_that_comes_when_all_is_asked_ends_as_if_there_were_none(store: Store) -> None:
    llm = AnsweringLLM()
    report = annotate(
        admitted(store, 15), store, llm, PROMPTS, limits=FIVE, in_flight=3, stop=lambda: bool(llm.history)
    )
    assert (report.ending, report.annotated, report.left) == ("done", 15, 0)


def test_progress_counts_up_to_the_total(store: Store) -> None:
    seen: list[Progress] = []
    annotate(admitted(store, 20), store, AnsweringLLM(), PROMPTS, limits=FIVE, on_progress=seen.append)
    assert [progress.done for progress in seen] == [5, 10, 15, 20]
    assert {progress.total for progress in seen} == {20}


def test_while_one_annotates_another_is_told_so(store: Store, tmp_path: Path) -> None:
    chosen = admitted(store, 5)
    with Store.open(tmp_path / "cache.db") as other:

        def beside(request: Request) -> Reply:
            with pytest.raises(StoreError, match="is annotating this cache"):
                annotate(chosen, other, AnsweringLLM(), PROMPTS)
            return right(request)

        assert annotate(chosen, store, AnsweringLLM(beside), PROMPTS).annotated == 5
        assert annotate(chosen, other, AnsweringLLM(), PROMPTS).papers == 0


def test_the_lock_is_given_back_when_an_error_ends_the_run(store: Store) -> None:
    class Refusing(AnsweringLLM):
        def complete(self, requests: Any, control: Control) -> Iterator[Outcome]:
            raise LLMMisconfigured("The key is refused; correct OPENAI_API_KEY.")
            yield

    chosen = admitted(store, 5)
    with pytest.raises(LLMMisconfigured):
        annotate(chosen, store, Refusing(), PROMPTS)
    assert annotate(chosen, store, AnsweringLLM(), PROMPTS).annotated == 5


def test_tokens_of_a_run_are_counted_by_purpose(store: Store) -> None:
    llm = first_time(lambda records: records.pop(0))
    report = annotate(admitted(store, 5), store, llm, PROMPTS, limits=FIVE)
    first, again = (request.input_tokens for request in llm.history)
    expected = {"annotate": first + 400, "missing": again + 100}
    assert report.by_purpose == expected
    assert report.follow_up_tokens == again + 100
    (run,) = store.runs.latest()
    assert (run["by_purpose"], run["ending"], run["annotated"]) == (expected, "done", 5)
    assert run["input_tokens"] == report.input_tokens
    assert store.statistics.summary()["tokens by purpose"] == expected


def priced(tmp_path: Path) -> Path:
    """A table with a price for the engine of these tests."""
    table = tmp_path / "prices.toml"
    table.write_text('[models]\n"test-1" = { input = 1.0, cached = 0.1, output = 10.0 }\n')
    return table


@pytest.mark.parametrize(("first", "second"), [(2, 1), (1, 2), (1, 1)])
def test_the_better_of_a_record_and_its_repair_is_kept_the_later_one_if_they_are_as_good(
    store: Store, first: int, second: int
) -> None:
    def faulty(request: Request) -> Reply:
        repaired = request.purpose == "repair"
        invented = [f"invented phrase {number}" for number in range(second if repaired else first)]
        mark = "quickly" if repaired else "slowly"

        def spoil(records: list[dict[str, Any]]) -> None:
            records[0]["tldr"] = records[0]["tldr"].replace("gaining", f"{mark} gaining")
            records[0]["keywords"] = [*records[0]["keywords"], *invented]

        return changed(request, spoil)

    (paper,) = admitted(store, 1)
    annotate([paper], store, AnsweringLLM(faulty), PROMPTS)
    kept = store.get(paper.id).annotation.tldr
    assert ("slowly" if first < second else "quickly") in kept


def test_annotations_are_rebuilt_from_replies_for_no_tokens(store: Store) -> None:
    def faulty_then_swapped(request: Request) -> Reply:
        if request.purpose == "repair":
            return right(request)
        return (
            changed(
                request,
                lambda records: (
                    records[0].update(tldr=""),
                    records[1].update(ref="P3"),
                    records[2].update(ref="P2"),
                ),
            )
            if len(request.papers) == 5
            else right(request)
        )

    llm = AnsweringLLM(faulty_then_swapped)
    chosen = admitted(store, 20)
    annotate(chosen, store, llm, PROMPTS, limits=FIVE)
    before = [found.as_dict() for found in store.list()]
    requests = len(llm.history)
    for table in ("findings", "annotations"):
        store._db.execute(f"DELETE FROM {table}")
    store._db.execute("UPDATE papers SET current_key = NULL")

    assert rebuild(store, PROMPTS) == 20
    after = [found.as_dict() for found in store.list()]
    for printed in (*before, *after):
        del printed["annotated_at"]
    assert after == before
    assert len(llm.history) == requests


def test_a_silent_batch_is_halved_until_the_paper_to_blame_stands_alone(store: Store) -> None:
    chosen = admitted(store, 8)
    llm = AnsweringLLM(lambda request: None if chosen[5] in request.papers.values() else right(request))
    report = annotate(chosen, store, llm, PROMPTS, limits=Limits(papers=8))
    assert (report.annotated, [failure.paper_id for failure in report.failures]) == (7, [chosen[5].id])
    assert report.failures[0].detail == "the server did not answer"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"batch_input_tokens": 2200, "max_in_flight": 8}, "the input budget of 2,200 tokens binds"),
        ({"context_tokens": 2700, "max_in_flight": 8}, "the context of 2,700 tokens binds"),
        ({"requests_per_minute": 6.0}, "the quota of 6 requests a minute binds"),
        ({"max_in_flight": 8}, "only latency binds"),
    ],
)
def test_a_run_says_what_binds_and_asks_as_often_as_was_estimated(
    store: Store, caplog: pytest.LogCaptureFixture, settings: dict[str, Any], said: str
) -> None:
    admitted(store, 64)
    llm = AnsweringLLM()
    loaded = Settings.load(**settings)
    with caplog.at_level(logging.INFO, logger="broadsheet.annotate"):
        prepared = prepare(store, llm, PROMPTS, loaded)
    assert said in caplog.text
    prepared.run()
    assert len(llm.history) == prepared.estimate.requests


def test_an_input_budget_without_room_for_a_paper_is_refused_before_anything_is_asked(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "exact", lambda: True)
    admitted(store, 3)
    llm = AnsweringLLM()
    tight = Settings.load(batch_input_tokens=1000)
    with pytest.raises(ConfigError, match="BROADSHEET_BATCH_INPUT_TOKENS"):
        prepare(store, llm, PROMPTS, tight)
    assert not llm.history


def test_an_input_budget_that_is_only_estimated_to_be_too_small_is_a_warning(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(tokens, "exact", lambda: False)
    admitted(store, 3)
    report = prepare(store, AnsweringLLM(), PROMPTS, Settings.load(batch_input_tokens=1000)).run()
    assert report.annotated == 3
    assert "BROADSHEET_BATCH_INPUT_TOKENS" in caplog.text


def test_an_input_budget_binds_no_engine_without_a_prompt(store: Store) -> None:
    admitted(store, 3)
    settings = Settings.load(batch_input_tokens=500)
    report = prepare(store, open_llm(settings, store, PROMPTS), PROMPTS, settings).run()
    assert report.annotated == 3


def test_a_run_with_nothing_to_ask_loads_neither_templates_nor_token_counter(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    annotate(admitted(store, 3), store, AnsweringLLM(), PROMPTS)

    def loaded(*_: Any, **__: Any) -> Any:
        raise AssertionError

    monkeypatch.setattr(Prompts, "render", loaded)
    monkeypatch.setattr(tokens, "count", loaded)
    report = prepare(store, AnsweringLLM(), PROMPTS, Settings.load()).run()
    assert (report.papers, report.requests) == (0, 0)

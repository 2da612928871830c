"""A model whose answers are of no use is not paid for long, and the run says what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.annotate import prepare
from broadsheet.annotate.fruitless import (
    ANSWER_TOKENS,
    ANSWERS,
    ANSWERS_LATER,
    FEWEST_PAPERS,
    PAPERS,
    Fruitless,
)
from broadsheet.config import Settings
from broadsheet.errors import LLMUnavailable, LLMUseless
from broadsheet.fencing import fenced
from broadsheet.filters import Filter
from broadsheet.llm import Reply, Request, Usage, open_llm
from broadsheet.paper import Paper
from broadsheet.prompts import Prompts
from broadsheet.record import Maker
from broadsheet.store import Store
from builders import rows
from commands import ended, new_cache, start
from papers import AnsweringLLM, answer, numbered
from servers.faults import Faults
from servers.loopback import Answer
from servers.openai_server import Behaviour, OpenAIServer, placeholder

Broken = Callable[[], OpenAIServer]


class Says(OpenAIServer):
    """Answers every question with the same words."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text

    def _message(self, papers, seen, body):  # type: ignore[no-untyped-def]
        return {"role": "assistant", "content": self.text, "refusal": None}, "stop"


class SaysItFailed(OpenAIServer):
    """Tells of an error with status 200, as some gateways do."""

    async def completion(self, body: dict[str, Any], *, batched: bool = False) -> Answer:
        return Answer.of({"error": {"message": "the upstream has no such lantern", "code": 502}})


BROKEN: dict[str, tuple[Broken, str]] = {
    "cut off": (lambda: OpenAIServer(behaviour=Behaviour(faults=Faults(truncated=1.0))), "cut off"),
    "prose": (lambda: Says("I would love to help you with these papers! " * 12), "no record in JSON"),
    "wrong refs": (lambda: OpenAIServer(lambda paper: placeholder(paper) | {"ref": "P977"}), "never asked"),
    "wrong titles": (lambda: OpenAIServer(lambda paper: placeholder(paper) | {"echo": "No such"}), "titles"),
    "refusals": (lambda: OpenAIServer(behaviour=Behaviour(faults=Faults(refusal=1.0))), "refuses"),
}


FALSE = {"tldr": "Quantum gravity cures 99.9% of all warts in 77 clinics.", "keywords": ["quantum gravity"]}
USELESS: dict[str, Callable[[Request], Reply]] = {
    "cut off": lambda _: Reply('{"papers": [{"ref": "P1", "echo": "Ti', "length"),
    "prose": lambda _: Reply("I would love to help you with these papers!"),
    "wrong refs": lambda request: Reply(said(request, ref="P977")),
    "wrong titles": lambda request: Reply(said(request, echo="No such")),
    "refusals": lambda _: Reply("", refusal="I had rather not."),
    "false": lambda request: Reply(said(request, **FALSE)),
}


def said(request: Request, **change: Any) -> str:
    """The right answer to a request with the same change in each record."""
    return answer([record | change for record in numbered(request)])


def opened(path: Path, server: OpenAIServer, monkeypatch: pytest.MonkeyPatch, **settings: Any):  # type: ignore[no-untyped-def]
    monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
    monkeypatch.setenv("OPENAI_API_KEY", "test")
    chosen = Settings.load(engine="openai", model="gpt-4o-mini", **settings)
    store = Store.open(path)
    prompts = Prompts.load()
    return store, prepare(store, open_llm(chosen, store, prompts), prompts, chosen)


@pytest.mark.parametrize("in_flight", [2, 256])
@pytest.mark.parametrize("kind", BROKEN)
def test_a_useless_model_stops_the_run_within_twice_the_estimate_and_a_sentence_says_why(
    kind: str, in_flight: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, why = BROKEN[kind]
    with broken() as server:
        cache = new_cache(tmp_path / "cache.db", 120)
        store, prepared = opened(cache, server, monkeypatch, max_in_flight=in_flight)
        with store, pytest.raises(LLMUseless, match=why) as told:
            prepared.run()
        with Store.open(cache) as store:
            ((wasted,),) = rows(
                store,
                """SELECT sum(input_tokens + output_tokens) FROM replies
                   WHERE id NOT IN (SELECT reply_id FROM annotations WHERE reply_id IS NOT NULL)""",
            )
    assert "broadsheet replies" in str(told.value)
    assert 0 < wasted <= 2 * prepared.estimate.tokens


def test_an_error_that_comes_with_status_200_is_quoted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("broadsheet.llm.openai.exchange.ATTEMPTS", 2)
    with SaysItFailed() as server:
        store, prepared = opened(new_cache(tmp_path / "cache.db", 20), server, monkeypatch)
        with store, pytest.raises(LLMUnavailable, match="no such lantern"):
            prepared.run()


def test_a_model_that_breaks_midway_stops_the_run_too_and_what_was_done_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = 40

    def answer(paper: Any) -> dict[str, Any]:
        sound = sum(len(seen.refs) for seen in server.seen) <= good
        return placeholder(paper) | ({} if sound else {"ref": "P977"})

    with OpenAIServer(answer) as server:
        store, prepared = opened(new_cache(tmp_path / "cache.db", 200), server, monkeypatch, max_in_flight=1)
        with store:
            with pytest.raises(LLMUseless):
                prepared.run()
            assert sum(record.annotation is not None for record in store.list(Filter())) == good
        asked = [title for seen in server.seen for title in seen.titles]
    assert good + PAPERS <= len(asked) <= good + 10 * (ANSWERS_LATER + 2)


def test_a_few_papers_that_no_model_answers_fail_alone_and_the_others_are_annotated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(paper: Any) -> dict[str, Any]:
        spoilt = paper.title.startswith(spoilt_titles)
        return placeholder(paper) | ({"ref": "P977"} if spoilt else {})

    with OpenAIServer(answer) as server:
        store, prepared = opened(new_cache(tmp_path / "cache.db", 60), server, monkeypatch)
        spoilt_titles = tuple(paper.title for paper in prepared.papers[::6])
        with store:
            report = prepared.run()
    assert (report.annotated, report.failed) == (50, 10)


def test_a_small_run_that_gets_no_json_at_all_is_stopped_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Says("Certainly!") as server:
        store, prepared = opened(new_cache(tmp_path / "cache.db", 12), server, monkeypatch)
        with store, pytest.raises(LLMUseless):
            prepared.run()
    assert len(server.answered) <= 4


def test_the_command_ends_with_one_sentence_and_exit_code_1(tmp_path: Path) -> None:
    with Says("Certainly!") as server:
        cache = new_cache(tmp_path / "cache.db", 60)
        code, _, err = ended(start("annotate", "--db", cache, "--quiet", server=server))
    assert code == 1
    (sentence,) = [line for line in err.splitlines() if line.startswith("broadsheet: ")]
    assert "JSON" in sentence


def test_a_small_run_whose_records_are_all_false_is_stopped_and_no_paper_is_marked_as_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with OpenAIServer(lambda paper: placeholder(paper) | FALSE) as server:
        store, prepared = opened(new_cache(tmp_path / "cache.db", 12), server, monkeypatch)
        with store:
            with pytest.raises(LLMUseless, match="does not stand in the abstracts"):
                prepared.run()
            assert not store.annotations.failures()
    assert len(server.answered) <= ANSWERS


def test_records_that_are_false_at_first_and_right_when_repaired_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(paper: Any) -> dict[str, Any]:
        asked = sum(paper.title in seen.titles for seen in server.seen)
        return placeholder(paper) | (FALSE if asked == 1 else {})

    with OpenAIServer(answer) as server:
        store, prepared = opened(new_cache(tmp_path / "cache.db", 8), server, monkeypatch)
        with store:
            report = prepared.run()
    assert (report.annotated, report.failed) == (8, 0)


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8, 19, 30])
@pytest.mark.parametrize("kind", USELESS)
def test_no_run_however_small_spends_more_than_twice_its_estimate_or_three_answers_on_nothing(
    kind: str, count: int, tmp_path: Path
) -> None:
    def answer_to(request: Request) -> Reply:
        costs = Usage(request.input_tokens, 0, ANSWER_TOKENS * len(request.sent))
        return replace(USELESS[kind](request), usage=costs)

    llm = AnsweringLLM(answer_to)
    with Store.open(new_cache(tmp_path / "cache.db", count)) as store:
        prompts = Prompts.load()
        prepared = prepare(store, llm, prompts, Settings.load(engine="extractive"))
        with suppress(LLMUseless):
            report = prepared.run()
            assert count < FEWEST_PAPERS
            assert report.failed + report.annotated == count
    spent = [request.input_tokens + ANSWER_TOKENS * len(request.sent) for request in llm.history]
    assert sum(spent) <= max(2 * prepared.estimate.tokens, sum(spent[:3]))
    assert (
        all(len(request.sent) == 1 for request in llm.history[-2:])
        or sum(spent) <= 2 * prepared.estimate.tokens
    )


def asked(ids: Iterable[str]) -> Request:
    papers = {f"P{n}": fenced(Paper(id=id_, title=id_)) for n, id_ in enumerate(sorted(ids), 1)}
    return Request("r", Maker("e", "m", "p", "s"), papers, (), {}, 1000, 1000)


answers = st.lists(
    st.tuples(st.sets(st.integers(0, 80).map(str), min_size=1, max_size=10), st.booleans()), max_size=60
)


@given(answers, st.integers(1, 80))
def test_a_run_is_stopped_exactly_when_enough_answers_about_enough_papers_in_a_row_were_of_no_use(
    told: list[tuple[set[str], bool]], total: int
) -> None:
    fruitless, row, ids = Fruitless(total), 0, set[str]()
    expected = was_useful = False
    for about, useful in told:
        fruitless.add(asked(about), Usage(), ["missing"], useful=useful)
        row, ids, was_useful = (0, set(), True) if useful else (row + 1, ids | about, was_useful)
        enough = PAPERS if was_useful else max(FEWEST_PAPERS, min(PAPERS, total))
        in_a_row = ANSWERS_LATER if was_useful else ANSWERS
        expected = expected or (row >= in_a_row and len(ids) >= enough)
        assert (fruitless.error is not None) == expected

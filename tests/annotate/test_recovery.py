"""Stored replies are read against all the papers that their request asked about."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotating import annotate
from broadsheet.annotate import rebuild
from broadsheet.annotate.judging import Judge
from broadsheet.annotate.recovery import recover
from broadsheet.llm import Reply, Request
from broadsheet.paper import Paper
from broadsheet.prompts import Prompts
from broadsheet.schema import echo_of
from broadsheet.store import Store
from builders import keep_reply, maker
from papers import AnsweringLLM, answer, numbered, papers, record

PROMPTS = Prompts.load()


class Killed(Exception):  # noqa: N818 - a signal of the test
    """The process dies between storing an answer and reading it."""


def admit(store: Store, chosen: list[Paper]) -> None:
    with store.transaction():
        for paper in chosen:
            store.papers.add(paper, date(2026, 1, 5))


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[pytest.MonkeyPatch]:
    """Every answer is stored and none is read."""
    with pytest.MonkeyPatch.context() as patch:

        def die(*_: object) -> None:
            raise Killed

        patch.setattr("broadsheet.annotate.run.read", die)
        yield patch


# Each ref's record may carry the echo and the content of any paper, its own included.
SWAPS = st.lists(st.integers(0, 5), min_size=6, max_size=6)


@given(swaps=SWAPS, refs=st.permutations(range(6)), finished=st.sets(st.integers(0, 5)))
def test_whatever_is_finished_when_a_kill_comes_a_record_goes_to_its_own_paper_or_to_none(
    interrupted: pytest.MonkeyPatch, swaps: list[int], refs: list[int], finished: set[int]
) -> None:
    chosen = papers(6)

    def mixed(request: Request) -> Reply:
        right = {each["echo"]: each for each in numbered(request)}
        by_paper = list(right.values())
        records = [{**by_paper[swap], "ref": f"P{ref + 1}"} for swap, ref in zip(swaps, refs, strict=True)]
        return Reply(answer(records))

    with TemporaryDirectory() as folder, Store.open(Path(folder) / "cache.db") as store:
        admit(store, chosen)
        llm = AnsweringLLM(mixed)
        with pytest.raises(Killed):
            annotate(chosen, store, llm, PROMPTS, tokens_per_minute=1_000_000)
        (reply,) = store.annotations.replies()
        wanting = [paper for number, paper in enumerate(chosen) if number not in finished]
        found = recover(store, Judge(PROMPTS.taxonomy), reply.maker, wanting)
    for judged in found.judged.values():
        assert judged.verdict.annotation is not None
        assert judged.verdict.annotation.tldr == record(judged.paper)["tldr"]


def test_one_word_in_common_makes_no_record_the_last_papers_own(
    interrupted: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    boxes = Paper(id="boxes", title="Learning Boxes to Sort with Robots", abstract=papers(1)[0].abstract)
    protein = Paper(id="protein", title="Learning Proteins to Fold", abstract=papers(2)[1].abstract)

    def about_the_other(request: Request) -> Reply:
        ref = next(ref for ref, paper in request.papers.items() if paper.id == "boxes")
        return Reply(answer([{"ref": ref, "echo": "Learning Proteins", **record(papers(2)[1])}]))

    with Store.open(tmp_path / "cache.db") as store:
        admit(store, [boxes, protein])
        with pytest.raises(Killed):
            annotate(
                [boxes, protein], store, AnsweringLLM(about_the_other), PROMPTS, tokens_per_minute=1_000_000
            )
        (reply,) = store.annotations.replies()
        assert len(reply.papers) == 2
        found = recover(store, Judge(PROMPTS.taxonomy), reply.maker, [boxes])
    assert not found.judged
    assert not found.faults


def answered(store: Store, paper: Paper, purpose: str, **wrong: object) -> None:
    """Store an answer about a paper whose record is right but for these fields."""
    said = {"ref": "P1", "echo": echo_of(paper.title), **record(paper), **wrong}
    keep_reply(store, {"P1": paper}, request_id=f"{purpose}-1", purpose=purpose, text=answer([said]))


def test_a_rebuild_keeps_the_record_that_its_repair_made_worse(tmp_path: Path) -> None:
    (paper,) = papers(1)
    with Store.open(tmp_path / "cache.db") as store:
        admit(store, [paper])
        with store.transaction():
            answered(store, paper, "annotate", keywords=["zebra"])
            false = record(paper)["tldr"].replace("three", "88.8")
            answered(store, paper, "repair", keywords=["zebra"], tldr=false)
        assert rebuild(store, PROMPTS) == 1
        found = store.get(paper.id).annotation
    assert found is not None
    assert found.tldr == record(paper)["tldr"]


def test_a_repair_that_brought_no_record_is_not_asked_for_again_after_a_kill(tmp_path: Path) -> None:
    (paper,) = papers(1)
    with Store.open(tmp_path / "cache.db") as store:
        admit(store, [paper])
        with store.transaction():
            answered(store, paper, "annotate", keywords=["zebra"])
            found = recover(store, Judge(PROMPTS.taxonomy), maker(), [paper])
            assert list(found.faults) == [paper.id]
            keep_reply(store, {"P1": paper}, request_id="repair-1", purpose="repair", text="Sorry.")
            found = recover(store, Judge(PROMPTS.taxonomy), maker(), [paper])
    assert (list(found.faults), list(found.judged)) == ([], [paper.id])

"""Parts: named by what was asked, whole or absent, and merged into a cache once, however often."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest

from annotating import annotate
from broadsheet.annotate import Wanted, Watch, maker_of
from broadsheet.cluster.asking import FleetLLM
from broadsheet.cluster.fleet import Limits
from broadsheet.cluster.gate import Gate
from broadsheet.cluster.importing import ImportReport, import_parts
from broadsheet.cluster.keeping import Keep, Keeping
from broadsheet.cluster.parts import ANNOTATIONS, PAPERS, Parts, part_name
from broadsheet.cluster.plan import Partition, plan
from broadsheet.cluster.worker import annotate_partition
from broadsheet.config import Settings
from broadsheet.errors import ConfigError, NotFoundError, UserError
from broadsheet.intake import admit
from broadsheet.llm import LLM, Outcome
from broadsheet.paper import Paper
from broadsheet.prompts import Prompts
from broadsheet.store import Store
from builders import sighting
from local_gate import LocalGate
from papers import AnsweringLLM, papers, right
from servers.openai_server import Behaviour, OpenAIServer

pytest.importorskip("pyarrow")
PROMPTS = Prompts.load()


def settings(**more: Any) -> Settings:
    return Settings.load(engine="openai", batch_papers=4, **more)


def parts_in(folder: Path) -> Parts:
    parts = Parts(folder)
    parts.make_folders()
    return parts


def listed(count: int) -> list[Paper]:
    return [paper.model_copy(update={"sighting": sighting()}) for paper in papers(count)]


@pytest.fixture
def store() -> Iterator[Store]:
    with Store.open("papers.db") as made:
        admit(listed(24), made)
        yield made


def planned(store: Store, parts: Parts, llm: LLM, size: int = 10) -> list[Partition]:
    maker = maker_of(llm, PROMPTS)
    return plan(store.backlog.each_wanting(maker), store, maker, parts, size=size)


def opening(llm: LLM) -> Callable[[Store, Keep], LLM]:
    """Open an engine as a worker does."""
    return lambda _, keep: llm.keeping(keep) if isinstance(llm, FleetLLM) else Keeping(llm, keep)


def carried_out(partitions: list[Partition], parts: Parts, llm: LLM, watch: Watch | None = None) -> None:
    for partition in partitions:
        annotate_partition(partition, parts, settings(), PROMPTS, opening(llm), watch or Watch())


def table(store: Store) -> dict[str, Any]:
    """Every annotation with its findings, by its key."""
    keys = [row[0] for row in store._db.execute("SELECT key FROM annotations")]
    return {key: store.annotations.kept(key) for key in keys}


def current(store: Store) -> set[str]:
    return {record.id for record in store.list() if record.annotation}


def imported(parts: Parts, db: str = "cache.db") -> tuple[ImportReport, dict[str, Any], set[str]]:
    with Store.open(db) as cache:
        return import_parts(parts, cache), table(cache), current(cache)


def test_a_part_is_named_by_the_keys_that_it_asks_for_in_whatever_order() -> None:
    keys = [f"{number:024x}" for number in range(50)]
    shuffled = random.Random(1).sample(keys, len(keys))
    assert part_name(keys) == part_name(shuffled)
    assert part_name(keys) != part_name(keys[1:])


def test_partitions_hold_every_paper_once_and_are_found_again(store: Store, tmp_path: Path) -> None:
    parts, llm = parts_in(tmp_path / "parts"), AnsweringLLM()
    first = planned(store, parts, llm)
    assert [partition.papers for partition in first] == [10, 10, 4]
    rows = [row for name in parts.names() for row in parts.read("papers", name)]
    assert {row["id"] for row in rows} == {paper.id for paper in papers(24)}
    assert len(rows) == 24
    assert {each.name for each in planned(store, parts, llm, size=7)} == {each.name for each in first}


def test_only_new_papers_go_into_new_partitions_and_revised_ones_are_left_out_of_theirs(
    store: Store, tmp_path: Path
) -> None:
    parts, llm = parts_in(tmp_path / "parts"), AnsweringLLM()
    first = planned(store, parts, llm)
    carried_out(first[:1], parts, llm)
    done = {row["id"] for row in parts.read("papers", first[0].name)}
    revised = next(paper for paper in papers(24) if paper.id not in done)
    admit(listed(26)[24:], store)
    with store.transaction():
        store.papers.revise(revised.model_copy(update={"abstract": "Other words about other things."}))
    again = planned(store, parts, llm)
    assert [each.papers for each in again] == [9, 4, 3]
    assert again[0].left_out == (revised.id,)
    carried_out(again, parts, llm)
    assert all(llm.asked_for(paper) == 1 for paper in papers(26) if paper.id != revised.id)


def test_an_import_equals_what_one_process_makes_key_for_key(store: Store, tmp_path: Path) -> None:
    parts = parts_in(tmp_path / "parts")
    carried_out(planned(store, parts, AnsweringLLM()), parts, AnsweringLLM())
    annotate(papers(24), store, AnsweringLLM(), PROMPTS)
    report, annotations, annotated = imported(parts)
    assert (report.parts, report.papers, report.annotations, report.unfinished) == (3, 24, 24, 0)
    assert annotations == table(store)
    assert annotated == {paper.id for paper in papers(24)}


def test_an_import_done_again_changes_nothing(store: Store, tmp_path: Path) -> None:
    parts = parts_in(tmp_path / "parts")
    carried_out(planned(store, parts, AnsweringLLM()), parts, AnsweringLLM())
    imported(parts)

    def dumped() -> list[str]:
        with Store.open("cache.db") as cache:
            return list(cache._db.conn.iterdump())

    before = dumped()
    assert imported(parts)[0] == ImportReport(parts=3)
    assert dumped() == before


def test_an_import_into_the_cache_that_the_papers_came_from_brings_only_annotations(
    store: Store, tmp_path: Path
) -> None:
    parts = parts_in(tmp_path / "parts")
    carried_out(planned(store, parts, AnsweringLLM()), parts, AnsweringLLM())
    sightings = store.statistics.counts() if hasattr(store.statistics, "counts") else None
    report = import_parts(parts, store)
    assert (report.papers, report.annotations) == (0, 24)
    assert not store.backlog.wanting(maker_of(AnsweringLLM(), PROMPTS))
    assert sightings is None or store.papers.count() == 24


def test_what_the_cache_made_later_under_the_same_key_stands(store: Store, tmp_path: Path) -> None:
    parts = parts_in(tmp_path / "parts")
    carried_out(planned(store, parts, AnsweringLLM()), parts, AnsweringLLM())
    annotate(papers(24), store, AnsweringLLM(), PROMPTS)
    before = table(store)
    assert import_parts(parts, store).annotations == 0
    assert table(store) == before


def test_a_paper_that_no_answer_came_for_is_a_failure_once(store: Store, tmp_path: Path) -> None:
    parts = parts_in(tmp_path / "parts")
    spoilt = papers(1)[0].id
    llm = AnsweringLLM(
        lambda request: None if spoilt in {each.id for each in request.papers.values()} else right(request)
    )
    carried_out(planned(store, parts, llm), parts, llm)
    assert imported(parts)[0].failures == 1
    assert imported(parts)[0].failures == 0
    with Store.open("cache.db") as cache:
        assert [(each["paper_id"], each["tries"]) for each in cache.annotations.failures()] == [(spoilt, 1)]


def test_a_stopped_partition_leaves_its_answers_and_no_part_and_goes_on_from_them(
    store: Store, tmp_path: Path
) -> None:
    parts, llm = parts_in(tmp_path / "parts"), AnsweringLLM()
    (partition,) = planned(store, parts, llm, size=24)
    seen: list[int] = []
    stopped = Watch(lambda now: seen.append(now.done), lambda: bool(seen) and seen[-1] >= 8)
    llm_once = AnsweringLLM()
    report = annotate_partition(partition, parts, settings(), PROMPTS, opening(_Few(llm_once, 2)), stopped)
    assert report.report.ending == "stopped"
    assert not parts.is_done(partition.name)
    kept = parts.kept_replies(partition.name)
    assert len(kept) == 2
    came = imported(parts, "early.db")
    assert (came[0].unfinished, came[0].replies, came[0].annotations) == (1, 2, 0)
    carried_out(planned(store, parts, llm), parts, llm)
    assert sum(llm.asked_for(paper) for paper in papers(24)) == 24 - 8
    assert imported(parts)[0].annotations == 24
    assert not list((tmp_path / "parts" / "pending").iterdir())


class _Few(AnsweringLLM):
    """Answers a few requests, and ends as if it had been stopped."""

    def __init__(self, llm: AnsweringLLM, few: int) -> None:
        super().__init__()
        self._inner, self._few = llm, few

    def complete(self, requests: Any, control: Any) -> Iterator[Outcome]:
        for number, outcome in enumerate(self._inner.complete(requests, control)):
            if number == self._few:
                return
            yield outcome
            control.heartbeat("")


def test_a_file_that_is_no_part_is_named(store: Store, tmp_path: Path) -> None:
    parts = parts_in(tmp_path / "parts")
    (partition, *_) = planned(store, parts, AnsweringLLM())
    parts.path(ANNOTATIONS, partition.name).write_bytes(b"PAR1 and no more")
    with Store.open("cache.db") as cache, pytest.raises(UserError, match=partition.name):
        import_parts(parts, cache)
    with Store.open("cache.db") as cache, pytest.raises(NotFoundError, match="no parts"):
        import_parts(Parts(tmp_path / "nothing"), cache)


def test_parquet_of_another_program_is_named_though_nothing_was_annotated(tmp_path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    parts = parts_in(tmp_path / "parts")
    parquet.write_table(pa.table({"title": ["Herons by the weir"]}), parts.path(PAPERS, "herons"))
    with Store.open("cache.db") as cache, pytest.raises(UserError, match=r"herons\.parquet is no part"):
        import_parts(parts, cache)


@pytest.mark.parametrize(
    "row",
    [
        {"id": "a"},
        {"authors": "["},
        {"authors": "[" * 100_000},
        {"authors": "7"},
        {"published": "soon"},
        {"sightings": '[{"source": 7}]'},
        {"title": None},
    ],
    ids=["few columns", "no JSON", "deep JSON", "no list", "no day", "no sighting", "no title"],
)
def test_rows_that_no_backfill_wrote_are_named(row: dict[str, Any], store: Store, tmp_path: Path) -> None:
    parts, llm = parts_in(tmp_path / "parts"), AnsweringLLM(right)
    carried_out(planned(store, parts, llm), parts, llm)
    name = parts.names()[0]
    rows = parts.read(PAPERS, name)
    spoilt = [row] if "id" in row else [each | row for each in rows]
    parts.write(PAPERS, name, spoilt, parts.maker(name), ())
    with Store.open("new.db") as new, pytest.raises(UserError, match=rf"{name}\.parquet is no part"):
        import_parts(parts, new)


def test_two_backfills_of_one_folder_are_told_apart(tmp_path: Path) -> None:
    parts = parts_in(tmp_path / "parts")
    with parts.held(), pytest.raises(UserError, match="Another broadsheet"), parts.held():
        pass


@contextmanager
def asking(addresses: list[str], limits: Limits | None = None) -> Iterator[tuple[FleetLLM, Gate]]:
    """The engine of a worker, and the gate that it asks."""
    gate = Gate(tuple(addresses), limits or Limits())
    with LocalGate(gate) as client:
        yield FleetLLM(settings(), addresses, client, "worker-1"), gate


def test_workers_ask_real_servers_and_keep_to_the_requests_under_way(store: Store, tmp_path: Path) -> None:
    parts = parts_in(tmp_path / "parts")
    with (
        OpenAIServer(behaviour=Behaviour(base_s=0.02)) as one,
        OpenAIServer(behaviour=Behaviour(base_s=0.02)) as two,
        asking([one.base_url, two.base_url], Limits(in_flight=3)) as (llm, gate),
    ):
        carried_out(planned(store, parts, llm), parts, llm)
        assert len(one.answered) + len(two.answered) == 7
        assert len(one.answered) >= 2
        assert len(two.answered) >= 2
        assert one.peak_in_flight + two.peak_in_flight <= 4
        assert gate.fleet.spent.requests == 7
        assert gate.fleet.under_way == 0
    assert imported(parts)[0].annotations == 24


def test_an_answer_counts_as_under_way_until_it_is_on_the_disk(store: Store, tmp_path: Path) -> None:
    class Watched(Parts):
        """Sees, before each answer is written, how many are paid for and not yet on the disk."""

        not_written: ClassVar[list[int]] = []

        def keep_reply(self, name: str, *given: Any) -> None:
            self.not_written.append(len(server.seen) - len(self.kept_replies(name)))
            super().keep_reply(name, *given)

    parts = Watched(parts_in(tmp_path / "parts").folder)
    with OpenAIServer() as server, asking([server.base_url], Limits(in_flight=2)) as (llm, gate):
        carried_out(planned(store, parts, llm, size=24), parts, llm)
        assert len(parts.not_written) == 6
        assert max(parts.not_written) <= 2
        assert gate.fleet.under_way == 0


def test_a_node_with_another_prompt_or_schema_says_so_and_asks_nothing(store: Store, tmp_path: Path) -> None:
    parts, llm = parts_in(tmp_path / "parts"), AnsweringLLM()
    (partition, *_) = planned(store, parts, llm)
    llm.model = "another"
    with pytest.raises(ConfigError, match="another version"):
        carried_out([partition], parts, llm)
    assert not llm.history


def test_a_server_that_is_gone_costs_no_paper(store: Store, tmp_path: Path) -> None:
    parts = parts_in(tmp_path / "parts")
    with OpenAIServer() as gone:
        nowhere = gone.base_url
    with OpenAIServer() as one, asking([nowhere, one.base_url]) as (llm, gate):
        carried_out(planned(store, parts, llm), parts, llm)
        assert sorted(title for seen in one.seen for title in seen.titles) == sorted(
            paper.title for paper in papers(24)
        )
        assert gate.fleet.member_at(nowhere).answers == 0
    assert imported(parts)[0].annotations == 24


def test_a_server_that_refuses_the_key_is_left_out_for_good(store: Store, tmp_path: Path) -> None:
    parts = parts_in(tmp_path / "parts")
    with (
        OpenAIServer(behaviour=Behaviour(key="another")) as closed,
        OpenAIServer() as one,
        asking([closed.base_url, one.base_url]) as (llm, gate),
    ):
        carried_out(planned(store, parts, llm), parts, llm)
        assert "OPENAI_API_KEY" in gate.fleet.member_at(closed.base_url).gone
    assert imported(parts)[0].annotations == 24


def test_where_the_only_server_refuses_the_key_the_partition_says_so(store: Store, tmp_path: Path) -> None:
    parts = parts_in(tmp_path / "parts")
    with (
        OpenAIServer(behaviour=Behaviour(key="another")) as closed,
        asking([closed.base_url]) as (llm, _),
    ):
        (partition, *_rest) = planned(store, parts, llm)
        report = annotate_partition(partition, parts, settings(), PROMPTS, opening(llm), Watch())
    assert "OPENAI_API_KEY" in report.error
    assert report.exit_code == 2
    assert not parts.is_done(partition.name)


def test_papers_that_others_annotated_are_not_planned(store: Store, tmp_path: Path) -> None:
    parts, llm = parts_in(tmp_path / "parts"), AnsweringLLM()
    annotate(papers(20), store, llm, PROMPTS)
    assert [partition.papers for partition in planned(store, parts, llm)] == [4]
    assert len(store.backlog.wanting(maker_of(llm, PROMPTS), Wanted())) == 4

"""A node, a worker, the driver killed in mid-run: nothing is lost, and nothing that is kept is paid twice."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from backfilling import BATCH, NODE, PAPERS, Bench, annotations, until

IN_FLIGHT = 8
KILLS = 3


def children(parent: int) -> Iterator[tuple[int, str]]:
    """The processes that a process has started, with their names."""
    for entry in Path("/proc").iterdir():
        try:
            status = (entry / "stat").read_text().rpartition(")")[2].split() if entry.name.isdigit() else []
            if status and int(status[1]) == parent:
                yield int(entry.name), (entry / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue


def workers_of(*nodes: Any) -> list[int]:
    """The processes of these nodes' actors that annotate."""
    raylets = [node.all_processes["raylet"][0].process.pid for node in nodes]
    return [pid for raylet in raylets for pid, name in children(raylet) if "MapWorker" in name]


@pytest.mark.timeout(1_200)  # it waits for events, on a machine that may be busy
def test_a_node_a_worker_and_the_driver_are_killed_and_all_is_as_if_nothing_had_been(
    bench: Bench, cluster: Any, reference: dict[str, Any]
) -> None:
    bench.settings |= {"BROADSHEET_MAX_IN_FLIGHT": str(IN_FLIGHT)}
    first, second = cluster.add_node(**NODE), cluster.add_node(**NODE)
    with bench.backfill("--workers", "2") as driver:

        def keeps_what_it_has_after(kill: Callable[[], object]) -> None:
            """Kill, and see that no paper with an answer on the disk is asked about again."""
            kept, calls = bench.kept(), len(bench.server.seen)
            kill()
            until(lambda: len(bench.server.seen) > calls + 3 * IN_FLIGHT or driver.poll() is not None)
            assert driver.poll() is None
            assert not set(bench.paid(calls)) & kept

        until(lambda: len(bench.kept()) >= 40 and len(workers_of(first, second)) == 2)
        keeps_what_it_has_after(lambda: os.kill(workers_of(first)[0], signal.SIGKILL))
        third = cluster.add_node(**NODE)
        keeps_what_it_has_after(lambda: cluster.remove_node(second, allow_graceful=False))
        driver.kill()
    until(lambda: not workers_of(first, third))
    kept, calls = bench.kept(), len(bench.server.seen)
    assert 0 < len(kept) < PAPERS

    stopped = bench.backfill("--workers", "2")
    until(lambda: len(bench.server.seen) > calls + IN_FLIGHT)
    stopped.send_signal(signal.SIGINT)
    said = bench.ended(stopped, code=1)
    assert "run the same command again to go on" in said
    assert set(bench.paid(calls)) <= bench.kept()  # what was under way was awaited

    bench.ended(bench.backfill("--workers", "2"))
    assert not set(bench.paid(calls)) & kept
    asked = bench.paid()
    assert len(asked) == PAPERS
    assert sum(asked.values()) - PAPERS <= KILLS * IN_FLIGHT * BATCH  # what was under way, and no more
    assert bench.kept() == set(asked)

    assert f"{PAPERS} annotations" in bench.ended(bench.start("import", "parts"))
    assert annotations(bench.folder / "broadsheet.db") == reference
    assert bench.ended(bench.start("import", "parts")).startswith("0 annotations")
    assert annotations(bench.folder / "broadsheet.db") == reference
    assert "Nothing new" in bench.ended(bench.backfill())
    assert bench.paid() == asked

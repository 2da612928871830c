"""A real Ray cluster on this machine, a server that answers, and what one process makes of it all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backfilling import NODE, Bench, annotations, write_papers
from servers.openai_server import Behaviour, OpenAIServer

pytest.importorskip("ray", reason="Ray is not installed; scripts/test-cluster installs it")


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The annotations of one process, by their keys."""
    folder = tmp_path_factory.mktemp("alone")
    write_papers(folder)
    with OpenAIServer() as server:
        bench = Bench(folder, server, "")
        bench.ended(bench.start("fetch", "papers.jsonl"))
        bench.ended(bench.start("annotate", "--yes"))
    return annotations(folder / "broadsheet.db")


@pytest.fixture
def cluster() -> Iterator[Any]:
    """A cluster with a head that does no work and two nodes that do; nothing of it outlives the test."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    from ray.cluster_utils import Cluster

    head = {**NODE, "num_cpus": 0, "include_dashboard": False}
    made = Cluster(initialize_head=True, head_node_args=head)
    try:
        yield made
    finally:
        made.shutdown()


@pytest.fixture
def bench(tmp_path: Path, cluster: Any) -> Iterator[Bench]:
    """A folder with papers, a server that takes half a second for an answer, and the cluster."""
    write_papers(tmp_path)
    with OpenAIServer(behaviour=Behaviour(base_s=0.5)) as server:
        yield Bench(tmp_path, server, cluster.address)

"""Measures a backfill on Ray: one worker, two, and two under limits: ``python benchmarks/cluster.py``.

Needs the environment of ``scripts/test-cluster``: ``.venv-cluster/bin/python benchmarks/cluster.py``. The
nodes are real ones of a Ray cluster on this machine; the server runs in a process of its own, and its latency
is that of a hosted model. A worker has at most so many requests under way as its two partitions hold, so that
neither the processor nor the server is what a worker waits for. All figures are the server's: papers a second
from the first call's arrival to the last answer, and what any window of a minute held. The limits of the last
run are half of what two workers did without, on a quarter of the papers.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]

from shapes import BASE_S, PER_TOKEN_S, Seen, Shape, serving

from papers import papers

MINUTE_S = 60.0
PARTITION = 250
TOKENS_A_REQUEST = 4_000
"""More than the server counts: requests bind, and tokens now and then."""
NODE = {"num_cpus": 1, "object_store_memory": 100 * 2**20}


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    name: str
    papers: int
    seen: Seen
    wall_s: float

    @property
    def busy_s(self) -> float:
        """Seconds from the first call to the last answer."""
        calls = self.seen.answered
        ends = [call["at"] + BASE_S + PER_TOKEN_S * call["output_tokens"] for call in calls]
        return float(max(ends) - min(call["at"] for call in calls))

    @property
    def papers_per_s(self) -> float:
        """Papers a second while it worked."""
        return self.papers / self.busy_s

    def line(self) -> str:
        """As it is printed."""
        calls = self.seen.calls
        requests = most_in_a_minute([(call["at"], 1.0) for call in calls])
        tokens = most_in_a_minute(
            [(call["at"], call["input_tokens"] + call["output_tokens"]) for call in calls]
        )
        return (
            f"{self.name:<24}{self.papers_per_s:>10.1f}{self.busy_s:>8.0f}{self.wall_s:>8.0f}{len(calls):>8}"
            f"{self.seen.peak_in_flight:>6}{requests:>10,.0f}{tokens:>12,.0f}"
        )


HEAD = (
    f"{'run':<24}{'papers/s':>10}{'busy s':>8}{'wall s':>8}{'calls':>8}{'peak':>6}"
    f"{'most rpm':>10}{'most tpm':>12}"
)


def most_in_a_minute(drawn: Sequence[tuple[float, float]]) -> float:
    """The most that any window of a minute held."""
    ordered = sorted(drawn)
    most = held = 0.0
    first = 0
    for at, amount in ordered:
        held += amount
        while ordered[first][0] <= at - MINUTE_S:
            held -= ordered[first][1]
            first += 1
        most = max(most, held)
    return most


def measured(name: str, address: str, count: int, workers: int, **limits: float) -> Row:
    """One backfill."""
    with tempfile.TemporaryDirectory() as folder, serving(Shape(), "") as server:
        lines = (json.dumps({"title": each.title, "abstract": each.abstract}) for each in papers(count))
        Path(folder, "papers.jsonl").write_text("\n".join(lines), encoding="utf-8")
        environment = os.environ | {
            "PYTHONPATH": str(ROOT / "src"),
            "OPENAI_BASE_URL": server.url,
            "OPENAI_API_KEY": "benchmark",
            "BROADSHEET_MAX_IN_FLIGHT": "1000",
            **{f"BROADSHEET_{limit.upper()}": str(value) for limit, value in limits.items()},
        }
        command = [sys.executable, "-m", "broadsheet", "backfill", "papers.jsonl", "--yes"]
        command += ["--address", address, "--workers", str(workers), "--partition", str(PARTITION)]
        began = time.monotonic()
        ended = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        if ended.returncode:
            raise SystemExit(ended.stderr)
        print(ended.stdout.strip(), flush=True)
        row = Row(name, count, server.seen(), time.monotonic() - began)
    print(f"{HEAD}\n{row.line()}", flush=True)
    return row


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--papers", type=int, default=20_000)
    options.add_argument("--rpm", type=int, help="Only a run under this limit of requests a minute.")
    chosen = options.parse_args()
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    from ray.cluster_utils import Cluster

    head: dict[str, Any] = {**NODE, "num_cpus": 0, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    rows = []
    rpm = chosen.rpm
    try:
        for _ in range(2):
            cluster.add_node(**NODE)
        if not rpm:
            rows = [
                measured(name, cluster.address, chosen.papers, workers)
                for name, workers in (("one worker", 1), ("two workers", 2))
            ]
            rpm = round(len(rows[1].seen.calls) / rows[1].busy_s * MINUTE_S / 2)
        limits = {"requests_per_minute": rpm, "tokens_per_minute": rpm * TOKENS_A_REQUEST}
        rows.append(measured("two workers, limits", cluster.address, chosen.papers // 4, 2, **limits))
    finally:
        cluster.shutdown()
    print(f"\n{HEAD}", *(row.line() for row in rows), sep="\n")
    print(
        f"limits: {limits['requests_per_minute']:,} requests, {limits['tokens_per_minute']:,} tokens a minute"
    )
    if len(rows) > 1:
        share = rows[1].papers_per_s / (2 * rows[0].papers_per_s)
        print(f"two workers: {share:.2f} of twice one worker's throughput")


if __name__ == "__main__":
    main()

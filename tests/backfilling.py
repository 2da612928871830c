"""The command in a folder with papers, on a cluster or alone, and what it has written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import broadsheet
from broadsheet.cluster.parts import Parts
from broadsheet.store import Store
from papers import papers
from servers.openai_server import OpenAIServer

PAPERS = 600
BATCH = 4
PATIENCE_S = 600.0
NODE = {"num_cpus": 1, "object_store_memory": 80 * 2**20}
SOURCE = Path(broadsheet.__file__).parents[1]


def until(is_so: Callable[[], bool], patience_s: float = PATIENCE_S) -> None:
    """Wait until something is so."""
    ends = time.monotonic() + patience_s
    while not is_so():
        assert time.monotonic() < ends, "it never came to be so"
        time.sleep(0.02)


@dataclass
class Bench:
    """A folder with papers, a server, and the command on a cluster.

    Attributes:
        folder: Where the papers and the parts are.
        server: What answers.
        address: The cluster's.
    """

    folder: Path
    server: OpenAIServer
    address: str
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def parts(self) -> Parts:
        return Parts(self.folder / "parts")

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start the command."""
        environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
        environment |= {
            "PYTHONPATH": str(SOURCE),
            "OPENAI_BASE_URL": self.server.base_url,
            "OPENAI_API_KEY": "key-of-the-test",
            "BROADSHEET_BATCH_PAPERS": str(BATCH),
            **self.settings,
        }
        return subprocess.Popen(
            [sys.executable, "-m", "broadsheet", *words],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def backfill(self, *words: str) -> subprocess.Popen[str]:
        """Start a backfill on the cluster."""
        address = ("--address", self.address)
        return self.start("backfill", "papers.jsonl", "--partition", "50", "--yes", *address, *words)

    def ended(self, process: subprocess.Popen[str], code: int = 0) -> str:
        """What a command printed, once it has ended with this status."""
        out, err = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == code, out + err
        assert "Traceback" not in err, err
        return out

    def kept(self) -> set[str]:
        """The titles of the papers that answers on the disk are about."""
        titles: set[str] = set()
        for name in self.parts.names():
            ids = {
                paper_id
                for row in self.parts.kept_replies(name)
                for paper_id, _ in json.loads(row["papers"]).values()
            }
            rows = self.parts.read("papers", name, ("id", "title"))
            titles.update(row["title"] for row in rows if row["id"] in ids)
        return titles

    def paid(self, since: int = 0) -> Counter[str]:
        """The titles of the papers that the server was asked about, with how often each."""
        return Counter(title for seen in self.server.seen[since:] for title in seen.titles)


def write_papers(folder: Path) -> None:
    """Write the papers to annotate."""
    lines = [json.dumps({"title": each.title, "abstract": each.abstract}) for each in papers(PAPERS)]
    (folder / "papers.jsonl").write_text("\n".join(lines), encoding="utf-8")


def annotations(db: Path) -> dict[str, Any]:
    """Every annotation of a cache with its findings, its paper, and whether it is current, by its key."""
    with Store.open(db) as store:
        rows = store._db.execute(
            "SELECT key, title, key = current_key FROM annotations JOIN papers ON papers.id = paper_id"
        ).fetchall()
        return {key: (title, current, store.annotations.kept(key)) for key, title, current in rows}

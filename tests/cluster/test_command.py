"""The commands around a backfill, as far as they go without Ray."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from broadsheet.annotate import AnnotateReport, Budget, Failure, Progress, Watch
from broadsheet.cluster.backfill import Job, estimate, planned, source_store
from broadsheet.cluster.backfill import run as run_backfill
from broadsheet.cluster.gate import News
from broadsheet.cluster.parts import Parts, UnwrittenParts
from broadsheet.cluster.plan import Partition
from broadsheet.cluster.worker import PartitionReport
from broadsheet.config import Settings
from broadsheet.errors import ConfigError
from broadsheet.prompts import Prompts
from builders import DAY
from commands import new_cache
from in_process import Command


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(monkeypatch, capsys)


def test_without_the_extra_one_sentence_says_how_to_install_it(
    run: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    assert run("backfill", "sample", "--engine", "extractive") == 2
    assert run.err == "broadsheet: --cluster ray needs Ray; install it with: pip install 'broadsheet[ray]'\n"


def test_another_cluster_is_not_guessed_at(run: Command) -> None:
    assert run("backfill", "sample", "--cluster", "slurm") == 2
    assert run.err == "broadsheet: --cluster takes ray, not 'slurm'.\n"


def test_a_folder_without_parts_is_named_with_what_makes_some(run: Command, tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    assert run("import", "parts") == 2
    assert "broadsheet backfill --out parts" in run.err


def test_neither_the_package_nor_a_look_up_loads_what_a_cluster_needs() -> None:
    script = (
        "import sys, broadsheet, broadsheet.cli\n"
        "from broadsheet.cli import backfill, import_parts, lookup\n"
        "print([name for name in sys.modules if name.split('.')[0] in {'ray', 'pyarrow', 'pandas'}"
        " or name.startswith('broadsheet.cluster')])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


class Doing:
    """Workers that come to the ends that they are given, one at each look."""

    def __init__(self, news: News, *reports: PartitionReport) -> None:
        self._news, self._reports = news, list(reports)
        self.stopped_by = ""

    def start(self, partitions: object) -> None:
        pass

    def news(self) -> News:
        return self._news

    def stop(self, why: str) -> None:
        self.stopped_by = why

    def reports(self, timeout_s: float) -> list[PartitionReport] | None:
        return [self._reports.pop(0)] if self._reports else None


PARTITIONS = [Partition("a", 10), Partition("b", 10)]
SPENT = {"requests": 3, "input_tokens": 300, "cached_tokens": 100, "output_tokens": 60}
DONE = AnnotateReport(
    papers=10, annotated=9, failures=(Failure("p", "P", "refused"),), by_purpose={"annotate": 180}
)


def test_a_backfill_adds_up_what_its_partitions_came_to() -> None:
    shown: list[Progress] = []
    doing = Doing(
        News(done=20, spent=SPENT, cost_usd=0.5), PartitionReport("a", DONE), PartitionReport("b", DONE)
    )
    report, failed = run_backfill(PARTITIONS, doing, Watch(shown.append))
    assert (report.annotated, report.failed, report.left, report.ending) == (18, 2, 0, "done")
    assert (report.requests, report.cached_tokens, report.cost_usd) == (3, 100, 0.5)
    assert report.by_purpose == {"annotate": 360}
    assert failed == []
    assert (shown[-1].done, shown[-1].total, shown[-1].tokens) == (20, 20, 360)


def test_why_the_gate_has_stopped_is_said_and_a_users_stop_is_no_fault() -> None:
    silent = Doing(News(stop="No server has answered.", spent=SPENT), PartitionReport("a", DONE))
    report, failed = run_backfill(PARTITIONS, silent, Watch())
    assert [each.error for each in failed] == ["No server has answered."]
    assert (report.left, report.ending) == (10, "stopped")
    stopped = Doing(News(stop="stopped", spent=SPENT), PartitionReport("a", DONE))
    report, failed = run_backfill(PARTITIONS, stopped, Watch(stop=lambda: True))
    assert stopped.stopped_by == "stopped"
    assert failed == []
    assert report.ending == "stopped"


def job(folder: Path, **settings: object) -> Job:
    return Job.of(folder, Settings.load(**settings), Prompts.load(), Budget())


def test_the_servers_are_those_of_the_settings_or_that_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1/")
    assert job(tmp_path).addresses == ("http://127.0.0.1:9/v1",)
    several = ["http://a.example/v1", "http://b.example/v1/", "http://a.example/v1"]
    assert job(tmp_path, endpoints=several).addresses == ("http://a.example/v1", "http://b.example/v1")
    assert job(tmp_path, engine="extractive", endpoints=several).addresses == ()
    monkeypatch.delenv("OPENAI_BASE_URL")
    assert job(tmp_path, endpoints=several).settings.engine == "openai"
    with pytest.raises(ConfigError, match="endpoints"):
        Settings.load(endpoints=["ftp://a.example"])


def test_the_batch_api_is_left_to_annotate(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="annotate --engine openai-batch"):
        job(tmp_path, engine="openai-batch")


@pytest.mark.parametrize("source", [None, "other.db"])
def test_a_cache_is_a_source_and_is_not_written_to(source: str | None, tmp_path: Path) -> None:
    cache = new_cache(tmp_path / (source or "broadsheet.db"), 30)
    before = cache.read_bytes()
    parts = Parts(tmp_path / "parts")
    parts.make_folders()
    made = job(parts.folder, engine="extractive")
    with source_store(source, made, DAY, print) as store:
        assert [each.papers for each in planned(store, made, parts, size=20)] == [20, 10]
    assert cache.read_bytes() == before


def test_the_estimate_is_that_of_one_process_for_full_requests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    new_cache(tmp_path / "broadsheet.db", 60)
    parts = Parts(tmp_path / "parts")
    parts.make_folders()
    made = job(parts.folder)
    with source_store(None, made, DAY, print) as store:
        found = estimate(planned(store, made, parts, size=30), made, parts)
    assert (found.papers, found.requests) == (60, 6)
    assert found.output_tokens == 60 * 120
    assert found.cost_usd


def test_an_estimate_alone_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    new_cache(tmp_path / "broadsheet.db", 60)
    parts, made = UnwrittenParts(tmp_path / "parts"), job(tmp_path / "parts")
    with source_store(None, made, DAY, print) as store:
        assert estimate(planned(store, made, parts, size=30), made, parts).papers == 60
    assert not (tmp_path / "parts").exists()

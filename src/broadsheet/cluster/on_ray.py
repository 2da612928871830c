"""Carries a backfill out on Ray: Ray Data hands partitions to actors, and the gate is a named actor.

With `ray_gate` the only module that knows Ray (``pip install 'broadsheet[ray]'``). A cluster that exists is
used as it is; without one, Ray starts on this machine, without its dashboard. Usage statistics are off.
"""

from __future__ import annotations

import logging
import os
import queue
import threading
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self

from broadsheet.annotate import Progress
from broadsheet.cluster.asking import FleetLLM
from broadsheet.cluster.backfill import Job
from broadsheet.cluster.gate import BUDGET, STOPPED, News
from broadsheet.cluster.keeping import Keep, Keeping
from broadsheet.cluster.parts import Parts
from broadsheet.cluster.plan import Partition
from broadsheet.cluster.ray_gate import NAMESPACE, GateActor, RemoteGate
from broadsheet.cluster.worker import PartitionReport, annotate_partition, watch_of
from broadsheet.errors import BroadsheetError, ConfigError, UserError
from broadsheet.llm import LLM, open_llm
from broadsheet.store import Store

AT_ONCE = 2
"""Partitions that a worker annotates at once, so that one fills the tail of the other."""
_GATE_CONCURRENCY = 10_000
_HANDED_ON = ("OPENAI_", "SSL_CERT_")
_PROXIES = frozenset({"http_proxy", "https_proxy", "all_proxy", "no_proxy"})


def require_ray() -> None:
    """Load Ray, its usage statistics off.

    Raises:
        ConfigError: It is not installed.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # else it writes past our standard error
    try:
        import ray.data  # noqa: F401 - whether it is there is the question
    except ImportError as error:
        raise ConfigError(
            "--cluster ray needs Ray; install it with: pip install 'broadsheet[ray]'"
        ) from error


@contextmanager
def connected(address: str | None) -> Iterator[None]:
    """Use a Ray cluster while the body runs.

    Args:
        address: The cluster's; empty for that of ``RAY_ADDRESS``, or else for one on this machine only.

    Raises:
        ConfigError: Ray is not installed.
        UserError: There is no cluster at the address.
    """
    require_ray()
    import ray

    address = address or os.environ.get("RAY_ADDRESS") or None
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR, "namespace": NAMESPACE}
    if address is None:
        options["include_dashboard"] = False
    try:
        ray.init(address=address, **options)
    except (ConnectionError, RuntimeError, ValueError, OSError, TimeoutError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        where = f"at {address}" if address else "on this machine"
        raise UserError(
            f"There is no Ray cluster {where} ({reason}); correct --address or start one."
        ) from error
    try:
        yield
    finally:
        ray.shutdown()


class _Worker:
    """One actor of the pool: annotates the partitions that Ray Data hands it.

    Args:
        job: What to do.
        gate: The name of the gate's actor.
        environment: The variables with which the driver would ask the servers.
    """

    def __init__(self, job: Job, gate: str, environment: Mapping[str, str]) -> None:
        os.environ.update(environment)
        self._job = job
        name = uuid.uuid4().hex[:12]
        self._gate = RemoteGate(gate, name)
        self._llm = FleetLLM(job.settings, job.addresses, self._gate, name) if job.addresses else None

    def __call__(self, batch: Mapping[str, Any]) -> Mapping[str, Any]:
        """Annotate partitions, each given and reported as a value in a row."""
        return {"report": [self._annotate(partition) for partition in batch["item"]]}

    def _annotate(self, partition: Partition) -> PartitionReport:
        job = self._job
        if why := self._gate.said(partition.name, _NOTHING_DONE):
            return PartitionReport(partition.name, error="" if why in {STOPPED, BUDGET} else why)
        watch = watch_of(partition.name, self._gate.said)
        try:
            report = annotate_partition(
                partition, Parts(job.folder), job.settings, job.prompts, self._open, watch
            )
        except BroadsheetError as error:
            report = PartitionReport(partition.name, error=str(error), exit_code=error.exit_code)
        if report.error:
            self._gate.stop(report.error)
        return report

    def _open(self, store: Store, keep: Keep) -> LLM:
        if self._llm:
            return self._llm.keeping(keep)
        return Keeping(open_llm(self._job.settings, store, self._job.prompts), keep)


_NOTHING_DONE = Progress(0, 0, 0.0, 0, None, 0)


class RayWorkers:
    """A pool of workers on Ray.

    Args:
        job: What they do.
        workers: How many there are; none for one to each CPU of the cluster.
    """

    def __init__(self, job: Job, workers: int | None = None) -> None:
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        self._job = job
        self._workers = workers or max(1, int(ray.cluster_resources().get("CPU", 1)))
        self._name = f"gate-{uuid.uuid4().hex[:12]}"
        # Beside the driver, without which there is no backfill: no other node's end takes the budget along.
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
        options = {
            "name": self._name,
            "namespace": NAMESPACE,
            "num_cpus": 0,
            "max_restarts": -1,
            "max_task_retries": -1,
            "max_concurrency": _GATE_CONCURRENCY,
            "scheduling_strategy": here,
        }
        given = (job.addresses, job.limits, job.price, job.budget.tokens, job.budget.usd)
        self._gate = ray.remote(GateActor).options(**options).remote(*given)
        self._ended: queue.SimpleQueue[PartitionReport | BaseException | None] = queue.SimpleQueue()

    def start(self, partitions: Iterable[Partition]) -> None:
        """Begin; returns at once."""
        threading.Thread(target=self._carry_out, args=(list(partitions),), daemon=True).start()

    def news(self) -> News:
        """Return how things stand."""
        import ray

        news: News = ray.get(self._gate.news.remote())
        return news

    def stop(self, why: str) -> None:
        """Let what is under way come to its end, and begin nothing new."""
        self._gate.stop.remote(why)

    def reports(self, timeout_s: float) -> list[PartitionReport] | None:
        """Wait a moment for partitions to come to an end; None once there are no more.

        Raises:
            UserError: Ray has failed: a node lacks Broadsheet, or memory.
            Exception: Whatever else was raised.
        """
        from ray.exceptions import RayError, RayTaskError

        try:
            came = self._ended.get(timeout=timeout_s)
        except queue.Empty:
            return []
        if isinstance(came, RayError) and not isinstance(came, RayTaskError):
            reason = next(iter(str(came).splitlines()), type(came).__name__)
            raise UserError(
                f"Ray could not go on ({reason}); see that all nodes have this version of Broadsheet, and run"
                " the same command again."
            ) from came
        if isinstance(came, BaseException):
            raise came
        return None if came is None else [came]

    def _carry_out(self, partitions: list[Partition]) -> None:
        try:
            if partitions:
                self._run(partitions)
            self._ended.put(None)
        except BaseException as error:  # noqa: BLE001 - whatever it is, the waiting thread must hear of it
            self._ended.put(error)

    def _run(self, partitions: list[Partition]) -> None:
        from ray import data

        context = data.DataContext.get_current()
        context.enable_progress_bars = False
        context.print_on_execution_start = False
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        size = min(self._workers, len(partitions))
        pool = data.ActorPoolStrategy(
            size=size,
            max_tasks_in_flight_per_actor=AT_ONCE,
            max_concurrent_calls_per_actor=AT_ONCE,
            enable_true_multi_threading=True,
        )
        dataset = data.from_items(partitions, override_num_blocks=len(partitions)).map_batches(
            _Worker,
            fn_constructor_args=(self._job.portable(), self._name, _handed_on()),
            batch_size=1,
            compute=pool,
            num_cpus=1,
        )
        for row in dataset.iter_rows():
            self._ended.put(row["report"])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        import ray

        ray.kill(self._gate)


class _Environment(dict[str, str]):
    """Variables of which nothing is shown, as some are keys."""

    def __repr__(self) -> str:
        return "variables"


def _handed_on() -> _Environment:
    """Return the variables that say how servers are asked; they are no part of what Ray shows of a job."""
    return _Environment(
        (name, value)
        for name, value in os.environ.items()
        if name.startswith(_HANDED_ON) or name.lower() in _PROXIES
    )

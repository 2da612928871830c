"""`EmbedRun`: hands batches of texts to the endpoint, and commits each answer as it comes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from broadsheet.annotate import Progress, Watch
from broadsheet.annotate.spending import Ledger
from broadsheet.embed.batches import Batch, Batches
from broadsheet.embedding import unit
from broadsheet.errors import LLMUseless, StoreError
from broadsheet.llm import Control, Outcome, Reply, Request
from broadsheet.llm.openai.embedder import EmbeddingLLM, maker_of, request_for
from broadsheet.store import Store
from broadsheet.store.annotations import NewReply

if TYPE_CHECKING:
    from numpy.typing import NDArray

_IN_FLIGHT = 16
_FRUITLESS = 2
"""So many answers in a row without one vector of use end a run: the next would be paid for as well."""


@dataclass(frozen=True, slots=True)
class EmbedReport:
    """What a run came to.

    Attributes:
        model: Whose vectors they are.
        texts: Texts that had no vector.
        embedded: Those that have one now.
        failed: Those that were asked about and have none.
        left: Those that were not asked about.
        requests: Answers that came.
        input_tokens: Their tokens.
        cost_usd: What they cost; None if the price is unknown.
        ending: ``done``, ``budget`` or ``stopped``.
    """

    model: str
    texts: int = 0
    embedded: int = 0
    failed: int = 0
    left: int = 0
    requests: int = 0
    input_tokens: int = 0
    cost_usd: float | None = 0.0
    ending: str = "done"


class EmbedRun:
    """The state of one run. Call `run` once."""

    def __init__(self, store: Store, llm: EmbeddingLLM, batches: Batches, texts: int, ledger: Ledger) -> None:
        self._store, self._llm, self._batches = store, llm, batches
        self._texts, self._ledger = texts, ledger
        self._requests: list[Request] = []
        self._under_way: dict[str, Batch] = {}
        self._embedded = self._failed = self._fruitless = 0
        self._numbers = 0
        self._over_budget = self._is_stopped = False
        self._began = time.monotonic()
        self._watch = Watch()
        self._run_id = 0

    def run(self, watch: Watch) -> EmbedReport:
        """Ask for all vectors.

        Raises:
            LLMError: The endpoint cannot answer, or its answers are of no use; what came is kept.
            StoreError: The database cannot be written.
        """
        self._watch = watch
        with self._store.transaction():
            self._run_id = self._store.runs.begin(maker_of(self._llm.model), self._texts)
        ending = "interrupted"
        try:
            self._fill()
            control = Control(self._heartbeat, lambda: self._ledger.within)
            for outcome in self._llm.complete(self._requests, control):
                self._take(outcome)
                self._fill()
                self._heartbeat("")
            ending = self._ending()
        except Exception:
            ending = "failed"
            raise
        finally:
            with suppress(StoreError), self._store.transaction():
                self._store.runs.end(
                    self._run_id, annotated=self._embedded, failed=self._failed, ending=ending
                )
        return self._report(ending)

    def _fill(self) -> None:
        """Hand over what fits the budget, but no more than may be under way."""
        self._over_budget = False
        most = 1 if self._ledger.unsure or self._batches.is_growing else _IN_FLIGHT
        while not self._is_stopped and len(self._under_way) < most:
            batch = self._batches.next()
            if batch is None:
                return
            request = request_for(batch.sent, self._llm.model)
            if not self._ledger.reserve(request):
                self._batches.put_back(batch)
                self._over_budget = True
                return
            self._under_way[request.id] = batch
            self._requests.append(request)

    def _take(self, outcome: Outcome) -> None:
        """Commit an answer with its vectors, or ask about its papers in another way."""
        batch = self._under_way.pop(outcome.request.id)
        reply = outcome.reply
        cost = self._ledger.settle(outcome.request, reply.usage if reply else None)
        if reply is None:
            if not self._batches.refused(batch, too_long=outcome.too_long):
                self._failed += len(batch.papers)
            return
        vectors, fault = self._usable(batch, reply)
        with self._store.transaction():
            self._store.embeddings.keep(self._llm.model, vectors)
            self._store.annotations.keep_reply(
                maker_of(self._llm.model), new_reply(outcome.request, reply, cost, self._run_id)
            )
        self._embedded += len(vectors)
        self._failed += len(batch.papers) - len(vectors)
        self._batches.answered(batch)
        self._fruitless = 0 if vectors else self._fruitless + 1
        if self._fruitless >= _FRUITLESS:
            raise LLMUseless(
                f"The answers of {self._llm.model} are of no use: {fault}; what is done is kept, and more is"
                " asked for by the next run."
            )

    def _usable(self, batch: Batch, reply: Reply) -> tuple[Mapping[str, NDArray[Any]], str]:
        """Return the unit vectors of an answer by the hash of their texts, and what is wrong with others.

        A vector without a direction is one too: it is near to nothing, and asking again would change nothing.
        """
        import numpy as np

        from broadsheet.llm.openai.embeddings import EmbeddingReply

        if not isinstance(reply, EmbeddingReply) or reply.vectors is None:
            return {}, getattr(reply, "fault", "")
        found = reply.vectors
        self._numbers = self._numbers or found.shape[1]
        if found.shape[1] != self._numbers:
            return {}, f"it gave vectors of {found.shape[1]:,} numbers after some of {self._numbers:,}"
        vectors = unit(found.astype(np.float64))
        return {
            paper.content_hash: vector
            for paper, vector in zip(batch.papers, vectors, strict=True)
            if np.isfinite(vector).all()
        }, "its vectors hold what is no number"

    def _heartbeat(self, waiting: str) -> bool:
        """Report progress; true to stop."""
        self._is_stopped = self._is_stopped or self._watch.stop()
        usage, seconds = self._ledger.usage, max(time.monotonic() - self._began, 1e-9)
        self._watch.on_progress(
            Progress(
                done=self._embedded + self._failed,
                total=self._texts,
                papers_per_s=self._embedded / seconds,
                tokens=usage.input_tokens,
                cost_usd=self._ledger.cost_usd,
                under_way=len(self._under_way),
                waiting=waiting,
            )
        )
        return self._is_stopped

    def _ending(self) -> str:
        if self._is_stopped:
            return "stopped"
        return "budget" if self._over_budget else "done"

    def _report(self, ending: str) -> EmbedReport:
        return EmbedReport(
            model=self._llm.model,
            texts=self._texts,
            embedded=self._embedded,
            failed=self._failed,
            left=max(0, self._texts - self._embedded - self._failed) if ending != "done" else 0,
            requests=self._ledger.requests,
            input_tokens=self._ledger.usage.input_tokens,
            cost_usd=self._ledger.cost_usd,
            ending=ending,
        )


def new_reply(request: Request, reply: Reply, cost_usd: float | None, run_id: int | None) -> NewReply:
    """Return an answer as it is stored: what it cost and whom it was about; the vectors stand elsewhere."""
    return NewReply(
        request_id=request.id,
        purpose=request.purpose,
        papers=request.papers,
        text="",
        finish_reason=reply.finish_reason,
        refusal="",
        answered_by=reply.model,
        input_tokens=reply.usage.input_tokens,
        cached_tokens=0,
        output_tokens=0,
        latency_s=reply.latency_s,
        cost_usd=cost_usd,
        run_id=run_id,
    )

"""Embeds papers: asks an endpoint once for the vector of each text that has none, and stores what comes.

Where no model of an endpoint is set, `make_vectors` makes those of the packaged model on this machine.
An answer and its vectors are committed together before anything else is done, so a kill loses no more than
the requests under way.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from math import ceil

from broadsheet.annotate import AnnotateReport, Budget, Estimate, Watch
from broadsheet.annotate.spending import Ledger
from broadsheet.config import Settings
from broadsheet.embed.batches import MOST_TEXTS, MOST_TOKENS, Batches
from broadsheet.embed.packaged import make_vectors
from broadsheet.embed.run import EmbedReport, EmbedRun, new_reply
from broadsheet.errors import ConfigError
from broadsheet.llm import Reply, Request, Usage
from broadsheet.llm.openai.embedder import EmbeddingLLM, SearchEmbedder, maker_of, open_embedding
from broadsheet.prices import Price, Prices
from broadsheet.store import Store
from broadsheet.store.postings import can_count

__all__ = [
    "EmbedReport",
    "Embedding",
    "SearchEmbedder",
    "keep_spent",
    "make_vectors",
    "open_stage",
    "search_embedder",
]

_CHARACTERS_A_TOKEN = 4
_NO_NUMPY = "Embeddings are compared with numpy, which is not installed: pip install 'broadsheet[search]'"


@dataclass(frozen=True)
class Embedding:
    """The stage, ready to run.

    Attributes:
        llm: What is asked.
    """

    llm: EmbeddingLLM
    _store: Store
    _price: Price | None

    def estimate(self) -> Estimate:
        """Return what asking for all that is lacking will take."""
        rows, characters = self._store.embeddings.lacking(self.llm.model)
        tokens = ceil(characters / _CHARACTERS_A_TOKEN)
        requests = ceil(max(len(rows) / MOST_TEXTS, tokens / MOST_TOKENS))
        cost = self._price.cost(tokens, 0, 0) if self._price else None
        return Estimate(len(rows), requests, tokens, 0, cost if rows else 0.0)

    def run(self, budget: Budget | None = None, watch: Watch | None = None) -> EmbedReport:
        """Ask for what is lacking.

        Args:
            budget: What it may cost, at most.
            watch: Sees how far it is, and may stop it.

        Raises:
            LLMError: The endpoint cannot answer; what came is kept.
            StoreError: The database cannot be written, or another process is annotating.
        """
        with self._store.annotating():
            rows = self._store.embeddings.lacking(self.llm.model).rows
            if not rows:
                return EmbedReport(self.llm.model)
            ledger = Ledger(budget or Budget(), self._price)
            batches = Batches(self._store, rows)
            return EmbedRun(self._store, self.llm, batches, len(rows), ledger).run(watch or Watch())


def open_stage(settings: Settings, store: Store, budget: Budget | None = None) -> Embedding | None:
    """Open the stage; None where no model is set.

    Raises:
        ConfigError: There is neither a key nor an address, or nothing that could compare the vectors, or the
            budget is in dollars and the model's price is unknown.
    """
    if not settings.embedding_model:
        return None
    if not can_count():
        raise ConfigError(_NO_NUMPY)
    llm = open_embedding(settings, store)
    price = Prices.load(settings.prices).of(llm.model)
    if budget and budget.usd is not None and price is None:
        raise ConfigError(
            f"The price of {llm.model} is unknown, so a budget in dollars cannot be kept; add it to the table"
            " of prices or use --budget-tokens."
        )
    return Embedding(llm, store, price)


def search_embedder(settings: Settings, store: Store | None = None) -> SearchEmbedder | None:
    """Return what gives the vectors of searches; None where no model is set."""
    return SearchEmbedder(settings, store) if settings.embedding_model else None


def left_of(budget: Budget | None, spent: AnnotateReport) -> Budget:
    """Return what annotating has left of a budget."""
    budget = budget or Budget()
    tokens = spent.input_tokens + spent.output_tokens
    return Budget(
        None if budget.tokens is None else max(0, budget.tokens - tokens),
        None if budget.usd is None else max(0.0, budget.usd - (spent.cost_usd or 0.0)),
    )


def with_embedding(expected: Estimate, embedding: Embedding | None) -> Estimate:
    """Return an estimate with what embedding will take besides."""
    if embedding is None:
        return expected
    more = embedding.estimate()
    costs = expected.cost_usd, more.cost_usd
    known = [cost for cost in costs if cost is not None]
    return replace(
        expected,
        embedding_texts=more.papers,
        embedding_tokens=more.input_tokens,
        cost_usd=sum(known) if len(known) == len(costs) else None,
    )


def keep_spent(store: Store, settings: Settings, asked: SearchEmbedder | None) -> None:
    """Store what searches have cost since the last call, as one reply.

    Raises:
        StoreError: The database cannot be written.
    """
    spent = asked.take_spent() if asked else []
    tokens = sum(each.input_tokens for each in spent)
    if not asked or not tokens:
        return
    price = Prices.load(settings.prices).of(asked.model)
    maker = maker_of(asked.model)
    request = Request(uuid.uuid4().hex, maker, {}, (), {}, tokens, 0, "embedding")
    reply = Reply("", usage=Usage(tokens), model=asked.model)
    cost = price.cost(tokens, 0, 0) if price else None
    with store.transaction():
        store.annotations.keep_reply(maker, new_reply(request, reply, cost, None))

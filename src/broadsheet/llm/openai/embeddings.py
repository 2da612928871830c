"""What ``/v1/embeddings`` is asked for, and what it answers, of which servers bend almost every part.

OpenAI shortens a vector to the ``dimensions`` that it is asked for. Other servers pass that over or refuse
it; a refusal is obeyed once for all, and the vectors have as many numbers as the model gives.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import httpx2

from broadsheet.fencing import FencedPaper
from broadsheet.llm import Reply, Request, Usage
from broadsheet.llm.completion import count_in, text_in
from broadsheet.llm.diagnosis import NoCompletion
from broadsheet.llm.negotiation import Dialect
from broadsheet.llm.openai.answers import json_in
from broadsheet.llm.openai.bounded import FRAME_BYTES
from broadsheet.llm.openai.exchange import Exchange

if TYPE_CHECKING:
    from numpy.typing import NDArray

DIMENSIONS = 256
"""So many numbers are asked for: 256 bytes a paper."""
_MOST_DIMENSIONS = 8_192
_BYTES_A_NUMBER = 32
"""What a server writes of one at most, white space included."""


@dataclass(frozen=True, slots=True)
class EmbeddingDialect(Dialect):
    """What a model of vectors takes; nothing that shapes an answer in words applies.

    Attributes:
        dimensions: How many numbers are asked for; 0 leaves it to the model.
    """

    dimensions: int = DIMENSIONS

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Return the dialect that `text` was made from; None if this version cannot read it."""
        try:
            dimensions = json.loads(text)["dimensions"]
        except (ValueError, TypeError, LookupError, RecursionError):
            return None
        return cls(dimensions=dimensions) if dimensions in {0, DIMENSIONS} else None

    @property
    def text(self) -> str:
        """Return the dialect as it is stored."""
        return json.dumps({"dimensions": self.dimensions})

    def body(self, request: Request, model: str) -> dict[str, Any]:
        """Return the JSON that asks for a vector of each text."""
        body: dict[str, Any] = {"model": model, "input": [text_of(each) for each in request.sent.values()]}
        if self.dimensions:
            body["dimensions"] = self.dimensions
        return body

    def after_refusal(
        self,
        status: int,  # noqa: ARG002 - the signature is that of every dialect
        words: str,
        param: str = "",
        *,
        unexplained: bool = False,
    ) -> Self | None:
        """Return the dialect that leaves the number of dimensions to the model, if that may have been it."""
        named = "dimension" in param.lower() or "dimension" in words.lower() or "matryoshka" in words.lower()
        return replace(self, dimensions=0) if self.dimensions and (named or unexplained) else None


@dataclass(frozen=True, slots=True)
class EmbeddingReply(Reply):
    """The answer to a request for vectors.

    Attributes:
        vectors: One row a text, as it came; a row with NaN is of no use. None if the answer holds no vector
            for each text.
        fault: Why there are none.
    """

    vectors: NDArray[Any] | None = None
    fault: str = ""


class EmbeddingExchange(Exchange):
    """Asks one server for the vectors of one model."""

    async def _send(self, request: Request, dialect: Dialect, attempt: int) -> tuple[Reply, httpx2.Headers]:
        most_bytes = FRAME_BYTES + len(request.sent) * _MOST_DIMENSIONS * _BYTES_A_NUMBER
        body = dialect.body(request, self.settings.model)
        response, latency_s = await self._post("/embeddings", body, request, attempt, most_bytes)
        reply = vectors_in(response, request, latency_s)
        self.negotiation.answered(dialect)
        return reply, response.headers


def text_of(sent: FencedPaper) -> str:
    """Return what is embedded of a paper."""
    return f"{sent.title}. {' '.join(sent.text.split())}" if sent.text else sent.title


def vectors_in(response: httpx2.Response, request: Request, latency_s: float) -> EmbeddingReply:
    """Return the vectors in an answer, in the order of the texts.

    An answer that was counted is paid for, so one with vectors that are of no use is a reply all the same.

    Raises:
        openai.APIError: It is an error, or something else, such as a web page.
    """
    answer = json_in(response, "data")
    if not isinstance(answer, dict) or not isinstance(answer.get("data"), list):
        raise NoCompletion(response, answer, message="the answer holds no embeddings")
    vectors, fault = _vectors(answer["data"], len(request.sent))
    usage = answer.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    tokens = count_in(usage.get("prompt_tokens")) or count_in(usage.get("total_tokens"))
    return EmbeddingReply(
        text="",
        model=text_in(answer.get("model") or ""),
        usage=Usage(input_tokens=tokens or request.input_tokens),
        latency_s=latency_s,
        vectors=vectors,
        fault=fault,
    )


def _vectors(told: Sequence[Any], wanted: int) -> tuple[NDArray[Any] | None, str]:
    import numpy as np

    rows = [row for row in told if isinstance(row, Mapping)]
    if len(rows) != wanted or len(told) != wanted:
        return None, f"it gave {len(told):,} vectors for {wanted:,} texts"
    places = [row.get("index", place) for place, row in enumerate(rows)]
    if any(type(place) is not int for place in places) or sorted(places) != list(range(wanted)):
        places = list(range(wanted)) if not any(places) else []
    if not places:
        return None, "it does not say which vector is of which text"
    try:
        found = np.array([row["embedding"] for row in rows], np.float32)
    except (ValueError, TypeError, LookupError, OverflowError):
        return None, "its vectors are no lists of as many numbers each"
    if found.ndim != 2 or not 0 < found.shape[1] <= _MOST_DIMENSIONS:
        return None, f"its vectors have no shape that can be compared ({' × '.join(map(str, found.shape))})"
    found[~np.isfinite(found).all(axis=1)] = np.nan
    ordered = np.empty_like(found)
    ordered[places] = found
    return ordered, ""

"""``/v1/embeddings`` of the OpenAI-compatible server: vectors by the words of a text, bent as servers do."""

from __future__ import annotations

import asyncio
import json
import math
import re
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from servers.loopback import Answer, Call

Vector = Sequence[float]


def by_words(text: str, numbers: int) -> list[float]:
    """A vector that is near to those of texts with the same words."""
    made = [0.0] * numbers
    for word in re.findall(r"[a-z]+", text.lower()):
        made[zlib.crc32(word.encode()) % numbers] += 1.0
    return made


@dataclass
class AskedTexts:
    """One call, and what became of it."""

    body: dict[str, Any]
    status: int = 200

    @property
    def texts(self) -> list[str]:
        """What was to be embedded."""
        return list(self.body["input"])


@dataclass
class Embeddings:
    """The endpoint; its fields may be changed while it runs.

    Attributes:
        numbers: How many numbers a vector of the model has.
        dimensions: What it makes of a request for fewer.
        most_texts: Texts of a request; more are refused.
        longest: Letters of a text; a longer one is refused.
        refuses: Texts with this word are refused.
        first: Status of the first calls; those after are answered.
        headers: Sent with each of these.
        vector: The vector of a text, with so many numbers.
        spoil: Changes the rows of an answer.
        once: Calls are answered once this is true.
        counts: Whether it tells how many tokens there were.
        seen: Every call.
    """

    numbers: int = 384
    dimensions: Literal["taken", "refused", "ignored", "refused without a word"] = "taken"
    most_texts: int = 2_048
    longest: int = 100_000
    refuses: str = ""
    first: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=lambda: {"retry-after-ms": "20"})
    vector: Callable[[str, int], Vector] = by_words
    spoil: Callable[[list[dict[str, Any]]], Any] = lambda rows: rows
    once: Callable[[], object] = lambda: True
    counts: bool = True
    seen: list[AskedTexts] = field(default_factory=list)

    @property
    def answered(self) -> list[str]:
        """The texts of all calls that were answered, which are paid for."""
        return [text for asked in self.seen if asked.status == 200 for text in asked.texts]

    async def respond(self, call: Call) -> Answer:
        """Answer one call."""
        asked = AskedTexts(json.loads(call.body))
        self.seen.append(asked)
        while not self.once():
            await asyncio.sleep(0.01)
        refusal = self._refusal(asked)
        if refusal:
            asked.status = refusal.status
            return refusal
        numbers = (asked.body.get("dimensions") if self.dimensions == "taken" else None) or self.numbers
        rows = [
            {"object": "embedding", "index": place, "embedding": list(self.vector(text, numbers))}
            for place, text in enumerate(asked.texts)
        ]
        tokens = sum(math.ceil(len(text) / 5) for text in asked.texts)
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        told = {"object": "list", "model": asked.body["model"], "data": self.spoil(rows)}
        return Answer.of(told | ({"usage": usage} if self.counts else {}))

    def _refusal(self, asked: AskedTexts) -> Answer | None:
        if self.first:
            return _error(self.first.pop(0), "Injected.", self.headers)
        if "dimensions" in asked.body and self.dimensions.startswith("refused"):
            is_silent = self.dimensions == "refused without a word"
            return _error(400, "Bad request." if is_silent else "This model takes no `dimensions`.")
        if len(asked.texts) > self.most_texts:
            return _error(422, f"batch size {len(asked.texts)} > maximum batch size {self.most_texts}")
        if any(len(text) > self.longest for text in asked.texts):
            return _error(400, "This model's maximum context length is exceeded.")
        if self.refuses and any(self.refuses in text for text in asked.texts):
            return _error(400, "The content was flagged.")
        return None


def _error(status: int, words: str, headers: dict[str, str] | None = None) -> Answer:
    return Answer.of({"error": {"message": words, "type": "invalid_request_error"}}, status, headers)

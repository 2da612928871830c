"""Raw answers as values: before they are stored, and as they were kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from broadsheet.paper import Paper
from broadsheet.record import Maker


@dataclass(frozen=True, slots=True)
class KeptReply:
    """A raw answer as it was kept.

    Attributes:
        id: Its row.
        maker: Who answered, under which prompt and schema.
        purpose: Why it was asked for.
        papers: Id and content hash of each paper that was asked about, by ref.
        text: What was answered.
        finish_reason: Why it ended.
        refusal: The model's words where it refused.
        received_at: When it came, ISO 8601.
        input_tokens: Prompt tokens, cached ones included.
        output_tokens: Tokens of the answer.
        cost_usd: US dollars; None if the price is unknown.
    """

    id: int
    maker: Maker
    purpose: str
    papers: Mapping[str, tuple[str, str]]
    text: str
    finish_reason: str
    refusal: str
    received_at: str
    input_tokens: int
    output_tokens: int
    cost_usd: float | None


@dataclass(frozen=True, slots=True)
class NewReply:
    """A raw answer to be stored.

    Attributes:
        request_id: The request that it answers.
        purpose: Why it was asked for.
        papers: The papers that were asked about, by ref.
        text: What was answered.
        finish_reason: Why it ended.
        refusal: The model's words if it refused.
        answered_by: The model that the provider says answered.
        input_tokens: Prompt tokens, cached ones included.
        cached_tokens: Prompt tokens from the provider's cache.
        output_tokens: Tokens of the answer.
        latency_s: Seconds from sending to the last byte.
        cost_usd: US dollars; None if the price is unknown.
        run_id: The run that asked.
    """

    request_id: str
    purpose: str
    papers: Mapping[str, Paper]
    text: str
    finish_reason: str
    refusal: str
    answered_by: str
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    latency_s: float
    cost_usd: float | None
    run_id: int | None = None

"""Reads a chat completion's JSON, of which servers leave out or bend almost every part."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from broadsheet import tokens
from broadsheet.llm import Reply, Request, Usage

_MOST_TOKENS = 10**9


def reply_of(completion: Mapping[str, Any], latency_s: float) -> Reply:
    """Return the reply in a chat completion's JSON.

    A completion without choices that was counted is what some gateways make of a filtered answer: it is paid
    for.

    Raises:
        LookupError, TypeError, AttributeError: It has no choice with a message; a LookupError names the
            error that stands in their place.
    """
    if completion.get("error") and not completion.get("choices"):  # gateways say so with status 200
        raise LookupError(completion["error"])
    usage = completion.get("usage") or {}
    details = usage.get("prompt_tokens_details") or {}
    input_tokens = count_in(usage.get("prompt_tokens"))
    choices = completion.get("choices")
    choice: Mapping[str, Any] = {"finish_reason": "content_filter", "message": {}}
    if choices or not input_tokens:
        choice = completion["choices"][0]
    message: Mapping[str, Any] = choice["message"]
    return Reply(
        text=text_in(message.get("content") or ""),
        finish_reason=text_in(choice.get("finish_reason") or "stop"),
        refusal=text_in(message.get("refusal") or ""),
        model=text_in(completion.get("model") or ""),
        usage=Usage(
            input_tokens=input_tokens,
            cached_tokens=min(input_tokens, count_in(details.get("cached_tokens"))),
            output_tokens=count_in(usage.get("completion_tokens")),
        ),
        latency_s=latency_s,
    )


def counted(reply: Reply, request: Request) -> Reply:
    """Return the reply with its tokens counted here if the server did not: they are paid for all the same."""
    usage = reply.usage
    if usage.input_tokens and (usage.output_tokens or not reply.text):
        return reply
    output_tokens = usage.output_tokens or tokens.count(reply.text)
    input_tokens = usage.input_tokens or request.input_tokens
    return replace(reply, usage=Usage(input_tokens, usage.cached_tokens, output_tokens))


def text_in(value: Any) -> str:
    """Return a text; of a list of parts, which some servers send, those that are text and no thoughts.

    Half an emoji, at which an answer may be cut off, is a lone surrogate in JSON and becomes a question mark.
    """
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    parts = value if isinstance(value, list) else []
    texts = [part["text"] for part in parts if isinstance(part, dict) and isinstance(part.get("text"), str)]
    return text_in("".join(texts)) if texts else json.dumps(value)


def count_in(value: Any) -> int:
    """Return a number of tokens as a server tells it; 0 for what is none."""
    number = value if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)) else 0
    return min(max(0, int(number)), _MOST_TOKENS)

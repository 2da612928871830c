"""The peers, one paper a request: the usual loop, and async-batch-llm with limits told and no cooldown.

Runs in the environment that the benchmark makes for them; reads its set-up as a JSON line, prints one.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from importlib import import_module
from typing import Any


def client(url: str, *, retries: int = 0) -> Any:
    """The openai client as most programs make it."""
    from openai import AsyncOpenAI

    return AsyncOpenAI(base_url=url, api_key="benchmark", max_retries=retries)


def body(setup: dict[str, Any], prompt: str) -> dict[str, Any]:
    """One paper's request."""
    return {
        "model": "gpt-5-mini",
        "messages": [{"role": "system", "content": setup["system"]}, {"role": "user", "content": prompt}],
        "max_completion_tokens": 400,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "reply", "strict": True, "schema": setup["schema"]},
        },
    }


def parsed(completion: Any) -> dict[str, Any]:
    """The one record, or an error where the answer was cut off or is none."""
    choice = completion.choices[0]
    if choice.finish_reason != "stop" or not choice.message.content:
        raise ValueError(choice.finish_reason)
    return json.loads(choice.message.content)["papers"][0]


async def gather(setup: dict[str, Any]) -> int:
    """`AsyncOpenAI`, `asyncio.gather` and tenacity as its documentation shows: six attempts, backoff."""
    from tenacity import retry, stop_after_attempt, wait_random_exponential

    async with client(setup["url"]) as openai:

        @retry(wait=wait_random_exponential(min=1, max=60), stop=stop_after_attempt(6))
        async def one(prompt: str) -> dict[str, Any]:
            return parsed(await openai.chat.completions.create(**body(setup, prompt)))

        answers = await asyncio.gather(*map(one, setup["prompts"]), return_exceptions=True)
    return sum(isinstance(answer, dict) for answer in answers)


async def async_batch_llm(setup: dict[str, Any]) -> int:
    """async-batch-llm: every paper at once, its limits told, an estimate that fits, no fixed cooldown."""
    from async_batch_llm import (
        CallableStrategy,
        CallOutcome,
        CharacterTokenEstimator,
        ProcessorConfig,
        RateLimitConfig,
        process_prompts,
    )

    async with client(setup["url"]) as openai:

        async def invoke(prompt: str, *, timeout: float, **_: Any) -> Any:
            completion = await openai.chat.completions.create(**body(setup, prompt), timeout=timeout)
            usage = completion.usage
            counted = {
                "input_tokens": usage.prompt_tokens,
                "output_tokens": usage.completion_tokens,
                "total_tokens": usage.total_tokens,
            }
            return CallOutcome(parsed(completion), token_usage=counted, metadata={})

        quota: dict[str, Any] = {}
        if setup["tpm"]:
            estimator = CharacterTokenEstimator(expected_output_tokens=setup["output"] + setup["fixed"])
            quota = {
                "max_requests_per_minute": setup["rpm"],
                "max_tokens_per_minute": setup["tpm"],
                "token_estimator": estimator,
                "quota_burst_seconds": setup["burst_s"],
            }
        config = ProcessorConfig(
            concurrency=len(setup["prompts"]),
            rate_limit=RateLimitConfig(cooldown_seconds=0.25, slow_start_items=0),
            **quota,
        )
        batch = await process_prompts(CallableStrategy(invoke), setup["prompts"], config=config)
    return sum(result.success for result in batch.results)


def main() -> None:
    """Run the peer that the set-up names."""
    setup = json.loads(sys.stdin.readline())
    for package in ("async_batch_llm", "openai", "tenacity"):
        import_module(package)  # imports are not part of the work that is measured

    began, cpu = time.monotonic(), time.process_time()
    done = asyncio.run({"gather": gather, "async-batch-llm": async_batch_llm}[setup["peer"]](setup))
    told = {
        "papers": len(setup["prompts"]),
        "lost": len(setup["prompts"]) - done,
        "wall_s": time.monotonic() - began,
        "cpu_s": time.process_time() - cpu,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()

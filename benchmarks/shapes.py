"""The shapes of server that the pipeline is measured against, and the shortest time each allows."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from broadsheet.prices import Price

BASE_S, PER_TOKEN_S = 0.6, 0.005
RPM, TPM = 1500, 180_000
BURST = {"rpm_burst": 500, "tpm_burst": 60_000}
CALL_FAULTS = {"seed": 1, "too_many": 0.10, "server_error": 0.05, "reset": 0.02, "truncated": 0.02}
BATCH_FAULTS = {
    "seed": 2,
    "missing": 0.05,
    "doubled": 0.05,
    "wrong_id": 0.05,
    "swapped": 0.05,
    "truncated": 0.05,
    "prose": 0.03,
    "bad_json": 0.03,
    "refusal": 0.02,
    "content_filter": 0.02,
}


@dataclass(frozen=True)
class Shape:
    """A server: seconds before the first token and for each, limits a minute with their bursts, faults."""

    base_s: float = BASE_S
    per_token_s: float = PER_TOKEN_S
    limits: dict[str, float] = field(default_factory=dict)
    faults: dict[str, float] = field(default_factory=dict)
    at_once: int | None = None
    useless: bool = False
    answers: str = ""


LATENCY = Shape()
QUOTA = Shape(limits={"rpm": RPM, "tpm": TPM, **BURST})
FAULTY = Shape(faults=CALL_FAULTS)
QUOTA_AND_FAULTS = Shape(limits=QUOTA.limits, faults=CALL_FAULTS)
BATCH_FAULTY = Shape(faults=BATCH_FAULTS)
SMALL = Shape(at_once=4)
USELESS = Shape(useless=True)
QUICK = Shape(base_s=0.1, per_token_s=0.0005)


@dataclass(frozen=True)
class Seen:
    """What a server has seen in one run."""

    calls: list[dict[str, Any]]
    peak_in_flight: int

    @property
    def answered(self) -> list[dict[str, Any]]:
        """Calls with a completion."""
        return [call for call in self.calls if call["status"] == 200]

    @property
    def tokens(self) -> int:
        """Prompt and output tokens of all completions."""
        return sum(call["input_tokens"] + call["output_tokens"] for call in self.answered)

    def usd(self, price: Price) -> float:
        """What all completions cost, cached input counted at its price."""
        return sum(
            price.cost(call["input_tokens"], call["cached_tokens"], call["output_tokens"])
            for call in self.answered
        )

    def count(self, status: int) -> int:
        """Calls with this status; 0 is a connection that was cut."""
        return sum(call["status"] == status for call in self.calls)

    def floor_s(self, shape: Shape) -> float:
        """The shortest time in which a run with these calls and tokens could end.

        A server that takes a few at once has to work through all calls. Under a quota, what the bursts do not
        cover has to refill; then the last answer has to come. Without one, all first calls could be under way
        at once; a paper that is asked about again waits for its earlier answer, so the paper with the longest
        chain of answers decides.
        """
        outputs = [call["output_tokens"] for call in self.answered]
        if not outputs:
            return 0.0
        if not shape.limits:
            chains: Counter[str] = Counter()
            for call in self.answered:
                for title in call["titles"]:
                    chains[title] += shape.base_s + shape.per_token_s * call["output_tokens"]
            longest = max(chains.values())
            if shape.at_once is None:
                return longest
            busy = sum(shape.base_s + shape.per_token_s * output for output in outputs)
            return max(longest, busy / shape.at_once)
        refill = max(
            (self.tokens - shape.limits["tpm_burst"]) * 60 / shape.limits["tpm"],
            (len(self.answered) - shape.limits["rpm_burst"]) * 60 / shape.limits["rpm"],
            0.0,
        )
        return refill + shape.base_s + shape.per_token_s * sum(outputs) / len(outputs)


class Server:
    """A running server."""

    def __init__(self, url: str) -> None:
        self.url = url

    def seen(self) -> Seen:
        """What it has seen until now."""
        address = self.url.removesuffix("/v1") + "/control/seen"
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(address) as answer:
            told = json.load(answer)
        return Seen(told["calls"], told["peak_in_flight"])


@contextmanager
def serving(shape: Shape, answers: str) -> Iterator[Server]:
    """A server of this shape in a process of its own."""
    command = [sys.executable, str(Path(__file__).with_name("serve.py"))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(json.dumps(asdict(shape) | {"answers": answers}) + "\n")
        process.stdin.flush()
        try:
            yield Server(process.stdout.readline().strip())
        finally:
            process.stdin.close()

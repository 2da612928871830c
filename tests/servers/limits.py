"""Requests and tokens a minute, as a service counts them, with the headers that tell of it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field


@dataclass
class Bucket:
    """Holds ``capacity`` and refills at ``per_minute / 60`` a second."""

    name: str
    per_minute: float
    capacity: float
    level: float = field(init=False)
    _at: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.level = self.capacity

    def refill(self) -> None:
        now = time.monotonic()
        self.level = min(self.capacity, self.level + (now - self._at) * self.per_minute / 60)
        self._at = now

    def wait_s(self, amount: float) -> float:
        """Seconds until the amount would be there."""
        return max(0.0, min(amount, self.capacity) - self.level) * 60 / self.per_minute

    def headers(self) -> dict[str, str]:
        full_ms = (self.capacity - self.level) * 60_000 / self.per_minute
        return {
            f"x-ratelimit-limit-{self.name}": str(round(self.per_minute)),
            f"x-ratelimit-remaining-{self.name}": str(max(0, int(self.level))),
            f"x-ratelimit-reset-{self.name}": duration(full_ms),
        }


def duration(ms: float) -> str:
    """As the service writes it: ``120ms``, ``2.5s``, ``6m0s``."""
    if ms < 1000:
        return f"{ms:.0f}ms"
    minutes, seconds = divmod(ms / 1000, 60)
    return f"{minutes:.0f}m{seconds:.3f}s" if minutes else f"{seconds:.3f}s"


class Limits:
    """The buckets of one key. A call is charged when it is admitted; a refused one is charged nothing."""

    def __init__(
        self,
        rpm: float | None = None,
        tpm: float | None = None,
        rpm_burst: float | None = None,
        tpm_burst: float | None = None,
    ) -> None:
        self.requests = Bucket("requests", rpm, rpm_burst or rpm) if rpm else None
        self.tokens = Bucket("tokens", tpm, tpm_burst or tpm) if tpm else None

    def admit(self, tokens: int) -> float:
        """Charge a call; returns 0, or the seconds after which it would have been admitted."""
        charges = [
            (bucket, amount) for bucket, amount in ((self.requests, 1), (self.tokens, tokens)) if bucket
        ]
        for bucket, _ in charges:
            bucket.refill()
        wait = max((bucket.wait_s(amount) for bucket, amount in charges), default=0.0)
        if not wait:
            for bucket, amount in charges:
                bucket.level -= amount
        return wait

    def headers(self) -> dict[str, str]:
        """What the service says of both buckets, as they stood when the call was admitted or refused."""
        told: dict[str, str] = {}
        for bucket in (self.requests, self.tokens):
            if bucket:
                told |= bucket.headers()
        return told

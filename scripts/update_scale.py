"""Writes the tables of docs/scale.md, which are computed; a test fails if they are stale.

usage: .venv/bin/python scripts/update_scale.py
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path

from broadsheet.annotate.prepare import ANSWER_TOKENS
from broadsheet.batching import TOKENS_A_PAPER, Limits
from broadsheet.engines import ENGINES
from broadsheet.prices import Price, Prices

SCALE = Path(__file__).parents[1] / "docs" / "scale.md"

AMOUNTS: Mapping[str, int] = {"a day": 1_100, "a month": 24_000, "all of arXiv": 3_000_000}
INSTRUCTION_TOKENS = 1_200
"""Instructions, taxonomy and schema of one request."""
PAPERS_A_REQUEST = Limits().papers
ACCOUNTS: Mapping[str, tuple[int, int]] = {
    "500 requests, 200,000 tokens": (500, 200_000),
    "5,000 requests, 2,000,000 tokens": (5_000, 2_000_000),
    "30,000 requests, 150,000,000 tokens": (30_000, 150_000_000),
}
"""Limits a minute."""
FLEETS: Mapping[str, tuple[int, int]] = {
    "1 server, 1,000 tokens": (1, 1_000),
    "8 servers, 1,000 tokens": (8, 1_000),
    "8 servers, 4,000 tokens": (8, 4_000),
}
"""Servers, and the tokens that each writes a second over all requests that it answers at once."""
CACHE_BYTES, PART_BYTES, EXPORT_BYTES = 5_600, 920, 1_000
"""Bytes a paper, as benchmarks/sizes.py measures them."""


def requests(papers: int) -> int:
    """Requests for so many papers, if every answer is right the first time."""
    return math.ceil(papers / PAPERS_A_REQUEST)


def input_tokens(papers: int) -> int:
    """Prompt tokens."""
    return (TOKENS_A_PAPER - ANSWER_TOKENS) * papers


def usd(papers: int, price: Price) -> float:
    """US dollars, the instructions of all requests but the first cached."""
    cached = INSTRUCTION_TOKENS * (requests(papers) - 1)
    return price.cost(input_tokens(papers), cached, ANSWER_TOKENS * papers)


def hours(papers: int, requests_per_minute: int, tokens_per_minute: int) -> float:
    """Hours under limits a minute, none of which is exceeded."""
    minutes = max(requests(papers) / requests_per_minute, TOKENS_A_PAPER * papers / tokens_per_minute)
    return minutes / 60


def _duration(hours_: float) -> str:
    return f"{hours_:,.1f} h" if hours_ >= 1 else f"{max(1, math.ceil(hours_ * 60))} min"


def _table(head: tuple[str, ...], *rows: tuple[str, ...]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def amounts() -> str:
    """Requests and tokens."""
    return _table(
        ("", "papers", "requests", "tokens in", "tokens out"),
        *(
            (name, f"{n:,}", f"{requests(n):,}", f"{input_tokens(n):,}", f"{ANSWER_TOKENS * n:,}")
            for name, n in AMOUNTS.items()
        ),
    )


def costs() -> str:
    """What they cost, at once and over the Batch API."""
    batch, prices = ENGINES["openai-batch"].price_factor, Prices.load()
    head = ("model", *(f"{name}{how}" for name in AMOUNTS for how in ("", ", Batch API")))
    rows = []
    for model, price in prices.models.items():
        if not price.output:  # it gives vectors
            continue
        half = prices.of(model, batch)
        assert half is not None  # noqa: S101 - narrows the type: it is in the table
        cells = (f"${usd(n, each):,.2f}" for n in AMOUNTS.values() for each in (price, half))
        rows.append((f"`{model}`", *cells))
    return _table(head, *rows)


def durations() -> str:
    """How long they take under limits a minute."""
    return _table(
        ("limits a minute", *AMOUNTS),
        *(
            (name, *(_duration(hours(n, *limits)) for n in AMOUNTS.values()))
            for name, limits in ACCOUNTS.items()
        ),
    )


def fleets() -> str:
    """How long servers of one's own write at them."""
    return _table(
        ("servers, tokens a second each", *AMOUNTS),
        *(
            (name, *(_duration(ANSWER_TOKENS * n / (servers * speed) / 3600) for n in AMOUNTS.values()))
            for name, (servers, speed) in FLEETS.items()
        ),
    )


def disk() -> str:
    """What they take on the disk."""
    return _table(
        ("", "cache", "parts of a backfill", "`export` as Parquet"),
        *(
            (name, *(_size(n * each) for each in (CACHE_BYTES, PART_BYTES, EXPORT_BYTES)))
            for name, n in AMOUNTS.items()
        ),
    )


def _size(size: float) -> str:
    return f"{size / 1e9:,.1f} GB" if size >= 1e9 else f"{size / 1e6:,.1f} MB"


TABLES: Mapping[str, Callable[[], str]] = {
    "amounts": amounts,
    "costs": costs,
    "durations": durations,
    "fleets": fleets,
    "disk": disk,
}


def updated(text: str) -> str:
    """The page with each table between its markers made anew."""
    for name, table in TABLES.items():
        begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
        before, rest = text.split(begin)
        _, after = rest.split(end)
        text = f"{before}{begin}\n\n{table()}\n\n{end}{after}"
    return text


if __name__ == "__main__":
    SCALE.write_text(updated(SCALE.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"{SCALE.name} is up to date")

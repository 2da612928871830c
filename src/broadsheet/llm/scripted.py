"""The engine that reads its answers from a file: for tests, demos and replays.

The file is JSONL. A line is one of:

    {"text": "…", "finish_reason": "stop", "refusal": "", "input_tokens": 900, "output_tokens": 300}
    {"error": "…"}                          no answer came
    {"title": "…", "record": {…}}           what to say of the paper with that title (or "id"), whenever asked

Lines of the first two kinds answer requests in their order; when they are used up, requests are answered
from the records, with ref and echo filled in. A paper without a record is left out of the answer.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from broadsheet.config import Settings
from broadsheet.errors import ConfigError, why_unreadable
from broadsheet.llm import Control, Outcome, Reply, Request, Usage
from broadsheet.paper import title_key
from broadsheet.prompts import Prompts
from broadsheet.schema import echo_of
from broadsheet.store import Store


class ScriptedLLM:
    """Answers from a script.

    Attributes:
        history: The requests that were asked, in order.
    """

    engine = "scripted"
    prompted = True
    deferred = False

    def __init__(self, script: Sequence[Mapping[str, Any]], *, model: str = "script") -> None:
        self.model = model
        self.history: list[Request] = []
        self._answers = iter([line for line in script if "record" not in line])
        self._records: dict[str, Any] = {}
        for line in script:
            if "record" in line:
                key = line["id"] if "id" in line else title_key(line["title"])
                self._records[key] = line["record"]

    def open_requests(self) -> list[Request]:
        """Return none: every answer is at hand."""
        return []

    def complete(self, requests: Sequence[Request], control: Control) -> Iterator[Outcome]:  # noqa: ARG002
        """Answer each request in turn, those that are added while outcomes are drawn included."""
        for request in requests:
            self.history.append(request)
            yield self._outcome(request)

    def _outcome(self, request: Request) -> Outcome:
        line = next(self._answers, None)
        if line is None:
            return Outcome(request, self._from_records(request))
        if "error" in line:
            return Outcome(request, error=line["error"])
        usage = Usage(line.get("input_tokens", 0), line.get("cached_tokens", 0), line.get("output_tokens", 0))
        reply = Reply(
            line["text"],
            line.get("finish_reason", "stop"),
            line.get("refusal", ""),
            self.model,
            usage,
        )
        return Outcome(request, reply)

    def _from_records(self, request: Request) -> Reply:
        records = []
        for ref, paper in request.papers.items():
            record = self._records.get(paper.id) or self._records.get(title_key(paper.title))
            if record is not None:
                records.append({"ref": ref, "echo": echo_of(paper.title), **record})
        text = json.dumps({"papers": records}, ensure_ascii=False, separators=(",", ":"))
        return Reply(text, model=self.model, usage=Usage(request.input_tokens, 0, len(text) // 4))


def open_engine(settings: Settings, store: Store, prompts: Prompts) -> ScriptedLLM:  # noqa: ARG001
    """Open the engine over the file that ``script`` names.

    Raises:
        ConfigError: No file is named, or it is not JSONL of the kinds above.
    """
    path = settings.script
    if path is None:
        raise ConfigError("The scripted engine needs a file of replies; name it with BROADSHEET_SCRIPT.")
    return ScriptedLLM(read_script(path), model=path.stem)


def read_script(path: Path) -> list[dict[str, Any]]:
    """Return the lines of a script.

    Raises:
        ConfigError: The file cannot be read, or a line is not of a known kind.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"The script {path} cannot be read ({why_unreadable(error)}); correct its name."
        ) from error
    script = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            answer = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise ConfigError(f"{path}, line {number} is not JSON ({error}); correct it.") from error
        identified = isinstance(answer, dict) and ("id" in answer or "title" in answer)
        if not isinstance(answer, dict) or not (
            "text" in answer or "error" in answer or ("record" in answer and identified)
        ):
            raise ConfigError(
                f"{path}, line {number} must have a text, an error, or a record with the paper's id or title."
            )
        script.append(answer)
    return script

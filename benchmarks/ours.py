"""One run of the annotate stage, measured from within: reads its set-up as a JSON line, prints one."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from broadsheet.annotate import AnnotateReport, prepare
from broadsheet.config import Settings
from broadsheet.errors import LLMUseless
from broadsheet.llm import open_llm
from broadsheet.prompts import Prompts
from broadsheet.store import Store


def main() -> None:
    """Annotate what is wanting in the cache that the set-up names."""
    setup = json.loads(sys.stdin.readline())
    settings = Settings.load(engine="openai", **setup["settings"])
    prompts = Prompts.load()
    with Store.open(settings.db) as store:
        llm = open_llm(settings, store, prompts)
        if setup["warm"] and store.count():
            # Imports are not part of the work that is measured; the peers' come before theirs, too.
            import httpcore2  # noqa: F401 - with it openai's client asks for certificates
            import jinja2  # noqa: F401

            from broadsheet import tokens
            from broadsheet.llm import extractive  # noqa: F401
            from broadsheet.llm.openai.client import load_client

            load_client()
            tokens.count("warm")
        began, cpu_began = time.monotonic(), time.process_time()
        prepared = prepare(store, llm, prompts, settings)
        try:
            report = prepared.run()
        except LLMUseless as error:  # what it cost is what the server has counted
            report = AnnotateReport()
            print(error, file=sys.stderr)
        wall, cpu = time.monotonic() - began, time.process_time() - cpu_began
        papers = len(prepared.papers)
        lost = papers - report.annotated
        total = report.input_tokens + report.output_tokens
    told = {
        "papers": papers,
        "lost": lost,
        "wall_s": wall,
        "cpu_s": cpu,
        "follow_up": report.follow_up_tokens / total if total else 0.0,
        "requests": report.requests,
        "reasons": [failure.reason for failure in report.failures][:5],
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()

"""The command line in a process that tests interrupt and kill: ``batch_worker.py ARGUMENT...``.

It looks at a job once a minute. After each outcome that was dealt with it prints a line and waits for one, so
that it can be killed between two outcomes.
"""

from __future__ import annotations

import sys

import broadsheet.llm.openai_batch
from broadsheet.__main__ import main
from broadsheet.annotate.run import AnnotateRun
from broadsheet.llm import Outcome

_TAKE = AnnotateRun._take


def take_and_wait(run: AnnotateRun, outcome: Outcome) -> None:
    _TAKE(run, outcome)
    sys.stdout.write("outcome\n")
    sys.stdout.flush()
    sys.stdin.readline()


if __name__ == "__main__":
    broadsheet.llm.openai_batch.FIRST_POLL_S = 60.0
    AnnotateRun._take = take_and_wait  # type: ignore[method-assign]
    main()

"""The command ``broadsheet``, also as ``python -m broadsheet``."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType


def main() -> None:
    """Run the command line; Ctrl-C ends it with a sentence at any moment, and SIGTERM does what Ctrl-C does.

    Nothing is loaded before that holds, and it ends with the command: the interpreter's own end may be cut
    off without a word.
    """
    signal.signal(signal.SIGTERM, _as_ctrl_c)
    _replace_closed_streams()
    try:
        from broadsheet.cli import main as command

        command()
    except BaseException as ending:
        _answer_signals_by(signal.SIG_IGN)
        if not _is_interruption(ending):
            raise
        _say_how_to_go_on()
    finally:
        _answer_signals_by(signal.SIG_DFL)


def _replace_closed_streams() -> None:
    """Read nothing from, and write nowhere to, a stream that the shell has closed (``2>&-``).

    Python has none then, and ``print`` to none goes among the results.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115, PTH123 - lasts


def _answer_signals_by(action: signal.Handlers) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, action)


def _as_ctrl_c(_number: int, frame: FrameType | None) -> None:
    action = signal.getsignal(signal.SIGINT)
    if not callable(action):  # ignored, as in the background of a script
        action = signal.default_int_handler
    action(signal.SIGINT, frame)


def _is_interruption(ending: BaseException | None) -> bool:
    """Whether it is a Ctrl-C, or what became of one: Typer's exit, or what failed while it was cleared up."""
    while ending and not isinstance(ending, KeyboardInterrupt):
        ending = ending.__context__
    return ending is not None


def _say_how_to_go_on() -> None:
    over = "\r" if sys.stderr.isatty() else ""  # where the terminal has written ^C
    sentence = "broadsheet: Interrupted; what was done is kept: run the same command again to go on."
    print(over + sentence, file=sys.stderr)  # noqa: T201 - a front door prints
    sys.exit(1)


if __name__ == "__main__":
    main()

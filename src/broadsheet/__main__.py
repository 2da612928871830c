"""The command ``broadsheet``, also as ``python -m broadsheet``."""

from __future__ import annotations

import signal
import sys
from types import FrameType

_INTERRUPTED = 130
"""The exit code that Typer makes of a Ctrl-C."""


def main() -> None:
    """Run the command line; Ctrl-C ends it with a sentence at any moment, and SIGTERM does what Ctrl-C does.

    Nothing is loaded before that holds, and it ends with the command: the interpreter's own end may be cut
    off without a word.
    """
    signal.signal(signal.SIGTERM, _as_ctrl_c)
    try:
        from broadsheet.cli import main as command

        command()
    except KeyboardInterrupt:
        _say_how_to_go_on()
    except SystemExit as ending:
        if ending.code != _INTERRUPTED:
            raise
        _say_how_to_go_on()
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)


def _as_ctrl_c(_number: int, frame: FrameType | None) -> None:
    action = signal.getsignal(signal.SIGINT)
    if not callable(action):  # ignored, as in the background of a script
        action = signal.default_int_handler
    action(signal.SIGINT, frame)


def _say_how_to_go_on() -> None:
    print(  # noqa: T201 - a front door prints
        "broadsheet: Interrupted; what was done is kept: run the same command again to go on.",
        file=sys.stderr,
    )
    sys.exit(1)


if __name__ == "__main__":
    main()

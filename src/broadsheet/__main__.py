"""Entry point of the ``broadsheet`` command and of ``python -m broadsheet``."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType


def main() -> None:
    """Run the command line, and exit with a message on Ctrl-C or SIGTERM at any time.

    The signal handler is installed before anything else is imported. Once the command has finished, the
    default handlers are back, so that interpreter shutdown can be interrupted without a traceback.
    """
    signal.signal(signal.SIGTERM, _act_like_ctrl_c)
    _replace_closed_streams()
    try:
        from broadsheet.cli import main as command

        command()
    except BaseException as error:
        _set_signal_actions(signal.SIG_IGN)
        if not _is_interruption(error):
            raise
        _exit_interrupted()
    finally:
        _set_signal_actions(signal.SIG_DFL)


def _replace_closed_streams() -> None:
    """Point each standard stream that the shell has closed (``2>&-``) at the null device.

    Python sets such a stream to None, and ``print(file=None)`` writes to standard output.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            stream = open(os.devnull, mode, encoding="utf-8")  # noqa: SIM115, PTH123 - stays open until exit
            setattr(sys, name, stream)


def _set_signal_actions(action: signal.Handlers) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, action)


def _act_like_ctrl_c(_number: int, frame: FrameType | None) -> None:
    action = signal.getsignal(signal.SIGINT)
    if not callable(action):  # a script's background jobs start with SIGINT ignored
        action = signal.default_int_handler
    action(signal.SIGINT, frame)


def _is_interruption(error: BaseException | None) -> bool:
    """Tell whether the error is a Ctrl-C or was raised while one was handled, such as Typer's exit."""
    while error and not isinstance(error, KeyboardInterrupt):
        error = error.__context__
    return error is not None


def _exit_interrupted() -> None:
    line_start = "\r" if sys.stderr.isatty() else ""  # overwrites the terminal's ^C
    sentence = "broadsheet: Interrupted; finished work is saved: run the same command again to go on."
    print(line_start + sentence, file=sys.stderr)  # noqa: T201 - command-line output
    sys.exit(1)


if __name__ == "__main__":
    main()

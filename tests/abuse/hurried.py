"""Takes waits and rights from the command, all that tests change in it; for `Running`'s ``prepared``."""

from __future__ import annotations

import ctypes
import struct

from tenacity import wait_fixed


def no_waits() -> None:
    """A failed call is tried again at once, unless the server asked for a wait; first answers have time."""
    from broadsheet.llm.openai import exchange, probe
    from broadsheet.llm.openai_batch import service

    for wait in (exchange._WAIT, service._WAIT):
        wait._otherwise = wait_fixed(0.01)
    probe.PROBE_S = 30.0  # a busy machine may take longer than the moment in which a refusal comes


def no_patience() -> None:
    """A call of the Batch API has 2 s, and all its repetitions 3 s."""
    from broadsheet.llm.openai_batch import service

    service.TRANSFER_TIMEOUT_S, service.GIVE_UP_S = 2.0, 3.0


def no_locks() -> None:
    """A database that another program holds is not waited for."""
    from broadsheet.store import connection

    connection.BUSY_TIMEOUT_S = 0.05


def no_rights_of_root() -> None:
    """Root may read and write everything; what holds for a user is what the modes of files say (Linux)."""
    version_3_of_this_process, no_capabilities = struct.pack("Ii", 0x20080522, 0), bytes(24)
    assert ctypes.CDLL(None).capset(version_3_of_this_process, no_capabilities) == 0

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from broadsheet.store.processes import is_dead, new_name


def name_of(pid: int) -> str:
    host, _, session = new_name().rsplit("/", 2)
    return f"{host}/{pid}/{session}"


def test_this_process_is_alive_and_an_earlier_one_with_its_number_is_not():
    assert not is_dead(new_name())
    host = new_name().rsplit("/", 2)[0]
    assert is_dead(f"{host}/{os.getpid()}/another-session.1")


def test_of_a_process_on_another_host_nothing_is_known():
    assert not is_dead("elsewhere/1/session.1")


def test_a_process_is_dead_when_it_has_ended():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        assert not is_dead(name_of(process.pid))
        process.kill()
    assert is_dead(name_of(process.pid))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of processes that nobody waits for")
def test_a_killed_process_that_its_parent_does_not_ask_after_is_dead():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert is_dead(name_of(process.pid))

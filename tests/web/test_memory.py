"""A server gives the memory back that it no longer needs."""

from __future__ import annotations

import platform
import sys

import pytest

from warm_start import Popen

PIECES = """
import sys
from pathlib import Path
from broadsheet.web.memory import give_back_free_memory, trim

def held():
    return int(Path("/proc/self/status").read_text().partition("RssAnon:")[2].split()[0]) // 1024

if sys.argv[1] == "given back":
    give_back_free_memory()
large = b"x" * (30 << 20)
del large  # from now on glibc keeps what is smaller than the largest piece that it has given back
before, pieces, pins = held(), [], []
for _ in range(60):
    pieces.append(b"x" * (1 << 20))
    pins.append(b"x" * 10_000)
pieces.clear()
print(held() - before)
small = [b"x" * 5_000 for _ in range(8_000)]
pin, beneath = b"x" * 5_000, held()
small.clear()
if sys.argv[1] == "given back":
    trim()
print(beneath - held())
"""


@pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="Only glibc's allocator is set; others give memory back."
)
@pytest.mark.parametrize(
    ("said", "least", "most", "trimmed"), [("given back", -5, 10, True), ("kept", 40, 100, False)]
)
def test_what_is_free_is_given_back_to_the_system(said: str, least: int, most: int, *, trimmed: bool) -> None:
    with Popen([sys.executable, "-c", PIECES, said], stdout=-1, text=True) as process:
        large, small = map(int, process.communicate()[0].split())
    assert least <= large <= most
    assert (small > 30) == trimmed


HELD = """
import gc
from broadsheet.web.memory import settle

held = [{"n": [n]} for n in range(50_000)]
settle()
print(gc.get_freeze_count(), len(gc.get_objects()))
"""


def test_what_is_held_is_not_looked_through_for_garbage_again() -> None:
    with Popen([sys.executable, "-c", HELD], stdout=-1, text=True) as process:
        spared, looked_through = map(int, process.communicate()[0].split())
    assert spared > 100_000 > 10_000 > looked_through

"""Run the ``broadsheet`` command and write down the most memory that it held; other benchmarks start it.

usage: python benchmarks/measured.py FILE COMMAND...

What the system says of a process that has ended counts the process that started it too, up to the moment
when the new program took its place: a benchmark that holds a hundred megabytes would call every command that
large.
"""

from __future__ import annotations

import atexit
import resource
import sys
from pathlib import Path


def peak_mb() -> float:
    """Return the most memory that this program has held, in megabytes."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return used / (1024 * 1024 if sys.platform == "darwin" else 1024)
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


if __name__ == "__main__":
    file = Path(sys.argv.pop(1))
    atexit.register(lambda: file.write_text(f"{peak_mb():.1f}", encoding="ascii"))

    from broadsheet.__main__ import main

    main()

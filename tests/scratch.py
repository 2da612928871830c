"""A copy of the package that a test may change as a contributor would, and the real command run from it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import warm_start

CHECKOUT = Path(__file__).parents[1]
_RUN_ALL = """
import contextlib, io, json, os, sys

for name in [name for name in sys.modules if name.partition(".")[0] == "broadsheet"]:
    del sys.modules[name]  # the checkout's; the libraries stay
sys.path.insert(0, "src")
from broadsheet.cli import main

results = []
for words, environment in json.load(sys.stdin):
    os.environ.update(environment)
    sys.argv, code = ["broadsheet", *words], 0
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
    results.append([code, out.getvalue(), err.getvalue()])
json.dump(results, sys.stdout)
"""


@dataclass(frozen=True)
class Ran:
    """What one command came to."""

    code: int
    out: str
    err: str


class Scratch:
    """The copy, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # Byte code comes along, for compiling the package takes longer than most tests; what is edited is
        # compiled anew. Files under way, of a process that compiles just now, are left out.
        ignored = shutil.ignore_patterns("*.pyc.*")
        shutil.copytree(CHECKOUT / "src" / "broadsheet", folder / "src" / "broadsheet", ignore=ignored)
        shutil.copytree(CHECKOUT / "prompts", folder / "prompts")

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace words of a file, which must stand in it once."""
        path = self.folder / name
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {name}"
        path.write_text(text.replace(old, new), encoding="utf-8")

    def run(self, *commands: Sequence[str | Path], **environment: str) -> list[Ran]:
        """Run the commands one after the other, in one process of the copy's."""
        return self.run_each(*((words, environment) for words in commands))

    def run_each(self, *commands: tuple[Sequence[str | Path], Mapping[str, str]]) -> list[Ran]:
        """Run commands, each with variables that the later ones keep, in one process of the copy's."""
        told = json.dumps([[[str(word) for word in words], more] for words, more in commands])
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        with warm_start.Popen(
            [sys.executable, "-c", _RUN_ALL], cwd=self.folder, text=True, **pipes
        ) as process:
            out, err = process.communicate(told)
        assert process.returncode == 0, err
        return [Ran(*result) for result in json.loads(out)]

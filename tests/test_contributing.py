"""Every walk-through of CONTRIBUTING.md works as it stands, on a copy of the package."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from scratch import CHECKOUT, Scratch

GUIDE = (CHECKOUT / "CONTRIBUTING.md").read_text(encoding="utf-8")
_HEADING = re.compile(r"^### (.+)$", re.MULTILINE)
_BLOCK = re.compile(r"^```(\w+)(?: (>> )?(\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMES = _HEADING.findall(GUIDE)


def walkthrough(name: str) -> str:
    """The text under a heading."""
    text = GUIDE.partition(f"\n### {name}\n")[2]
    return re.split(r"^##", text, maxsplit=1, flags=re.MULTILINE)[0]


def changes(diff: str) -> Iterator[tuple[str, str]]:
    """What each hunk replaces, and with what; `@@` stands between hunks."""
    for hunk in re.split(r"^@@\n", diff, flags=re.MULTILINE):
        lines = hunk.splitlines()
        yield (
            "\n".join(line[1:] for line in lines if line[0] in " -"),
            "\n".join(line[1:] for line in lines if line[0] in " +"),
        )


def printed_by(scratch: Scratch, commands: Sequence[str]) -> dict[str, str]:
    """What each command prints, on either stream; ours run in one process."""
    ours = [command for command in commands if command.startswith("broadsheet ")]
    printed = {}
    for command, ran in zip(ours, scratch.run(*(shlex.split(each)[1:] for each in ours)), strict=True):
        assert ran.code == 0, ran.err
        printed[command] = ran.out + ran.err
    for command in commands:
        if command not in printed:
            words = shlex.split(command)
            assert words[0] == "grep"
            grep = subprocess.run(words, cwd=scratch.folder, capture_output=True, text=True, check=True)
            printed[command] = grep.stdout
    return printed


@pytest.mark.parametrize("name", [name for name in NAMES if name != "A channel"])
def test_a_walk_through_shows_what_it_says(name: str, tmp_path: Path) -> None:
    scratch = Scratch(tmp_path)
    reference = {
        "title": "Herons",
        "abstract": "We count herons by their shadows at noon.",
        "tldr": "Counts herons by the shadows that they throw at noon, as nobody has done before in a port.",
        "topics": ["computer-vision"],
        "contribution": "method",
        "keywords": ["herons"],
        "code": {"evidence": "", "status": "none", "urls": []},
    }
    (tmp_path / "reference.jsonl").write_text(json.dumps(reference))
    (tmp_path / "broadsheet.toml").write_text('script = "reference.jsonl"\n')
    shown = 0
    for kind, appends, path, text in _BLOCK.findall(walkthrough(name)):
        target = tmp_path / path
        if kind == "diff":
            for old, new in changes(text):
                scratch.edit(path, old, new)
        elif kind == "console":
            parts = [part.partition("\n") for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]]
            printed = printed_by(scratch, [command for command, _, _ in parts])
            for command, _, expected in parts:
                for line in expected.splitlines():
                    assert line in printed[command], command
                shown += 1
        else:
            target.write_text((target.read_text() if appends else "") + text)
    assert shown


def test_every_heading_of_the_guide_is_a_walk_through_with_commands() -> None:
    assert len(NAMES) == len(set(NAMES)) >= 9

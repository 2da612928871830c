"""Those who judge a file: the Nu checker, and what is known of mail programs."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

TOOLS = Path(__file__).parent / ".tools" / "node_modules"
VNU = TOOLS / "vnu-jar" / "build" / "dist" / "vnu.jar"
CANIEMAIL = Path(__file__).with_name("caniemail.mjs")


def nu_errors(path: Path) -> str:
    """What the Nu checker finds in a page, or in all of a folder."""
    done = subprocess.run(
        ["java", "-jar", str(VNU), "--errors-only", "--skip-non-html", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in {0, 1}, done.stderr
    return done.stderr[:3000]


def not_shown_by_mail_programs(path: Path) -> dict[str, list[str]]:
    """What HTML uses that a mail program does not know: the programs by the name of the feature."""
    done = subprocess.run(
        ["node", str(CANIEMAIL), str(TOOLS / "caniemail"), str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, list[str]] = json.loads(done.stdout)
    return found

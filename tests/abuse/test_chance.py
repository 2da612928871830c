"""Files and databases that chance has spoilt; ``--hypothesis-profile=long`` tries many more of them."""

from __future__ import annotations

import gzip
import random
from pathlib import Path

import pytest
from hypothesis import settings

from abuse.bad_files import bad_files
from abuse.conftest import KEY
from abuse.running import Running
from in_process import broadsheet

TRIES = 300 if settings.get_current_profile_name() == "long" else 12
FORMATS = ("jsonl", "csv", "bibtex")
READ = (("list",), ("show", "TideCache"), ("stats",), ("site",), ("fetch", "sample"), ("backup", "archive"))
pytestmark = pytest.mark.usefixtures("nobody_asked")


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a cache and its papers in several formats."""
    folder = tmp_path_factory.mktemp("sound")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert broadsheet("run", "sample", "--date", "2026-01-05", "-q")[0] == 0
        for form in FORMATS:
            assert broadsheet("export", "--format", form, "--output", form)[0] == 0
        Path("gzip").write_bytes(gzip.compress(Path("jsonl").read_bytes(), mtime=0))
        (ris,) = [bad.content for bad in bad_files() if bad.name == "RIS without ER"]
        Path("ris").write_bytes(ris)
    return folder


def spoilt(content: bytes, chance: random.Random) -> bytes:
    """Change a few bytes, or cut a piece out, or put one in twice, or some of these."""
    spoilt = bytearray(content)
    for _ in range(chance.randrange(1, 4)):
        start = chance.randrange(len(spoilt))
        piece = spoilt[start : start + chance.choice((1, 9, 4096))]
        how = chance.randrange(4)
        if how == 0:
            spoilt[start : start + len(piece)] = chance.randbytes(len(piece))
        elif how == 1:
            del spoilt[start : start + len(piece)]
        elif how == 2:
            spoilt[start:start] = piece
        else:
            spoilt[start : start + 1] = chance.choice((b'"', b"{", b"[", b"\\", b"\0", b"\xff", b"<", b"\n"))
    return bytes(spoilt)


@pytest.mark.parametrize("form", [*FORMATS, "gzip", "ris"])
def test_a_file_that_chance_has_spoilt_is_read_or_named(form: str, sound: Path, running: Running) -> None:
    chance = random.Random(form)
    for number in range(TRIES):
        Path("papers").write_bytes(spoilt((sound / form).read_bytes(), chance))
        ran = running("fetch", "papers", "--db", f"{number}.db", secrets=[KEY])
        assert ran.code in {0, 1, 2}, (number, ran)


def test_a_database_that_chance_has_spoilt_is_read_or_refused(sound: Path, running: Running) -> None:
    chance = random.Random(12)
    content = (sound / "broadsheet.db").read_bytes()
    for number in range(TRIES):
        Path("broadsheet.db").write_bytes(spoilt(content, chance))
        ran = running(*READ[number % len(READ)], secrets=[KEY])
        assert ran.code in {0, 2}, (number, ran)
        assert len(ran.sentences) == (ran.code == 2), (number, ran)

"""``run``: the main job through the real command, from sources to pages."""

from __future__ import annotations

import html
import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import BinaryIO

import pytest

import broadsheet
import warm_start
from broadsheet.filters import Filter
from broadsheet.store import Store
from in_process import Ran, ran
from servers.openai_server import Behaviour, OpenAIServer

SOURCE = Path(broadsheet.__file__).parents[1]
SEEDS = SOURCE.parents[1] / "shared" / "seeds"
# The server says the same of every paper, which the check for hidden orders would ask about again.
TRUSTING = {"BROADSHEET_DISTRUST_NEIGHBOURS": "false"}
HEADING = re.compile(r"<h3[^>]*>(.*?)</h3>", re.DOTALL)


def start(*words: str, **environment: str) -> subprocess.Popen[str]:
    return warm_start.Popen(
        [sys.executable, "-m", "broadsheet", *words],
        env={**os.environ, "PYTHONPATH": str(SOURCE), **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(*words: str, stdin: str | None = None, **environment: str) -> Ran:
    """The command in this process; with text to read, in one of its own."""
    if stdin is None:
        return ran(*words, **environment)
    with start(*words, **environment) as process:
        out, err = process.communicate(stdin)
    assert "Traceback" not in err
    return Ran(process.returncode, out, err)


def pages(day: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(Path("editions", day).iterdir())}


def titles_on(page: str) -> Counter[str]:
    return Counter(
        " ".join(html.unescape(re.sub(r"<[^>]+>", "", title)).split()) for title in HEADING.findall(page)
    )


def test_the_sample_becomes_three_pages_with_no_key_and_no_network() -> None:
    ended = run("run", "sample", "--date", "2026-01-05")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == "Newsletter of 27 papers: editions/2026-01-05/index.html\n"
    assert list(pages("2026-01-05")) == ["index.html", "index.md", "index.txt"]


def test_a_second_run_asks_nothing_and_changes_nothing() -> None:
    run("run", "sample", "--date", "2026-01-05")
    before = pages("2026-01-05")
    with Store.open("broadsheet.db") as store:
        kept = [record.as_dict() for record in store.list()]
    ended = run("run", "sample", "--date", "2026-01-05")
    assert ended.returncode == 0
    assert "unchanged" in ended.stdout
    assert "Nothing new to annotate" in ended.stderr
    assert pages("2026-01-05") == before
    with Store.open("broadsheet.db") as store:
        assert [record.as_dict() for record in store.list()] == kept


def test_a_paper_stands_in_one_days_edition_only() -> None:
    run("run", "sample", "--date", "2026-01-05")
    ended = run("run", "sample", "--date", "2026-01-06")
    assert ended.returncode == 0
    assert ended.stdout.startswith("Nothing to print")
    assert not Path("editions", "2026-01-06").exists()


def test_what_is_good_is_kept_and_what_is_not_is_listed() -> None:
    good = json.dumps({"title": "Zebra Stripes", "abstract": "We count stripes on zebras at dusk and dawn."})
    Path("empty.txt").touch()
    Path("noise.bin").write_bytes(bytes(range(256)) * 20)
    ended = run("run", "-", "empty.txt", "noise.bin", "--date", "2026-01-05", stdin=f"{good}\n[1, 2]\n")
    assert ended.returncode == 1
    assert ended.stdout.startswith("Newsletter of 1 paper:")
    named = [line for line in ended.stderr.splitlines() if line.startswith("broadsheet: ")]
    assert len(named) == 3
    assert "2" in named[0]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["nowhere"], "nowhere"),
        (["sample", "--engine", "oracle"], "engine"),
        (["sample", "--db", "/proc/cache.db"], "/proc/cache.db"),
        (["sample", "--out", "/proc/editions"], "--out"),
        (["sample", "--engine", "openai"], "OPENAI_API_KEY"),
    ],
)
def test_what_the_user_must_fix_is_one_sentence_and_exit_2(words: list[str], says: str) -> None:
    ended = run("run", *words, "-q")
    assert ended.returncode == 2
    complaints = [line for line in ended.stderr.splitlines() if line.startswith("broadsheet: ")]
    assert len(complaints) == 1
    assert says in complaints[0]


# A process of its own makes the terminal the one that Ctrl-C is typed at, then becomes the command.
AT_TERMINAL = """import fcntl, os, sys, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
import warm_start
warm_start.run(["-m", "broadsheet", *sys.argv[1:]])"""


def in_a_terminal(
    answer: bytes, *words: str, stderr: BinaryIO | None = None, **environment: str
) -> tuple[int, str]:
    """The exit code, and what a person sees who types this answer to the question."""
    ours, theirs = pty.openpty()
    command = warm_start.Popen(
        [sys.executable, "-c", AT_TERMINAL, *words],
        env={**os.environ, "PYTHONPATH": str(SOURCE), "TERM": "xterm", **environment},
        stdin=theirs,
        stdout=theirs,
        stderr=stderr or theirs,
    )
    os.close(theirs)
    seen, answered = b"", False
    while came := _read(ours):
        seen += came
        if not answered and b"Start? [y/N]" in seen:
            os.write(ours, answer)
            answered = True
    os.close(ours)
    return command.wait(), seen.decode(errors="replace")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # so Linux says that the other end is closed
        return b""


@pytest.mark.parametrize("answer", [b"n\n", b"\x03"], ids=["no", "Ctrl-C"])
def test_no_and_ctrl_c_at_the_question_end_the_run_and_no_live_line_covers_it(answer: bytes) -> None:
    with OpenAIServer() as server:
        code, seen = in_a_terminal(
            answer,
            *("run", "sample"),
            OPENAI_BASE_URL=server.base_url,
            OPENAI_API_KEY="k",
            BROADSHEET_CONFIRM_TOKENS="10",
        )
    assert code == 1
    after = seen.partition("Start? [y/N]")[2]
    assert after.rstrip().endswith("Aborted!")
    assert "Reading papers" not in after
    assert "Stopping" not in after
    assert not server.seen


def test_nobody_is_asked_a_question_that_is_written_to_a_file(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("wb") as stderr:
        code, seen = in_a_terminal(
            b"", "run", "sample", stderr=stderr, OPENAI_API_KEY="k", BROADSHEET_CONFIRM_TOKENS="10"
        )
    assert code == 2
    assert "Start?" not in seen
    assert "add --yes" in log.read_text()


@pytest.mark.parametrize("annotated_before", [False, True])
def test_a_dry_run_writes_no_edition_even_where_nothing_costs_anything(annotated_before: bool) -> None:
    if annotated_before:
        run("fetch", "sample")
        run("annotate", "--engine", "extractive")
    ended = run("run", "sample", "--engine", "extractive", "--dry-run")
    assert ended.returncode == 0
    assert (
        ended.stdout
        == f"{0 if annotated_before else 27} papers in 0 requests: about 0 tokens, cost $0.0000.\n"
    )
    assert not Path("editions").exists()


def test_a_dry_run_estimates_and_asks_no_model() -> None:
    with OpenAIServer() as server:
        ended = run(
            "run", "sample", "--dry-run", "--json", OPENAI_BASE_URL=server.base_url, OPENAI_API_KEY="k"
        )
        assert ended.returncode == 0, ended.stderr
        assert json.loads(ended.stdout)["papers"] == 27
        assert server.seen == []


def test_a_model_behind_any_address_annotates_ten_papers_a_request() -> None:
    with OpenAIServer() as server:
        environment = {"OPENAI_BASE_URL": server.base_url, "OPENAI_API_KEY": "k", **TRUSTING}
        ended = run("run", "sample", "--date", "2026-01-05", **environment)
        assert ended.returncode == 0, ended.stderr
        first_asked = Counter(title for seen in server.seen if not seen.attempt for title in seen.titles)
        asked = len(server.seen)
        assert run("run", "sample", "--date", "2026-01-05", **environment).returncode == 0
        assert len(server.seen) == asked
    assert len(first_asked) == 27
    with Store.open("broadsheet.db") as store:
        assert {record.provenance.engine for record in store.list() if record.provenance} == {"openai"}
        assert store.count(Filter(tags=("method", "theory", "empirical"))) == 27


def test_an_interrupted_run_keeps_what_came_and_says_how_to_go_on() -> None:
    with OpenAIServer(behaviour=Behaviour(base_s=0.4)) as server:
        environment = {"OPENAI_BASE_URL": server.base_url, "OPENAI_API_KEY": "k", **TRUSTING}
        limits = {"BROADSHEET_BATCH_PAPERS": "2", "BROADSHEET_MAX_IN_FLIGHT": "2"}
        process = start("run", "sample", "--date", "2026-01-05", "-q", **environment, **limits)
        while not server.answered and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate()
        assert process.returncode == 1, err
        assert out == ""
        assert "run the same command again" in err
        assert not Path("editions").exists()
        with Store.open("broadsheet.db") as store:
            kept = sum(1 for record in store.list() if record.annotation)
        assert kept == sum(len(seen.titles) for seen in server.answered)
        assert 0 < kept < 27
        again = run("run", "sample", "--date", "2026-01-05", **environment)
        assert again.returncode == 0, again.stderr
    assert pages("2026-01-05")


@pytest.mark.skipif(not SEEDS.is_dir(), reason="the real pages are not here")
def test_the_real_pages_are_411_papers_each_standing_once() -> None:
    ended = run("run", str(SEEDS), "--date", "2025-03-13")
    assert ended.returncode == 0, ended.stderr
    page = Path("editions/2025-03-13/index.html").read_text(encoding="utf-8")
    titles = titles_on(page)
    assert len(titles) == 411
    assert set(titles.values()) == {1}
    with Store.open("broadsheet.db") as store:
        assert set(titles) == {" ".join(record.title.split()) for record in store.list()}
        assert store.get("CREST").title.startswith("CREST: Cross-modal Resonance")
    assert not re.search(r"""(?:src|data)\s*=\s*["']?http|@import|url\(""", page)


def test_an_edition_comes_out_when_the_model_is_down_and_the_model_has_its_say_when_it_is_back() -> None:
    with OpenAIServer() as server:
        address = server.base_url
    lost = run("run", "sample", "--date", "2026-01-05", OPENAI_BASE_URL=address, OPENAI_API_KEY="k")
    assert lost.returncode == 1
    assert "no connection" in lost.stderr
    assert "27 papers have extracted lines until the model answers" in lost.stderr
    assert "extracted" in pages("2026-01-05")["index.md"].decode()
    with Store.open("broadsheet.db") as store:
        assert all(record.extracted for record in store.list())
    with OpenAIServer() as server:
        ended = run("run", "-", "--date", "2026-01-06", stdin="", OPENAI_BASE_URL=server.base_url)
    assert "27 of 27 papers annotated" in ended.stderr, ended.stderr
    with Store.open("broadsheet.db") as store:
        assert not any(record.extracted for record in store.list())


def test_without_the_fallback_no_edition_comes_out_when_the_model_refuses() -> None:
    with OpenAIServer() as server:
        server.behaviour.key = "right"
        words = ("run", "sample", "--no-fallback")
        lost = run(*words, OPENAI_BASE_URL=server.base_url, OPENAI_API_KEY="wrong")
    assert (lost.returncode, lost.stdout) == (2, "")
    assert not Path("editions").exists()


def test_a_refused_key_says_so_and_still_prints_what_there_is() -> None:
    with OpenAIServer() as server:
        server.behaviour.key = "right"
        ended = run("run", "sample", OPENAI_BASE_URL=server.base_url, OPENAI_API_KEY="wrong")
    assert ended.returncode == 2
    assert "Newsletter of 27 papers" in ended.stdout
    assert "key" in ended.stderr

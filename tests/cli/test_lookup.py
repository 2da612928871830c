"""The commands that read the cache, as a reader runs them: streams, exit codes, whole processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import IO

import pytest

import broadsheet
import warm_start
from broadsheet import Store
from builders import DAY, add, annotate, annotation, paper, sighting
from in_process import Ran, ran

SOURCE = Path(broadsheet.__file__).parents[1]
HEAVY = {"openai", "tiktoken", "fastapi", "ray", "jinja2"}


def run(*arguments: str, cwd: Path) -> Ran:
    """The command line in this process."""
    return ran(*arguments, cwd=cwd)


def run_process(
    *arguments: str | bytes, cwd: Path, stdout: int | IO[str] = subprocess.PIPE, **variables: str
) -> Ran:
    """The command line as a process of its own."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCE), "LC_ALL": "C.UTF-8", **variables}
    reads_at_start = any(name.startswith("PYTHON") for name in variables)
    opened = subprocess.Popen if reads_at_start else warm_start.Popen
    with opened(
        [sys.executable, "-m", "broadsheet", *arguments],
        cwd=cwd,
        env=environment,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as process:
        out, err = process.communicate()
    return Ran(process.returncode, out, err)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a cache of three papers, one of them hostile to terminals."""
    folder = tmp_path_factory.mktemp("cache")
    with Store.open(folder / "broadsheet.db") as store:
        hostile = paper("Tides \x1b[31mRed\x9b2J", abstract="Ebb.\x07 \x1b]0;owned\x07 — λ")
        add(store, paper(arxiv_id="2601.00042"), hostile, paper("Tides Unread"))
        annotate(store, paper(arxiv_id="2601.00042"))
        annotate(store, hostile, said=annotation(code="none", topics=("robotics",)))
    return folder


def refused(done: Ran) -> str:
    """The one sentence of a command that the user must correct."""
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    (sentence,) = done.stderr.splitlines()
    assert sentence.startswith("broadsheet: ")
    return sentence


def test_show_prints_the_summary_its_maker_and_the_words_behind_the_code_status(cache: Path) -> None:
    done = run_process("show", "sandloom", cwd=cache)
    assert (done.returncode, done.stderr) == (0, "")
    for words in ("SandLoom: Tidal Flats", "halves", "written by model-a", "example.org", "available"):
        assert words in done.stdout


def test_show_as_json_is_the_record(cache: Path) -> None:
    record = json.loads(run("show", "2601.00042v2", "--json", cwd=cache).stdout)
    with Store.open(cache / "broadsheet.db") as store:
        assert record == store.get("2601.00042").as_dict()


def test_a_paper_that_is_not_annotated_says_so(cache: Path) -> None:
    assert "Not annotated yet" in run("show", "tides unread", cwd=cache).stdout


def test_a_part_of_several_titles_lists_the_candidates_on_standard_error(cache: Path) -> None:
    done = run("show", "tides", cwd=cache)
    assert (done.returncode, done.stdout) == (2, "")
    first, *candidates = done.stderr.splitlines()
    assert first.startswith("broadsheet: 2 papers answer to 'tides'")
    assert len(candidates) == 2
    assert "\x1b" not in done.stderr


@pytest.mark.parametrize("wanted", ["", "???", "no such paper", "\udcff\udcfe"])
def test_what_is_not_in_the_cache_is_one_sentence_and_exit_2(cache: Path, wanted: str) -> None:
    assert "No paper" in refused(run("show", wanted, cwd=cache))


def test_bytes_that_are_no_text_are_looked_up_like_any_other(cache: Path) -> None:
    assert "No paper" in refused(run_process("show", b"\xff\xfe", cwd=cache))


def test_list_as_json_is_one_record_a_line_equal_to_the_export(cache: Path) -> None:
    listed, exported = run("list", "--json", cwd=cache), run("export", cwd=cache)
    records = [json.loads(line) for line in listed.stdout.splitlines()]
    assert records == [json.loads(line) for line in exported.stdout.removesuffix("\n").split("\n")]
    assert len(records) == 3


@pytest.mark.parametrize(
    ("options", "titles"),
    [
        (["--tag", "graphs"], ["SandLoom"]),
        (["--tag", "GRAPHS"], ["SandLoom"]),
        (["--tag", "science and health"], ["SandLoom"]),
        (["--not", "Graphs", "--tag", "Method"], ["Tides"]),
        (["--tag", "graphs", "--tag", "robotics"], ["SandLoom", "Tides"]),
        (["--tag", "graphs", "--tag", "robotics", "--match", "all"], []),
        (["--not", "graphs"], ["Tides", "Tides"]),
        (["--code", "available"], ["SandLoom"]),
        (["--code", "none", "--tag", "method"], ["Tides"]),
        (["--since", "2026-01-06"], []),
        (["--until", str(DAY), "--limit", "1"], ["SandLoom"]),
        (["--words", "soundings unread"], ["Tides"]),
        (["--search", '"unread" albatross'], ["Tides"]),
        (["--search", '"graph network" -unread -ebb'], ["SandLoom"]),
        (["--search", "\udcff"], []),
    ],
)
def test_list_passes_what_its_options_say(cache: Path, options: list[str], titles: list[str]) -> None:
    done = run("list", *options, "--json", cwd=cache)
    assert done.returncode == 0
    first_words = [json.loads(line)["title"].split()[0].rstrip(":") for line in done.stdout.splitlines()]
    assert first_words == titles


def test_a_filter_that_nothing_passes_is_no_error_and_says_so_beside_the_result(cache: Path) -> None:
    done = run("list", "--tag", "time-series", cwd=cache)
    assert (done.returncode, done.stdout) == (0, "")
    assert "No paper in the cache passes" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["list", "--match", "some"],
        ["list", "--tag", "knitting"],
        ["list", "--not", "knitting"],
        ["export", "--format", "csv", "-o", "p.jsonl"],
        ["list", "--code", "maybe"],
        ["export", "--format", "xml"],
        ["export", "--format", "parquet"],
        ["list", "--db", "absent.db"],
        ["show", "x", "--db", "."],
        ["stats", "--db", "/proc/x.db"],
        ["export", "-o", "absent/x.jsonl"],
        ["show", "x", "--db", "x" * 300],
    ],
)
def test_a_mistake_is_one_sentence_and_exit_2(cache: Path, arguments: list[str]) -> None:
    refused(run(*arguments, cwd=cache))


def test_a_bad_variable_and_a_bad_file_of_settings_are_one_sentence(cache: Path, tmp_path: Path) -> None:
    assert "BROADSHEET_ENGINE" in refused(run_process("list", cwd=cache, BROADSHEET_ENGINE="oracle"))
    (tmp_path / "broadsheet.toml").write_text("db = [", encoding="utf-8")
    assert "broadsheet.toml" in refused(run("list", cwd=tmp_path))


@pytest.mark.parametrize(
    "arguments", [["list", "--limit", "0"], ["list", "--since", "2026-02-30"], ["nonsense"], ["show"]]
)
def test_a_command_that_cannot_be_read_exits_with_2_and_no_traceback(
    cache: Path, arguments: list[str]
) -> None:
    done = run(*arguments, cwd=cache)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr


def test_the_escape_sequences_of_a_title_never_reach_the_terminal(cache: Path) -> None:
    for arguments in (["list"], ["show", "31mred"], ["list", "--json"], ["show", "31mred", "--json"]):
        done = run(*arguments, cwd=cache)
        assert done.returncode == 0, arguments
        assert not set("\x1b\x07\x9b") & set(done.stdout), arguments


def test_a_terminal_without_utf_8_shows_what_it_can(cache: Path) -> None:
    done = run_process("show", "31mred", cwd=cache, PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Ebb." in done.stdout


def test_lines_are_whole_when_the_reader_goes_away(tmp_path: Path) -> None:
    with Store.open(tmp_path / "broadsheet.db") as store:
        add(store, *(paper(f"Paper {number}") for number in range(600)))
    for command in ("list --json", "export", "export --format csv", "list"):
        shell = f"'{sys.executable}' -m broadsheet {command} | head -n 3"
        done = subprocess.run(
            ["/bin/sh", "-c", shell],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCE)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stderr == "", command
        assert len(done.stdout.splitlines()) == 3
        if "json" in command or command == "export":
            assert all(json.loads(line)["title"] for line in done.stdout.splitlines())


@pytest.mark.parametrize("command", ["list", "list --json", "export", "stats"])
def test_a_reader_that_has_gone_before_the_last_line_is_nothing_to_speak_of(
    cache: Path, command: str
) -> None:
    unread, written = os.pipe()
    os.close(unread)
    try:
        done = run_process(*command.split(), cwd=cache, stdout=written)
    finally:
        os.close(written)
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
@pytest.mark.parametrize("papers", [1, 300])
@pytest.mark.parametrize("command", ["list", "list --json", "export", "export --format csv"])
def test_output_onto_a_full_disk_ends_with_a_sentence(tmp_path: Path, command: str, papers: int) -> None:
    with Store.open(tmp_path / "broadsheet.db") as store:
        add(store, *(paper(f"Paper {number}") for number in range(papers)))
    with Path("/dev/full").open("w") as full:
        done = run_process(*command.split(), cwd=tmp_path, stdout=full)
    assert done.returncode == 2
    assert done.stderr.startswith("broadsheet: The disk is full")
    assert len(done.stderr.splitlines()) == 1


def test_stats_are_told_in_words_and_as_json(cache: Path) -> None:
    counts = json.loads(run("stats", "--json", cwd=cache).stdout)
    assert (counts["papers"], counts["annotated"]) == (3, 2)
    assert "openai model-a" in run("stats", cwd=cache).stdout


def test_the_version_is_told(cache: Path) -> None:
    assert run("--version", cwd=cache).stdout == f"broadsheet {broadsheet.__version__}\n"


@pytest.mark.parametrize("arguments", [["--help"], ["show", "sandloom"], ["list", "--tag", "graphs"]])
def test_reading_loads_no_heavy_library(cache: Path, arguments: list[str]) -> None:
    done = run_process(*arguments, cwd=cache, PYTHONPROFILEIMPORTTIME="1")
    assert done.returncode == 0
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert "sqlite_utils" in loaded
    assert not loaded & HEAVY


def test_papers_with_a_listed_repository_are_found(tmp_path: Path) -> None:
    with Store.open(tmp_path / "broadsheet.db") as store:
        listed = sighting(source="hf", words={"githubRepo": "https://example.org/r"})
        add(store, paper("Listed", sighting=listed), paper("Bare"))
    assert "Listed" in run("list", "--repository", cwd=tmp_path).stdout
    assert "Bare" in (without := run("list", "--no-repository", cwd=tmp_path).stdout)
    assert "Listed" not in without

"""``init`` writes settings that load, asks five questions, and overwrites nothing."""

from __future__ import annotations

import signal
import tomllib
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from broadsheet.config import Settings
from broadsheet.errors import ConfigError
from broadsheet.init import Answers, pages_address, settings_text
from in_process import broadsheet, ran
from terminals import Terminal

INIT = ("-m", "broadsheet", "init")
TOML = Path("broadsheet.toml")


def test_with_yes_it_writes_settings_that_load_and_that_the_worker_can_run_with() -> None:
    assert broadsheet("init", "--yes", "--source", "sample", "--model", "none")[0] == 0
    loaded = Settings.load()
    assert loaded.worker is not None
    assert (loaded.engine, loaded.worker.sources, loaded.worker.budget_tokens) == (
        *("extractive", ("sample",)),
        500_000,
    )
    assert broadsheet("worker", "--once", "--quiet") == (0, "")
    assert len(list(Path("editions").iterdir())) == 1


def test_each_option_stands_in_the_file() -> None:
    code, _ = broadsheet(
        *("init", "--source", "hf", "--source", "arxiv:cs.CL", "--model", "gpt-5", "--title", "Marsh “News”"),
        *(
            "--at",
            "07:15",
            "--time-zone",
            "Asia/Tokyo",
            "--url",
            "https://example.org/p",
            "--contact",
            "a@b.c",
        ),
    )
    assert code == 0
    loaded = Settings.load()
    table = loaded.worker
    assert table is not None
    assert (table.sources, f"{table.at:%H:%M}", table.time_zone) == (
        ("hf", "arxiv:cs.CL"),
        "07:15",
        "Asia/Tokyo",
    )
    assert (loaded.engine, loaded.model, loaded.contact) == ("openai", "gpt-5", "a@b.c")
    assert (loaded.site_title, loaded.site_url) == ("Marsh “News”", "https://example.org/p/")
    assert [(each.name, each.title) for each in loaded.newsletters] == [("daily", "Marsh “News”")]


def test_every_line_that_is_commented_out_may_be_uncommented() -> None:
    broadsheet("init", "--yes")
    lines = TOML.read_text().splitlines()
    TOML.write_text(
        "\n".join(line[2:] if line.startswith("# ") and " = " in line else line for line in lines)
    )
    loaded = Settings.load()
    assert loaded.worker is not None
    assert (loaded.worker.catch_up_days, loaded.newsletters[0].top, loaded.worker.site) == (7, 30, True)


def test_without_a_terminal_it_says_which_options_are_missing_and_writes_nothing() -> None:
    done = ran("init", "--title", "News", "--url", "")
    assert done.returncode == 2
    assert "--source, --model, --at, or --yes" in done.stderr
    assert not TOML.exists()


@pytest.mark.parametrize("name", ["broadsheet.toml", ".github/workflows/broadsheet.yml"])
def test_nothing_is_overwritten_without_force(name: str) -> None:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text("not = toml = at all")
    words = ("init", "--yes", "--github", "--package", "broadsheet.whl")
    done = ran(*words)
    assert done.returncode == 2
    assert f"{name} is there already" in done.stderr
    assert [path for path in Path().rglob("*") if path.is_file()] == [Path(name)]
    assert broadsheet(*words, "--force")[0] == 0
    assert Settings.load().worker is not None


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--at", "6:3", "write a time of day as 06:30"),
        ("--time-zone", "Mars/Olympus", "knows no such time zone"),
        ("--source", "nowhere.jsonl", "nowhere.jsonl"),
        ("--url", "example.org", "https://example.org/papers/"),
        ("--title", "x" * 101, "cannot be used: "),
    ],
)
def test_a_wrong_option_is_told_of_and_nothing_is_written(option: str, value: str, words: str) -> None:
    done = ran("init", "--yes", option, value)
    assert done.returncode == 2
    assert words in done.stderr
    assert not TOML.exists()


def test_at_a_terminal_it_asks_five_questions_and_again_where_an_answer_cannot_be() -> None:
    with Terminal(*INIT, TZ="Asia/Tokyo") as terminal:
        for question, answer in (
            (r"What to read.*\[hf\]: ", "sample nowhere.jsonl"),
            (r"nowhere\.jsonl.*\s+What to read.*\[hf\]: ", "sample"),
            (r"Which model.*\[gpt-5-mini\]: ", "none"),
            (r"What readers call it \[Broadsheet\]: ", "Marsh News"),
            (r"When to make an edition \[06:30 Asia/Tokyo\]: ", "7 o'clock"),
            (r"“7” cannot be used.*\s+When to make an edition.*: $", "07:00"),
            (r"public address.* \[none\]: ", ""),
        ):
            terminal.until(f"(?s){question}")
            terminal.type(answer.encode() + b"\n")
        assert terminal.end() == 0
    loaded = Settings.load()
    assert loaded.worker is not None
    assert (loaded.worker.sources, loaded.worker.time_zone) == (("sample",), "Asia/Tokyo")
    assert (f"{loaded.worker.at:%H:%M}", loaded.site_title, loaded.site_url) == ("07:00", "Marsh News", "")


def test_ctrl_c_at_a_question_writes_nothing() -> None:
    with Terminal(*INIT) as terminal:
        terminal.until("What to read")
        assert terminal.interrupt(signal.SIGINT) == 1
        assert "Traceback" not in terminal.seen
    assert not TOML.exists()


NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=100)


@settings(max_examples=50)
@given(NAMES, NAMES)
@example("\x7f", '"\\')
def test_whatever_is_answered_is_read_back_as_it_was(title: str, model: str) -> None:
    text, loaded = settings_text(Answers(sources=("sample",), title=title, model=model))
    assert loaded.newsletters[0].title == loaded.site_title == title
    assert model == "none" or loaded.model == model
    assert tomllib.loads(text)["worker"]["sources"] == ["sample"]


@pytest.mark.parametrize(
    ("address", "pages"),
    [
        ("https://github.com/Ann-B/papers.git", "https://ann-b.github.io/papers/"),
        ("git@github.com:ann/my.papers.git", "https://ann.github.io/my.papers/"),
        ("ssh://git@github.com/ann/papers", "https://ann.github.io/papers/"),
        ("https://ann:token@github.com/ann/ann.github.io", "https://ann.github.io/"),
        ("https://gitlab.com/ann/papers.git", ""),
    ],
)
def test_the_address_of_pages_follows_from_the_repositorys(address: str, pages: str) -> None:
    Path(".git").mkdir()
    Path(".git", "config").write_text(
        f'[core]\n\tbare = false\n[remote "other"]\n\turl = https://github.com/x/y\n[remote "origin"]\n'
        f"\tfetch = +refs/heads/*:refs/remotes/origin/*\n\turl = {address}\n[branch]\n"
    )
    assert pages_address(Path()) == pages


def test_in_no_fork_a_package_must_be_named() -> None:
    done = ran("init", "--yes", "--github")
    assert done.returncode == 2
    assert "--package git+https" in done.stderr
    assert not TOML.exists()


def test_a_package_that_would_be_a_workflows_expression_is_refused() -> None:
    assert broadsheet("init", "--yes", "--github", "--package", "${{ secrets.X }}")[0] == 2
    with pytest.raises(ConfigError, match="knows no such time zone"):
        settings_text(Answers(time_zone="Nowhere"))

"""How the command behaves towards whoever runs it: what it prints, what it leaves alone, how it ends."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path

import pytest
import typer.main

from broadsheet import Store
from broadsheet.cli import app
from broadsheet.identity import aliases
from builders import add, annotate, paper
from in_process import Command

ARXIV = paper(
    "Tides of Attention",
    arxiv_id="2305.18290",
    doi="10.1000/tides.7",
    url="https://www.example.org/tides/",
    authors=("M. Quay", "A. Reed", "T. Lock", "S. Weir", "N. Ford"),
    published=date(2023, 5, 29),
)


@pytest.fixture
def cache() -> Path:
    """A cache in this folder, with one paper that has every kind of name and one that has none."""
    with Store.open("broadsheet.db") as store:
        add(store, ARXIV, paper("Sand"))
        annotate(store, ARXIV)
        with store.transaction():
            store.papers.add_aliases(ARXIV.id, aliases(ARXIV))
    return Path("broadsheet.db")


@pytest.mark.parametrize("words", [["run", "sample"], ["fetch", "sample"], ["annotate"], ["check-links"]])
def test_quiet_prints_nothing_where_all_is_well(broadsheet: Command, words: list[str]) -> None:
    with Store.open("broadsheet.db"):
        pass
    assert broadsheet(*words, "-q") == 0
    assert (broadsheet.out, broadsheet.err) == ("", "")


def test_quiet_prints_json_that_was_asked_for(broadsheet: Command) -> None:
    assert broadsheet("run", "sample", "-q", "--json") == 0
    assert json.loads(broadsheet.out)["papers"] == 27


def test_a_dry_run_leaves_nothing_behind(broadsheet: Command) -> None:
    assert broadsheet("run", "sample", "--dry-run", "--record", "tape") == 0
    assert broadsheet.out.startswith("27 papers in 0 requests")
    assert list(Path().iterdir()) == []


def test_a_dry_run_counts_what_the_cache_has_and_does_not_change_it(broadsheet: Command) -> None:
    broadsheet("run", "sample", "--date", "2026-01-05")
    with Store.open("broadsheet.db") as store:
        before = store.statistics.summary()
    more = {"title": "Dunes", "abstract": "Dunes wander. We present DuneWalk, which follows them on foot."}
    Path("more.json").write_text(json.dumps([more]))
    assert broadsheet("run", "sample", "more.json", "--date", "2026-01-06", "--dry-run", "--json") == 0
    assert json.loads(broadsheet.out)["papers"] == 1
    with Store.open("broadsheet.db") as store:
        assert store.statistics.summary() == before
    assert [path.name for path in Path("editions").iterdir()] == ["2026-01-05"]


def test_a_dry_run_says_which_source_failed(broadsheet: Command) -> None:
    Path("empty.json").touch()
    assert broadsheet("run", "sample", "empty.json", "--dry-run") == 1
    assert broadsheet.out.startswith("27 papers")
    assert "empty.json" in broadsheet.err


@pytest.mark.parametrize(
    "name",
    [
        "2305",
        "2305.18290",
        "https://arxiv.org/abs/2305.18290v2",
        "https://www.arxiv.org/pdf/2305.18290v1.pdf",
        "http://export.arxiv.org/html/2305.18290/",
        "https://huggingface.co/papers/2305.18290",
        "https://doi.org/10.48550/arXiv.2305.18290",
        "10.1000/TIDES.7",
        "https://doi.org/10.1000/tides.7",
        "doi:10.1000/tides.7",
        "https://www.example.org/tides/",
        "http://example.org/tides",
        "tides of",
    ],
)
def test_a_paper_is_shown_by_the_first_letters_of_its_id_and_by_each_of_its_addresses(
    broadsheet: Command, cache: Path, name: str
) -> None:
    assert broadsheet("show", name) == 0, broadsheet.err
    title, authors, *_ = broadsheet.out.splitlines()
    assert title == "Tides of Attention"
    assert authors == "M. Quay, A. Reed, T. Lock, +2"


def test_first_letters_of_several_ids_list_the_candidates(broadsheet: Command, cache: Path) -> None:
    with Store.open(cache) as store:
        add(store, paper("Dunes", arxiv_id="2305.00007"))
    assert broadsheet("show", "2305.") == 2
    assert broadsheet.err.startswith("broadsheet: 2 papers answer to '2305.'")
    assert "2305.00007  Dunes" in broadsheet.err
    assert "2305.18290  Tides of Attention" in broadsheet.err


def test_two_letters_are_not_taken_for_an_id(broadsheet: Command, cache: Path) -> None:
    assert broadsheet("show", "23") == 2
    assert "No paper" in broadsheet.err


@pytest.mark.parametrize(
    ("options", "titles"),
    [
        (["--published-since", "2023-05-29"], ["Tides of Attention"]),
        (["--published-since", "2023-05-30"], []),
        (["--published-until", "2023-05-29"], ["Tides of Attention"]),
        (["--published-until", "2023-05-28"], []),
        (["--since", "2026-01-05", "--until", "2026-01-05"], ["Tides of Attention", "Sand"]),
    ],
)
def test_papers_are_listed_by_the_day_they_appeared_or_we_first_saw_them(
    broadsheet: Command, cache: Path, options: list[str], titles: list[str]
) -> None:
    assert broadsheet("list", "--json", *options) == 0
    assert [json.loads(line)["title"] for line in broadsheet.out.splitlines()] == titles


def test_help_says_which_day_each_option_means(broadsheet: Command) -> None:
    broadsheet("list", "--help")
    words = " ".join(broadsheet.out.split())
    assert "--since YYYY-MM-DD We first saw it then or later." in words
    assert "--published-since YYYY-MM-DD It appeared then or later." in words


def test_a_misspelt_variable_is_named_with_the_closest_setting(
    broadsheet: Command, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROADSHEET_MODLE", "x")
    monkeypatch.setenv("BROADSHEET_ENGINE", "extractive")
    assert broadsheet("list") == 0
    assert broadsheet.err == (
        "broadsheet: BROADSHEET_MODLE is no setting and is ignored; did you mean BROADSHEET_MODEL?\n"
    )
    assert broadsheet("annotate", "-q") == 0
    assert broadsheet.err == ""


@pytest.mark.parametrize("name", sorted(typer.main.get_command(app).commands))  # type: ignore[attr-defined]
def test_help_names_no_type_of_python(broadsheet: Command, name: str) -> None:
    assert broadsheet(name, "--help") == 0
    assert not re.findall(r"<(?!path|number|text|=)[^>]*>|%Y|\bstr\b|\blist\[", broadsheet.out)


def test_what_is_no_day_is_refused_in_plain_words(broadsheet: Command, cache: Path) -> None:
    assert broadsheet("list", "--since", "2026-02-30") == 2
    assert "“2026-02-30” is no day; write it as YYYY-MM-DD." in " ".join(broadsheet.err.split())


PYTHON = ("Input should", "pydantic", "validat", "NoneType", "Path(", "codec", "dict", "tuple", "object has")


@pytest.mark.parametrize(
    ("toml", "says"),
    [
        ("batch_papers = 'ten'", "it must be a whole number"),
        ("batch_papers = 0", "it must be at least 1"),
        ("batch_papers = [1]", "it must be a whole number"),
        ("tokens_per_minute = 0", "it must be more than 0"),
        ("tokens_per_minute = nan", "it must be a finite number"),
        ("model = 3", "it must be text"),
        ("db = 3", "it must be a path"),
        ("engine = 'oracle'", "there are extractive, openai"),
        ("modle = 'x'", "There is no setting “modle”; correct broadsheet.toml; did you mean model?"),
    ],
)
def test_a_refused_setting_is_explained_without_a_word_of_python(
    broadsheet: Command, cache: Path, toml: str, says: str
) -> None:
    Path("broadsheet.toml").write_text(toml)
    assert broadsheet("list") == 2
    assert says in broadsheet.err
    assert not [word for word in PYTHON if word in broadsheet.err]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"\xff\xfe", "it is not UTF-8 text"),
        (b'{"title": "T"}', "line 1: tldr: it is missing"),
        (b"{}", "line 1: tldr: it is missing"),
    ],
)
def test_a_refused_reference_is_explained_without_a_word_of_python(
    broadsheet: Command, line: bytes, says: str
) -> None:
    Path("reference.jsonl").write_bytes(line)
    assert broadsheet("evaluate", "reference.jsonl", "--engine", "extractive") == 2
    assert says in broadsheet.err
    assert not [word for word in PYTHON if word in broadsheet.err]


def test_one_paper_is_one_paper(broadsheet: Command) -> None:
    one = {"title": "Dunes", "abstract": "Dunes wander. We present DuneWalk, which follows them on foot."}
    Path("one.json").write_text(json.dumps([one]))
    assert broadsheet("run", "one.json", "--engine", "extractive", "--date", "2026-01-05") == 0
    assert broadsheet.out.startswith("Newsletter of 1 paper:")
    assert broadsheet.err.splitlines()[:2] == [
        "1 paper read, 1 distinct, 1 new.",
        "1 of 1 paper annotated; no tokens were spent.",
    ]
    broadsheet("compose", "--date", "2026-01-05")
    assert "has 1 paper;" in broadsheet.out
    broadsheet("export", "-o", "out.jsonl")
    assert broadsheet.err == "1 record written to out.jsonl\n"
    broadsheet("doctor", "--offline")
    assert "broadsheet.db, 1 paper\n" in broadsheet.out


def test_doctor_renders_the_prompts(broadsheet: Command) -> None:
    Path("texts").mkdir()
    Path("texts/repair.user.md").write_text("{{ problms }}")
    Path("broadsheet.toml").write_text("prompts = 'texts'")
    assert broadsheet("doctor", "--offline") == 2
    assert "not ok  prompts" in broadsheet.out
    assert "repair.user.md" in broadsheet.out


def test_doctor_offline_asks_no_server(broadsheet: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    assert broadsheet("doctor", "--offline") == 0
    assert [line.split()[1] for line in broadsheet.out.splitlines()] == [
        "database",
        "prompts",
        "engine",
        "key",
        "embeddings",
    ]

"""The packaged model makes the vectors that are lacking: after an edition, on command, or before a search."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnxruntime import InferenceSession, SessionOptions

from broadsheet.annotate import Progress, Watch
from broadsheet.embed import make_vectors
from broadsheet.embedding import MODEL, Embedder, embedder, installed, unit
from broadsheet.embedding_graph import lean
from broadsheet.store import Store, vectors
from builders import add, paper, rows
from in_process import ran

CARS = paper("Cars and their drivers", abstract="How people drive cars in a city.")
TRAFFIC = paper("Automobile traffic on a highway", abstract="Vehicles queue where the road narrows.")
TUNING = paper("Low-rank adaptation of language models", abstract="Fewer weights are trained.")


@pytest.fixture
def db(tmp_path: Path) -> Path:
    with Store.open(tmp_path / "b.db") as made:
        add(made, CARS, TRAFFIC, TUNING)
    return tmp_path / "b.db"


def stored(db: Path) -> int:
    with Store.open(db) as store:
        return int(rows(store, "SELECT count(*) FROM vectors")[0][0])


def told(*words: object) -> Any:
    return json.loads(ran(*words, "--json").stdout)


def test_the_command_makes_those_that_are_lacking_once(db: Path) -> None:
    dry = told("embed", "--db", db, "--dry-run")
    assert (dry, stored(db)) == ({"model": MODEL, "texts": 3, "requests": 0, "cost_usd": 0.0}, 0)
    made = told("embed", "--db", db)
    assert (made["embedded"], made["left"], made["requests"], stored(db)) == (3, 0, 0, 3)
    assert told("embed", "--db", db)["texts"] == 0
    assert "Every text has its vector" in ran("embed", "--db", db).stdout


def test_a_run_makes_them_once_its_edition_is_written(tmp_path: Path) -> None:
    papers = tmp_path / "papers.jsonl"
    papers.write_text(
        json.dumps({"id": "2601.00001", "title": CARS.title, "abstract": CARS.abstract}), encoding="utf-8"
    )
    words = ("run", papers, "--engine", "extractive", "--date", "2026-01-05")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("broadsheet.pipeline.make_vectors", _fails)
        assert ran(*words, "--db", tmp_path / "b.db", "--out", tmp_path / "out").returncode
    assert (tmp_path / "out" / "2026-01-05" / "index.html").is_file()
    report = told(*words, "--db", tmp_path / "b.db", "--out", tmp_path / "out")
    assert (report["embedded"]["embedded"], stored(tmp_path / "b.db")) == (1, 1)


def _fails(*_: object) -> None:
    raise AssertionError


def test_a_run_makes_no_more_than_so_many_and_says_how_many_are_left(
    db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vectors, "_MADE_AT_ONCE", 1)
    monkeypatch.setattr("broadsheet.pipeline.MOST_MADE", 2)
    run = ran("run", "sample", "--db", db, "--out", db.with_name("out"), "--engine", "extractive")
    assert "left for the next run" in run.stderr
    assert stored(db) == 2


def test_the_latest_are_made_first_and_a_stop_keeps_what_was_made(
    db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vectors, "_MADE_AT_ONCE", 1)
    seen: list[Progress] = []
    with Store.open(db) as store:
        report = make_vectors(store, Watch(seen.append, lambda: len(seen) == 2))
        assert report is not None
        assert (report.embedded, report.left, report.ending) == (2, 1, "stopped")
        assert [(each.done, each.total) for each in seen] == [(1, 3), (2, 3)]
        held = {hash_ for (hash_,) in rows(store, "SELECT content_hash FROM vectors")}
        assert held == {TRAFFIC.content_hash, TUNING.content_hash}


def test_a_search_makes_a_few_and_stores_them(db: Path) -> None:
    listed = ran("list", "--search", "cars", "--db", db)
    assert [title in listed.stdout for title in (CARS.title, TRAFFIC.title, TUNING.title)] == [
        *(True, True, False)
    ]
    assert stored(db) == 3


def test_a_search_where_many_are_lacking_compares_words_and_says_what_makes_them(
    db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vectors, "_MOST_MADE", 2)
    for words in (("list", "--search", "cars"), ("related", CARS.id)):
        asked = ran(*words, "--db", db)
        assert asked.returncode == 0
        assert TRAFFIC.title not in asked.stdout
        assert "broadsheet embed" in asked.stderr
    assert stored(db) == 0


def test_what_follows_the_beginning_of_a_text_changes_nothing() -> None:
    made_by = embedder()
    assert made_by is not None
    beginning = "Tides turn in the estuary. " * 40
    one, other = made_by.papers([("Tides", beginning), ("Tides", beginning + "Cars." * 9_000)])
    assert one.tolist() == other.tolist()


def test_the_doctor_says_what_searches_compare_by(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def said() -> str:
        checks = told("doctor", "--offline", "--engine", "extractive", "--db", db)
        return next(str(each["detail"]) for each in checks if each["name"] == "embeddings")

    assert said() == f"{MODEL}; 3 texts have no vector yet: broadsheet embed"
    told("embed", "--db", db)
    assert said() == MODEL
    monkeypatch.setattr("broadsheet.embedding.installed", lambda: None)
    assert "broadsheet[search]" in said()


def test_the_vector_of_a_search_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made_by = embedder()
    assert made_by is not None
    first = made_by.search("tides of the estuary")
    monkeypatch.setattr(made_by, "_mean_of", None)  # nothing is made again
    assert made_by.search("tides of the estuary") is first


def test_what_all_abstracts_share_is_out_of_their_vectors() -> None:
    made_by = embedder()
    assert made_by is not None
    texts = [
        "We train a language model with fewer weights on a new benchmark.",
        "We propose a diffusion model that outperforms others in image synthesis.",
        "A robot learns to grasp objects from demonstrations in our experiments.",
        "Our method segments medical images with few labels.",
    ]
    raw = made_by.means(texts)
    made = made_by.papers([(text, "") for text in texts])
    others = ~np.eye(len(texts), dtype=bool)
    assert (made @ made.T)[others].mean() < (raw @ raw.T)[others].mean() - 0.1


def test_a_lean_model_says_nearly_the_same_from_a_third_of_the_numbers(tmp_path: Path) -> None:
    files = installed()
    assert files is not None
    whole = files.weights.read_bytes()
    assert lean(whole) != whole
    assert lean(lean(whole)) == lean(whole)
    assert lean(b"") == b""
    ids = np.array([[101, 2054, 2003, 1037, 102]], np.int64)
    asked = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
    told, numbers = [], []
    for model in (whole, lean(whole)):
        options = SessionOptions()
        options.optimized_model_filepath = str(tmp_path / "loaded.onnx")
        options.log_severity_level = 3
        session = InferenceSession(model, options, providers=["CPUExecutionProvider"])
        told.append(unit(session.run(["last_hidden_state"], asked)[0][0].mean(axis=0)))
        numbers.append((tmp_path / "loaded.onnx").stat().st_size)
    assert 0.99 < told[0] @ told[1] < 1
    assert numbers[1] < 0.3 * numbers[0]


def test_without_room_for_a_lean_model_it_is_loaded_from_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    files = installed()
    assert files is not None
    expected = Embedder(files).search("tides")
    monkeypatch.setattr("broadsheet.embedding.TemporaryDirectory", _full)
    assert Embedder(files).search("tides").tolist() == expected.tolist()


def _full() -> None:
    raise OSError(28, "No space left on device")


def test_without_numpy_searches_and_related_papers_come_by_words(
    db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("facets", "postings", "ranking", "vectors", "vocabulary"):
        monkeypatch.setattr(f"broadsheet.store.{module}.can_count", lambda: False)
    monkeypatch.setattr("broadsheet.store.vectors.installed", lambda: None)
    monkeypatch.setitem(sys.modules, "numpy", None)  # whoever imports it fails
    with Store.open(db) as store:
        add(store, paper("Cars in a row", abstract="They drive."))
    for words in (("list", "--search", "cars"), ("related", CARS.id)):
        asked = ran(*words, "--db", db)
        assert (asked.returncode, "Cars in a row" in asked.stdout) == (0, True), asked.stderr


def test_papers_with_the_same_words_share_a_vector_and_lack_none(db: Path) -> None:
    with Store.open(db) as store, store.transaction():
        store._db.execute("UPDATE papers SET content_hash = ?", [CARS.content_hash])
    assert told("embed", "--db", db)["left"] == 0
    assert (stored(db), told("embed", "--db", db)["texts"]) == (1, 0)

"""The script that fits the weights, on a few invented papers, and on the reference where it is at hand."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[3]
GOLD = ROOT.parent / "shared" / "gold"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    pytest.importorskip("sklearn", reason="scikit-learn comes with the extra named fit")
    spec = importlib.util.spec_from_file_location("fit_extractive", ROOT / "scripts" / "fit_extractive.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(script: ModuleType, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr(
        sys, "argv", ["fit_extractive.py", "--taxonomy", str(ROOT / "prompts/taxonomy.toml"), *arguments]
    )
    script.main()


@pytest.fixture
def corpus(tmp_path: Path) -> tuple[str, str]:
    owls = {"title": "Speech recognition for owls", "abstract": "We propose a speech model."}
    maps = {"title": "Convergence of gradient descent", "abstract": "We prove a convergence rate."}
    papers, reference = tmp_path / "papers.jsonl", tmp_path / "reference.jsonl"
    with papers.open("w") as p, reference.open("w") as r:
        for n in range(12):
            p.write(json.dumps({"id": str(n), **(owls if n % 2 else maps)}) + "\n")
            tags = {"topics": ["speech-and-audio"], "contribution": "method"}
            other = {"topics": ["optimization"], "contribution": "theory"}
            r.write(json.dumps({"id": str(n), **(tags if n % 2 else other)}) + "\n")
    return str(reference), str(papers)


def test_the_same_input_gives_the_same_bytes(
    script: ModuleType, corpus: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = tmp_path / "a.gz", tmp_path / "b.gz"
    for out in (first, second):
        run(script, monkeypatch, *corpus, "--out", str(out))
    assert first.read_bytes() == second.read_bytes()


def test_agreement_counts_as_worked_by_hand(script: ModuleType) -> None:
    scores = script.agreement([("a", "b"), ("c",)], [["b"], ["c", "a"]])
    assert scores["micro-F1"] == pytest.approx(2 * 2 / 6)
    assert scores["macro-F1"] == pytest.approx((0 + 1 + 1) / 3)
    assert scores["primary"] == pytest.approx(1 / 2)


@pytest.mark.skipif(not GOLD.is_dir(), reason="the reference annotations are not beside this checkout")
def test_papers_left_out_of_the_fit_are_told_as_well_as_promised(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    reference, papers = str(GOLD / "reference.jsonl"), str(GOLD / "papers.jsonl")
    run(script, monkeypatch, reference, papers, "--cv", "--folds", "3", "--repeats", "1")
    scores = {line.split()[0]: float(line.split()[-3]) for line in capsys.readouterr().out.splitlines()[1:]}
    assert scores["micro-F1"] >= 0.74
    assert scores["primary"] >= 0.92
    assert scores["contribution"] >= 0.82

"""What docs/scale.md says: its tables are computed, its commands exist, and DuckDB and Litestream do so."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer.main

import broadsheet
from broadsheet.cli import app
from broadsheet.store import Store
from in_process import broadsheet as command

CHECKOUT = Path(broadsheet.__file__).parents[2]
PAGE = CHECKOUT / "docs" / "scale.md"
pytestmark = pytest.mark.skipif(not PAGE.exists(), reason="the page stands in the checkout only")


def script() -> Any:
    spec = importlib.util.spec_from_file_location("update_scale", CHECKOUT / "scripts" / "update_scale.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def text() -> str:
    return PAGE.read_text(encoding="utf-8")


def test_its_tables_are_those_that_are_computed() -> None:
    assert script().updated(text()) == text(), "run: .venv/bin/python scripts/update_scale.py"


def test_its_formula_is_the_one_that_the_tables_are_computed_by() -> None:
    scale, papers = script(), 3_000_000
    price, requests = scale.Prices.load().models["gpt-5-mini"], scale.requests(papers)
    (inside, fixed, cached, answer) = re.findall(
        r"\((\d+) n − ([\d,]+) .*? ([\d,]+) \(r − 1\) × c .*? (\d+) n × o", text()
    )[0]
    prompt, instructions = int(inside) * papers, int(fixed.replace(",", "")) * (requests - 1)
    assert fixed == cached
    by_hand = (prompt - instructions) * price.input + instructions * price.cached
    by_hand += int(answer) * papers * price.output
    assert scale.usd(papers, price) == pytest.approx(by_hand / 1e6)


def test_its_commands_and_options_exist() -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    lines = [*re.findall(r"^    broadsheet (.+)$", text(), flags=re.MULTILINE)]
    lines += re.findall(r"`broadsheet ([a-z][^`]*)`", text())
    assert len(lines) >= 8
    for line in lines:
        name, *words = shlex.split(line)
        options = {option for parameter in commands[name].params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= options, line


def test_duckdb_answers_its_question_from_what_export_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("duckdb")
    monkeypatch.chdir(tmp_path)
    assert command("run", "sample", "--date", "2026-01-05", "--engine", "extractive")[0] == 0
    assert command("export", "--output", "papers.parquet")[0] == 0
    (block,) = re.findall(r"^```python\n(.*?)^```", text(), flags=re.DOTALL | re.MULTILINE)
    exec(compile(block, str(PAGE), "exec"), {})
    told = capsys.readouterr().out
    assert "large-language-models" in told
    assert "with_code" in told


def test_litestream_takes_what_is_written_meanwhile_to_where_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside_python = Path(sys.executable).with_name("litestream")
    litestream = str(beside_python) if beside_python.exists() else shutil.which("litestream")
    if not litestream:
        pytest.skip("Litestream is not installed")
    monkeypatch.chdir(tmp_path)
    assert command("run", "sample", "--date", "2026-01-05", "--engine", "extractive")[0] == 0
    line = {"title": "Tides over Quiet Harbours", "abstract": "We present a method for tides."}
    Path("more.jsonl").write_text(json.dumps(line))
    (copied,) = re.findall(r"litestream replicate (\S+) (\S+)", text())
    (restored,) = re.findall(r"litestream restore -f (\S+) (\S+)", text())
    assert copied == restored
    cache, bucket = copied[0], f"file://{tmp_path / 'bucket'}"
    with subprocess.Popen([litestream, "replicate", cache, bucket]) as replicating:
        assert command("fetch", "more.jsonl", "--db", cache)[0] == 0
        told = ""
        while "Tides over Quiet Harbours" not in told:
            Path("elsewhere.db").unlink(missing_ok=True)
            found = subprocess.run([litestream, "restore", "-o", "elsewhere.db", bucket], check=False)
            told = "" if found.returncode else command("list", "--db", "elsewhere.db")[1]
        replicating.terminate()
    assert "TideCache" in told


def test_several_processes_write_to_a_cache_each_in_its_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    writers = []
    for number in range(3):
        papers = [{"title": f"Tides {number} {each}", "abstract": "We measure tides."} for each in range(40)]
        Path(f"{number}.jsonl").write_text("\n".join(map(json.dumps, papers)))
        words = [sys.executable, "-m", "broadsheet", "fetch", f"{number}.jsonl", "--db", "cache.db"]
        writers.append(subprocess.Popen(words, stderr=subprocess.PIPE))
    told = [writer.communicate()[1] for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0, 0], told
    with Store.open("cache.db") as store:
        assert store.count() == 120

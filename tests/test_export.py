"""Export: the same records in every format."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from broadsheet import Finding, Record, Store
from broadsheet.errors import ConfigError, UserError
from broadsheet.export import write
from builders import add, annotate, annotation, paper

HARD = paper('Commas, "quotes"\nand lines', abstract="a,b\n\"c\";'d' =1+1 \u2028 é 深", authors=("M. Quay",))


@pytest.fixture
def records(tmp_path: Path) -> Iterator[list[Record]]:
    with Store.open(tmp_path / "b.db") as store:
        add(store, paper(), HARD, paper("Bare"))
        annotate(
            store, paper(), findings=[Finding(field="tldr", kind="number-not-in-abstract", detail="12%")]
        )
        annotate(store, HARD, said=annotation(code="none"))
        yield list(store.list())


def expected(records: list[Record]) -> list[dict[str, Any]]:
    return [record.as_dict() for record in records]


def test_json_lines_hold_one_record_a_line(records: list[Record]) -> None:
    assert write(records, "jsonl", Path("out.jsonl")) == 3
    lines = Path("out.jsonl").read_text(encoding="utf-8").removesuffix("\n").split("\n")
    assert [json.loads(line) for line in lines] == expected(records)


def test_csv_holds_the_same_with_lists_as_json_and_null_as_an_empty_cell(records: list[Record]) -> None:
    assert write(records, "csv", Path("out.csv")) == 3
    with Path("out.csv").open(encoding="utf-8", newline="") as stream:
        read = list(csv.DictReader(stream))
    for row, record in zip(read, expected(records), strict=True):
        assert list(row) == list(record)
        for name, value in record.items():
            if value is None:
                assert row[name] == ""
            else:
                assert row[name] == value if isinstance(value, str) else json.loads(row[name]) == value


def test_parquet_holds_the_same(records: list[Record]) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow, an optional extra, is not installed")
    assert write(records, "parquet", Path("out.parquet")) == 3
    assert parquet.read_table("out.parquet").to_pylist() == expected(records)


def test_parquet_of_no_records_is_a_file_of_no_rows() -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow, an optional extra, is not installed")
    assert write([], "parquet", Path("out.parquet")) == 0
    assert parquet.read_table("out.parquet").num_rows == 0


def test_parquet_without_pyarrow_says_how_to_install_it(
    records: list[Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ConfigError, match=r"pip install 'broadsheet\[parquet\]'"):
        write(records, "parquet", Path("out.parquet"))


def test_parquet_without_a_file_asks_for_one(records: list[Record]) -> None:
    with pytest.raises(ConfigError, match="--output"):
        write(records, "parquet", None)


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_without_a_file_records_go_to_standard_output(
    records: list[Record], form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write(records, form, None)
    write(records, form, Path("out"))
    assert capsys.readouterr().out == Path("out").read_bytes().decode()


@pytest.mark.parametrize("path", ["absent/out.jsonl", "."])
def test_a_file_that_cannot_be_written_is_told_of_in_one_sentence(records: list[Record], path: str) -> None:
    with pytest.raises(UserError, match="cannot be written") as caught:
        write(records, "jsonl", Path(path))
    assert "\n" not in str(caught.value)

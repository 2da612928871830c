"""Export: the same records in every format."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from broadsheet import Finding, Paper, Record, Store
from broadsheet.errors import ConfigError, UserError
from broadsheet.export import format_of, write
from broadsheet.export.bibtex import write_bibtex
from builders import DAY, add, annotate, annotation, paper, sighting

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


def rows_of(path: str) -> list[dict[str, str]]:
    with Path(path).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_csv_has_a_column_for_each_part_and_lists_joined(records: list[Record]) -> None:
    assert write(records, "csv", Path("out.csv")) == 3
    by_title = {row["title"]: row for row in rows_of("out.csv")}
    row = by_title[paper().title]
    assert row["topics"] == "graphs; science-and-health"
    assert row["keywords"] == "tidal flats; graph network; sparse soundings"
    assert row["code_status"] == "available"
    assert row["code_evidence"] == "Our code is available at https://example.org/sandloom"
    assert row["code_urls"] == "https://example.org/sandloom"
    assert row["findings"] == "tldr number-not-in-abstract 12%"
    assert row["source"] == "jsonl"
    assert by_title[HARD.title]["abstract"] == HARD.abstract
    assert by_title["Bare"]["tldr"] == by_title["Bare"]["code_status"] == by_title["Bare"]["votes"] == ""


NUMERIC = re.compile(r"[-+]?[\d.,]+(?:[eE][-+]?\d+)?%?")


@pytest.mark.parametrize(
    ("fields", "id_", "arxiv_id"),
    [
        ({"arxiv_id": "2305.18290"}, "arXiv:2305.18290", "arXiv:2305.18290"),
        ({"doi": "10.1000/7", "arxiv_id": "2305.18290", "id": "10.1000/7"}, "10.1000/7", "arXiv:2305.18290"),
        ({"id": "123456789012"}, "id:123456789012", ""),
        ({"id": "12e456789012"}, "id:12e456789012", ""),
        ({"id": "ab3456789012"}, "ab3456789012", ""),
    ],
)
def test_no_spreadsheet_takes_an_id_in_csv_for_a_number_and_show_takes_it(
    tmp_path: Path, fields: dict[str, str], id_: str, arxiv_id: str
) -> None:
    with Store.open(tmp_path / "c.db") as store:
        add(store, paper("Numbered", sighting=sighting(votes=7), **fields))
        write(store.list(), "csv", Path("out.csv"))
        (row,) = rows_of("out.csv")
        assert (row["id"], row["arxiv_id"], row["votes"]) == (id_, arxiv_id, "7")
        assert row["doi"] == fields.get("doi", "")
        assert not any(NUMERIC.fullmatch(row[name]) for name in ("id", "arxiv_id", "doi") if row[name])
        assert store.get(row["id"]).title == "Numbered"


def entries(text: str) -> list[dict[str, str]]:
    from bibtexparser.entrypoint import parse_string

    library = parse_string(text)
    assert library.failed_blocks == []
    return [
        {"key": entry.key} | {field.key: field.value for field in entry.fields} for entry in library.entries
    ]


def test_bibtex_names_what_a_reference_manager_needs(tmp_path: Path) -> None:
    one = paper(
        "Tides & Sand: 50% of $\\alpha_i$ under_lined #1",
        arxiv_id="2305.18290",
        doi="10.1000/tides_7",
        url="https://example.org/a_b%20c",
        authors=("Béla Tóth", "Ada Marsh"),
        published=date(2023, 5, 29),
    )
    with Store.open(tmp_path / "c.db") as store:
        add(store, one)
        assert write(store.list(), "bibtex", Path("out.bib")) == 1
    (entry,) = entries(Path("out.bib").read_text(encoding="utf-8"))
    assert entry["key"] == "toth2023tides"
    assert entry["title"] == "Tides \\& Sand: 50\\% of $\\alpha_i$ under\\_lined \\#1"
    assert entry["author"] == "Béla Tóth and Ada Marsh"
    assert (entry["year"], entry["month"]) == ("2023", "5")
    assert (entry["eprint"], entry["archiveprefix"]) == ("2305.18290", "arXiv")
    assert (entry["doi"], entry["url"]) == ("10.1000/tides_7", "https://example.org/a_b%20c")


TITLES = st.lists(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]) | st.sampled_from('{}$\\%&#_@,="')),
    min_size=1,
    max_size=4,
).map(lambda titles: [title for title in titles if title.strip()])


@given(TITLES)
@example(["{", "}", "a } b { c", "$", "\\", "\\{", "@misc{x,", "a\\"])
def test_bibtex_is_well_formed_whatever_a_title_holds(titles: list[str]) -> None:
    records = [
        Record(paper=Paper(title=title, abstract=title), first_seen=DAY, source="jsonl") for title in titles
    ]
    stream = io.StringIO()
    assert write_bibtex(records, stream) == len(titles)
    read = entries(stream.getvalue())
    assert len(read) == len({entry["key"] for entry in read}) == len(titles)
    for entry, title in zip(read, titles, strict=True):
        letters = "".join(sign for sign in title if sign.isalnum())
        assert "".join(sign for sign in entry.get("title", "") if sign.isalnum()) == letters


@pytest.mark.parametrize(
    ("form", "name", "expected"),
    [
        (None, None, "jsonl"),
        ("csv", None, "csv"),
        (None, "p.parquet", "parquet"),
        (None, "p.CSV", "csv"),
        (None, "p.bib", "bibtex"),
        ("jsonl", "p.txt", "jsonl"),
        ("csv", "p.csv", "csv"),
        (None, "p", "jsonl"),
    ],
)
def test_the_suffix_decides_the_format(form: str | None, name: str | None, expected: str) -> None:
    assert format_of(form, Path(name) if name else None) == expected


@pytest.mark.parametrize(
    ("form", "name", "says"),
    [
        ("csv", "p.parquet", "p.parquet is a name for parquet, and --format says csv"),
        (None, "p.xlsx", "No format has the suffix .xlsx"),
        ("xml", None, "--format takes jsonl, csv, bibtex or parquet, not “xml”"),
    ],
)
def test_a_suffix_that_contradicts_or_is_unknown_is_refused(
    form: str | None, name: str | None, says: str
) -> None:
    with pytest.raises(ConfigError, match=re.escape(says)):
        format_of(form, Path(name) if name else None)


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


@pytest.mark.parametrize("form", ["jsonl", "csv", "bibtex"])
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

from __future__ import annotations

import io
import sys
from datetime import date
from pathlib import Path

import pytest

from broadsheet.errors import SourceError, UserError
from broadsheet.sources import open_source, open_sources

DAY = date(2025, 3, 13)
PAGE = "Barges in Fog\nWe steer barges by the sound of their neighbours.\n"
LINE = '{"title": "Barges in Fog", "abstract": "We steer."}\n'


def _kinds(spec: str) -> list[str]:
    return [paper.source for source in open_source(spec, day=DAY) for paper in source.fetch(DAY)]


def test_the_kind_of_a_file_is_found_from_its_content(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(PAGE)
    (tmp_path / "b.txt").write_text(LINE)
    assert _kinds(str(tmp_path / "a.jsonl")) == ["trending-page"]
    assert _kinds(str(tmp_path / "b.txt")) == ["jsonl"]


def test_a_folder_is_a_source_for_each_of_its_files_but_hidden_ones_and_databases(tmp_path: Path) -> None:
    (tmp_path / "2.txt").write_text(PAGE)
    (tmp_path / "1.txt").write_text(LINE)
    (tmp_path / ".hidden").write_text(LINE)
    (tmp_path / "folder").mkdir()
    (tmp_path / "cache.db").write_bytes(b"SQLite format 3\0" + bytes(84))
    (tmp_path / "cache.db-wal").write_bytes(bytes(32))
    assert _kinds(str(tmp_path)) == ["jsonl", "trending-page"]


def test_standard_input_is_read_once_and_as_its_content_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(LINE.encode())))
    (source,) = open_source("-", day=DAY)
    assert [paper.title for paper in source.fetch(DAY)] == ["Barges in Fog"]
    assert not sys.stdin.closed
    with pytest.raises(SourceError, match="is empty"):
        list(source.fetch(DAY))


def test_an_unreadable_file_stops_itself_only(tmp_path: Path) -> None:
    (tmp_path / "1.png").write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00" * 9)
    (tmp_path / "2.txt").write_text("")
    (tmp_path / "3.txt").write_text(PAGE)
    broken, empty, good = open_sources([str(tmp_path)], day=DAY)
    for source in (broken, empty):
        with pytest.raises(SourceError):
            list(source.fetch(DAY))
    assert len(list(good.fetch(DAY))) == 1


@pytest.mark.parametrize("spec", ["nowhere.txt", "no/such/folder", "arxi:cs.CL", ""])
def test_what_does_not_exist_is_for_the_user_to_fix(spec: str, tmp_path: Path) -> None:
    with pytest.raises(UserError):
        open_source(spec or str(tmp_path))


def test_the_sample_is_invented_says_so_and_is_read_without_trouble() -> None:
    troubles: list[str] = []
    (source,) = open_source("sample", day=DAY, on_trouble=troubles.append)
    papers = list(source.fetch(DAY))
    assert len(papers) >= 24
    assert len({paper.id for paper in papers}) == len(papers)
    assert {paper.source for paper in papers} == {"sample"}
    assert all(len(paper.abstract) > 400 for paper in papers)
    assert not troubles
    from broadsheet.sources.sample import PAGE as SAMPLE

    assert SAMPLE.read_text().startswith("Every paper on this page is invented.")


def test_a_source_that_does_not_exist_is_reported_and_the_others_are_opened(tmp_path: Path) -> None:
    (tmp_path / "good.txt").write_text(PAGE)
    troubles: list[str] = []
    specs = ["nowhere.txt", str(tmp_path / "good.txt"), "hf?colour=red"]
    (source,) = open_sources(specs, day=DAY, on_trouble=troubles.append)
    assert len(list(source.fetch(DAY))) == 1
    assert [trouble.split(";")[0][:45] for trouble in troubles] == [
        "There is no file, folder or source named nowh",
        "hf?… accepts date, month, sort, submitter, we",
    ]
    with pytest.raises(UserError, match="nowhere"):
        open_sources(["nowhere.txt", "hf?colour=red"], day=DAY, on_trouble=troubles.append)

"""What is written is whole or not at all, harmless in a spreadsheet, and a read-only cache can be read."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abuse.running import Running
from broadsheet import Store
from broadsheet.replacing import replacing
from broadsheet.sources import open_source
from broadsheet.spreadsheets import guarded, unguarded
from builders import DAY, add, annotate, paper

BOUND = ["abuse.hurried:no_rights_of_root"]


@given(st.text() | st.text("'=+-@\t\r\n", max_size=5))
def test_a_guarded_cell_begins_no_formula_and_is_read_back(cell: str) -> None:
    assert guarded(cell)[:1] not in set("=+-@\t\r\n")
    assert unguarded(guarded(cell)) == cell


def test_a_title_that_is_a_formula_is_harmless_in_csv_and_read_back_unchanged(tmp_path: Path) -> None:
    from broadsheet.export import write

    titles = {"=HYPERLINK(1)", "+1 Point", "-5 dB", "@home", "'=quoted", "'simple'", "plain"}
    with Store.open(tmp_path / "c.db") as store:
        add(store, *(paper(title) for title in titles))
        write(store.list(), "csv", tmp_path / "out.csv")
    (source,) = open_source(str(tmp_path / "out.csv"), day=DAY)
    assert {found.title for found in source.fetch(DAY)} == titles
    assert "\n=" not in (tmp_path / "out.csv").read_text()
    assert ",=" not in (tmp_path / "out.csv").read_text()


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_file_stays_as_it_was_if_writing_stops(error: BaseException, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("old")

    def stopped() -> None:
        with replacing(tmp_path / "out") as unfinished:
            unfinished.write_text("ne")
            raise error

    with pytest.raises(type(error)):
        stopped()
    assert (tmp_path / "out").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_replaced_file_keeps_its_mode_and_the_links_to_it(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "real").chmod(0o640)
    (tmp_path / "link").symlink_to("real")
    with replacing(tmp_path / "link") as unfinished:
        unfinished.write_text("new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"
    assert (tmp_path / "real").stat().st_mode & 0o777 == 0o640
    with replacing(Path("/dev/null")) as unfinished:
        assert unfinished == Path("/dev/null")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="drops root's rights as Linux does")
@pytest.mark.parametrize("bound", ["file", "folder"])
def test_a_read_only_cache_can_be_listed_shown_and_exported(
    bound: str, running: Running, tmp_path: Path
) -> None:
    folder = tmp_path / "kept"
    folder.mkdir()
    with Store.open(folder / "c.db") as store:
        add(store, paper())
        annotate(store, paper())
    (folder / "c.db").chmod(0o444)
    if bound == "folder":
        folder.chmod(0o555)
    try:
        for words in (["list"], ["show", paper().title], ["export"], ["stats"], ["tags"]):
            ran = running(*words, "--db", folder / "c.db", prepared=BOUND)
            assert (ran.code, ran.err) == (0, ""), ran.err
        assert paper().title in running("list", "--db", folder / "c.db", prepared=BOUND).out
        ran = running("fetch", "sample", "--db", folder / "c.db", prepared=BOUND)
        assert ran.code == 2
        assert "is read-only" in ran.err
    finally:
        folder.chmod(0o755)

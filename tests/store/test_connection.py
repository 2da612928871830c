"""How the cache is opened decides what a kill and a power cut may take."""

from __future__ import annotations

from pathlib import Path

from broadsheet.store import Store


def test_commits_survive_a_kill_without_waiting_for_the_disk_each_time(tmp_path: Path) -> None:
    with Store.open(tmp_path / "cache.db") as store:
        settings = {
            name: store._db.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous")
        }
    # NORMAL (1) in WAL mode: https://www.sqlite.org/pragma.html#pragma_synchronous
    assert settings == {"journal_mode": "wal", "synchronous": 1}

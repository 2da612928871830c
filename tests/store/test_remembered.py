"""What is remembered of terms is what the cache says now, and no more of it than there is room for."""

from __future__ import annotations

from pathlib import Path

import pytest

from broadsheet import Filter, Store
from broadsheet.searching import Phrase
from broadsheet.store import remembered, vectors
from broadsheet.store.remembered import Remembered
from broadsheet.store.terms import Terms
from builders import add, annotate, annotation, paper

KELP = paper("Kelp forests", abstract="They sway in the tide.")


@pytest.fixture(autouse=True)
def _words_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectors, "installed", lambda: None)


def rows(store: Store, of: Remembered, term: str) -> list[int]:
    (found,) = of.rows(store._db, of.refresh(store._db), [term])
    return list(found)


def test_what_another_process_adds_revises_or_annotates_is_not_missed(tmp_path: Path) -> None:
    of = Remembered()
    with Store.open(tmp_path / "b.db") as writer, Store.open(tmp_path / "b.db", reading=True) as reader:
        add(writer, KELP, paper("Gulls", abstract="They cry."))
        assert rows(reader, of, "kelp") == [1]
        add(writer, paper("Kelp and silt", abstract="."))
        assert rows(reader, of, "kelp") == [1, 3]
        revised = KELP.model_copy(update={"title": "Forests", "abstract": "They sway."})
        with writer.transaction():
            writer.papers.revise(revised)
        assert rows(reader, of, "kelp") == [3]
        annotate(writer, revised, said=annotation(tldr="Kelp.", keywords=("kelp",)))
        assert rows(reader, of, "kelp") == [1, 3]


def test_who_reads_an_older_state_and_who_reads_a_newer_one_are_each_told_their_own(tmp_path: Path) -> None:
    of = Remembered()
    with Store.open(tmp_path / "b.db") as writer, Store.open(tmp_path / "b.db", reading=True) as reader:
        add(writer, KELP)
        reader._db.execute("BEGIN")
        older = of.refresh(reader._db)
        add(writer, paper("Kelp and silt sway", abstract="."))
        assert rows(writer, of, "kelp") == [1, 2]
        assert [list(found) for found in of.rows(reader._db, older, ["kelp", "sway"])] == [[1], [1]]
        reader._db.execute("ROLLBACK")
        assert [rows(writer, of, term) for term in ("kelp", "sway")] == [[1, 2], [1, 2]]


def test_a_new_paper_is_related_at_once_to_those_whose_words_it_has(tmp_path: Path) -> None:
    with Store.open(tmp_path / "b.db") as writer, Store.open(tmp_path / "b.db", reading=True) as reader:
        near = paper("Kelp forests sway", abstract="Kelp.")
        add(writer, KELP, near, *(paper(f"Gull {number}", abstract="Cries.") for number in range(9)))
        assert [each.id for each in reader.related(KELP.id)] == [near.id]
        later = paper("Forests of kelp in a tide", abstract="Kelp.")
        add(writer, later)
        assert {each.id for each in reader.related(KELP.id)} == {near.id, later.id}


def test_only_so_many_rows_are_held_and_those_of_frequent_terms_never(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(remembered, "_MOST_ROWS", 5)
    monkeypatch.setattr(remembered, "FREQUENT", 4)
    of = Remembered()
    with Store.in_memory() as store:
        add(
            store,
            *(paper(f"Tide {number}", abstract="Silt." if number % 2 else "Reef.") for number in range(6)),
        )
        assert rows(store, of, "silt") == [2, 4, 6]
        assert rows(store, of, "reef") == [1, 3, 5]
        assert rows(store, of, "tide") == [1, 2, 3, 4, 5]
        assert (list(of._rows), of._held) == (["reef"], 3)
        assert of.count(store._db, of.refresh(store._db), "tide") == 5 > remembered.FREQUENT


def test_many_words_are_counted_and_found_as_one_by_one() -> None:
    words = [f"w{number}x" for number in range(120)]
    with Store.in_memory() as store:
        add(store, *(paper(f"{' '.join(words[n::7])} gull", abstract=f"Number {n}.") for n in range(14)))
        many, one = Remembered(), Remembered()
        state = many.refresh(store._db)
        one.refresh(store._db)
        many.learn(store._db, [*words, "gull", "nobody", "a b"])
        assert many._counts == {
            word: one.count(store._db, state, word) for word in (*words, "gull", "nobody")
        }
        found = many.rows(store._db, state, [*words, "gull", "gull", "nobody"])
        assert [list(each) for each in found] == [
            rows(store, one, word) for word in (*words, "gull", "gull", "nobody")
        ]


def test_what_is_like_a_paper_is_kept_of_so_many_papers_and_not_before_vectors_are_taken_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(remembered, "_MOST_RELATED", 2)
    with Store.in_memory() as store:
        add(store, *(paper(f"Gull {n}", abstract="Cries.") for n in range(9)))
        add(store, KELP, *(paper(f"Kelp {n}", abstract="Kelp.") for n in range(3)))
        papers = list(store.list(Filter(words="kelp")))
        found = [[each.id for each in store.related(record.id)] for record in papers]
        kept = store._likeness._remembered._related
        assert found[0]
        assert len(kept) == 2
        monkeypatch.setattr(Terms, "like", None)  # nothing is worked out again
        assert [each.id for each in store.related(papers[-1].id)] == found[-1]
        kept.clear()
        monkeypatch.undo()
        with store.vectors.kept_up_by_caller():
            assert [each.id for each in store.related(KELP.id)]
        assert not kept


def test_who_has_a_word_of_a_search_is_counted_once_unless_nobody_has_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with Store.in_memory() as store:
        add(store, *(paper(f"Gull {n}", abstract="Cries.") for n in range(30)), KELP)
        terms = store.ranking._terms
        assert [terms.having(Phrase(word), 9) for word in ("gull", "kelp", "reef")] == [10, 1, 0]
        add(store, paper("Kelp reef", abstract="."))
        assert [terms.having(Phrase(word), 9) for word in ("kelp", "reef")] == [1, 1]
        assert terms.having(Phrase("ki", is_unfinished=True), 9) == 0
        assert terms.having(Phrase("ke", is_unfinished=True), 9) == 2
        add(store, paper("Kelp shore", abstract="."))
        assert terms.having(Phrase("kelp"), 9) == 3

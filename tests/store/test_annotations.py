"""What was answered is kept; what is current follows the paper's words and the better engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from broadsheet import Filter, Finding, Store, StoreError
from broadsheet.store.backlog import MAX_TRIES, Standing, Wanted
from builders import DAY, TLDR, add, annotate, annotation, keep_reply, maker, paper, rows, sighting

MODEL, RULES = maker(), maker("extractive", "rules-1")
REVISED = paper(abstract="Other words.")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "b.db") as made:
        add(made, paper())
        yield made


def revise(store: Store, to: object) -> None:
    with store.transaction():
        store.papers.revise(to)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "sql", ["UPDATE replies SET text = ''", "DELETE FROM replies", "REPLACE INTO replies"]
)
def test_replies_are_never_changed_or_deleted(store: Store, sql: str) -> None:
    reply = keep_reply(store, {"P1": paper()}, text="the words")
    if sql.startswith("REPLACE"):
        names = [row[1] for row in rows(store, "PRAGMA table_info(replies)")]
        sql = f"REPLACE INTO replies SELECT {', '.join(names)} FROM replies WHERE id = {reply}"
    with pytest.raises(Exception, match="append-only"):
        rows(store, sql)
    assert rows(store, "SELECT id, unpack(text) FROM replies") == [(reply, "the words")]


def test_an_annotation_comes_back_with_its_maker_and_findings(store: Store) -> None:
    finding = Finding(field="tldr", kind="number-not-in-abstract", detail="12%")
    annotate(store, paper(), findings=[finding])
    record = store.get(paper().id)
    assert record.annotation == annotation()
    assert record.findings == (finding,)
    assert (record.provenance.engine, record.provenance.model) == ("openai", "model-a")
    assert not record.extracted


def test_annotating_again_under_the_same_key_replaces_annotation_and_findings(store: Store) -> None:
    annotate(store, paper(), findings=[Finding(field="tldr", kind="a"), Finding(field="tldr", kind="b")])
    annotate(store, paper(), said=annotation(tldr="Anew."), findings=[Finding(field="code", kind="c")])
    record = store.get(paper().id)
    assert record.annotation.tldr == "Anew."
    assert [finding.kind for finding in record.findings] == ["c"]
    assert rows(store, "SELECT count(*) FROM annotations") == [(1,)]


def test_the_key_depends_on_content_engine_model_prompt_and_schema_and_on_nothing_else() -> None:
    other = [maker(**{field: "other"}) for field in ("engine", "model", "prompt", "schema")]
    keys = {made.key(paper().content_hash) for made in (MODEL, *other)} | {MODEL.key(REVISED.content_hash)}
    assert len(keys) == 6
    assert maker().key(paper(url="https://example.org").content_hash) == MODEL.key(paper().content_hash)


def test_a_models_annotation_is_not_displaced_by_an_extracted_one(store: Store) -> None:
    annotate(store, paper(), MODEL)
    annotate(store, paper(), RULES, annotation(tldr="Extracted.", topics=("robotics",)))
    record = store.get(paper().id)
    assert record.annotation.tldr == TLDR
    assert store.count(Filter(tags=("robotics",))) == 0
    assert not list(store.search("extracted"))


def test_a_models_annotation_displaces_an_extracted_one(store: Store) -> None:
    annotate(store, paper(), RULES, annotation(tldr="Extracted.", topics=("robotics",)))
    assert store.get(paper().id).extracted
    annotate(store, paper(), MODEL)
    assert store.get(paper().id).annotation.tldr == TLDR
    assert store.count(Filter(tags=("robotics",))) == 0
    assert store.count(Filter(tags=("graphs", "method"), match="all")) == 1


def test_an_extracted_annotation_stands_in_for_a_models_once_the_paper_is_revised(store: Store) -> None:
    annotate(store, paper(), MODEL)
    revise(store, REVISED)
    annotate(store, REVISED, RULES, annotation(tldr="Extracted."))
    assert store.get(paper().id).annotation.tldr == "Extracted."


def test_an_answer_that_comes_after_the_paper_was_revised_does_not_speak_for_its_new_words(
    store: Store,
) -> None:
    revise(store, REVISED)
    annotate(store, paper(), MODEL)
    assert store.get(paper().id).annotation is None
    assert store.count(Filter(tags=("graphs",))) == 0
    assert [wanting.id for wanting in store.backlog.wanting(MODEL)] == [paper().id]


def test_a_paper_wants_an_annotation_until_it_has_one_of_this_engine_and_model(store: Store) -> None:
    assert [one.id for one in store.backlog.wanting(MODEL)] == [paper().id]
    annotate(store, paper(), MODEL)
    assert store.backlog.wanting(MODEL) == []


def test_what_one_model_has_annotated_another_annotates_only_when_that_is_asked_for(store: Store) -> None:
    annotate(store, paper(), MODEL)
    for other in (maker(model="model-b"), RULES):
        assert store.backlog.wanting(other) == []
        assert len(store.backlog.wanting(other, Wanted(others=True))) == 1
        assert store.backlog.standing(other).by_others == {MODEL.model: 1}
    assert store.backlog.standing(MODEL).by_others == {}


def test_a_model_annotates_what_rules_have(store: Store) -> None:
    annotate(store, paper(), RULES)
    assert len(store.backlog.wanting(MODEL)) == 1
    assert store.backlog.standing(MODEL) == Standing()


def test_a_paper_without_an_abstract_is_for_nobody_to_annotate(store: Store) -> None:
    bare = paper("Bare", abstract="")
    add(store, bare)
    for anyone in (MODEL, RULES):
        assert bare.id not in {
            one.id for one in store.backlog.wanting(anyone, Wanted(others=True, failed_too=True))
        }
        assert store.backlog.standing(anyone).without_abstract == 1
        assert store.backlog.standing(anyone, [paper().id]).without_abstract == 0


def test_a_revised_paper_wants_an_annotation_again_even_when_its_old_words_come_back(store: Store) -> None:
    annotate(store, paper(), MODEL)
    for words in (REVISED, paper()):
        revise(store, words)
        assert [one.abstract for one in store.backlog.wanting(MODEL)] == [words.abstract]
    annotate(store, paper(), MODEL)
    assert store.backlog.wanting(MODEL) == []
    assert store.get(paper().id).annotation == annotation()


@pytest.mark.parametrize("changed", [maker(prompt="prompt-2"), maker(schema="schema-2")])
def test_a_changed_prompt_or_schema_asks_again_only_when_stale_ones_are_wanted(
    store: Store, changed: object
) -> None:
    annotate(store, paper(), MODEL)
    assert store.backlog.wanting(changed) == []  # type: ignore[arg-type]
    assert len(store.backlog.wanting(changed, Wanted(stale=True))) == 1  # type: ignore[arg-type]
    assert store.backlog.standing(changed).stale == 1  # type: ignore[arg-type]
    assert store.backlog.wanting(MODEL, Wanted(stale=True)) == []


def test_only_the_papers_that_are_named_are_wanted_oldest_first(store: Store) -> None:
    late, early = paper("Late"), paper("Early", sighting=sighting(DAY.replace(day=1)))
    add(store, late, early)
    assert [one.title for one in store.backlog.wanting(MODEL)] == ["Early", paper().title, "Late"]
    assert [one.title for one in store.backlog.wanting(MODEL, Wanted([late.id, "unknown", late.id]))] == [
        "Late"
    ]
    assert store.backlog.wanting(MODEL, Wanted([])) == []


def test_a_paper_that_failed_three_times_is_left_out_until_something_about_the_question_changes(
    store: Store,
) -> None:
    for tries in range(1, MAX_TRIES + 1):
        assert len(store.backlog.wanting(MODEL)) == 1
        store.annotations.fail(paper(), MODEL, "invalid", f"try {tries}")
    assert store.backlog.wanting(MODEL) == []
    assert len(store.backlog.wanting(maker(prompt="prompt-2"))) == 1
    assert len(store.backlog.wanting(RULES)) == 1
    revise(store, REVISED)
    assert len(store.backlog.wanting(MODEL)) == 1


def test_failures_are_told_with_their_last_reason_and_end_with_success(store: Store) -> None:
    store.annotations.fail(paper(), MODEL, "invalid")
    store.annotations.fail(paper(), MODEL, "refused", "no")
    (failure,) = store.annotations.failures()
    assert (failure["paper_id"], failure["reason"], failure["tries"]) == (paper().id, "refused", 2)
    assert store.get(paper().id).failure == "refused"
    annotate(store, paper(), MODEL)
    assert store.annotations.failures() == []
    assert store.get(paper().id).failure == ""


def test_statistics_count_what_is_there(store: Store) -> None:
    add(store, paper("Other"))
    annotate(store, paper(), findings=[Finding(field="tldr", kind="a")])
    store.annotations.fail(paper("Other"), MODEL, "refused")
    keep_reply(store, {"P1": paper()})
    keep_reply(store, {"P1": paper()}, cost_usd=0.004)
    counts = store.statistics.summary()
    assert (counts["papers"], counts["annotated"], counts["requests"]) == (2, 1, 2)
    assert counts["annotations by engine"] == {"openai model-a": 1}
    assert counts["findings"] == {"tldr a": 1}
    assert counts["failures"] == {"refused": 1}
    assert (counts["input_tokens"], counts["output_tokens"]) == (1800, 240)
    assert counts["cost_usd"] == pytest.approx(0.006)


def test_the_cost_is_unknown_where_one_price_is(store: Store) -> None:
    assert store.statistics.summary()["cost_usd"] == 0
    keep_reply(store, {"P1": paper()})
    keep_reply(store, {"P1": paper()}, cost_usd=None)
    assert store.statistics.summary()["cost_usd"] is None


def test_a_store_error_is_a_sentence_for_a_person() -> None:
    assert StoreError("x").exit_code == 2

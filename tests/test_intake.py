from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

import broadsheet
import warm_start
from broadsheet import identity, intake
from broadsheet.errors import SourceError
from broadsheet.intake import IntakeInterrupted, admit
from broadsheet.paper import Paper, Sighting
from broadsheet.store import Store

DAY = date(2025, 3, 13)
ABSTRACT = (
    "Barges in fog are steered by the sound of their neighbours. We measure how far that sound carries over"
    " water of 12 rivers and derive a policy that keeps a distance of 40 metres. Collisions fall by 31\\%."
)
OTHER = (
    "A survey of fog in poetry from three centuries shows that poets prefer it to rain. We annotate 4,000"
    " stanzas by hand and release the corpus together with a reader study of 120 people."
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "cache.db") as opened:
        yield opened


def reading(
    title: str = "Barges in Fog",
    abstract: str = ABSTRACT,
    *,
    source: str = "trending-page",
    origin: str = "a",
    day: date = DAY,
    **more: object,
) -> Paper:
    sighting = Sighting(source=source, origin=origin, day=day)
    return Paper.model_validate({"title": title, "abstract": abstract, "sighting": sighting, **more})


def outcome(store: Store, paper: Paper) -> str:
    report = admit([paper], store)
    return next(name for name in ("new", "revised", "known") if getattr(report, name))


def test_a_paper_listed_on_two_pages_is_one_paper_with_two_sightings(store: Store) -> None:
    pages = [reading(origin="a"), reading(origin="b"), reading("Poets", OTHER, origin="b")]
    report = admit(pages, store)
    assert (report.read, report.new, report.known) == (3, 2, 1)
    assert report.paper_ids == (pages[0].id, pages[2].id)
    assert [seen.origin for seen in store.papers.sightings(pages[0].id)] == ["a", "b"]


def test_a_listing_read_again_adds_nothing(store: Store) -> None:
    pages = [reading(origin="a"), reading(origin="b")]
    admit(pages, store)
    before = list(store._db.conn.iterdump())
    report = admit(pages, store)
    assert (report.new, report.revised, report.known) == (0, 0, 2)
    assert list(store._db.conn.iterdump()) == before


NAMINGS = (
    {},
    {"arxiv_id": "2503.01234", "version": 1},
    {"doi": "10.1000/barges", "source": "bibtex"},
    {"arxiv_id": "2503.01234", "doi": "10.1000/barges", "source": "atom"},
    {"title": "BARGES in  fog.", "source": "jsonl"},
)


@pytest.mark.parametrize("order", list(itertools.permutations(range(len(NAMINGS)))))
def test_in_any_order_every_naming_of_a_paper_is_that_paper(order: tuple[int, ...], store: Store) -> None:
    for place in order:
        admit([reading(**NAMINGS[place])], store)  # type: ignore[arg-type]
    assert store.papers.count() == 1
    (paper,) = store.papers.titled("Barges in Fog")
    assert (paper.arxiv_id, paper.doi) == ("2503.01234", "10.1000/barges")
    assert store.get("arxiv:2503.01234").id == store.get("10.1000/barges").id == paper.id


def test_a_reading_under_both_ids_joins_two_papers_that_were_known_under_one_each(store: Store) -> None:
    published = reading("Steering Barges by Ear", OTHER, doi="10.1000/barges", source="bibtex")
    admit([reading(arxiv_id="2503.01234"), published], store)
    assert store.papers.count() == 2
    both = reading(arxiv_id="2503.01234", doi="10.1000/barges", source="atom")
    admit([both], store)
    assert store.papers.count() == 1
    assert {seen.source for seen in store.papers.sightings("2503.01234")} == {
        "trending-page",
        "bibtex",
        "atom",
    }
    assert store.get("10.1000/barges").id == "2503.01234"
    assert [record.id for record in store.search("poetry")] == []


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_two_papers_with_one_title_stay_two(order: tuple[int, int], store: Store) -> None:
    both = [reading(), reading(abstract=OTHER, source="jsonl")]
    for _ in range(2):
        admit([both[place] for place in order], store)
    assert store.papers.count() == 2
    assert {paper.abstract for paper in store.papers.titled("Barges in Fog")} == {ABSTRACT, OTHER}


def test_one_title_under_two_arxiv_ids_is_two_papers(store: Store) -> None:
    admit([reading(arxiv_id="2503.01234"), reading(arxiv_id="2503.05678")], store)
    assert store.papers.count() == 2


def test_titles_that_differ_only_in_case_are_one_paper(store: Store) -> None:
    admit([reading(), reading("BARGES IN FOG")], store)
    assert store.papers.count() == 1


VARIANTS = (
    ABSTRACT.replace("\\%", "%"),
    ABSTRACT.replace(" ", "\n  "),
    ABSTRACT.replace("policy", "\\emph{policy}"),
    ABSTRACT[: len(ABSTRACT) // 2],
    ABSTRACT[: len(ABSTRACT) // 2] + "...",
    "",
)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("source", ["trending-page", "jsonl"])
def test_the_same_words_formatted_otherwise_or_cut_off_are_no_revision(
    variant: str, source: str, store: Store
) -> None:
    admit([reading()], store)
    assert outcome(store, reading(abstract=variant, source=source, origin="z")) == "known"
    assert store.get("Barges in Fog").paper.abstract == ABSTRACT


REWRITTEN = ABSTRACT.replace("31", "47").replace("12 rivers", "15 rivers")


def test_a_source_that_changes_its_words_revises_the_paper(store: Store) -> None:
    admit([reading()], store)
    assert outcome(store, reading(abstract=REWRITTEN, day=date(2025, 3, 14))) == "revised"
    record = store.get("Barges in Fog")
    assert (record.paper.abstract, record.revised) == (REWRITTEN, True)
    assert store.papers.count() == 1


def test_newer_words_of_another_source_win_and_the_older_ones_stay_as_a_version(store: Store) -> None:
    admit([reading()], store)
    later = reading(abstract=REWRITTEN, source="jsonl", day=date(2025, 3, 14))
    assert outcome(store, later) == "revised"
    record = store.get("Barges in Fog")
    assert (record.paper.abstract, record.revised) == (REWRITTEN, True)
    assert store.papers.has_version(reading())
    assert outcome(store, reading(day=date(2025, 3, 15))) == "known"


@pytest.mark.parametrize(("changed", "expected"), [("32\\%", "revised"), ("31 \\%", "known")])
def test_one_other_digit_is_a_revision_and_one_other_space_is_none(
    changed: str, expected: str, store: Store
) -> None:
    admit([reading()], store)
    assert outcome(store, reading(abstract=ABSTRACT.replace("31\\%", changed), source="jsonl")) == expected


@pytest.mark.parametrize("letters", ["neighbors", "neigbours"])
def test_a_letter_or_two_more_or_less_are_no_revision(letters: str, store: Store) -> None:
    admit([reading()], store)
    assert outcome(store, reading(abstract=ABSTRACT.replace("neighbours", letters), source="bib")) == "known"


@pytest.mark.parametrize("day", [date(2025, 3, 12), DAY, date(2025, 3, 20)])
@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_arxivs_words_win_over_a_copys_in_any_order(order: tuple[int, int], day: date, store: Store) -> None:
    both = [reading(source="arxiv"), reading(abstract=REWRITTEN, source="hf", day=day)]
    admit([both[place] for place in order], store)
    assert store.get("Barges in Fog").paper.abstract == ABSTRACT


def test_papers_without_an_abstract_are_counted_until_some_source_brings_one(store: Store) -> None:
    bare = reading("A Bare Title", "")
    assert admit([bare, bare, reading()], store).without_abstract == 1
    assert admit([reading("A Bare Title", OTHER)], store).without_abstract == 0
    assert admit([bare], store).without_abstract == 0


def test_a_higher_arxiv_version_revises_and_a_lower_one_never_does(store: Store) -> None:
    arxiv = {"source": "arxiv", "arxiv_id": "2503.01234"}
    admit([reading(**arxiv, version=2)], store)  # type: ignore[arg-type]
    later = reading(abstract=REWRITTEN, **arxiv, version=3)  # type: ignore[arg-type]
    assert outcome(store, later) == "revised"
    oldest = reading(abstract=OTHER, **arxiv, version=1, day=date(2025, 4, 1))  # type: ignore[arg-type]
    assert outcome(store, oldest) == "known"
    assert store.get("2503.01234").paper.version == 3


@pytest.mark.parametrize("later", [DAY, date(2025, 3, 14)])
def test_two_listings_that_disagree_settle_and_do_not_take_turns(later: date, store: Store) -> None:
    first, second = reading(origin="a"), reading(abstract=REWRITTEN, origin="b", day=later)
    admit([first, second], store)
    report = admit([first, second, first, second], store)
    assert (report.revised, report.known) == (0, 4)
    assert store.get("Barges in Fog").paper.abstract == REWRITTEN


def test_an_older_listing_read_later_does_not_take_the_newer_words_back(store: Store) -> None:
    newer, older = reading(abstract=REWRITTEN, day=date(2025, 3, 14)), reading()
    assert outcome(store, newer) == "new"
    assert outcome(store, older) == "known"
    assert store.get("Barges in Fog").first_seen == DAY


def test_a_whole_abstract_takes_the_place_of_one_that_was_cut_off(store: Store) -> None:
    admit([reading(abstract=ABSTRACT[:150])], store)
    assert outcome(store, reading(source="jsonl")) == "revised"
    assert store.get("Barges in Fog").paper.abstract == ABSTRACT


def test_a_comment_that_links_to_code_is_worth_a_revision(store: Store) -> None:
    admit([reading()], store)
    told = reading(source="arxiv", comment="Code: https://github.com/example-lab/barges")
    assert outcome(store, told) == "revised"
    assert outcome(store, told) == "known"


def test_authors_that_a_later_source_names_can_be_searched_for(store: Store) -> None:
    admit([reading()], store)
    assert not list(store.search("Sample"))
    assert outcome(store, reading(source="hf", authors=("Bo Sample",))) == "known"
    (record,) = store.search("Sample")
    assert record.paper.authors == ("Bo Sample",)
    assert [found.id for found in store.search("neighbours")] == [record.id]


def test_what_came_before_a_source_failed_is_admitted(store: Store) -> None:
    def failing() -> Iterator[Paper]:
        yield reading()
        raise SourceError("The source hung up.")

    with pytest.raises(IntakeInterrupted, match="hung up") as caught:
        admit(failing(), store)
    assert caught.value.report.new == 1
    assert store.papers.count() == 1


def test_a_transaction_that_fails_leaves_nothing_of_its_papers(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    admit([reading()], store)
    before = list(store._db.conn.iterdump())
    sight = store.papers.sight

    def fail_at_the_second(paper_id: str, sighting: Sighting, content_hash: str) -> None:
        if sighting.origin == "last":
            raise KeyboardInterrupt
        sight(paper_id, sighting, content_hash)

    monkeypatch.setattr(store.papers, "sight", fail_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        admit([reading("Tugs", OTHER), reading("Weirs", OTHER, origin="last")], store)
    assert list(store._db.conn.iterdump()) == before


def test_papers_are_drawn_as_they_are_admitted(store: Store) -> None:
    drawn = 0

    def endless() -> Iterator[Paper]:
        nonlocal drawn
        for drawn in range(1, 10 * intake.PAPERS_A_TRANSACTION):
            yield reading(f"Paper {drawn}")

    steps: list[tuple[int, int]] = []
    admit(endless(), store, on_progress=lambda done: steps.append((done, drawn)))
    assert len(steps) == 10
    assert all(done == read for done, read in steps)


def test_a_kill_at_any_moment_loses_no_committed_paper_and_doubles_none(tmp_path: Path) -> None:
    lines = tmp_path / "papers.jsonl"
    papers = 4 * intake.PAPERS_A_TRANSACTION
    lines.write_text(
        "".join(json.dumps({"title": f"Paper {n}", "abstract": f"Fog {n}."}) + "\n" for n in range(papers))
    )
    program = (
        "import sys, datetime\n"
        "from broadsheet.intake import admit\n"
        "from broadsheet.sources import open_source\n"
        "from broadsheet.store import Store\n"
        "def tell(done):\n"
        "    print(done, flush=True)\n"
        "with Store.open('cache.db') as store:\n"
        "    admit(open_source('papers.jsonl')[0].fetch(datetime.date.min), store, on_progress=tell)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(broadsheet.__file__).parents[1])}
    with warm_start.Popen(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        committed = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
    with Store.open(tmp_path / "cache.db") as store:
        kept = store.papers.count()
        assert committed <= kept < papers
        assert store._db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    assert warm_start.Popen([sys.executable, "-c", program], cwd=tmp_path, env=environment).wait() == 0
    with Store.open(tmp_path / "cache.db") as store:
        assert store.papers.count() == papers
        assert store._db.execute("SELECT count(*) FROM sightings").fetchone()[0] == papers


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [(ABSTRACT, REWRITTEN, True), (ABSTRACT, OTHER, False), (ABSTRACT, "", True), ("Fog.", "Rain.", False)],
)
def test_abstracts_that_share_runs_of_words_are_of_one_paper(one: str, other: str, same: bool) -> None:
    assert (identity.alike(one, other) >= 0.25) is same
    assert identity.alike(one, other) == identity.alike(other, one)

"""Newsletters: a filter in the words of `list`, a rhythm, a size and a look, from ``broadsheet.toml``."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from broadsheet.compose import compose, due
from broadsheet.config import Settings
from broadsheet.edition import Edition
from broadsheet.errors import ConfigError
from broadsheet.filters import Filter
from broadsheet.newsletter import Newsletter, all_with_tag_ids
from broadsheet.record import Maker
from broadsheet.render import render, write
from broadsheet.store import Store
from builders import DAY, add, annotate, annotation, paper, sighting
from editions import TAXONOMY, small_edition
from in_process import Command

ROBOTICS = Newsletter(name="robots", title="Robots", filter=Filter(tags=("robotics",)))


def settings(toml: str) -> Settings:
    Path("broadsheet.toml").write_text(toml)
    return Settings.load()


@pytest.fixture
def store() -> Iterator[Store]:
    with Store.open("b.db") as made:
        yield made


def day_of_papers(store: Store, day: date, count: int, *topics: str) -> list[str]:
    """So many papers of a day, annotated with these topics."""
    papers = [
        paper(f"{topics[0]} {day} {number}", sighting=sighting(day, rank=number + 1))
        for number in range(count)
    ]
    add(store, *papers)
    for one in papers:
        annotate(store, one, said=annotation(topics=topics))
    return [one.id for one in papers]


def printed(edition: Edition | None) -> list[str]:
    return [card.record.id for card in edition.cards] if edition else []


def test_without_any_there_is_one_daily_of_everything() -> None:
    assert [each.name for each in Settings.load().newsletters] == ["daily"]
    assert Settings.load().newsletters[0].takes_everything


def test_a_newsletter_is_declared_in_the_words_of_list() -> None:
    made = settings("""
        [newsletter.robotics]
        title = "Robots on Monday"
        tag = ["robotics", "Graphs"]
        match = "all"
        not = "survey"
        author = "Ada Marsh"
        contribution = ["method", "system"]
        source = "arxiv:cs.RO"
        code = "available"
        where = "keywords=gripper"
        search = "grasp"
        rhythm = "weekly"
        top = 30
        colours.accent = "#005f73"
    """)
    (newsletter,) = all_with_tag_ids(made.newsletters, TAXONOMY.names)
    assert newsletter.name == "robotics"
    assert (newsletter.rhythm, newsletter.top, newsletter.colours.accent) == ("weekly", 30, "#005f73")
    assert newsletter.filter == Filter(
        tags=("robotics", "graphs"),
        match="all",
        without=("survey",),
        authors=("Ada Marsh",),
        contribution=("method", "system"),
        sources=("arxiv:cs.RO",),
        code="available",
        fields=(("keywords", "gripper"),),
        words="grasp",
    )


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ("[newsletter.robotics]\ntagg = 'robotics'", "“tagg”"),
        ("[newsletter.robotics]\ncolours.accent = 'red; }'", "red; }"),
        ("[newsletter.robotics]\nrhythm = 'hourly'", "hourly"),
        ("[newsletter.robotics]\ntop = 0", "“0”"),
        ("[newsletter.robotics]\ncode = 'perhaps'", "newsletter.robotics.code"),
        ("[newsletter.robotics]\nwhere = 'keywords'", "FIELD=VALUE"),
        ("[newsletter.'../up']", "letters a-z"),
        ("[newsletter.2026-01-05]", "no date"),
        ("newsletter = 'robotics'", "newsletter"),
    ],
)
def test_a_wrong_setting_is_one_sentence_that_names_it(toml: str, said: str) -> None:
    with pytest.raises(ConfigError, match=r"broadsheet\.toml") as caught:
        settings(toml)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.fixture
def broadsheet(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(monkeypatch, capsys)


def test_an_unknown_tag_of_a_newsletter_exits_2_and_writes_nothing(broadsheet: Command) -> None:
    Path("broadsheet.toml").write_text("[newsletter.robots]\ntag = 'robotic'")
    assert broadsheet("run", "sample", "--engine", "extractive") == 2
    assert "did you mean robotics?" in broadsheet.err
    assert not Path("editions").exists()


def test_each_newsletter_prints_what_its_filter_lets_through_and_each_paper_once(store: Store) -> None:
    seen = Counter[str]()
    for number in range(5):
        day = DAY + timedelta(days=number)
        robots = day_of_papers(store, day, 3, "robotics")
        day_of_papers(store, day, 2, "graphs")
        composed = compose(store, day, taxonomy=TAXONOMY, newsletter=ROBOTICS)
        assert sorted(printed(composed.edition)) == sorted(robots)
        seen.update(printed(composed.edition))
        everything = compose(store, day, taxonomy=TAXONOMY)
        assert len(printed(everything.edition)) == 5
    assert set(seen.values()) == {1}
    assert store.editions.newsletters() == ["daily", "robots"]
    assert store.editions.days("robots")[-1] == DAY
    edition = store.editions.get(DAY, "robots")
    assert edition
    assert (edition.newsletter, edition.title) == ("robots", "Robots")


def test_the_first_edition_takes_the_days_of_the_rhythm_and_later_ones_never_reach_behind_it(
    store: Store,
) -> None:
    for number in range(20):
        day_of_papers(store, DAY - timedelta(days=number), 1, "robotics")
    weekly = ROBOTICS.model_copy(update={"rhythm": "weekly"})
    first = compose(store, DAY, taxonomy=TAXONOMY, newsletter=weekly).edition
    assert len(printed(first)) == 7
    tomorrow = DAY + timedelta(days=1)
    new = day_of_papers(store, tomorrow, 1, "robotics")
    assert printed(compose(store, tomorrow, taxonomy=TAXONOMY, newsletter=weekly).edition) == new


def test_a_paper_that_was_annotated_late_is_still_new(store: Store) -> None:
    late = paper("Late to the robots", sighting=sighting(DAY))
    add(store, late)
    day_of_papers(store, DAY, 1, "robotics")
    assert late.id not in printed(compose(store, DAY, taxonomy=TAXONOMY, newsletter=ROBOTICS).edition)
    annotate(store, late, said=annotation(topics=("robotics",)))
    after = DAY + timedelta(days=9)
    assert printed(compose(store, after, taxonomy=TAXONOMY, newsletter=ROBOTICS).edition) == [late.id]


def test_the_newsletter_of_everything_prints_what_arrives_late_however_old_it_is(store: Store) -> None:
    day_of_papers(store, DAY, 2, "graphs")
    compose(store, DAY, taxonomy=TAXONOMY)
    early = day_of_papers(store, DAY + timedelta(days=40), 1, "graphs")
    old = day_of_papers(store, DAY - timedelta(days=400), 1, "graphs")
    assert printed(compose(store, DAY + timedelta(days=1), taxonomy=TAXONOMY).edition) == old
    assert printed(compose(store, DAY + timedelta(days=60), taxonomy=TAXONOMY).edition) == early


def test_finding_what_is_new_costs_the_same_on_a_large_cache(store: Store) -> None:
    def steps(newsletter: Newsletter, day: date) -> int:
        ticks = Counter[str]()
        store._db.conn.set_progress_handler(lambda: ticks.update(["now"]), 10)
        store.editions.candidates(day, newsletter)
        store._db.conn.set_progress_handler(None, 0)
        return ticks["now"]

    days = [DAY + timedelta(days=number) for number in range(60)]
    costs: dict[str, list[int]] = {"daily": [], "robots": []}
    for day in days:
        with store.transaction():
            for number in range(20):
                store.papers.add(paper(f"{day} {number}", sighting=None), day)
        for newsletter in (Newsletter(), ROBOTICS):
            costs[newsletter.name].append(steps(newsletter, day))
        compose(store, day, taxonomy=TAXONOMY)
    assert max(costs["daily"][-5:]) <= 1.2 * max(costs["daily"][1:5])
    assert max(costs["robots"][-5:]) <= 1.2 * max(costs["robots"][17:25])


@pytest.mark.parametrize(
    ("rhythm", "days"),
    [
        ("daily", [0, 1, 2, 6, 8, 30]),
        ("weekly", [0, 8]),  # DAY is a Monday
        ("monthly", [0, 30]),
    ],
)
def test_an_edition_falls_due_by_its_rhythm_and_a_missed_day_is_made_up_for(
    rhythm: str, days: list[int]
) -> None:
    newsletter = Newsletter.model_validate({"name": "n", "rhythm": rhythm})
    latest, issued = None, []
    for number in (0, 1, 2, 6, 8, 30):
        day = DAY + timedelta(days=number)
        if newsletter.is_due(day, latest):
            latest, issued = day, [*issued, number]
    assert issued == (days if rhythm != "weekly" else [0, 8, 30])


def test_a_second_run_of_the_day_completes_the_edition(store: Store) -> None:
    weekly = ROBOTICS.model_copy(update={"rhythm": "weekly"})
    day_of_papers(store, DAY, 1, "robotics")
    compose(store, DAY, taxonomy=TAXONOMY, newsletter=weekly)
    assert due(store, DAY, [weekly]) == [weekly]
    assert due(store, DAY + timedelta(days=1), [weekly]) == []


def test_run_writes_each_newsletter_into_its_own_folder_and_says_so(broadsheet: Command) -> None:
    Path("broadsheet.toml").write_text(
        "[newsletter.daily]\n[newsletter.vision]\ntitle = 'Eyes'\ntag = 'language'\n"
        "footer = 'Made on the pier.'\ncolours.accent = '#123456'\nlogo = 'EYES'\n"
        "[newsletter.none]\nsearch = 'xylophone'\n"
    )
    words = ("run", "sample", "--date", "2026-01-05", "--engine", "extractive", "--json")
    assert broadsheet(*words) == 0, broadsheet.err
    made = {each["newsletter"]: each for each in json.loads(broadsheet.out)["editions"]}
    assert made["daily"]["edition"] == str(Path("editions/2026-01-05/index.html"))
    assert made["vision"]["edition"] == str(Path("editions/vision/2026-01-05/index.html"))
    assert 0 < made["vision"]["papers"] < made["daily"]["papers"]
    assert made["none"] == {"newsletter": "none", "edition": None, "papers": 0, "changed": False}
    html = Path("editions/vision/2026-01-05/index.html").read_text()
    assert "<title>Eyes · Monday, 5 January 2026</title>" in html
    assert '<p class="wordmark">EYES</p>' in html
    assert "Made on the pier." in html
    assert "#123456" in html
    for name in ("index.md", "index.txt"):
        assert "Made on the pier." in Path("editions/vision/2026-01-05", name).read_text()
    assert not Path("editions/none").exists()


def test_an_edition_renders_byte_for_byte_after_the_cache_has_changed(tmp_path: Path) -> None:
    store, _ = small_edition(tmp_path / "e.db")
    with store:
        before = render(_stored(store), TAXONOMY)
        compose(store, DAY, taxonomy=TAXONOMY, newsletter=Newsletter(name="second"))
        also = render(_stored(store, "second"), TAXONOMY)
        with store.transaction():
            for key in (("daily", DAY), ("second", DAY)):
                store.editions.publish(key[1], key[0])
        everyone = list(store.list())
        with store.transaction():
            for record in everyone:
                store.papers.enrich(
                    record.paper.model_copy(
                        update={"authors": ("New Name",), "url": "https://example.org/new", "doi": "10.1/n"}
                    )
                )
                store.papers.sight(record.id, sighting(DAY + timedelta(days=1), votes=999))
        first, second, third, *_ = [record for record in everyone if record.annotation]
        # The same maker says something else of the same words: the row under the same key is replaced.
        for record in (first, second, third):
            row = store._db.execute(
                "SELECT engine, model, prompt, schema FROM annotations WHERE paper_id = ?", [record.id]
            ).fetchone()
            with store.transaction():
                store.annotations.keep(record.paper, Maker(*row), annotation(tldr="Something else entirely."))
        with store.transaction():
            store.papers.revise(second.paper.model_copy(update={"abstract": "New words.", "title": "New"}))
            store.papers.remove(third.id)
            fourth, fifth = (record for record in everyone if not record.annotation)
            store.papers.merge(fourth.id, fifth.id)
        assert render(_stored(store), TAXONOMY) == before
        assert render(_stored(store, "second"), TAXONOMY) == also


def _stored(store: Store, newsletter: str = "daily") -> Edition:
    edition = store.editions.get(DAY, newsletter)
    assert edition
    return edition


def test_an_editions_row_names_its_papers_instead_of_repeating_them(store: Store) -> None:
    day_of_papers(store, DAY, 50, "graphs")
    compose(store, DAY, taxonomy=TAXONOMY)
    (size,) = store._db.execute("SELECT length(unpack(edition)) FROM editions").fetchone()
    assert size / 50 < 200


def test_files_of_the_default_newsletter_stay_where_they_were(tmp_path: Path) -> None:
    store, edition = small_edition(tmp_path / "e.db")
    with store:
        page = write(render(edition, TAXONOMY), tmp_path, edition)
        assert page == tmp_path / "2026-01-05" / "index.html"
        named = edition.model_copy(update={"newsletter": "robots"})
        assert write(render(named, TAXONOMY), tmp_path, named) == tmp_path / "robots/2026-01-05/index.html"

"""Trends: what rises over the last weeks, counted as plain SQL counts it, in every format."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from datetime import date, timedelta
from math import comb, exp
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.compose import compose
from broadsheet.deliver.selection import merged, restricted
from broadsheet.edition import Edition
from broadsheet.filters import Filter
from broadsheet.newsletter import Newsletter
from broadsheet.render import render
from broadsheet.render.mail import Postmark, render_mail
from broadsheet.render.views.trends import HEIGHT, TrendsView, bars
from broadsheet.site import Publication, write_site
from broadsheet.store import Store
from broadsheet.trends import CHANCE, FEWEST_PAPERS, Period, Trends, log_chance, periods_until, rising
from builders import DAY, add, annotate, annotation, paper, rows, sighting
from editions import TAXONOMY

LAST = DAY + timedelta(days=27)
MARK = Postmark("Broadsheet", "daily", "", "https://example.org/u", "https://example.org/p")
HOSTILE = "<script>tides</script> *x*\x1b"


def week(store: Store, number: int, graphs: int, keyword: str = "tidal flats") -> None:
    """Forty papers of the week that ends so many weeks before the last day, so many of them on graphs."""
    for place in range(40):
        day = LAST - timedelta(days=7 * number + place % 7)
        is_graph = place < graphs
        one = paper(f"Week {number}, paper {place}", sighting=sighting(day))
        add(store, one)
        said = annotation(
            topics=("graphs", "robotics") if is_graph else ("language",),
            contribution="survey" if place % 10 == 0 else "method",
            keywords=(keyword, "common ground") if is_graph else ("common ground",),
            code="available" if place % 4 == 0 else "none",
        )
        annotate(store, one, said=said)


@pytest.fixture
def store() -> Iterator[Store]:
    """Four weeks in which graphs rise from 4 to 24 of 40 papers."""
    with Store.open("t.db") as made:
        for number, graphs in ((3, 4), (2, 5), (1, 4), (0, 24)):
            week(made, number, graphs, HOSTILE if number == 0 else "tidal flats")
        yield made


def edition_of(store: Store, day: date = LAST, newsletter: Newsletter | None = None) -> Edition:
    made = compose(store, day, taxonomy=TAXONOMY, newsletter=newsletter).edition
    assert made
    return made


def trends_of(edition: Edition) -> Trends | None:
    return next((section.trends for section in edition.sections if section.id == "trends"), None)


def every_format(edition: Edition) -> list[str]:
    pages, mail = render(edition, TAXONOMY), render_mail(edition, TAXONOMY, MARK)
    return [pages.html, re.sub(r"\\(?=\W)", "", pages.markdown), pages.text, mail.html, mail.text]


def test_every_number_is_what_plain_sql_counts(store: Store) -> None:
    with store.transaction():
        for title in ("Week 2, paper 1", "Week 2, paper 2"):
            store.papers.revise(store.get(title).paper.model_copy(update={"abstract": "New words."}))
        store._db.execute(
            "UPDATE papers SET revised_at = ? WHERE revised_at IS NOT NULL",
            [f"{LAST - timedelta(days=10)}T23:59:59.999999+00:00"],
        )
    trends = store.weeks.trends()
    assert [period.last for period in trends.periods] == [LAST - timedelta(days=7 * n) for n in (3, 2, 1, 0)]
    for number, period in enumerate(trends.periods):
        seen = f"first_seen BETWEEN '{period.first}' AND '{period.last}'"
        current = f"FROM papers JOIN annotations ON key = current_key WHERE {seen}"
        assert rows(store, f"SELECT count(*) {current}") == [(period.papers,)]
        assert rows(store, f"SELECT count(*) {current} AND code_status = 'available'") == [(period.code,)]
        days = f"BETWEEN '{period.first}' AND '{period.last}'"
        revised = f"SELECT count(*) FROM papers WHERE date(revised_at) {days}"
        assert rows(store, revised) == [(period.revised,)]
        tags = f"SELECT tag, facet, count(*) FROM tags JOIN papers ON id = paper_id WHERE {seen}"
        counted = {(tag, facet): count for tag, facet, count in rows(store, f"{tags} GROUP BY 1, 2")}
        of_topics = {term.name: term.papers[number] for term in trends.topics}
        assert of_topics == {name: counted.get((name, "topic"), 0) for name in of_topics}
        assert {tag for tag, facet in counted if facet == "topic"} <= of_topics.keys()
        for term in trends.keywords:
            keyword = f"SELECT count(*) {current} AND keywords LIKE '%{term.name[:7]}%'"
            assert rows(store, keyword) == [(term.papers[number],)]
    assert [period.revised for period in trends.periods] == [0, 0, 2, 0]
    assert [term.name for term in trends.tags] == ["graphs", "robotics"]
    assert trends.tags[0].papers == (4, 3, 4, 24)  # two of an earlier week are revised and have no annotation


def test_a_newsletter_counts_the_papers_that_pass_its_filter(store: Store) -> None:
    trends = store.weeks.trends(where=Filter(tags=("graphs",)))
    assert [period.papers for period in trends.periods] == [4, 5, 4, 24]
    assert [store.count(Filter(tags=("graphs",), since=p.first, until=p.last)) for p in trends.periods] == [
        period.papers for period in trends.periods
    ]
    assert trends.tags == ()


def test_every_format_says_the_same_and_only_pages_draw_it(store: Store) -> None:
    edition = edition_of(store)
    for page in every_format(edition):
        words = " ".join(page.split())
        assert "compared with the 3 weeks before." in words
        assert "24 papers, 60.0%" in words
        assert "before: 10.8%" in words
        assert "10 papers, 25.0%; before: 25.0%" in words
        assert "Trends compare the papers of the last 7 days with those of up to 5 weeks before." in words
    html, markdown, text, mail, _ = every_format(edition)
    assert html.count("<svg ") == 2 + 1 + 3
    assert "<svg" not in markdown + text + mail
    assert 'role="img" aria-label="Graphs by week, the oldest first: 10.0%, 12.5%, 10.0%, 60.0%"' in html


def test_a_chart_is_read_without_colour_the_latest_bar_being_filled(store: Store) -> None:
    html = render(edition_of(store), TAXONOMY).html
    assert "rect { fill: none; stroke: var(--faint) }" in html
    assert "rect.latest { fill: var(--rule)" in html
    for chart in re.findall(r"<svg.*?</svg>", html):
        assert chart.count("<rect ") == 4
        assert chart.count('class="latest"/></svg>') == 1


def test_a_hostile_keyword_is_text_in_every_format(store: Store) -> None:
    html, markdown, text, mail, mail_text = every_format(edition_of(store))
    for page in (html, mail):
        assert "&lt;script&gt;tides&lt;/script&gt; *x*" in page
        assert "<script" not in page
    for page in (markdown, text, mail_text):
        assert "<script>tides</script> *x*" in page
        assert "\x1b" not in page


def test_there_are_no_trends_before_two_whole_weeks_are_known_or_where_they_are_not_wanted(
    store: Store,
) -> None:
    start = LAST - timedelta(days=27)
    assert trends_of(edition_of(store, start + timedelta(days=12))) is None
    assert trends_of(edition_of(store, start + timedelta(days=13)))
    assert trends_of(edition_of(store, LAST, Newsletter(name="quiet", trends=False))) is None
    with Store.in_memory() as empty:
        assert store.weeks.trends(date(2000, 1, 1)) == empty.weeks.trends() == Trends()


def test_there_are_no_trends_where_the_weeks_before_have_no_papers() -> None:
    def has_history(*papers: int) -> bool:
        return Trends(
            periods=tuple(Period(first=LAST, last=LAST, papers=each) for each in papers)
        ).has_history

    assert has_history(1, 0, 9)
    assert not has_history(0, 0, 9)
    assert not has_history(9, 0)
    assert not has_history()


def test_an_edition_keeps_its_trends(store: Store) -> None:
    edition = edition_of(store)
    assert not compose(store, LAST, taxonomy=TAXONOMY).changed
    with store.transaction():
        store.editions.publish(LAST)
        store.papers.remove(store.get("Week 1, paper 1").id)
    assert store.editions.get(LAST) == edition


def test_readers_of_a_week_get_the_latest_trends_and_readers_of_a_part_none(store: Store) -> None:
    first, last = edition_of(store, LAST - timedelta(days=1)), edition_of(store, LAST)
    assert trends_of(merged([first, last])) == trends_of(last)
    some = restricted(last, {last.cards[0].record.id})
    assert some
    assert trends_of(some) is None


def test_the_site_has_a_page_of_trends_once_there_are_any(store: Store) -> None:
    edition_of(store)
    published = Publication(base="https://example.org/", domain="example.org")
    write_site(store, TAXONOMY, Path("site"), published)
    page = Path("site/trends.html").read_text()
    assert '<a href="tag/graphs/index.html">Graphs</a>' in page
    assert "All topics" in page
    assert '<a href="trends.html">Trends</a>' in Path("site/index.html").read_text()
    assert "https://example.org/trends.html" in Path("site/sitemap-pages.xml").read_text()
    assert write_site(store, TAXONOMY, Path("site"), published).written == 0
    with Store.open("young.db") as young:
        add(young, paper())
        edition_of(young, DAY)
        write_site(young, TAXONOMY, Path("young"), published)
    assert not Path("young/trends.html").exists()
    assert "trends.html" not in Path("young/index.html").read_text()


def test_where_nothing_changes_a_list_of_what_rises_is_wrong_one_time_in_twenty_at_most() -> None:
    dice = random.Random(5)
    wrong, lists = 0, 200
    for _ in range(lists):
        counts = {
            f"term {term}": [
                sum(dice.random() < share for _ in range(size)) for size, share in ((400, rate), (100, rate))
            ]
            for term, rate in enumerate((0.05, 0.1, 0.2, 0.4, 0.6))
        }
        wrong += bool(rising(counts, [400, 100]))
    assert wrong <= CHANCE * lists


def test_the_probability_is_that_of_fishers_exact_test() -> None:
    # Of 12 papers 5 have a term, 4 of them among the 6 of the latest period.
    ways = comb(5, 4) * comb(7, 2) + comb(5, 5) * comb(7, 1)
    assert exp(log_chance(4, 6, 1, 6)) == pytest.approx(ways / comb(12, 6))


def test_a_term_must_be_in_some_papers_and_grow_to_rise() -> None:
    few = FEWEST_PAPERS - 1
    assert rising({"few": [0, few], "falls": [300, 5], "rises": [10, 40]}, [400, 100]) == ["rises"]
    assert rising({"new": [0, 50]}, [0, 100]) == []
    assert rising({"alone": [50]}, [100]) == []


@given(st.lists(st.integers(0, 50), min_size=2, max_size=6), st.integers(2, 9))
def test_more_papers_with_the_same_shares_never_make_a_trend_less_clear(
    counts: list[int], times: int
) -> None:
    sizes = [50] * len(counts)
    if rising({"x": counts}, sizes):
        assert rising({"x": [count * times for count in counts]}, [size * times for size in sizes])


@given(st.lists(st.floats(0, 1e6, allow_subnormal=False), max_size=8))
def test_bars_stand_inside_their_chart_and_are_as_high_as_their_values(values: list[float]) -> None:
    drawn = bars(values)
    assert all(bar.y >= 0 and bar.y + bar.height <= HEIGHT and bar.height >= 1 for bar in drawn)
    ordered = sorted(zip(values, drawn, strict=True), key=lambda each: each[0])
    heights = [bar.height for _, bar in ordered]
    assert heights == sorted(heights)
    assert [bar.is_latest for bar in drawn] == [False] * (len(drawn) - 1) + [True] * bool(drawn)


def test_periods_are_weeks_that_end_on_the_day_and_are_known_whole() -> None:
    spans = periods_until(LAST, LAST - timedelta(days=20))
    assert spans == [
        (LAST - timedelta(days=20), LAST - timedelta(days=14)),
        (LAST - timedelta(days=13), LAST - timedelta(days=7)),
        (LAST - timedelta(days=6), LAST),
    ]
    assert len(periods_until(LAST, date(2000, 1, 1))) == 6


def test_a_view_without_history_is_none() -> None:
    assert TrendsView.of(Trends(), {}) is None

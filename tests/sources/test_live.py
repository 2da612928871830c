"""Live sources against a real server on loopback that behaves, and misbehaves, as the real ones do."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadsheet.config import Settings
from broadsheet.errors import ConfigError, SourceError, UserError
from broadsheet.intake import admit
from broadsheet.paper import Paper
from broadsheet.sources import arxiv_api, http, open_source
from broadsheet.store import Store
from servers.sources_server import API_PATH, FEED_PATH, HF_PATH, Asked, Fault, Listed, SourcesServer, serving

DAY = date(2025, 3, 13)  # a Thursday
SINCE = date(2025, 3, 11)
WORDS = ("barges", "ferries", "tugs", "buoys", "locks", "weirs", "canals")


def listed(number: int, day: int, **more: Any) -> Listed:
    word = WORDS[number % len(WORDS)]
    return Listed(
        arxiv_id=f"2503.0{number:04}",
        title=f"Steering {word.capitalize()} by Ear {number}",
        abstract=f"We steer {word} in fog by the sound of {number} neighbours & gain 5% at p<0.05.",
        listed=date(2025, 3, day),
        submitted=f"2025-03-{day - 1:02}T12:00:00+00:00",
        **more,
    )


PAPERS = [
    listed(1, 11),
    listed(2, 12, comment="Code: https://github.com/example-lab/ferries"),
    listed(3, 13),
    listed(4, 13, kind="cross"),
    listed(5, 13, kind="replace", version=2),
]


@pytest.fixture
def server() -> Iterator[SourcesServer]:
    with serving(list(PAPERS), DAY) as running:
        yield running


QUICK = ("hf.PACE_S", "arxiv_api.PACE_S", "http.FIRST_RETRY_S")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sources that need no pause, on loopback."""
    for constant in QUICK:
        monkeypatch.setattr(f"broadsheet.sources.{constant}", 0.0)
    monkeypatch.setattr(http, "TIMEOUT_S", 5.0)


@pytest.fixture
def settings(server: SourcesServer, tmp_path: Path) -> Settings:
    return made(server.url, tmp_path)


def made(url: str, folder: Path, **more: Any) -> Settings:
    given: dict[str, Any] = {
        "db": folder / "cache.db",
        "hf_url": url,
        "arxiv_api_url": f"{url}/api/query",
        "arxiv_feed_url": f"{url}/atom",
        "arxiv_oai_url": f"{url}/oai",
        "contact": "mailto:desk@example.org",
        **more,
    }
    return Settings(**given)


def fetched(
    spec: str, settings: Settings, troubles: list[str] | None = None, *, day: date = DAY, since: date = SINCE
) -> list[Paper]:
    told = troubles if troubles is not None else []
    (source,) = open_source(spec, day=day, on_trouble=told.append, settings=settings)
    return list(source.fetch(since))


def ids(papers: list[Paper]) -> list[str]:
    return [paper.id[-1] for paper in papers]


def test_hf_lists_each_day_of_the_look_back_with_votes_and_its_own_words(
    server: SourcesServer, settings: Settings
) -> None:
    papers = fetched("hf", settings)
    assert ids(papers) == ["1", "2", "3", "4", "5"]
    assert [asked.query["date"][-2:] for asked in server.asked] == ["11", "12", "13"]
    sighting = papers[1].sighting
    assert sighting
    assert (sighting.day, sighting.votes, sighting.words["ai_keywords"]) == (date(2025, 3, 12), 3, ["fog"])
    assert (sighting.stars, sighting.words["githubRepo"]) == (7, "https://github.com/example-lab/fog")
    assert papers[1].abstract == PAPERS[1].abstract


def test_every_request_says_who_asks_and_for_what(server: SourcesServer, settings: Settings) -> None:
    fetched("hf", settings)
    fetched("arxiv:cs.RO", settings)
    assert all("desk@example.org" in asked.headers["User-Agent"] for asked in server.asked)
    assert {asked.headers["Accept"].partition(",")[0] for asked in server.asked} == {
        "application/json",
        "application/atom+xml",
    }


def test_hf_reads_pages_until_one_is_short_or_repeats(server: SourcesServer, settings: Settings) -> None:
    server.papers = [listed(number, 12) for number in range(1, 251)]
    papers = fetched("hf?week=2025-W11", settings)
    assert len({paper.id for paper in papers}) == len(papers) == 250
    assert [paper.sighting.rank for paper in papers if paper.sighting] == list(range(1, 251))
    asked = len(server.asked)
    server.repeats = True
    assert len(fetched("hf?week=2025-W11", settings)) == 100
    assert len(server.asked) == asked + 2


def test_an_empty_weekday_is_reported_and_an_empty_weekend_is_not(
    server: SourcesServer, settings: Settings
) -> None:
    server.papers = []
    troubles: list[str] = []
    assert not fetched("hf", settings, troubles, day=date(2025, 3, 10), since=date(2025, 3, 8))
    assert troubles == ["hf lists nothing on Monday, 2025-03-10; it may be late."]
    assert not fetched("arxiv:cs.RO", settings, troubles, since=DAY)
    assert troubles[1:] == ["arxiv:cs.RO lists nothing on Thursday, 2025-03-13; it may be late."]


def test_arxiv_takes_new_and_crossed_papers_and_their_comments(
    server: SourcesServer, settings: Settings
) -> None:
    troubles: list[str] = []
    papers = {paper.id[-1]: paper for paper in fetched("arxiv:cs.RO", settings, troubles)}
    assert set(papers) == {"1", "2", "3", "4"}
    assert papers["2"].comment == PAPERS[1].comment
    assert papers["2"].authors == PAPERS[1].authors
    assert papers["2"].abstract == PAPERS[1].abstract
    assert [papers[number].sighting.day.day for number in "1234"] == [11, 12, 13, 13]  # type: ignore[union-attr]
    assert not troubles
    assert server.paths() == [f"{FEED_PATH}cs.RO", API_PATH, API_PATH]


def test_arxiv_tells_of_a_replaced_paper_only_where_it_is_known(
    server: SourcesServer, settings: Settings
) -> None:
    with Store.open(settings.db) as store:
        known = Paper(
            title=PAPERS[4].title, abstract="We steer weirs in fog.", arxiv_id=PAPERS[4].arxiv_id, version=1
        )
        admit([known], store)
        report = admit(fetched("arxiv:cs.RO", settings), store)
        assert (report.new, report.revised) == (4, 1)
        assert store.get(known.id).paper.version == 2


def test_arxiv_ids_left_out_of_an_answer_stand_in_the_feeds_words(
    server: SourcesServer, settings: Settings
) -> None:
    server.left_out = {PAPERS[3].arxiv_id}
    troubles: list[str] = []
    papers = {paper.id[-1]: paper for paper in fetched("arxiv:cs.RO", settings, troubles)}
    assert papers["4"].abstract == PAPERS[3].abstract
    assert papers["4"].authors == PAPERS[3].authors
    assert len(troubles) == 1


def test_id_lists_answered_in_another_order_are_matched_by_id(
    server: SourcesServer, settings: Settings
) -> None:
    server.papers = [listed(number, 13, kind="cross") for number in range(1, 8)]
    for paper in fetched("arxiv:cs.RO", settings, since=DAY):
        assert f"the sound of {int(paper.id[-1])} neighbours" in paper.abstract


def test_arxivs_error_feed_is_a_source_error_in_its_words(settings: Settings) -> None:
    with pytest.raises(SourceError, match="incorrect field: boom"):
        fetched("arxiv?boom:x", settings)


def test_a_search_reads_its_pages(server: SourcesServer, settings: Settings) -> None:
    server.papers = [listed(number, 12) for number in range(1, 451)]
    assert len(fetched("arxiv?cat:cs.RO", settings)) == 200
    assert len(fetched("arxiv?search_query=cat:cs.RO&max_results=430", settings)) == 430
    server.fail_empty = True
    with pytest.raises(SourceError, match="200 of 450"):
        fetched("arxiv?search_query=cat:cs.RO&max_results=420", settings)


def test_a_feed_out_of_order_leaves_the_search_to_tell(server: SourcesServer, settings: Settings) -> None:
    troubles: list[str] = []
    server.then(Fault(404))
    assert ids(fetched("arxiv:cs.RO", settings, troubles)) == ["1", "2", "3"]
    assert len(troubles) == 1
    assert "query API" in troubles[0]


def test_oai_reads_on_with_tokens_and_after_one_has_expired(
    server: SourcesServer, settings: Settings
) -> None:
    server.page_size = 2
    assert ids(fetched("arxiv-oai:cs.RO", settings)) == ["1", "2", "3", "4", "5"]
    server.expires = 1
    assert set(ids(fetched("arxiv-oai:cs.RO", settings))) == {"1", "2", "3", "4", "5"}
    server.expires = 99
    with pytest.raises(SourceError, match="badResumptionToken"):
        fetched("arxiv-oai:cs.RO", settings)


def test_oai_without_records_brings_nothing_and_names_carry_no_affiliation(
    server: SourcesServer, settings: Settings
) -> None:
    assert fetched("arxiv-oai:cs.RO", settings)[1].authors == ("Ada Example", "Bo Sample")
    server.papers = []
    assert not fetched("arxiv-oai:cs.RO", settings)


GOOD_LATER = [
    Fault(429, {"Retry-After": "0"}),
    Fault(429),
    Fault(406),
    Fault(503, {"Retry-After": "Thu, 13 Mar 2025 00:00:00 GMT"}),
    Fault(500, body=b"oh no"),
    Fault(200, {"Content-Type": "application/json"}, b'[{"pap', says_length=500),
    Fault(200, {"Content-Encoding": "gzip"}, b"this is no gzip"),
]


@pytest.mark.parametrize("fault", GOOD_LATER)
def test_a_passing_fault_is_asked_again(fault: Fault, server: SourcesServer, settings: Settings) -> None:
    server.then(fault, fault)
    assert len(fetched("hf?date=2025-03-13", settings)) == 3
    assert server.paths() == [HF_PATH] * 3


@pytest.mark.parametrize("fault", GOOD_LATER)
def test_a_lasting_fault_is_a_source_error_after_all_tries(
    fault: Fault, server: SourcesServer, settings: Settings
) -> None:
    server.then(*[fault] * 9)
    with pytest.raises(SourceError, match=r"^hf: 127\.0\.0\.1.+try again later\.$"):
        fetched("hf", settings)
    assert len(server.asked) == http.TRIES


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (Fault(404), "404"),
        (Fault(400), "400"),
        (Fault(429, {"Retry-After": "86400"}), "wait more than a day"),
        (Fault(body=b"<html>maintenance</html>"), "not valid JSON"),
        (Fault(body=b'{"error": "bad date"}'), "bad date"),
        (Fault(body='[{"title": "Fog"}]'.encode("utf-16")), "no paper with an id"),
    ],
)
def test_a_fault_that_no_second_try_betters_is_told_at_once(
    fault: Fault, says: str, server: SourcesServer, settings: Settings
) -> None:
    server.then(fault)
    with pytest.raises(SourceError, match=says):
        fetched("hf?date=2025-03-13", settings)
    assert len(server.asked) == 1


def test_a_redirect_loop_ends(server: SourcesServer, settings: Settings) -> None:
    server.then(*[Fault(302, {"Location": f"{server.url}{HF_PATH}"})] * 50)
    with pytest.raises(SourceError):
        fetched("hf", settings)
    assert len(server.asked) < 10


def test_what_has_not_changed_is_not_sent_again_and_still_tells_its_papers(
    server: SourcesServer, settings: Settings
) -> None:
    first = fetched("hf", settings)
    assert fetched("hf", settings) == first
    with Store.open(settings.db) as store:
        assert store.statistics.summary()["fetches"] == {"hf 200": 3, "hf 304": 3}


def test_replies_recorded_are_replayed_without_a_request(
    server: SourcesServer, settings: Settings, tmp_path: Path
) -> None:
    tape = tmp_path / "tape"
    first = fetched("arxiv:cs.RO", made(server.url, tmp_path, record=tape))
    asked = len(server.asked)
    replaying = made(server.url, tmp_path, replay=tape)
    assert fetched("arxiv:cs.RO", replaying) == first
    with pytest.raises(SourceError, match="no reply"):
        fetched("hf", replaying)
    assert len(server.asked) == asked
    with pytest.raises(ConfigError, match="--record"):
        fetched("hf", made(server.url, tmp_path, replay=tmp_path / "nowhere"))


def test_without_a_network_it_says_so_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"^hf: .+ cannot be reached \(.+\); try again later\.$"):
        fetched("hf", made("http://127.0.0.1:9", tmp_path))
    with Store.open(tmp_path / "cache.db") as store:
        assert store.statistics.summary()["fetches"] == {"hf unanswered": 2}


def _ask_twice(settings: Settings, pace_s: float) -> None:
    arxiv_api.PACE_S = pace_s
    fetched("arxiv?cat:cs.RO", settings)
    fetched("arxiv?cat:cs.RO", settings)


def test_all_processes_on_one_database_keep_one_pace(server: SourcesServer, tmp_path: Path) -> None:
    pace_s = 0.25
    paced = made(server.url, tmp_path)
    Store.open(paced.db).close()
    forking = multiprocessing.get_context("spawn")
    processes = [forking.Process(target=_ask_twice, args=(paced, pace_s)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    moments = sorted(asked.at for asked in server.asked)
    assert len(moments) == 4
    # A request may be delayed on its way, the next one then follows sooner; all four never come faster.
    assert moments[-1] - moments[0] >= 3 * pace_s - 0.1


def test_a_slot_that_a_fast_clock_claimed_does_not_stop_the_others(tmp_path: Path) -> None:
    with Store.open(tmp_path / "cache.db") as store:
        present = time.time()
        store.fetches.claim_slot("arxiv", 3.0, present + 1e6)
        assert store.fetches.claim_slot("arxiv", 3.0, present) == pytest.approx(present)
        assert store.fetches.claim_slot("arxiv", 3.0, present) == pytest.approx(present + 3.0)
        assert store.fetches.claim_slot("hf", 3.0, present) == pytest.approx(present)


@pytest.mark.parametrize(
    "spec", ["arxiv", "arxiv:", "arxiv:cs CL", "arxiv?", "arxiv-oai", "hf?page=2", "hf:x", "sample:x"]
)
def test_a_name_that_asks_for_nothing_it_has_is_for_the_user_to_fix(spec: str, settings: Settings) -> None:
    with pytest.raises(UserError):
        open_source(spec, settings=settings)


RIGHT: dict[str, str] = {
    "hf?date=2025-03-13": HF_PATH,
    "arxiv?cat:cs.RO": API_PATH,
    "arxiv-oai:cs.RO": "/oai",
    "arxiv:cs.RO": f"{FEED_PATH}cs.RO",
}


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SourcesServer, Settings]]:
    with serving(list(PAPERS), DAY) as running:
        yield running, made(running.url, tmp_path_factory.mktemp("live"))


@hypothesis.settings(max_examples=60, deadline=5000)
@given(data=st.data(), spec=st.sampled_from(sorted(RIGHT)))
def test_mutated_replies_give_papers_or_a_source_error(
    data: st.DataObject, spec: str, lasting: tuple[SourcesServer, Settings]
) -> None:
    server, settings = lasting
    right = server.answer(Asked(0.0, RIGHT[spec], {}, {})).body
    start = data.draw(st.integers(0, len(right)))
    end = data.draw(st.integers(start, min(len(right), start + 60)))
    new = data.draw(st.one_of(st.just(b""), st.binary(max_size=20), st.just(right[start:end] * 2)))
    server.then(Fault(body=right[:start] + new + right[end:]))
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(http, "TRIES", 1)
            papers = fetched(spec, settings)
    except SourceError:
        return
    assert all(paper.title for paper in papers)

"""Links are asked politely, over real HTTP on loopback, and never lead into the network that asks."""

import asyncio
import json
import sys
import threading
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from broadsheet import links
from broadsheet.annotation import Code
from broadsheet.cli import main
from broadsheet.links import Checked, Manners, check, is_public
from broadsheet.store import Store
from builders import annotation, maker, paper
from servers.loopback import Answer, Call, LoopbackServer


class Site:
    """Pages by path; notes every call but those for robots.txt."""

    def __init__(self, pages: dict, robots: Answer | None = None) -> None:
        self.pages = pages
        self.robots = robots or Answer(404)
        self.calls: list[Call] = []
        self.open_now = self.most_at_once = 0
        self.server = LoopbackServer(self._respond)
        self.url = self.server.url

    async def _respond(self, call: Call) -> Answer:
        if call.path == "/robots.txt":
            return self.robots
        self.calls.append(call)
        self.open_now += 1
        self.most_at_once = max(self.open_now, self.most_at_once)
        try:
            await asyncio.sleep(0)
            page = self.pages[call.path]
            page = page(call) if callable(page) else page
            answer = await page if asyncio.iscoroutine(page) else page
            return replace(answer, body=b"") if call.method == "HEAD" else answer
        finally:
            self.open_now -= 1

    @property
    def asked(self) -> list[tuple[str, str]]:
        return [(call.method, call.path) for call in self.calls]


@contextmanager
def site(pages: dict, robots: Answer | None = None):
    made = Site(pages, robots)
    with made.server:
        yield made


class Waits:
    """Stands in for sleeping, and notes for how long."""

    def __init__(self) -> None:
        self.waited: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.waited.append(seconds)


def ask(*urls: str, **manners) -> dict[str, Checked]:
    found: list[Checked] = []
    given = {"allow_private": True, "pause_s": 0.0, "timeout_s": 5.0, **manners}
    check(urls, found.append, Manners(**given))
    return {checked.url: checked for checked in found}


@pytest.mark.parametrize(
    ("status", "state"), [(200, "live"), (404, "gone"), (410, "gone"), (401, "unknown"), (500, "unknown")]
)
def test_the_status_decides(status: int, state: str) -> None:
    with site({"/x": Answer(status)}) as there:
        assert ask(f"{there.url}/x")[f"{there.url}/x"] == Checked(f"{there.url}/x", state, str(status))


@pytest.mark.parametrize("refusal", [403, 404, 405, 501])
def test_what_head_is_refused_is_asked_again_with_get(refusal: int) -> None:
    with site({"/x": lambda call: Answer(refusal if call.method == "HEAD" else 200)}) as there:
        assert ask(f"{there.url}/x")[f"{there.url}/x"].state == "live"
        assert there.asked == [("HEAD", "/x"), ("GET", "/x")]


def test_a_live_page_is_asked_for_its_head_only_and_told_who_asks() -> None:
    with site({"/x": Answer(200)}) as there:
        ask(f"{there.url}/x")
        assert there.asked == [("HEAD", "/x")]
        assert there.calls[0].headers["user-agent"].startswith("broadsheet/")
        assert there.calls[0].headers["host"] == there.url.removeprefix("http://")


def test_redirects_are_followed_to_their_end() -> None:
    with site({"/a": Answer(302, headers={"location": "/b"}), "/b": Answer(410)}) as there:
        assert ask(f"{there.url}/a")[f"{there.url}/a"].state == "gone"


def test_a_redirect_loop_ends_unknown_after_a_few_steps() -> None:
    with site({"/a": Answer(301, headers={"location": "/a"})}) as there:
        found = ask(f"{there.url}/a")[f"{there.url}/a"]
        assert found.state == "unknown"
        assert "redirects" in found.detail
        assert len(there.calls) == links.MAX_REDIRECTS + 1


def test_loopback_is_not_asked_unless_allowed() -> None:
    with site({"/x": Answer(200)}) as there:
        found = ask(f"{there.url}/x", allow_private=False)[f"{there.url}/x"]
        assert (found.state, found.detail) == ("unknown", "it leads into a private network")
        assert there.calls == []


def test_a_public_page_that_redirects_into_the_network_leads_nowhere(monkeypatch) -> None:
    with site({"/in": Answer(200)}) as inner, site({"/a": Answer(302)}) as outer:
        outer.pages["/a"] = Answer(
            302, headers={"location": f"{inner.url.replace('127.0.0.1', 'localhost')}/in"}
        )
        judged: list[str] = []

        def only_the_first_host_is_public(address: str) -> bool:
            judged.append(address)
            return len(judged) <= 2  # robots.txt and the page of the outer site

        monkeypatch.setattr(links, "is_public", only_the_first_host_is_public)
        found = ask(f"{outer.url}/a", allow_private=False)[f"{outer.url}/a"]
        assert (found.state, found.detail) == ("unknown", "it leads into a private network")
        assert len(outer.calls) == 1
        assert inner.calls == []


def test_a_name_with_one_private_address_is_not_asked(monkeypatch) -> None:
    async def resolve(self, host, port, **options):
        return [(0, 0, 0, "", (address, port)) for address in ("93.184.216.34", "10.0.0.7")]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", resolve)
    found = ask("https://two-faced.example.org/", allow_private=False)["https://two-faced.example.org/"]
    assert found.detail == "it leads into a private network"


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "192.168.0.1",
        "172.16.0.1",
        "169.254.169.254",
        "0.0.0.0",
        "100.64.0.1",
        "224.0.0.1",
        "::1",
        "::",
        "fe80::1%eth0",
        "fc00::1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2002:a00:1::",
    ],
)
def test_an_address_that_is_not_of_the_open_internet_is_private(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:4700::1111", "::ffff:93.184.216.34"])
def test_an_address_of_the_open_internet_is_public(address: str) -> None:
    assert is_public(address)


def test_a_page_that_never_answers_is_left_in_time() -> None:
    with site({"/x": lambda call: asyncio.Event().wait()}) as there:
        found = ask(f"{there.url}/x", timeout_s=0.3)[f"{there.url}/x"]
        assert (found.state, found.detail) == ("unknown", "no answer in time")


def test_a_host_that_does_not_exist_or_listen_is_unknown() -> None:
    with site({}) as there:
        closed = f"{there.url}/x"
    assert ask(closed)[closed].state == "unknown"
    assert ask("https://nowhere.invalid/x")["https://nowhere.invalid/x"].state == "unknown"


def test_robots_txt_is_kept_to() -> None:
    rules = Answer(200, b"User-agent: broadsheet\nDisallow: /private\n")
    with site({"/private/x": Answer(200), "/open": Answer(200)}, rules) as there:
        found = ask(f"{there.url}/private/x", f"{there.url}/open")
        assert found[f"{there.url}/private/x"].detail == "robots.txt forbids it"
        assert found[f"{there.url}/open"].state == "live"
        assert there.asked == [("HEAD", "/open")]


def test_a_robots_txt_that_fails_forbids_everything() -> None:
    with site({"/x": Answer(200)}, Answer(500)) as there:
        assert ask(f"{there.url}/x")[f"{there.url}/x"].state == "unknown"
        assert there.calls == []


def test_retry_after_is_waited_for_once() -> None:
    answers = iter([Answer(429, headers={"retry-after": "7"}), Answer(200)])
    waits = Waits()
    with site({"/x": lambda call: next(answers)}) as there:
        assert ask(f"{there.url}/x", sleep=waits)[f"{there.url}/x"].state == "live"
    assert waits.waited == [7.0]


def test_a_host_that_asks_for_a_long_wait_is_left_alone_for_this_run() -> None:
    waits = Waits()
    with site({"/x": Answer(429, headers={"retry-after": "3600"}), "/y": Answer(200)}) as there:
        found = ask(f"{there.url}/x", f"{there.url}/y", sleep=waits)
        assert [checked.state for checked in found.values()] == ["unknown", "unknown"]
        assert there.asked == [("HEAD", "/x")]
    assert waits.waited == []


def test_a_host_is_asked_one_request_at_a_time_with_a_pause_between() -> None:
    waits = Waits()
    with site({f"/{n}": Answer(200) for n in range(4)}) as there:
        ask(*(f"{there.url}/{n}" for n in range(4)), pause_s=30.0, sleep=waits)
        assert there.most_at_once == 1
        assert len(there.calls) == 4
    assert len(waits.waited) == 4  # robots.txt comes first
    assert all(25 < seconds <= 30 for seconds in waits.waited)


@pytest.mark.parametrize("url", ["ftp://example.org/x", "http://me:word@example.org/", "https://", "words"])
def test_what_is_no_plain_web_address_is_not_asked(url: str) -> None:
    assert ask(url)[url].state == "unknown"


def stored(path, *urls: str) -> None:
    with Store.open(path) as store, store.transaction():
        for number, url in enumerate(urls):
            made = paper(title=f"Paper number {number}", abstract=f"Code is at {url}.")
            store.papers.add(made, datetime.now(UTC).date())
            said = annotation(code=Code(status="available", evidence="Code is at", urls=(url,)))
            store.annotations.keep(made, maker(), said)


def run(monkeypatch, capsys, *arguments: object) -> dict:
    monkeypatch.setattr(sys, "argv", ["broadsheet", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert not ended.value.code
    return json.loads(capsys.readouterr().out)


def test_the_command_stores_what_it_found_and_asks_again_after_a_week(monkeypatch, capsys, tmp_path) -> None:
    db = tmp_path / "b.db"
    with site({"/a": Answer(200), "/b": Answer(410)}) as there:
        stored(db, f"{there.url}/a", f"{there.url}/b")
        options = ("--db", db, "--allow-private", "--json", "--quiet")
        monkeypatch.setattr(Manners, "__init__", patient_init(Manners.__init__))
        assert run(monkeypatch, capsys, "check-links", *options) == {"live": 1, "gone": 1, "unknown": 0}
        with Store.open(db) as store:
            states = {record.title: record.links for record in store.list()}
            assert states["Paper number 1"] == {f"{there.url}/b": "gone"}
            assert states["Paper number 0"] == {f"{there.url}/a": "live"}
            assert store.links.due() == []
            aged = (datetime.now(UTC) - timedelta(days=8)).isoformat()
            store._db.execute("UPDATE links SET checked_at = ? WHERE state = 'gone'", [aged])
            assert store.links.due() == [f"{there.url}/b"]
            assert len(store.links.due(all_links=True)) == 2
        assert run(monkeypatch, capsys, "check-links", *options)["gone"] == 1
        assert run(monkeypatch, capsys, "check-links", "--all", *options)["live"] == 1


def patient_init(init):
    def without_pause(self, **fields):
        init(self, **{"pause_s": 0.0, **fields})

    return without_pause


def test_answers_are_told_from_the_thread_that_asked() -> None:
    threads = set()
    with site({"/x": Answer(200)}) as there:
        manners = Manners(allow_private=True, pause_s=0.0)
        check([f"{there.url}/x"], lambda _: threads.add(threading.get_ident()), manners)
    assert threads == {threading.get_ident()}

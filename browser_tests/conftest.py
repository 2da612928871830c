"""A site of six weeks on disk and on a static server, the server's own pages, and Debian's Chromium."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import uvicorn
from looking import Served, published
from playwright.sync_api import Browser, sync_playwright

from broadsheet.compose import compose
from broadsheet.config import Settings
from broadsheet.paper import Paper
from broadsheet.site import Publication, write_site
from broadsheet.store import Store
from broadsheet.web import create_app
from broadsheet.web.impatience import Impatient
from builders import ABSTRACT, DAY, add, annotate, annotation, paper, sighting
from editions import TAXONOMY, small_edition
from servers.smtp import MailServer

REVISED = paper("Salt Lines")
SIX_WEEKS = 42


def _later(store: Store, days: int) -> None:
    day = DAY + timedelta(days)
    for number in range(40 if days < 6 else 6):
        new = paper(
            f"Kelp Clock {days}.{number}: Reading $\\alpha$-Tides at {days * number} Metres",
            abstract=ABSTRACT,
            authors=("Ada Marsh", "Béla Tóth"),
            url="https://example.org/p/2",
            sighting=sighting(day, rank=number),
        )
        add(store, new)
        topic = ("language", "graphs", "robotics")[number % 3]
        annotate(store, new, said=annotation(topics=(topic,), keywords=("kelp", f"depth {number}")))
    compose(store, day, taxonomy=TAXONOMY)


def _filled(path: Path, days: int) -> Store:
    """A cache with editions of some days, and a paper that was revised."""
    store, _ = small_edition(path)
    with store.transaction():
        known = store.papers.by_id(REVISED.id)
        assert known
        store.papers.revise(
            Paper(**{**known.model_dump(), "abstract": known.abstract.replace("nine", "ten")})
        )
    annotate(store, known.model_copy(update={"abstract": known.abstract.replace("nine", "ten")}))
    for later in range(1, days):
        _later(store, later)
    return store


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that holds the site in ``papers``."""
    root = tmp_path_factory.mktemp("site")
    with _filled(root / "broadsheet.db", SIX_WEEKS) as store:
        published = Publication(base="https://example.org/papers/", domain="example.org")
        write_site(store, TAXONOMY, root / "www" / "papers", published)
    return root / "www"


@pytest.fixture(scope="session", params=["file", "http"])
def base(request: pytest.FixtureRequest, folder: Path) -> Iterator[str]:
    """The address of the site, from the file system and from a server that does nothing but serve files."""
    with published(folder, served=request.param == "http") as address:
        yield f"{address}papers/"


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The web page over a cache of three days, with a mail server on loopback."""
    path = tmp_path_factory.mktemp("served") / "broadsheet.db"
    _filled(path, 3).close()
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    with MailServer() as mail:
        settings = Settings(
            db=path,
            engine="extractive",
            mail={
                "from": "papers@lists.example.org",
                "host": "127.0.0.1",
                "port": mail.port,
                "security": "none",
                "url": url,
            },
            newsletter={"daily": {"title": "Broadsheet"}, "graphs": {"title": "Graphs weekly"}},
        )
        app = create_app(settings)
        config = uvicorn.Config(app, http=Impatient, lifespan="off", log_level="critical")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield Served(url, path, mail)
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()

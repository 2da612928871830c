"""A page in Chromium, what went wrong on it, and what axe finds."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page

from servers.smtp import MailServer

AXE = Path(__file__).parent / ".tools" / "node_modules" / "axe-core" / "axe.min.js"


@dataclass(frozen=True)
class Served:
    """The server: where it and its cache are, and the mail server that its messages go to."""

    url: str
    db: Path
    mail: MailServer


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Print nothing."""


@contextmanager
def published(folder: Path, *, served: bool) -> Iterator[str]:
    """The address of a folder, in the file system or on a server that does nothing but serve files."""
    if not served:
        yield f"{folder.as_uri()}/"
        return
    serve = functools.partial(_Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), serve) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@contextmanager
def opened(browser: Browser, **options: Any) -> Iterator[tuple[Page, list[str]]]:
    """A page, and what went wrong on it: errors on the console, and requests elsewhere."""
    context = browser.new_context(**options)
    page, wrong, asked = context.new_page(), [], []
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.on("requestfailed", lambda request: _failed(request, wrong))
    try:
        yield page, wrong
        own = urlsplit(page.url)[:2]
        wrong += [url for url in asked if urlsplit(url)[:2] != own]
    finally:
        context.close()


def _failed(request: Any, wrong: list[str]) -> None:
    if request.failure != "net::ERR_ABORTED":  # a search that went on before it was answered
        wrong.append(f"failed: {request.url} ({request.failure})")


def violations(page: Page) -> list[str]:
    """What axe finds, each with the first element that has it."""
    # The policy of the page forbids scripts of others, so axe comes in through the debugger.
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, {preload: false, resultTypes: ['violations']})")
    return [f"{each['id']}: {each['nodes'][0]['html']}" for each in found["violations"]]

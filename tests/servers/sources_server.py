"""A loopback server that answers as Hugging Face's daily papers and arXiv's three interfaces do.

Every paper on it is invented; the shapes follow the documented fields. What is to go wrong is queued with
`SourcesServer.then`: each queued fault answers one request, in order, in place of the right answer.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from email.utils import format_datetime
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic
from typing import Any
from urllib.parse import parse_qs, urlsplit

HF_PATH, API_PATH, FEED_PATH, OAI_PATH = "/api/daily_papers", "/api/query", "/atom/", "/oai"


@dataclass(frozen=True)
class Listed:
    """An invented paper as the sources list it.

    Attributes:
        listed: The day it stands in the listings.
        submitted: When its first version was submitted, ISO 8601.
        kind: How arXiv announces it: new, cross, replace or replace-cross.
    """

    arxiv_id: str
    title: str
    abstract: str
    listed: date
    submitted: str
    version: int = 1
    comment: str = ""
    kind: str = "new"
    upvotes: int = 3
    authors: tuple[str, ...] = ("Ada Example", "Bo Sample")
    categories: tuple[str, ...] = ("cs.RO",)


@dataclass(frozen=True)
class Fault:
    """A wrong answer to one request.

    Attributes:
        status: Its status.
        headers: What is added to its headers.
        body: What it says.
        says_length: The Content-Length it claims, where that is not the truth.
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    says_length: int | None = None


@dataclass(frozen=True)
class Asked:
    """A request that came."""

    at: float
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]


class SourcesServer:
    """The server's papers, its faults to come, and the requests that came.

    Attributes:
        feed_day: The day of arXiv's announcement feed.
        page_size: Rows or records a page, whatever is asked for, where set.
        left_out: arXiv ids that an id list is answered without.
        repeats: Hugging Face answers its first page for every page.
        expires: How many of the next resumption tokens have expired.
        fail_empty: arXiv's search answers no entry beyond the first page.
    """

    def __init__(self, url: str, papers: list[Listed], feed_day: date) -> None:
        self.url = url
        self.papers = papers
        self.feed_day = feed_day
        self.page_size: int | None = None
        self.left_out: set[str] = set()
        self.repeats = False
        self.expires = 0
        self.fail_empty = False
        self.asked: list[Asked] = []
        self._faults: deque[Fault] = deque()

    def then(self, *faults: Fault) -> None:
        """Answer the next requests with these faults."""
        self._faults.extend(faults)

    def paths(self) -> list[str]:
        """The paths that were asked for, in order."""
        return [asked.path for asked in self.asked]

    def answer(self, asked: Asked) -> Fault:
        """What a request is answered."""
        self.asked.append(asked)
        if self._faults:
            return self._faults.popleft()
        routes: dict[str, Callable[[Mapping[str, str]], tuple[str, str]]] = {
            HF_PATH: self._daily_papers,
            API_PATH: self._query,
            OAI_PATH: self._oai,
        }
        answered = (
            self._feed() if asked.path.startswith(FEED_PATH) else routes[asked.path](asked.query)
            if asked.path in routes else None
        )  # fmt: skip
        if answered is None:
            return Fault(404)
        kind, body = answered
        raw = body.encode()
        etag = f'"{hashlib.sha256(raw).hexdigest()[:16]}"'
        if asked.headers.get("If-None-Match") == etag:
            return Fault(304, {"ETag": etag})
        headers = {"Content-Type": kind, "ETag": etag}
        if "gzip" in asked.headers.get("Accept-Encoding", ""):
            return Fault(200, {**headers, "Content-Encoding": "gzip"}, gzip.compress(raw))
        return Fault(200, headers, raw)

    def _daily_papers(self, query: Mapping[str, str]) -> tuple[str, str]:
        size = self.page_size or int(query.get("limit", "50"))
        start = 0 if self.repeats else int(query.get("p", "0")) * size
        listed = [
            one for one in self.papers if "date" not in query or one.listed.isoformat() == query["date"]
        ]
        return "application/json", json.dumps([_row(one) for one in listed[start : start + size]])

    def _query(self, query: Mapping[str, str]) -> tuple[str, str]:
        if "boom" in query.get("search_query", ""):
            entry = (
                "<entry><id>http://arxiv.org/api/errors#incorrect_field</id><title>Error</title>"
                "<summary>incorrect field: boom</summary></entry>"
            )
            return "application/atom+xml", _atom(entry, total=1)
        start, most = int(query.get("start", "0")), int(query.get("max_results", "10"))
        if "id_list" in query:
            wanted = query["id_list"].split(",")
            found = [
                one for one in self.papers if one.arxiv_id in wanted and one.arxiv_id not in self.left_out
            ]
            found.reverse()
        else:
            found = [one for one in self.papers if one.kind == "new"]
        page = found[start : start + min(most, self.page_size or most)]
        if self.fail_empty and start:
            page = []
        return "application/atom+xml", _atom("".join(map(_entry, page)), total=len(found))

    def _feed(self) -> tuple[str, str]:
        entries = "".join(_announced(one) for one in self.papers if one.listed == self.feed_day)
        updated = f"<updated>{self.feed_day}T00:00:00-04:00</updated>"
        return "application/atom+xml", _atom(updated + entries, total=None)

    def _oai(self, query: Mapping[str, str]) -> tuple[str, str]:
        size = self.page_size or 1000
        token = query.get("resumptionToken", "")
        if token and self.expires:
            self.expires -= 1
            return "text/xml", _oai('<error code="badResumptionToken">expired</error>')
        start, _, first = token.partition("|") if token else ("0", "", query.get("from", ""))
        found = sorted(
            (one for one in self.papers if one.listed.isoformat() >= first), key=lambda one: one.listed
        )
        if not found:
            return "text/xml", _oai('<error code="noRecordsMatch"/>')
        end = int(start) + size
        more = f"{end}|{first}" if end < len(found) else ""
        records = "".join(map(_oai_record, found[int(start) : end]))
        return "text/xml", _oai(
            f"<ListRecords>{records}<resumptionToken>{more}</resumptionToken></ListRecords>"
        )


@contextmanager
def serving(papers: list[Listed], feed_day: date) -> Iterator[SourcesServer]:
    """A server on a free port of loopback, for as long as the body runs."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            split = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(split.query).items()}
            answered = state.answer(Asked(monotonic(), split.path, query, dict(self.headers.items())))
            self.send_response(answered.status)
            for name, value in answered.headers.items():
                self.send_header(name, value)
            length = len(answered.body) if answered.says_length is None else answered.says_length
            self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write(answered.body)
            if length != len(answered.body):
                self.close_connection = True

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state = SourcesServer(f"http://127.0.0.1:{server.server_port}", papers, feed_day)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _row(one: Listed) -> dict[str, Any]:
    return {
        "paper": {
            "id": one.arxiv_id,
            "title": one.title,
            "summary": one.abstract,
            "authors": [{"_id": "1", "name": name, "hidden": False} for name in one.authors],
            "publishedAt": one.submitted,
            "submittedOnDailyAt": f"{one.listed}T01:00:00.000Z",
            "upvotes": one.upvotes,
            "githubRepo": "https://github.com/example-lab/fog",
            "githubStars": 7,
            "discussionId": "d1",
            "ai_summary": "A summary by the source's model.",
            "ai_keywords": ["fog"],
            "organization": {"name": "example-lab"},
        },
        "publishedAt": one.submitted,
        "title": one.title,
        "summary": one.abstract,
        "thumbnail": "https://cdn.example.org/1.png",
        "numComments": 1,
    }


def _atom(entries: str, *, total: int | None) -> str:
    counted = f"<opensearch:totalResults>{total}</opensearch:totalResults>" if total is not None else ""
    return (
        '<?xml version="1.0" encoding="UTF-8"?><feed xmlns="http://www.w3.org/2005/Atom"'
        ' xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/" xmlns:arxiv="http://arxiv.org/schemas/atom"'
        f' xmlns:dc="http://purl.org/dc/elements/1.1/">{counted}{entries}</feed>'
    )


def _entry(one: Listed) -> str:
    people = "".join(f"<author><name>{name}</name></author>" for name in one.authors)
    comment = f"<arxiv:comment>{escape(one.comment)}</arxiv:comment>" if one.comment else ""
    categories = "".join(f'<category term="{name}"/>' for name in one.categories)
    return (
        f"<entry><id>http://arxiv.org/abs/{one.arxiv_id}v{one.version}</id><title>{escape(one.title)}</title>"
        f"<summary>\n  {escape(one.abstract)}\n</summary><published>{one.submitted}</published>"
        f"<updated>{one.submitted}</updated>{people}{comment}{categories}"
        f'<link href="http://arxiv.org/abs/{one.arxiv_id}v{one.version}" rel="alternate"/></entry>'
    )


def _announced(one: Listed) -> str:
    return (
        f"<entry><id>oai:arXiv.org:{one.arxiv_id}v{one.version}</id><title>{escape(one.title)}</title>"
        f'<link href="https://arxiv.org/abs/{one.arxiv_id}" rel="alternate" type="text/html"/>'
        f"<summary>arXiv:{one.arxiv_id}v{one.version} Announce Type: {one.kind} \n"
        f"Abstract: {escape(one.abstract)}</summary><published>{one.listed}T00:00:00-04:00</published>"
        f"<arxiv:announce_type>{one.kind}</arxiv:announce_type>"
        f"<dc:creator>{', '.join(one.authors)}</dc:creator></entry>"
    )


def _oai(inner: str) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?><OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">'
        f"<responseDate>2025-03-13T00:00:00Z</responseDate><request>oai</request>{inner}</OAI-PMH>"
    )


def _oai_record(one: Listed) -> str:
    from datetime import datetime

    submitted = format_datetime(datetime.fromisoformat(one.submitted), usegmt=True)
    versions = "".join(
        f'<version version="v{number}"><date>{submitted}</date><size>9kb</size></version>'
        for number in range(1, one.version + 1)
    )
    return (
        f"<record><header><identifier>oai:arXiv.org:{one.arxiv_id}</identifier><datestamp>{one.listed}</datestamp>"
        f"<setSpec>cs:cs:RO</setSpec></header><metadata>"
        f'<arXivRaw xmlns="http://arxiv.org/OAI/arXivRaw/"><id>{one.arxiv_id}</id><submitter>A</submitter>{versions}'
        f"<title>{escape(one.title)}</title><authors>{' and '.join(one.authors)} (Dock)</authors>"
        f"<categories>{' '.join(one.categories)}</categories><comments>{escape(one.comment)}</comments>"
        f"<abstract>  {escape(one.abstract)}\n</abstract></arXivRaw></metadata></record>"
    )

"""A mail server that takes everything and writes down who got what; ``benchmarks/delivery.py`` starts it.

aiosmtpd in a process of its own. A line of its log is the address, the key of the delivery, the size of the
message and the name of a file with its content, in which every letter of the reader's token is an ``x``: so
readers who got the same content share a file, and a message can be made again to the byte.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from functools import cache
from pathlib import Path
from typing import Any

_KEY = re.compile(rb"(?m)^Message-ID: <([0-9a-f]+)@")
_TOKEN = re.compile(rb"/unsubscribe/([\w-]{32})>")
_OWN = re.compile(rb"(?m)^(?:To|Date|Message-ID|List-Unsubscribe): .*\r\n")
_PAPER = re.compile(r'href="https://arxiv\.org/abs/([^"]+)"')


@dataclass(frozen=True)
class Taken:
    """One message that the server took."""

    address: str
    key: str
    size: int
    content: str


class Sink:
    """The server, in a process of its own, and what it wrote down."""

    def __init__(self, folder: Path) -> None:
        self._log, self._contents = folder / "received", folder / "contents"
        self._contents.mkdir()
        self._log.touch()
        self._seen = self._counted = 0
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(self._log), str(self._contents)], stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout
        self.port = int(self._process.stdout.readline())

    def count(self) -> int:
        """How many messages there are."""
        with self._log.open("rb") as file:
            file.seek(self._seen)
            new = file.read()
        self._seen += len(new)
        self._counted += new.count(b"\n")
        return self._counted

    def taken(self, first: int = 0) -> Iterator[Taken]:
        """Yield the messages, those before the first one left out."""
        with self._log.open(encoding="ascii") as file:
            for number, line in enumerate(file):
                if number >= first:
                    address, key, size, content = line.split()
                    yield Taken(address, key, int(size), content)

    def body(self, content: str) -> bytes:
        """Return a content as it came, but for the headers that each reader has for their own."""
        return (self._contents / content).read_bytes()

    @cache  # noqa: B019 - as many as there are contents, for as long as the benchmark runs
    def papers(self, content: str) -> frozenset[str]:
        """Return the arXiv ids that the HTML of a content links to."""
        for part in message_from_bytes(self.body(content)).walk():
            if part.get_content_type() == "text/html":
                html = part.get_payload(decode=True)
                assert isinstance(html, bytes)
                return frozenset(_PAPER.findall(html.decode()))
        raise ValueError(f"{content} has no HTML")

    def cpu_s(self) -> float:
        """Return the seconds that the server has been on a processor."""
        stat = Path(f"/proc/{self._process.pid}/stat").read_text(encoding="ascii")
        fields = stat.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self) -> None:
        """Stop it."""
        self._process.kill()
        self._process.wait()


class _Handler:
    def __init__(self, log: Path, contents: Path) -> None:
        self._log, self._contents = log.open("a", encoding="ascii"), contents
        self._known: set[str] = set()

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's
        raw: bytes = envelope.original_content
        head, _, body = raw.partition(b"\r\n\r\n")
        key, token = _KEY.search(head), _TOKEN.search(head)
        assert key
        assert token
        # The token may be broken by a soft line end; then its parts stand on two lines.
        whole = re.sub(rb"(?:=\r\n)?".join(re.escape(bytes([b])) for b in token[1]), _crossed_out, body)
        content = hashlib.sha256(whole).hexdigest()[:24]
        if content not in self._known:
            (self._contents / content).write_bytes(_OWN.sub(b"", head + b"\r\n") + b"\r\n" + whole)
            self._known.add(content)
        self._log.write(f"{envelope.rcpt_tos[0]} {key[1].decode()} {len(raw)} {content}\n")
        self._log.flush()
        return "250 taken"


def _crossed_out(match: re.Match[bytes]) -> bytes:
    return re.sub(rb"[\w-]", b"x", match[0])


async def _serve(log: Path, contents: Path) -> None:
    from aiosmtpd.smtp import SMTP

    handler = _Handler(log, contents)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(handler, hostname="sink"), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1]), Path(sys.argv[2])))

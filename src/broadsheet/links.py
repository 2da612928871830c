"""Asks whether code links live, politely, and never inside the network that it runs in.

One connection a host, a pause between requests to it, a User-Agent that says who asks; robots.txt (RFC 9309)
and Retry-After (RFC 9110) are kept to. Each host name is resolved once a request, every address it has must
be public, and the connection goes to the address that was judged, so that a name cannot change its mind in
between; each redirect is judged anew. Nothing of a page is read but its status.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from urllib.robotparser import RobotFileParser

import httpx2

from broadsheet import __version__
from broadsheet.record import LinkState
from broadsheet.retrying import retry_after_s

AGENT = "broadsheet"
USER_AGENT = f"{AGENT}/{__version__} (checks code links of papers)"
MAX_REDIRECTS = 5
MAX_ROBOTS_BYTES = 512_000
"""RFC 9309 asks for at least 500 KiB."""
MAX_WAIT_S = 60.0
"""A host that asks for a longer wait is left alone for this run."""
_NOT_FOR_HEAD = frozenset({403, 404, 405, 410, 501})
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found behind a link; ``detail`` is the status or what stood in the way."""

    url: str
    state: LinkState
    detail: str


@dataclass(frozen=True, slots=True)
class Manners:
    """How politely and how boldly to ask.

    Attributes:
        pause_s: Seconds between two requests to a host.
        timeout_s: Seconds that one request may take in all.
        hosts: Hosts asked at once.
        allow_private: Whether private and loopback addresses may be asked; for tests.
        sleep: Waits; replaced in tests.
    """

    pause_s: float = 1.0
    timeout_s: float = 15.0
    hosts: int = 8
    allow_private: bool = False
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


class _NotAsked(Exception):  # noqa: N818 - a reason, not an error
    """Why a link was not, or not to the end, asked for."""


@dataclass
class _Host:
    """What is remembered of one host during a run."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    next_at: float = 0.0
    robots: dict[str, RobotFileParser] = field(default_factory=dict)
    refused: bool = False


def check(urls: Sequence[str], on_checked: Callable[[Checked], None], manners: Manners | None = None) -> None:
    """Ask every link and tell what was found, as answers come, from the caller's thread."""
    asyncio.run(_Checker(manners or Manners()).run(urls, on_checked))


def is_public(address: str) -> bool:
    """Whether an IP address is one of the open Internet, those that IPv6 wraps included."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo and ip.teredo[1])
        if ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner:
            return is_public(str(inner))
    return ip.is_global and not ip.is_multicast


class _Checker:
    def __init__(self, manners: Manners) -> None:
        self._manners = manners
        self._hosts: dict[str, _Host] = {}

    async def run(self, urls: Sequence[str], on_checked: Callable[[Checked], None]) -> None:
        by_host: dict[str, list[str]] = {}
        for url in urls:
            by_host.setdefault(_host_of(url), []).append(url)
        at_once = asyncio.Semaphore(self._manners.hosts)
        # A proxy of the environment would connect where it likes: the address is judged here or not at all.
        async with httpx2.AsyncClient(
            trust_env=False, headers={"user-agent": USER_AGENT}, timeout=self._manners.timeout_s
        ) as client:

            async def ask_in_turn(links: list[str]) -> None:
                async with at_once:
                    for link in links:
                        on_checked(await self._check(client, link))

            async with asyncio.TaskGroup() as tasks:
                for links in by_host.values():
                    tasks.create_task(ask_in_turn(links))

    async def _check(self, client: httpx2.AsyncClient, url: str) -> Checked:
        try:
            status = await self._ask(client, "HEAD", url)
            if status in _NOT_FOR_HEAD:
                status = await self._ask(client, "GET", url)
        except _NotAsked as reason:
            return Checked(url, "unknown", str(reason))
        except TimeoutError:
            return Checked(url, "unknown", "no answer in time")
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
            return Checked(url, "unknown", type(error).__name__)
        state: LinkState = "live" if 200 <= status < 300 else "gone" if status in {404, 410} else "unknown"
        return Checked(url, state, str(status))

    async def _ask(self, client: httpx2.AsyncClient, method: str, url: str) -> int:
        """The status at the end of the redirects."""
        target = httpx2.URL(url)
        for _ in range(MAX_REDIRECTS + 1):
            if not await self._robots_allow(client, target):
                raise _NotAsked("robots.txt forbids it")
            status, headers, _ = await self._request(client, method, target)
            if status not in {301, 302, 303, 307, 308} or "location" not in headers:
                return status
            target = target.join(headers["location"])
        raise _NotAsked(f"more than {MAX_REDIRECTS} redirects")

    async def _robots_allow(self, client: httpx2.AsyncClient, target: httpx2.URL) -> bool:
        robots = self._host(target.host).robots
        origin = f"{target.scheme}://{target.netloc.decode()}"
        if origin not in robots:
            rules = robots[origin] = RobotFileParser()
            status, _, body = await self._request(client, "GET", target.join("/robots.txt"), MAX_ROBOTS_BYTES)
            if 200 <= status < 300:
                rules.parse(body.decode("utf-8", "replace").splitlines())
            else:
                rules.parse(["User-agent: *", "Disallow: /"] if status >= 500 or status == 429 else [])
        return robots[origin].can_fetch(AGENT, str(target))

    async def _request(
        self, client: httpx2.AsyncClient, method: str, target: httpx2.URL, most: int = 0
    ) -> tuple[int, httpx2.Headers, bytes]:
        """One request in its turn, and a second where the host asks to wait for a bearable time."""
        host = self._host(target.host)
        async with host.lock:
            for last in (False, True):
                if host.refused:
                    raise _NotAsked("the host asks not to be asked now")
                await self._pause(host)
                async with asyncio.timeout(self._manners.timeout_s):
                    status, headers, body = await self._send(client, method, target, most)
                host.next_at = time.monotonic() + self._manners.pause_s
                if status not in {429, 503} or "retry-after" not in headers:
                    break
                wait = retry_after_s(headers)
                if last or wait is None or wait > MAX_WAIT_S:
                    host.refused = True
                    break
                await self._manners.sleep(wait)
        return status, headers, body

    async def _pause(self, host: _Host) -> None:
        if (wait := host.next_at - time.monotonic()) > 0:
            await self._manners.sleep(wait)

    async def _send(
        self, client: httpx2.AsyncClient, method: str, target: httpx2.URL, most: int
    ) -> tuple[int, httpx2.Headers, bytes]:
        address = await self._judged_address(target)
        async with client.stream(
            method,
            target.copy_with(host=address),
            headers={"host": target.netloc.decode(), "accept-encoding": "identity"},
            extensions={"sni_hostname": target.host},
        ) as response:
            body = b""
            if most:
                async for chunk in response.aiter_raw():
                    body += chunk
                    if len(body) >= most:
                        break
            return response.status_code, response.headers, body[:most]

    async def _judged_address(self, target: httpx2.URL) -> str:
        if target.scheme not in _DEFAULT_PORTS or target.userinfo:
            raise _NotAsked("no plain web address")
        port = target.port or _DEFAULT_PORTS[target.scheme]
        async with asyncio.timeout(self._manners.timeout_s):
            found = await asyncio.get_running_loop().getaddrinfo(target.host, port, type=socket.SOCK_STREAM)
        addresses = [str(entry[4][0]) for entry in found]
        if not self._manners.allow_private and not all(map(is_public, addresses)):
            raise _NotAsked("it leads into a private network")
        return addresses[0]

    def _host(self, name: str) -> _Host:
        return self._hosts.setdefault(name.lower(), _Host())


def _host_of(url: str) -> str:
    try:
        return httpx2.URL(url).host.lower()
    except (httpx2.InvalidURL, ValueError):
        return ""

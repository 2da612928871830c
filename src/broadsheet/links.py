"""Checks whether code links still work, politely, and never inside the network that it runs in.

Each host gets one connection at a time, pauses between requests, and a User-Agent that identifies us;
robots.txt (RFC 9309) and Retry-After (RFC 9110) are respected. A host name is resolved once per request, all
of its addresses must be public, and the connection goes to the address that was checked, so that a second
look-up cannot give another one. Each redirect is checked again. Only the status of a page is read.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import time
from collections import defaultdict
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
"""RFC 9309 requires at least 500 KiB."""
MAX_WAIT_S = 60.0
"""Longest wait in seconds that a host may ask for; for a longer one it is skipped in this run."""
_NOT_FOR_HEAD = frozenset({403, 404, 405, 410, 501})
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Checked:
    """The state of a link; ``detail`` is the status, or what prevented the check."""

    url: str
    state: LinkState
    detail: str


@dataclass(frozen=True, slots=True)
class Manners:
    """How politely to check, and which addresses.

    Attributes:
        pause_s: Seconds between two requests to a host.
        timeout_s: Seconds that a request may take in all.
        hosts: Hosts checked at once.
        allow_private: Whether private and loopback addresses may be requested; for tests.
        sleep: Waits; replaced in tests.
    """

    pause_s: float = 1.0
    timeout_s: float = 15.0
    hosts: int = 8
    allow_private: bool = False
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


class _Unchecked(Exception):  # noqa: N818 - a reason, not an error
    """Why a link was not checked, or not to the end."""


@dataclass
class _Host:
    """What is known of a host during a run."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    next_at: float = 0.0
    robots: dict[str, RobotFileParser] = field(default_factory=dict)
    refused: bool = False


def check(urls: Sequence[str], on_checked: Callable[[Checked], None], manners: Manners | None = None) -> None:
    """Check every link; call ``on_checked`` for each, as replies arrive, on the caller's thread."""
    asyncio.run(_Checker(manners or Manners()).run(urls, on_checked))


def is_public(address: str) -> bool:
    """Tell whether an IP address is public; an IPv4 address inside an IPv6 one is judged by itself."""
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
        self._hosts: defaultdict[str, _Host] = defaultdict(_Host)

    async def run(self, urls: Sequence[str], on_checked: Callable[[Checked], None]) -> None:
        by_host: defaultdict[str, list[str]] = defaultdict(list)
        for url in urls:
            by_host[_host_of(url)].append(url)
        at_once = asyncio.Semaphore(self._manners.hosts)
        # A proxy from the environment would resolve the name itself, past our check of the address.
        async with httpx2.AsyncClient(
            trust_env=False, headers={"user-agent": USER_AGENT}, timeout=self._manners.timeout_s
        ) as client:

            async def check_in_turn(links: list[str]) -> None:
                async with at_once:
                    for link in links:
                        on_checked(await self._check(client, link))

            async with asyncio.TaskGroup() as tasks:
                for links in by_host.values():
                    tasks.create_task(check_in_turn(links))

    async def _check(self, client: httpx2.AsyncClient, url: str) -> Checked:
        try:
            status = await self._status(client, "HEAD", url)
            if status in _NOT_FOR_HEAD:
                status = await self._status(client, "GET", url)
        except _Unchecked as reason:
            return Checked(url, "unknown", str(reason))
        except TimeoutError:
            return Checked(url, "unknown", "no answer in time")
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
            return Checked(url, "unknown", type(error).__name__)
        state: LinkState = "live" if 200 <= status < 300 else "gone" if status in {404, 410} else "unknown"
        return Checked(url, state, str(status))

    async def _status(self, client: httpx2.AsyncClient, method: str, url: str) -> int:
        """Return the status at the end of the redirects."""
        target = httpx2.URL(url)
        for _ in range(MAX_REDIRECTS + 1):
            if not await self._robots_allow(client, target):
                raise _Unchecked("robots.txt forbids it")
            status, headers, _ = await self._request(client, method, target)
            if status not in {301, 302, 303, 307, 308} or "location" not in headers:
                return status
            target = target.join(headers["location"])
        raise _Unchecked(f"more than {MAX_REDIRECTS} redirects")

    async def _robots_allow(self, client: httpx2.AsyncClient, target: httpx2.URL) -> bool:
        robots = self._hosts[target.host.lower()].robots
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
        """Send one request in its turn, and a second one if the host asks for a short wait."""
        host = self._hosts[target.host.lower()]
        async with host.lock:
            for last in (False, True):
                if host.refused:
                    raise _Unchecked("the host asks not to be asked now")
                if (pause := host.next_at - time.monotonic()) > 0:
                    await self._manners.sleep(pause)
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

    async def _send(
        self, client: httpx2.AsyncClient, method: str, target: httpx2.URL, most: int
    ) -> tuple[int, httpx2.Headers, bytes]:
        address = await self._allowed_address(target)
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

    async def _allowed_address(self, target: httpx2.URL) -> str:
        if target.scheme not in _DEFAULT_PORTS or target.userinfo:
            raise _Unchecked("no plain web address")
        port = target.port or _DEFAULT_PORTS[target.scheme]
        async with asyncio.timeout(self._manners.timeout_s):
            found = await asyncio.get_running_loop().getaddrinfo(target.host, port, type=socket.SOCK_STREAM)
        addresses = [str(entry[4][0]) for entry in found]
        if not self._manners.allow_private and not all(map(is_public, addresses)):
            raise _Unchecked("it leads into a private network")
        return addresses[0]


def _host_of(url: str) -> str:
    try:
        return httpx2.URL(url).host.lower()
    except (httpx2.InvalidURL, ValueError):
        return ""

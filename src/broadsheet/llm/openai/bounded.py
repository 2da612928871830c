"""Cuts an answer off at the socket where it is longer than could have been asked for."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import httpx2

FRAME_BYTES = 64 * 1024
"""What an answer, or an error, may hold beside the model's words."""
BYTES_PER_TOKEN = 64
"""A token is about four letters; JSON may write six bytes for each, and runs of white space are longer."""
ENCODINGS = "gzip, deflate"
"""What an answer may be compressed with: what the standard library unpacks piece by piece."""
_WBITS_GZIP_OR_ZLIB = 47
_most_bytes: ContextVar[int] = ContextVar("most_bytes", default=FRAME_BYTES)


class AnswerTooLarge(httpx2.DecodingError):
    """The server sends more than could have been asked for."""


def bytes_for(tokens: int) -> int:
    """Return how many bytes an answer of so many tokens may have."""
    return FRAME_BYTES + BYTES_PER_TOKEN * tokens


@contextmanager
def at_most(size: int) -> Iterator[None]:
    """Bound the answers to requests that are sent within this context, in this task."""
    before = _most_bytes.set(size)
    try:
        yield
    finally:
        _most_bytes.reset(before)


class _BoundedStream(httpx2.AsyncByteStream):
    """A body, decompressed, that raises once it is too long."""

    def __init__(self, stream: httpx2.AsyncByteStream, encoding: str) -> None:
        self._stream = stream
        self._most = _most_bytes.get()
        self._inflating = zlib.decompressobj(_WBITS_GZIP_OR_ZLIB) if encoding else None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in self._stream:
            part = self._inflated(chunk) if self._inflating else chunk
            size += len(part)
            if size > self._most:
                raise AnswerTooLarge(
                    f"the answer is longer than {self._most:,} bytes, more than was asked for"
                )
            yield part

    def _inflated(self, chunk: bytes) -> bytes:
        """Return what is in a chunk, but no more than shows that it is too much."""
        assert self._inflating  # noqa: S101 - narrows the type: the caller looked
        try:
            return self._inflating.decompress(chunk, self._most + 1)
        except zlib.error as error:
            raise httpx2.DecodingError(f"the answer cannot be decompressed ({error})") from error

    async def aclose(self) -> None:
        await self._stream.aclose()


async def bound(response: httpx2.Response) -> None:
    """Bound the body of an answer, whether it is compressed or not; a response hook of the client.

    Raises:
        httpx2.DecodingError: It is compressed in a way that was not asked for (`ENCODINGS`).
    """
    encoding = response.headers.pop("content-encoding", "").strip().lower()
    if encoding not in {"", "identity", "gzip", "x-gzip", "deflate"}:
        raise httpx2.DecodingError(f"the answer is encoded as {encoding[:20]}, which was not asked for")
    assert isinstance(response.stream, httpx2.AsyncByteStream)  # noqa: S101 - narrows the type
    response.stream = _BoundedStream(response.stream, encoding.removeprefix("identity"))

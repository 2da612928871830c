"""Records the raw replies of live sources in a folder, and replays them without a network."""

from __future__ import annotations

import json
from pathlib import Path

from broadsheet.errors import ConfigError, SourceError
from broadsheet.hashing import short_hash


class Tape:
    """Recorded replies: a file per body, and ``urls.jsonl``, which lists their URLs for people to read.

    Attributes:
        replays: Whether replies are replayed from a folder instead of being requested.
    """

    def __init__(self, record: Path | None, replay: Path | None) -> None:
        self._record, self._replay = record, replay
        self.replays = replay is not None
        if replay is not None and not replay.is_dir():
            raise ConfigError(f"There is no folder {replay} to replay; record one with --record {replay}.")

    def keep(self, url: str, body: bytes) -> None:
        """Store a reply if recording is on.

        Raises:
            ConfigError: The folder cannot be written to.
        """
        if self._record is None:
            return
        try:
            self._record.mkdir(parents=True, exist_ok=True)
            (self._record / f"{short_hash(url)}.body").write_bytes(body)
            with (self._record / "urls.jsonl").open("a") as urls:
                urls.write(json.dumps({"body": f"{short_hash(url)}.body", "url": url}) + "\n")
        except OSError as error:
            raise ConfigError(
                f"{self._record} cannot be written ({error.strerror}); name another --record."
            ) from error

    def play(self, url: str) -> bytes:
        """Return the recorded reply for a URL.

        Raises:
            SourceError: There is none.
        """
        assert self._replay is not None  # noqa: S101 - narrows the type: `replays` says so
        try:
            return (self._replay / f"{short_hash(url)}.body").read_bytes()
        except OSError as error:
            raise SourceError(f"{self._replay} has no reply for {url}; record it with --record.") from error

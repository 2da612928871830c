"""A folder, such as a web server's: ``OUT/NEWSLETTER/ISSUE/index.html``, ``index.md`` and ``index.txt``."""

from __future__ import annotations

import os
from pathlib import Path

from broadsheet.channels.message import HandOver, Message
from broadsheet.config import Settings
from broadsheet.errors import UserError


class Directory:
    """A folder; writing an issue again changes nothing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.recipient = str(folder.absolute())

    def send(self, message: Message, handing_over: HandOver) -> None:
        """Write the three files, each as a whole."""
        content = message.content
        folder = self._folder / content.newsletter / content.issue
        handing_over()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for ending, words in (("txt", content.text), ("md", content.markdown), ("html", content.html)):
                unfinished = folder / f".index.{ending}.{os.getpid()}"
                unfinished.write_text(words, encoding="utf-8")
                unfinished.replace(folder / f"index.{ending}")
        except OSError as error:
            raise UserError(
                f"The issue cannot be written to {folder} ({error.strerror}); name another folder with --out."
            ) from error

    def close(self) -> None:
        """Do nothing: nothing is open."""


def open_channel(settings: Settings) -> Directory:
    """Open the channel."""
    return Directory(settings.out)

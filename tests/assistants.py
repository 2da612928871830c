"""One assistant in a session with the real command, through the SDK's own client."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import broadsheet

if TYPE_CHECKING:  # a second of imports, which most workers need not pay
    from anyio.from_thread import BlockingPortal
    from mcp import Client
    from mcp_types import CallToolResult

SECRET = "sk-key-of-an-operator-who-asks"


@dataclass(frozen=True)
class Assistant:
    """Calls tools, and reads their answers."""

    portal: BlockingPortal
    client: Client
    db: Path
    messages: Path

    def called(self, tool: str, **given: Any) -> CallToolResult:
        """The result of a tool as it came."""
        return self.portal.call(self.client.call_tool, tool, given)

    def asked(self, tool: str, **given: Any) -> dict[str, Any]:
        """The answer of a tool, which is one text of JSON."""
        result = self.called(tool, **given)
        (content,) = result.content
        assert not result.is_error, content.text
        return json.loads(content.text)

    def refused(self, tool: str, **given: Any) -> str:
        """The sentence with which a tool refuses."""
        result = self.called(tool, **given)
        assert result.is_error
        return result.content[0].text


def environment() -> dict[str, str]:
    """What the command runs under."""
    source = str(Path(broadsheet.__file__).parents[1])
    return {"PYTHONPATH": source, "PATH": os.environ["PATH"], "OPENAI_API_KEY": SECRET}


@contextmanager
def assisted(db: Path, folder: Path) -> Iterator[Assistant]:
    """Start the command, and a client that speaks with it in a loop of its own."""
    from anyio.from_thread import start_blocking_portal
    from mcp import Client, StdioServerParameters
    from mcp.client.stdio import stdio_client

    messages = folder / "messages.txt"
    words = ["-W", "error", "-m", "broadsheet", "mcp", "--db", str(db)]
    command = StdioServerParameters(command=sys.executable, args=words, env=environment(), cwd=folder)
    with messages.open("w") as log, start_blocking_portal() as portal:
        client = Client(stdio_client(command, errlog=log))
        with portal.wrap_async_context_manager(client) as session:
            yield Assistant(portal, session, db, messages)

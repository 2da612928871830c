"""The MCP server: lists the tools, reads what a tool was given, and opens the cache for each question."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from anyio import to_thread
from mcp.server.lowlevel import Server
from mcp_types import (
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    TextContent,
    Tool,
    ToolAnnotations,
)
from pydantic import ValidationError
from pydantic.json_schema import GenerateJsonSchema

from broadsheet import __version__
from broadsheet.assistant.answers import NOTICE, as_text, clean
from broadsheet.assistant.questions import QUESTIONS, Cache, Question
from broadsheet.errors import AmbiguousError, BroadsheetError, UserError, plain_reason
from broadsheet.llm.extractive.topics import topics_of_search
from broadsheet.store import Store
from broadsheet.store.vectors import SearchVectors
from broadsheet.taxonomy import Taxonomy

INSTRUCTIONS = (
    "Broadsheet is a cache of new research papers, each with a one-line summary, tags and whether its"
    " abstract offers code, and a daily newsletter of them. Answers are short; ask for detail=true where"
    f" you need the abstract. {NOTICE} Name a paper by its id and url when you speak of it."
)


class _Schema(GenerateJsonSchema):
    """A JSON schema without titles that repeat the names: an assistant pays for each word of it."""

    def field_title_should_be_set(self, _schema: Any) -> bool:
        """Tell that no field gets a title."""
        return False


def create_server(
    path: Path,
    taxonomy: Taxonomy,
    fault: Callable[[Exception], str],
    asks: SearchVectors | None = None,
    on_answered: Callable[[], None] = lambda: None,
) -> Server[Any]:
    """Return a server that answers questions about a cache.

    Each question opens the file anew, for reading only: so new papers, and a file put in its place, are seen
    at once, and no lock is held between questions.

    Args:
        path: The cache; it need not be there yet.
        taxonomy: The tags that its papers may have.
        fault: What to say of an error that nobody has foreseen.
        asks: What gives the vectors of searches.
        on_answered: Called after each answer.
    """
    topics_of = topics_of_search(taxonomy)

    def answered(name: str, given: dict[str, Any]) -> dict[str, Any]:
        question = _question(name, given)
        with Store.open(path, create=False, reading=True) as store:
            store.vectors.asks, store.ranking.topics_of = asks, topics_of
            answer = question.answer(Cache(store, taxonomy))
        on_answered()
        return answer

    async def list_tools(_context: Any, _page: Any) -> ListToolsResult:
        return ListToolsResult(tools=[_tool(kind) for kind in QUESTIONS.values()])

    async def call_tool(_context: Any, asked: CallToolRequestParams) -> CallToolResult:
        try:
            answer = await to_thread.run_sync(answered, asked.name, asked.arguments or {})
        except BroadsheetError as error:
            return _failed(str(error), error.candidates if isinstance(error, AmbiguousError) else ())
        except Exception as error:  # noqa: BLE001 - the last door: the SDK would print a traceback
            return _failed(fault(error))
        return CallToolResult(content=[TextContent(text=as_text(answer))])

    return Server(
        "broadsheet",
        title="Broadsheet",
        version=__version__,
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


def _tool(kind: type[Question]) -> Tool:
    schema = kind.model_json_schema(schema_generator=_Schema)
    for repeated in ("title", "description"):
        schema.pop(repeated, None)
    return Tool(
        name=kind.tool,
        title=kind.title,
        description=f"{kind.purpose} {NOTICE}",
        input_schema=schema,
        annotations=ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False),
    )


def _question(name: str, given: dict[str, Any]) -> Question:
    """Read what a tool was given.

    Raises:
        UserError: There is no such tool, or it does not take that.
    """
    kind = QUESTIONS.get(name)
    if kind is None:
        raise UserError(f"There is no tool “{name[:80]}”; there are {', '.join(QUESTIONS)}.")
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        argument = str(first["loc"][0])[:80] if first["loc"] else "arguments"
        if first["type"] == "extra_forbidden":
            known = ", ".join(kind.model_fields) or "nothing"
            raise UserError(f"{name} takes no “{argument}”; it takes {known}.") from error
        reason = plain_reason(first)
        raise UserError(f"“{argument}” of {name} cannot be that: {reason}; correct it.") from error


def _failed(sentence: str, candidates: tuple[tuple[str, str], ...] = ()) -> CallToolResult:
    """Return an error as the assistant reads it, and the papers that could have been meant."""
    content = [TextContent(text=clean(sentence))]
    if candidates:
        papers = [{"id": id_, "title": title} for id_, title in candidates]
        content.append(TextContent(text=as_text(clean({"notice": NOTICE, "candidates": papers}))))
    return CallToolResult(content=list(content), is_error=True)

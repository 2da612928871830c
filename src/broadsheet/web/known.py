"""`Known`: answers look-ups of one paper by its id before anything else would be asked of a request.

To route a request, check its parameters and hand it to another thread takes longer than to read the paper,
which is a few pages of the cache. Whatever is no id of one paper goes the usual way.
"""

from __future__ import annotations

from fastapi.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from broadsheet.errors import StoreError
from broadsheet.web.reading import Readers

_PATH = "/api/papers/"


class Known:
    """Answers as the path of the API does that looks a paper up."""

    def __init__(self, app: ASGIApp, readers: Readers) -> None:
        self._app, self._readers = app, readers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the paper, or pass the request on."""
        answer = self._answer(scope["path"].removeprefix(_PATH)) if _looks_up(scope) else None
        await (answer or self._app)(scope, receive, send)

    def _answer(self, wanted: str) -> JSONResponse | None:
        try:
            store = self._readers.store
            record = store.records.with_id(wanted)
        except StoreError:  # who answers such a request otherwise says so
            return None
        return JSONResponse(record.as_dict(store.annotation)) if record else None


def _looks_up(scope: Scope) -> bool:
    """Tell whether a request looks a paper up, at the root of the host."""
    is_ours = scope["type"] == "http" and scope["method"] == "GET" and not scope.get("root_path")
    return is_ours and scope["path"].startswith(_PATH)

"""Counts tokens; the only importer of tiktoken.

tiktoken downloads its vocabulary at first use. Where it cannot, an over-estimate takes its place and the run
goes on: three ASCII characters, or one byte of anything else, a token. English abstracts measure 5 characters
a token, so the estimate is high by about 1.7 and never packs a batch beyond its budget.
"""

from __future__ import annotations

import logging
import threading
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tiktoken  # noqa: TID251 - this room owns it

log = logging.getLogger(__name__)

ENCODING = "o200k_base"
DOWNLOAD_TIMEOUT_S = 10.0


def count(text: str) -> int:
    """Tokens of the text in o200k_base, or an over-estimate where its vocabulary is out of reach."""
    encoding = _encoding()
    if encoding is None:
        return estimate(text)
    return len(encoding.encode(text, disallowed_special=()))


def estimate(text: str) -> int:
    """An over-estimate of the text's tokens that needs no vocabulary."""
    encoded = text.encode()
    beyond_ascii = sum(byte > 127 for byte in encoded)
    return beyond_ascii + -(-(len(encoded) - beyond_ascii) // 3)


@cache
def _encoding() -> tiktoken.Encoding | None:
    """The vocabulary, asked for once a process.

    tiktoken's download has no time limit of its own, so it runs in a thread that is not waited for for ever.
    """
    found: list[tiktoken.Encoding] = []

    def load() -> None:
        try:
            import tiktoken  # noqa: TID251 - this room owns it

            found.append(tiktoken.get_encoding(ENCODING))
        except Exception as error:  # noqa: BLE001 - no network shows itself in many ways; all mean the same here
            log.debug("tiktoken: %s", error)

    thread = threading.Thread(target=load, daemon=True)
    thread.start()
    thread.join(DOWNLOAD_TIMEOUT_S)
    if not found:
        log.warning("tiktoken's vocabulary cannot be downloaded; tokens are over-estimated from characters.")
        return None
    return found[0]

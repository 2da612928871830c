"""Counts tokens; the only importer of tiktoken.

tiktoken downloads its vocabulary at first use. Where it cannot, an over-estimate takes its place and the run
goes on: a word of eight letters, four letters of a longer one or behind a hyphen, two capitals, three digits,
one sign, or one byte of any other script, a token. For abstracts that is high by 1.2 to 1.6, so a batch stays
within its budget; only a text of a few rare words, or of random letters, may hold more tokens than that.
"""

from __future__ import annotations

import logging
import re
import threading
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tiktoken  # noqa: TID251 - this room owns it

log = logging.getLogger(__name__)

ENCODING = "o200k_base"
DOWNLOAD_TIMEOUT_S = 10.0

# A space before a letter belongs to the word that it opens, in o200k_base as here.
_PIECE = re.compile(
    r"(?<![A-Za-z-])[A-Za-z][a-z]{0,7}(?![A-Za-z])|[a-z]{1,4}|[A-Z]{1,2}|[0-9]{1,3}"
    r"| (?![A-Za-z])|[^A-Za-z0-9 ]"
)


def count(text: str) -> int:
    """Tokens of the text in o200k_base, or an over-estimate where its vocabulary is out of reach."""
    encoding = _encoding()
    if encoding is None:
        return estimate(text)
    return len(encoding.encode(text, disallowed_special=()))


def exact() -> bool:
    """Whether tokens are counted, not over-estimated; may download the vocabulary."""
    return _encoding() is not None


def estimate(text: str) -> int:
    """An over-estimate of the text's tokens that needs no vocabulary."""
    pieces = _PIECE.findall(text)
    return len(pieces) + len(text.encode()) - len(text)  # other scripts are cut into single characters


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

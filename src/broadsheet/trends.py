"""`Trends`: how tags, keywords, code and revisions of some weeks differ, and what "rises" means.

A term rises if more of its papers are of the latest period than chance explains: if the term had nothing to
do with the period, its papers would be spread over the periods like any others, and Fisher's exact test
(one-sided, hypergeometric) says how probable so many in the latest one would be. Where many terms are
compared, some stand out by chance; so that probability is divided by their number (Bonferroni): if nothing
changed, a list of what rises would have any entry one time in twenty at most.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from math import lgamma, log

from pydantic import BaseModel, ConfigDict, Field

PERIOD_DAYS = 7
MOST_PERIODS = 6
FEWEST_PAPERS = 5
"""A term of fewer papers is not compared, and with fewer in the latest period it does not rise."""
MOST_RISING = 5
CHANCE = 0.05
"""How probable it may be that a list of what rises has an entry where nothing changed."""


class Period(BaseModel):
    """The counts of one period.

    Attributes:
        first: Its first day.
        last: Its last day.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    first: date
    last: date
    papers: int = Field(0, description="Papers first seen in it that have an annotation.")
    code: int = Field(0, description="Those of them whose code is available.")
    revised: int = Field(0, description="Papers, whenever first seen, whose words last changed in it.")


class Term(BaseModel):
    """A tag or keyword, and how many papers of each period have it, the oldest period first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(description="The tag's id, or the keyword.")
    papers: tuple[int, ...]


class Trends(BaseModel):
    """The latest period beside those before it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    periods: tuple[Period, ...] = Field(
        (), description="The oldest first, none of them before the first paper."
    )
    topics: tuple[Term, ...] = Field((), description="Every topic, most papers first.")
    tags: tuple[Term, ...] = Field((), description="The tags that rise, the clearest first.")
    keywords: tuple[Term, ...] = Field((), description="The keywords that rise, the clearest first.")

    @property
    def has_history(self) -> bool:
        """Tell whether the latest period and one before it have papers to compare."""
        *earlier, latest = [each.papers for each in self.periods] or [0]
        return latest > 0 and any(earlier)


def periods_until(last: date, start: date, most: int = MOST_PERIODS) -> list[tuple[date, date]]:
    """Return the first and last days of the periods up to a day, the oldest first.

    Args:
        last: The last day of the latest period.
        start: The first day of which anything is known; a period that began before it would be no whole one.
        most: The most periods.
    """
    ends = (last - timedelta(days=PERIOD_DAYS * back) for back in reversed(range(most)))
    spans = ((end - timedelta(days=PERIOD_DAYS - 1), end) for end in ends)
    return [span for span in spans if span[0] >= start]


def compared(
    periods: Sequence[Period],
    topics: Mapping[str, Sequence[int]],
    tags: Mapping[str, Sequence[int]],
    keywords: Mapping[str, Sequence[int]],
) -> Trends:
    """Return the trends of some counts; each sequence of counts has one for each period, the oldest first.

    Args:
        periods: The periods, whole ones.
        topics: Papers with each topic.
        tags: Papers with each tag, topics and contributions.
        keywords: Papers with each keyword.
    """
    sizes = [each.papers for each in periods]

    def terms(counts: Mapping[str, Sequence[int]], names: Iterable[str]) -> tuple[Term, ...]:
        return tuple(Term(name=name, papers=tuple(counts[name])) for name in names)

    return Trends(
        periods=tuple(periods),
        topics=terms(topics, sorted(topics, key=lambda name: (-sum(topics[name]), name))),
        tags=terms(tags, rising(tags, sizes)),
        keywords=terms(keywords, rising(keywords, sizes)),
    )


def rising(counts: Mapping[str, Sequence[int]], sizes: Sequence[int]) -> list[str]:
    """Return the terms that rise, the clearest first, at most `MOST_RISING`.

    Args:
        counts: How many papers of each period have a term, the oldest period first.
        sizes: How many papers each period has.
    """
    if not sum(sizes[:-1]):
        return []
    latest, earlier = sizes[-1], sum(sizes[:-1])
    enough = {name: each for name, each in counts.items() if sum(each) >= FEWEST_PAPERS}
    chances = {
        name: log_chance(each[-1], latest, sum(each[:-1]), earlier)
        for name, each in enough.items()
        if each[-1] >= FEWEST_PAPERS
    }
    clear = [name for name, chance in chances.items() if chance <= log(CHANCE / len(enough))]
    return sorted(clear, key=lambda name: (chances[name], name))[:MOST_RISING]


def log_chance(now: int, papers_now: int, before: int, papers_before: int) -> float:
    """Return the logarithm of how probable it is that chance puts so many of a term's papers in one period.

    Args:
        now: Papers of the latest period that have the term.
        papers_now: All papers of the latest period.
        before: Papers of the periods before that have it.
        papers_before: All papers of those.
    """
    having, papers = now + before, papers_now + papers_before
    exactly = (
        _log_choose(having, now)
        + _log_choose(papers - having, papers_now - now)
        - _log_choose(papers, papers_now)
    )
    # Each further paper in the latest period, as a multiple of the one before it.
    total = multiple = 1.0
    for count in range(now, min(having, papers_now)):
        multiple *= (having - count) * (papers_now - count)
        multiple /= (count + 1) * (papers - having - papers_now + count + 1)
        total += multiple
    return exactly + log(total)


def _log_choose(among: int, chosen: int) -> float:
    return lgamma(among + 1) - lgamma(chosen + 1) - lgamma(among - chosen + 1)

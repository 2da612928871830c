"""What rises, how much of it has code, and what was revised, over the last weeks."""

from __future__ import annotations

from collections.abc import Iterator

from broadsheet.edition import Section
from broadsheet.sections.today import Today
from broadsheet.trends import CHANCE, FEWEST_PAPERS, MOST_PERIODS, PERIOD_DAYS

RULE = (
    f"Trends compare the papers of the last {PERIOD_DAYS} days with those of up to {MOST_PERIODS - 1} weeks"
    f" before. A tag or keyword rises if at least {FEWEST_PAPERS} papers of the last {PERIOD_DAYS} days have"
    " it and so many would be there by chance with a probability (Fisher's exact test) of at most"
    f" {CHANCE:.0%} divided by the number of terms compared."
)


def sections(today: Today) -> Iterator[Section]:
    """Yield one section, or none where there is nothing to compare with."""
    if today.trends and today.trends.has_history:
        told = today.trends.model_copy(update={"topics": ()})  # a page of its own has room for them
        yield Section(id="trends", title="Trends", trends=told, note=RULE)

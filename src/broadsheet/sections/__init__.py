"""The sections of an edition, and their table.

A section is a function from `Today` to the sections that it makes. To add one, write a module with such a
function and give it a line here: the templates draw cards, picks, counts and trends as they stand. A section
that lists papers which have their card elsewhere holds picks, one `Pick` a paper.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from broadsheet.edition import Section
from broadsheet.sections import also_today, by_topic, more, numbers, picks, revised, trends
from broadsheet.sections.today import Today

__all__ = ["SECTIONS", "MakeSections", "Today"]

MakeSections = Callable[[Today], Iterator[Section]]

# In the order of the page. Together, `by_topic`, `also_today` and `more` place every paper once.
SECTIONS: tuple[MakeSections, ...] = (
    picks.sections,
    by_topic.sections,
    also_today.sections,
    more.sections,
    revised.sections,
    numbers.sections,
    trends.sections,
)

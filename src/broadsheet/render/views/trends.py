"""`TrendsView`: the last weeks in print, as small bar charts and as sentences that say the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from broadsheet.render.remarks import in_words
from broadsheet.text import plural
from broadsheet.trends import PERIOD_DAYS, Term, Trends
from broadsheet.visible import visible

BAR, GAP, HEIGHT = 12, 4, 28
"""The width of a bar, the room between two, and the height of a chart, in pixels."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of a chart, from its upper left corner; the latest is filled, the others are outlined."""

    x: float
    y: float
    width: float
    height: float
    is_latest: bool


@dataclass(frozen=True, slots=True)
class TrendRow:
    """One line of trends.

    Attributes:
        name: What is counted.
        tag: The id of the tag that it is, or empty.
        words: The latest period and those before, in numbers.
        label: All periods in numbers, for who does not see the chart.
        bars: The chart, the oldest period first.
        width: The chart's width in pixels.
    """

    name: str
    tag: str
    words: str
    label: str
    bars: tuple[Bar, ...]
    width: int


@dataclass(frozen=True, slots=True)
class TrendGroup:
    """Lines of trends under a heading, or what is said where there are none."""

    heading: str
    rows: tuple[TrendRow, ...]
    none: str = ""


@dataclass(frozen=True, slots=True)
class TrendsView:
    """Trends in print.

    Attributes:
        span: Which days are compared with which, a sentence.
        groups: What rises, then code and revisions.
        topics: Every topic, for pages that have room for it.
        sentences: The span and the groups in words.
    """

    span: str
    groups: tuple[TrendGroup, ...]
    topics: TrendGroup
    sentences: tuple[str, ...]

    @classmethod
    def of(cls, trends: Trends, names: Mapping[str, str]) -> TrendsView | None:
        """Return trends in print, or None where there is nothing to compare.

        Args:
            trends: The counts, which have a period with papers at their end.
            names: Shown name of each tag, by id.
        """
        if not trends.has_history:
            return None
        sizes = [period.papers for period in trends.periods]
        tags = tuple(_term(term, sizes, names) for term in trends.tags)
        keywords = tuple(_term(term, sizes, {}) for term in trends.keywords)
        code = _share("Code available", [period.code for period in trends.periods], sizes)
        groups = (
            TrendGroup("Rising tags", tags, "No tag rose by more than chance explains."),
            TrendGroup("Rising keywords", keywords, "No keyword rose by more than chance explains."),
            TrendGroup(
                "Papers, code and revisions",
                (
                    _count("Papers", sizes),
                    code,
                    _count("Revised", [period.revised for period in trends.periods]),
                ),
            ),
        )
        topics = TrendGroup("All topics", tuple(_term(term, sizes, names) for term in trends.topics))
        span = _span(trends)
        return cls(span, groups, topics, (span, *map(_sentence, groups)))


def bars(values: Sequence[float]) -> tuple[Bar, ...]:
    """Return a bar for each value, the highest as high as the chart; a value of 0 leaves a line."""
    most = max(values, default=0) or 1
    heights = [max(1.0, round((HEIGHT - 1) * value / most, 1)) for value in values]
    return tuple(
        Bar(
            x=number * (BAR + GAP) + 0.5,
            y=round(HEIGHT - height - 0.5, 1),
            width=BAR - 1,
            height=height,
            is_latest=number == len(values) - 1,
        )
        for number, height in enumerate(heights)
    )


def _row(name: str, words: str, values: Sequence[float], told: Sequence[str], tag: str = "") -> TrendRow:
    label = f"{name} by week, the oldest first: {', '.join(told)}"
    width = len(values) * (BAR + GAP) - GAP
    return TrendRow(name, tag, words, label, bars(values), width)


def _term(term: Term, sizes: Sequence[int], names: Mapping[str, str]) -> TrendRow:
    return _share(visible(names.get(term.name, term.name)), term.papers, sizes, term.name if names else "")


def _share(name: str, counts: Sequence[int], sizes: Sequence[int], tag: str = "") -> TrendRow:
    shares = [count / size if size else 0.0 for count, size in zip(counts, sizes, strict=True)]
    before = sum(counts[:-1]) / (sum(sizes[:-1]) or 1)
    words = f"{plural(counts[-1], 'paper')}, {shares[-1]:.1%}; before: {before:.1%}"
    return _row(name, words, shares, [f"{share:.1%}" for share in shares], tag)


def _count(name: str, counts: Sequence[int]) -> TrendRow:
    mean = sum(counts[:-1]) / len(counts[:-1])
    words = f"{counts[-1]:,}; before: {mean:,.{0 if mean >= 10 else 1}f} a week"
    return _row(name, words, counts, [f"{count:,}" for count in counts])


def _span(trends: Trends) -> str:
    weeks = len(trends.periods) - 1
    before = "the week before" if weeks == 1 else f"the {weeks} weeks before"
    return f"The {PERIOD_DAYS} days up to {in_words(trends.periods[-1].last)}, compared with {before}."


def _sentence(group: TrendGroup) -> str:
    if not group.none:
        return " ".join(f"{row.name}: {row.words}." for row in group.rows)
    told = "; ".join(f"{row.name} ({row.words.replace('; ', ', ')})" for row in group.rows)
    return f"{group.heading}: {told}." if told else group.none

"""The day in four counts, each beside that of the edition before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from broadsheet.annotation import CodeStatus
from broadsheet.edition import Card, Count, Section
from broadsheet.sections.today import Today


def _papers(cards: Sequence[Card]) -> int:
    return len(cards)


def _with_code(status: CodeStatus) -> Callable[[Sequence[Card]], int]:
    def count(cards: Sequence[Card]) -> int:
        annotations = (card.record.annotation for card in cards)
        return sum(annotation is not None and annotation.code.status == status for annotation in annotations)

    return count


def _withheld(cards: Sequence[Card]) -> int:
    return sum(finding.severity == "withheld" for card in cards for finding in card.record.findings)


COUNTS: tuple[tuple[str, Callable[[Sequence[Card]], int]], ...] = (
    ("Papers", _papers),
    ("Code available", _with_code("available")),
    ("Code announced", _with_code("announced")),
    ("Claims withheld by the check", _withheld),
)


def sections(today: Today) -> Iterator[Section]:
    """Yield one section, its counts taken from the records."""
    cards = tuple(Card(record=record) for record in today.records)
    counts = tuple(
        Count(label=label, value=count(cards), before=count(today.previous.cards) if today.previous else None)
        for label, count in COUNTS
    )
    yield Section(id="numbers", title="In numbers", counts=counts)

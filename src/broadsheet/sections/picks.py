"""Three picks, by a rule that anyone can repeat."""

from __future__ import annotations

from collections.abc import Iterator

from broadsheet.edition import Pick, Section
from broadsheet.record import Record
from broadsheet.sections.today import Today
from broadsheet.text import plural

PICKS = 3
FEWEST_PAPERS = 6
"""In a shorter edition a pick points to what is in sight anyway."""

RULE = (
    "Picks are the papers with the most votes, then those whose code is available, then those listed first;"
    " no two share a topic, and none had its summary withheld."
)


def sections(today: Today) -> Iterator[Section]:
    """Yield one section of up to three pointers, or none in a short edition."""
    if len(today.records) < FEWEST_PAPERS:
        return
    place = {record.id: number for number, record in enumerate(today.records, start=1)}
    best_of_topic = [
        min(whole, key=lambda record: _order(record, place[record.id]))
        for records in today.by_topic.values()
        if (whole := [record for record in records if not _was_withheld(record)])
    ]
    best = sorted(best_of_topic, key=lambda record: _order(record, place[record.id]))[:PICKS]
    if best:
        chosen = tuple(Pick(paper_id=record.id, why=_why(record, place[record.id])) for record in best)
        yield Section(id="picks", title="Picks", picks=chosen, note=RULE)


def _order(record: Record, place: int) -> tuple[int, bool, int]:
    return -(record.votes or 0), not _has_code(record), place


def _why(record: Record, place: int) -> tuple[str, ...]:
    votes = (plural(record.votes, "vote"),) if record.votes else ()
    code = ("code available",) if _has_code(record) else ()
    return (*votes, *code, f"no. {place} on the list")


def _has_code(record: Record) -> bool:
    return record.annotation is not None and record.annotation.code.status == "available"


def _was_withheld(record: Record) -> bool:
    return any(finding.field == "tldr" and finding.severity == "withheld" for finding in record.findings)

"""Three picks, by a rule that anyone can repeat."""

from __future__ import annotations

from collections.abc import Iterator

from broadsheet.edition import Pick, Section
from broadsheet.record import Record
from broadsheet.sections.today import Today, has_code
from broadsheet.text import plural

PICKS = 3
FEWEST_PAPERS = 6
"""In a shorter edition a pick points to what is in sight anyway."""

RULE = (
    "Picks are the papers with the most of the newsletter's own tags, then those with the most votes, then"
    " those whose code is available, then those with the most stars, then those listed most often, then those"
    " listed first; no two share a topic, and none had its summary withheld."
)


def sections(today: Today) -> Iterator[Section]:
    """Yield one section of up to three pointers, or none in a short edition."""
    if len(today.told) < FEWEST_PAPERS:
        return
    best_of_topic = [
        whole[0]
        for records in today.topics.values()
        if (whole := [record for record in records if not _was_withheld(record)])
    ]
    if best_of_topic:
        best = sorted(best_of_topic, key=today.order)[:PICKS]
        chosen = tuple(Pick(paper_id=record.id, why=_why(record, today)) for record in best)
        yield Section(id="picks", title="Picks", picks=chosen, note=RULE)


def _why(record: Record, today: Today) -> tuple[str, ...]:
    own = len(today.own_tags(record))
    tags = (f"{own} of your tags",) if own and len(today.newsletter.filter.tags) > 1 else ()
    votes = (plural(record.votes, "vote"),) if record.votes else ()
    code = ("code available",) if has_code(record) else ()
    stars = (plural(record.stars, "star"),) if record.stars else ()
    listed = (f"listed {record.listings} times",) if record.listings > 1 else ()
    return (*tags, *votes, *code, *stars, *listed, f"no. {today.place[record.id]} on the list")


def _was_withheld(record: Record) -> bool:
    return any(finding.field == "tldr" and finding.severity == "withheld" for finding in record.findings)

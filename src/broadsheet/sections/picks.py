"""Three picks, by a rule that anyone can repeat."""

from __future__ import annotations

from collections.abc import Iterator, Set

from broadsheet.edition import Pick, Section
from broadsheet.record import Record
from broadsheet.sections.today import Today, has_code
from broadsheet.text import plural

PICKS = 3
FEWEST_PAPERS = 6
"""In a shorter edition a pick points to what is in sight anyway."""

RULE = (
    "Picks are the papers with the most of the newsletter's own tags, then those with the most of its own"
    " words in the title, then those with the most votes, then those whose code is available, then those with"
    " the most stars, then those listed most often, then those listed first; no two share a topic, and none"
    " had its summary withheld."
)
PINNED = "Papers that the editor pinned come first."


def sections(today: Today) -> Iterator[Section]:
    """Yield one section of three pointers, or of all pinned ones; in a short edition, of those alone."""
    pinned = sorted((each for each in today.told if today.pin(each) is not None), key=today.order)
    best = pinned + _by_rule(today, {*map(today.primary_topic, pinned)})[: max(0, PICKS - len(pinned))]
    if best:
        chosen = tuple(Pick(paper_id=record.id, why=_why(record, today)) for record in best)
        yield Section(id="picks", title="Picks", picks=chosen, note=f"{PINNED} {RULE}" if pinned else RULE)


def _by_rule(today: Today, taken: Set[str | None]) -> list[Record]:
    """Return the best paper of each topic that is not taken, best first, or none in a short edition."""
    if len(today.told) < FEWEST_PAPERS:
        return []
    best_of_topic = (
        next((record for record in records if not _was_withheld(record)), None)
        for topic, records in today.topics.items()
        if topic not in taken
    )
    return sorted((record for record in best_of_topic if record), key=today.order)


def _why(record: Record, today: Today) -> tuple[str, ...]:
    own = len(today.own_tags(record))
    pinned = ("pinned by the editor",) if today.pin(record) is not None else ()
    tags = (f"{own} of your tags",) if own and len(today.newsletter.filter.tags) > 1 else ()
    words = tuple(f"“{each}” in the title" for each in today.own_words(record))
    votes = (plural(record.votes, "vote"),) if record.votes else ()
    code = ("code available",) if has_code(record) else ()
    stars = (plural(record.stars, "star"),) if record.stars else ()
    listed = (f"listed {record.listings} times",) if record.listings > 1 else ()
    return (
        *pinned,
        *tags,
        *words,
        *votes,
        *code,
        *stars,
        *listed,
        f"no. {today.place[record.id]} on the list",
    )


def _was_withheld(record: Record) -> bool:
    return any(finding.field == "tldr" and finding.severity == "withheld" for finding in record.findings)

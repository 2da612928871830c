"""What is said of a paper or an edition beside its own words: findings and corrections."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from broadsheet.annotation import Finding, Severity
from broadsheet.edition import Announced, Correction
from broadsheet.record import Record
from broadsheet.render.reading import readable
from broadsheet.schema import shown_fields
from broadsheet.visible import visible


def in_words(day: date) -> str:
    """Return the day as a reader says it: ``Thursday, 13 March 2025``."""
    return f"{day:%A}, {day.day} {day:%B} {day.year}"


def corrected(correction: Correction) -> str:
    """Return a correction as a sentence with its day."""
    return f"Corrected on {in_words(correction.day)}: {readable(correction.words)}"


def announced(correction: Announced) -> str:
    """Return a correction of an earlier edition as a sentence."""
    of = f"edition of {in_words(correction.edition)}"
    what = f"“{readable(correction.title)}” in the {of}" if correction.title else f"The {of}"
    return f"Correction. {what}: {readable(correction.words)}"


def findings_in_words(record: Record, severity: Severity) -> tuple[str, ...]:
    """Return what the check withheld or noted, a sentence each."""
    labels = (
        {each.name: each.show.label for each in shown_fields(type(record.annotation))}
        if record.annotation
        else {}
    )
    return tuple(
        _finding(finding, labels)
        for finding in record.findings
        if finding.severity == severity and finding.field != "reply"  # how it came about, not what it says
    )


def _finding(finding: Finding, labels: Mapping[str, str]) -> str:
    field, _, part = finding.field.partition(".")
    what = f"{labels.get(field, field)} {part}".strip()
    why = visible(finding.kind.replace("-", " "))
    if finding.severity == "note":
        why += f" ({visible(finding.detail)})" if finding.detail else ""
        return f"{what}, noted by the check: {why}"
    instead = ", an extracted sentence is shown instead" if field == "tldr" else ""
    # The words withheld stay out of print: a false address is one, whatever stands around it.
    return f"{what} withheld by the check: {why}{instead}"

"""How the annotations of an edition were made, and what they say of code, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from broadsheet.edition import Made
from broadsheet.engines import EDITOR, how_made
from broadsheet.text import plural
from broadsheet.visible import visible


def code_counts(code: Mapping[str, int]) -> str:
    """Return how many papers have code, by status, in words."""
    available, announced, none = (code.get(status, 0) for status in ("available", "announced", "none"))
    return f"Code available for {available:,}, announced for {announced:,}, no link found for {none:,}"


def made_sentence(made: tuple[Made, ...]) -> str:
    """Return who made the summaries, in a sentence without its full stop."""
    counted: Counter[str] = Counter()
    for maker in made:
        counted[how_made(maker.engine, visible(maker.model))] += maker.papers
    if len(counted) > 1:
        return "Summaries: " + ", ".join(f"{papers:,} {how}" for how, papers in counted.items())
    return f"Summaries {next(iter(counted))}" if counted else "No summaries yet"


def makers_notes(made: tuple[Made, ...]) -> list[str]:
    """Return how the annotations were made and checked, a sentence or two each."""
    by_machine = [maker for maker in made if maker.engine != EDITOR]
    makers = "; ".join(
        f"{visible(maker.engine)} engine ({visible(maker.model)}, prompt {visible(maker.prompt)}) for"
        f" {plural(maker.papers, 'paper')}"
        for maker in by_machine
    )
    note = (
        f"Summaries, tags and code status were made from title and abstract alone, by the {makers}."
        " They were checked against the abstract: a claim that does not stand in it is withheld, and the card"
        " says so."
    )
    by_hand = sum(maker.papers for maker in made if maker.engine == EDITOR)
    corrected = f"The editor corrected by hand what is said of {plural(by_hand, 'paper')}."
    return [*([note] if by_machine else []), *([corrected] if by_hand else [])]

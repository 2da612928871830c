"""An edition without the model: papers that it has not answered for get the lines that rules extract.

Such a line is labelled where it is printed, costs nothing, and gives way to the model's as soon as that
answers: the paper stays in the model's backlog.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date

from broadsheet.annotate import AnnotateReport, Budget, Prepared, Wanted, Watch, maker_of, prepare
from broadsheet.config import Settings
from broadsheet.engines import engine_of, rules
from broadsheet.errors import LLMError
from broadsheet.filters import Filter
from broadsheet.llm import LLM, open_llm
from broadsheet.newsletter import Newsletter
from broadsheet.prompts import Prompts
from broadsheet.store import Store


def annotate(
    prepared: Prepared, store: Store, budget: Budget | None, watch: Watch
) -> tuple[AnnotateReport, LLMError | None]:
    """Run what is prepared; where the engine gives out, return what it did before that, and the error."""
    try:
        return prepared.run(budget, watch), None
    except LLMError as error:
        run = store.runs.latest(1)[0]
        report = AnnotateReport(
            papers=run["papers"],
            annotated=run["annotated"],
            left=run["papers"] - run["annotated"] - run["failed"],
            ending="unavailable",
            **asdict(store.runs.spent(run["id"])),
        )
        return report, error


def pending(
    store: Store,
    llm: LLM,
    prompts: Prompts,
    day: date,
    newsletters: Sequence[Newsletter],
    paper_ids: Sequence[str],
) -> list[str]:
    """Return the papers that a run is about: those just read, those to print, and those once unanswered."""
    unanswered = store.backlog.unanswered(maker_of(llm, prompts))
    return list(dict.fromkeys([*paper_ids, *_to_print(store, day, newsletters), *unanswered]))


def _to_print(store: Store, day: date, newsletters: Sequence[Newsletter]) -> list[str]:
    """Return the papers that the day's editions may print once they are annotated, and those they will."""
    found = dict[str, None]()
    for newsletter in newsletters:
        if newsletter.filter == Filter():
            found |= dict.fromkeys(store.editions.candidates(day, newsletter))
        else:  # what a filter lets through is known only of annotated papers
            anything = newsletter.model_copy(
                update={"filter": Filter(), "look_back_days": newsletter.reach_days}
            )
            recent = store.editions.candidates(day, anything)
            found |= dict.fromkeys(store.backlog.unannotated(recent))
    return list(found)


def extract_rest(
    store: Store,
    llm: LLM,
    prompts: Prompts,
    settings: Settings,
    day: date,
    newsletters: Sequence[Newsletter],
    outage: LLMError | None,
) -> int:
    """Give the day's papers without an annotation an extracted one; return how many there are.

    After an outage they are remembered as unanswered, so that the next run asks the model about them.
    """
    bare = store.backlog.unannotated(_to_print(store, day, newsletters))
    if not bare or engine_of(llm.engine).by_rules:
        return 0
    by_rules = open_llm(settings.model_copy(update={"engine": rules()[0]}), store, prompts)
    prepared = prepare(store, by_rules, prompts, settings, Wanted(bare))
    if outage:
        with store.transaction():
            for paper in prepared.papers:
                store.annotations.fail(paper, maker_of(llm, prompts), "no-answer", str(outage))
    return prepared.run().annotated

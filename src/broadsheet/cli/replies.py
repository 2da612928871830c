"""``replies``: what the model was asked about and what it answered, as it was stored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated

import typer

from broadsheet.cli.app import command
from broadsheet.cli.options import MOST_ROWS, CacheOptions, JsonOption, start
from broadsheet.cli.printing import note, say, say_json
from broadsheet.cli.spending import money
from broadsheet.fencing import fenced
from broadsheet.prompts import SYSTEM, USER, Prompts
from broadsheet.store import Store
from broadsheet.store.annotations import KeptReply
from broadsheet.text import plural


@command("replies")
def replies_(
    *,
    name: Annotated[str | None, typer.Argument(metavar="[ID]", help="Only about this paper.")] = None,
    question: Annotated[
        bool, typer.Option("--question", help="Print the prompt as well, as it is for these papers now.")
    ] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=MOST_ROWS, help="The latest so many.")] = 3,
    as_json: JsonOption = False,
    options: CacheOptions,
) -> None:
    """Print the latest replies: which papers were asked about, why, and the raw answer; calls no model."""
    settings = start(options)
    prompts = Prompts.load(settings.prompts, settings.language) if question else None
    with Store.open(settings.db, create=False) as store:
        paper_id = store.get(name).id if name else None
        replies = list(store.annotations.replies(latest=limit, paper_id=paper_id))
        for reply in replies:
            if as_json:
                say_json(asdict(reply))
            else:
                say("\n".join(_lines(reply, store, prompts)))
    if not replies and not as_json:
        note("No model has answered yet." if name is None else "No model has answered about this paper yet.")


def _lines(reply: KeptReply, store: Store, prompts: Prompts | None) -> Iterator[str]:
    tokens = f"{plural(reply.input_tokens, 'token')} in, {reply.output_tokens:,} out"
    maker = reply.maker
    yield f"# {reply.id}  {reply.received_at[:19]}  {maker.engine} {maker.model}, prompt {maker.prompt}"
    yield f"{reply.purpose}: {tokens}, cost {money(reply.cost_usd)}; ended with {reply.finish_reason}"
    papers = {ref: store.papers.by_id(paper_id) for ref, (paper_id, _) in reply.papers.items()}
    for ref, paper in papers.items():
        yield f"  {ref:4}{reply.papers[ref][0]}  {paper.title if paper else 'removed'}"
    if prompts:
        sent = {ref: fenced(paper) for ref, paper in papers.items() if paper}
        shown = [{"ref": ref, "title": paper.title, "text": paper.text} for ref, paper in sent.items()]
        yield f"\n{prompts.render(SYSTEM)}\n\n{prompts.render(USER, papers=shown)}"
    yield ""
    yield reply.refusal or reply.text
    yield ""

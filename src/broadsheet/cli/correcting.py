"""``correct`` and ``remove``: what the editor puts right by hand."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, get_args

import typer
from pydantic import ValidationError

from broadsheet.annotation import Annotation, Code, CodeStatus
from broadsheet.cli.app import command
from broadsheet.cli.options import CacheOptions, YesOption, check_choice, or_today, start
from broadsheet.cli.printing import note, say
from broadsheet.cli.spending import says_yes
from broadsheet.compose import compose
from broadsheet.config import Settings
from broadsheet.engines import EDITOR
from broadsheet.errors import ConfigError, plain_reason
from broadsheet.newsletter import DEFAULT, Newsletter, all_with_tag_ids
from broadsheet.prompts import Prompts
from broadsheet.record import Maker, Record
from broadsheet.render.fields import shown
from broadsheet.schema import schema_id, shown_fields
from broadsheet.store import Store
from broadsheet.store.overview import EditionKey
from broadsheet.taxonomy import Taxonomy, tag_id
from broadsheet.text import plural

Name = Annotated[str, typer.Argument(metavar="ID", help="As for show.")]
Texts = list[str] | None


@command("correct")
def correct_(
    *,
    name: Name,
    tldr: Annotated[str | None, typer.Option("--tldr", help="The summary.")] = None,
    topic: Annotated[Texts, typer.Option("--topic", help="A topic, the first one first.")] = None,
    contribution: Annotated[str | None, typer.Option("--contribution", help="The main kind.")] = None,
    keyword: Annotated[Texts, typer.Option("--keyword", help="A keyword; may be repeated.")] = None,
    code: Annotated[str | None, typer.Option("--code", help="available, announced or none.")] = None,
    evidence: Annotated[str | None, typer.Option("--evidence", help="The abstract's words on code.")] = None,
    url: Annotated[Texts, typer.Option("--url", help="Where the code is; may be repeated.")] = None,
    options: CacheOptions,
) -> None:
    """Correct a paper's annotation by hand; no later annotation overwrites it."""
    check_choice("--code", code, get_args(CodeStatus))
    settings = start(options)
    prompts = Prompts.load(settings.prompts, settings.language)
    names = prompts.taxonomy.names
    with Store.open(settings.db, create=False) as store:
        record = store.get(name)
        given = {
            "tldr": tldr,
            "topics": [tag_id(each, names) for each in topic] if topic else None,
            "contribution": contribution and tag_id(contribution, names),
            "keywords": keyword,
            "code": _code(record, code, evidence, url),
        }
        given = {field: value for field, value in given.items() if value is not None}
        if not given:
            raise ConfigError("There is nothing to correct; add --tldr, --topic or another option.")
        annotation = _corrected(record, given, store.annotation, prompts.taxonomy)
        maker = Maker(EDITOR, EDITOR, "", schema_id(prompts.taxonomy, store.annotation))
        with store.transaction():
            store.annotations.keep(record.paper, maker, annotation)
            withdrawn = store.editions.withdraw(record.id)
            published = store.edits.published_with(record.id)
            words = _in_words(given, annotation, names)
            for key in published:
                store.edits.correct(key, or_today(None), words, record.id)
        say(f"Corrected: {record.title}")
        for key in published:
            note(f"The edition of {key.day} is published and says so now; {_how_to_render(key)}")
        _compose_again(store, withdrawn, settings, prompts.taxonomy)


def _in_words(given: Iterable[str], said: Annotation, names: Mapping[str, str]) -> str:
    """Return what the corrected fields say now, for the readers of a published edition."""
    labels = {field.name: field.show.label for field in shown_fields(type(said))}
    told = {field.label: field.text for field in shown(said, names, under="", states={})}
    code = " ".join((said.code.status, *said.code.urls))
    parts = (f"{labels[name]}: {code if name == 'code' else told[labels[name]]}" for name in given)
    return "; ".join(part.rstrip(".") for part in parts) + "."


def _code(record: Record, status: str | None, evidence: str | None, urls: Texts) -> dict[str, Any] | None:
    """Return the whole of the corrected code field, or None if nothing of it was given.

    Raises:
        ConfigError: The evidence is no part of the paper's own text.
    """
    if status is None and evidence is None and not urls:
        return None
    if evidence and evidence not in record.paper.own_text:
        raise ConfigError("--evidence takes words of the title, abstract or comment, exactly as they stand.")
    now = record.annotation.code if record.annotation else Code(evidence="", status="none", urls=())
    if status == "none":
        return {"status": status, "evidence": "", "urls": ()}
    return {
        "status": status or now.status,
        "evidence": now.evidence if evidence is None else evidence,
        "urls": urls or now.urls,
    }


def _corrected(
    record: Record, given: dict[str, Any], model: type[Annotation], taxonomy: Taxonomy
) -> Annotation:
    before = (
        record.annotation.model_dump() if record.annotation else {"code": _code(record, "none", None, None)}
    )
    try:
        return model.model_validate({**before, **given}, context={"taxonomy": taxonomy})
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        raise ConfigError(f"The correction cannot be kept: {field}: {plain_reason(first)}.") from error


@command("remove")
def remove_(
    *,
    names: Annotated[list[str], typer.Argument(metavar="ID...", help="As for show.")],
    yes: YesOption = False,
    options: CacheOptions,
) -> None:
    """Remove papers from the cache and from editions that are not published yet."""
    settings = start(options)
    taxonomy = Prompts.load(settings.prompts, settings.language).taxonomy
    with Store.open(settings.db, create=False) as store:
        records = list({record.id: record for record in map(store.get, names)}.values())
        if not yes:
            if not sys.stdin.isatty():
                raise ConfigError(
                    f"This removes {plural(len(records), 'paper')} for good; add --yes to do it."
                )
            for record in records:
                note(f"  {record.id}  {record.title}")
            if not says_yes(f"Remove {plural(len(records), 'paper')} for good?"):
                raise typer.Abort
        with store.transaction():
            withdrawn = [key for record in records for key in store.editions.withdraw(record.id)]
            for record in records:
                store.papers.remove(record.id)
        say(f"{plural(len(records), 'paper')} removed; a source that still lists one brings it back.")
        _compose_again(store, withdrawn, settings, taxonomy)


def _compose_again(
    store: Store, withdrawn: Iterable[EditionKey], settings: Settings, taxonomy: Taxonomy
) -> None:
    newsletters = {each.name: each for each in all_with_tag_ids(settings.newsletters, taxonomy.names)}
    for key in sorted(withdrawn):
        newsletter = newsletters.get(key.newsletter, Newsletter(name=key.newsletter))
        if compose(store, key.day, taxonomy=taxonomy, newsletter=newsletter).edition:
            note(f"The edition of {key.day} was composed again; {_how_to_render(key)}")


def _how_to_render(key: EditionKey) -> str:
    named = "" if key.newsletter == DEFAULT else f" --newsletter {key.newsletter}"
    return f"write its pages with: broadsheet render --date {key.day}{named}"

"""The options that say which papers of the cache are wanted."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Annotated, get_args

import typer

from broadsheet.annotation import CodeStatus
from broadsheet.cli.options import CacheOptions, check_choice, day_option
from broadsheet.config import Settings
from broadsheet.errors import BroadsheetError, ConfigError
from broadsheet.filters import Filter
from broadsheet.prompts import Prompts
from broadsheet.store import Store
from broadsheet.taxonomy import Taxonomy, tag_id

TAG_HELP = "Has this tag, by its id or its name; may be repeated."
NOT_HELP = "Lacks this tag; may be repeated."
Texts = list[str] | None
Day = date | None


def tags_for_shell(incomplete: str) -> list[str]:
    """Return the ids of the tags that begin so, for tab completion, which must not print anything."""
    with suppress(BroadsheetError):
        names = Prompts.load(Settings.load().prompts).taxonomy.names
        return [tag for tag in names if tag.startswith(incomplete.lower())]
    return []


@dataclass(frozen=True)
class FilterOptions(CacheOptions):
    """Which papers of the cache are wanted."""

    tag: Annotated[Texts, typer.Option("--tag", help=TAG_HELP, autocompletion=tags_for_shell)] = None
    match: Annotated[str, typer.Option("--match", help="With several --tag: any or all.")] = "any"
    without: Annotated[Texts, typer.Option("--not", help=NOT_HELP, autocompletion=tags_for_shell)] = None
    code: Annotated[str | None, typer.Option("--code", help="available, announced or none.")] = None
    repository: Annotated[
        bool | None,
        typer.Option("--repository/--no-repository", help="Hugging Face lists a repository for it, or none."),
    ] = None
    since: Annotated[Day, day_option("--since", "We first saw it then or later.")] = None
    until: Annotated[Day, day_option("--until", "We first saw it then or before.")] = None
    published_since: Annotated[Day, day_option("--published-since", "It appeared then or later.")] = None
    published_until: Annotated[Day, day_option("--published-until", "It appeared then or before.")] = None
    where: Annotated[
        Texts,
        typer.Option("--where", metavar="FIELD=VALUE", help="A field has this value; may be repeated."),
    ] = None
    author: Annotated[
        Texts, typer.Option("--author", metavar="NAME", help="One of its authors; may be repeated: either.")
    ] = None
    contribution: Annotated[
        Texts, typer.Option("--contribution", help="Its main kind; may be repeated: either.")
    ] = None
    source: Annotated[
        Texts,
        typer.Option("--source", help="Listed by it, such as hf or arxiv:cs.CL; may be repeated: either."),
    ] = None
    words: Annotated[
        str, typer.Option("--words", help="All of these words stand in title, abstract, TL;DR or authors.")
    ] = ""
    search: Annotated[
        str,
        typer.Option(
            "--search", help='Best answers first: any word counts, "a phrase" must, -word must not.'
        ),
    ] = ""

    def filter(self, taxonomy: Taxonomy, store: Store) -> Filter:
        """Return the filter.

        Raises:
            ConfigError: An option's value is none that it takes.
        """
        known = {tag: taxonomy.names.get(tag, tag) for tag in (*taxonomy.names, *store.records.tag_counts())}
        check_choice("--match", self.match, ("any", "all"))
        check_choice("--code", self.code, get_args(CodeStatus))
        return Filter.model_validate(
            {
                "tags": [tag_id(tag, known) for tag in self.tag or ()],
                "match": self.match,
                "without": [tag_id(tag, known) for tag in self.without or ()],
                "code": self.code,
                "repository": self.repository,
                "since": self.since,
                "until": self.until,
                "published_since": self.published_since,
                "published_until": self.published_until,
                "fields": [_field_and_value(each) for each in self.where or ()],
                "authors": self.author or (),
                "contribution": [tag_id(each, known) for each in self.contribution or ()],
                "sources": self.source or (),
                "words": self.words,
                "search": self.search,
            }
        )


def _field_and_value(words: str) -> tuple[str, str]:
    name, equals, value = words.partition("=")
    if not (name.strip() and equals):
        raise ConfigError(f"--where takes FIELD=VALUE, such as contribution=survey, not {words!r}.")
    return name.strip(), value.strip()

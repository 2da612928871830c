"""`WishForm`: what a reader wants by mail, as a form that shows and changes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from broadsheet.filter_words import in_words
from broadsheet.filters import Filter
from broadsheet.newsletter import Newsletter
from broadsheet.store.subscribers import RHYTHMS, Rhythm
from broadsheet.taxonomy import Taxonomy
from broadsheet.visible import visible
from broadsheet.web.asking import Asked

_SHOWN = ("tag", "match", "without", "contribution", "code", "words", "author")
"""What the form has fields for; the rest of a filter goes with it, hidden."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a reader wants.

    Attributes:
        where: Which papers.
        rhythm: How often.
        newsletter: Of which newsletter; empty for the first.
        address: Where to, as it was typed.
        fault: What is wrong with the address, or empty.
    """

    where: Filter
    rhythm: Rhythm = "daily"
    newsletter: str = ""
    address: str = ""
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Option:
    """Something that can be chosen."""

    value: str
    name: str
    is_chosen: bool
    definition: str = ""


@dataclass(frozen=True, slots=True)
class WishForm:
    """The form in print.

    Attributes:
        wanted: The filter in words, or empty for everything.
        asked: The filter as the form's fields hold it.
        newsletters: Those to choose from.
        rhythms: How often.
        topics: Topics to choose.
        unwanted: Tags to leave out.
        contributions: Kinds of contribution to choose.
        hidden: Conditions that the form has no field for, by name.
        everything: The whole filter as hidden fields, for a form without fields for it.
        address: The address as it was typed.
        fault: What is wrong with it, or empty.
    """

    wanted: str
    asked: Asked
    newsletters: tuple[Option, ...]
    rhythms: tuple[Option, ...]
    topics: tuple[Option, ...]
    unwanted: tuple[Option, ...]
    contributions: tuple[Option, ...]
    hidden: tuple[tuple[str, str], ...]
    everything: tuple[tuple[str, str], ...]
    address: str
    fault: str

    @classmethod
    def of(cls, wish: Wish, newsletters: Sequence[Newsletter], taxonomy: Taxonomy) -> WishForm:
        """Return the form that says what a reader wants.

        Args:
            wish: What that is.
            newsletters: Those to choose from.
            taxonomy: The tags to choose from.
        """
        # A choice of days makes no sense for papers to come.
        asked = Asked.of(wish.where.unranked().model_copy(update={"since": None, "until": None}))
        rest = asked.model_copy(update={name: Asked.model_fields[name].default for name in _SHOWN})
        chosen = wish.newsletter or newsletters[0].name
        return cls(
            wanted=visible(in_words(asked.filter.unranked(), taxonomy.names)),
            asked=asked,
            newsletters=tuple(
                Option(each.name, visible(each.title), each.name == chosen) for each in newsletters
            ),
            rhythms=tuple(Option(each, each, each == wish.rhythm) for each in RHYTHMS),
            topics=_options(taxonomy, asked.tag, contributions=set(asked.tag)),
            unwanted=_options(taxonomy, asked.without, contributions=None),
            contributions=tuple(
                Option(tag.id, visible(tag.name), tag.id in asked.contribution)
                for tag in taxonomy.contributions
            ),
            hidden=tuple(rest.pairs),
            everything=tuple(asked.pairs),
            address=visible(wish.address),
            fault=wish.fault,
        )


def _options(
    taxonomy: Taxonomy, chosen: Sequence[str], *, contributions: set[str] | None
) -> tuple[Option, ...]:
    """Return the topics as options, with those contributions too (all for None), and former tags chosen."""
    tags = [
        *taxonomy.topics,
        *(tag for tag in taxonomy.contributions if contributions is None or tag.id in contributions),
    ]
    known = {tag.id for tag in tags}
    former = tuple(Option(tag, visible(tag), is_chosen=True) for tag in chosen if tag not in known)
    return (*(Option(tag.id, visible(tag.name), tag.id in chosen) for tag in tags), *former)

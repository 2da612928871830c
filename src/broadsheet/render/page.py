"""`Page`: an edition in words, ready for the three templates, so that they cannot disagree.

All text of papers passes `visible` here; how it is escaped is each format's own affair.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from broadsheet.annotation import Annotation
from broadsheet.edition import Card, Count, Edition, Made, Pick, Section
from broadsheet.engines import how_made
from broadsheet.english import reads_english
from broadsheet.newsletter import Colours, Newsletter
from broadsheet.render.fields import Shown, authors_line, listed_repository, safe_url, sentence_of, shown
from broadsheet.render.making import code_counts, made_sentence, makers_notes
from broadsheet.render.reading import heading, readable
from broadsheet.render.remarks import announced, corrected, findings_in_words, in_words
from broadsheet.render.views.trends import TrendsView
from broadsheet.taxonomy import Taxonomy
from broadsheet.text import plural
from broadsheet.visible import visible

MAX_ABSTRACT_CHARACTERS = 700_000
"""An edition whose abstracts come to more leaves them out of its page, which stays near one megabyte."""


@dataclass(frozen=True, slots=True)
class CardView:
    """One paper in print.

    Attributes:
        paper_id: Its id in the cache.
        anchor: Its id in the page.
        heading: Its title.
        url: Its own page, or empty.
        authors: The first three and how many more, or empty.
        shown: The fields of its annotation.
        marks: What is to be said at once: revised, made by another maker than most, why it stands bare.
        withheld: What the check withheld, a sentence each.
        notes: What the check noted, a sentence each.
        is_brief: Whether only the title is printed, with its link.
        note: The editor's own words, or empty.
        corrections: What was put right since, a sentence each.
        abstract: The abstract before, in and after the words that are evidence for code; empty strings where
            there is none or it is left out.
    """

    paper_id: str
    anchor: str
    heading: str
    url: str
    authors: str
    shown: tuple[Shown, ...]
    marks: tuple[str, ...]
    withheld: tuple[str, ...]
    notes: tuple[str, ...]
    abstract: tuple[str, str, str]
    is_brief: bool
    note: str
    corrections: tuple[str, ...]

    def at(self, place: str) -> tuple[Shown, ...]:
        """Return the fields shown at that place."""
        return tuple(field for field in self.shown if field.at == place)


KnownCards = dict[tuple[str, str, tuple[str, str, str] | None, bool], CardView]
"""Cards in words by paper, section, who made most summaries, and whether they have abstracts."""


@dataclass(frozen=True, slots=True)
class PickView:
    """A pointer in print: the paper's title, page and sentence, where its card stands, why it was picked.

    The anchor and the section are empty where the paper has no card in this edition.
    """

    paper_id: str
    anchor: str
    heading: str
    url: str
    sentence: str
    section: str
    why: str
    note: str


@dataclass(frozen=True, slots=True)
class SectionView:
    """One section in print."""

    id: str
    heading: str
    cards: tuple[CardView, ...]
    picks: tuple[PickView, ...]
    counts: tuple[Count, ...]
    trends: TrendsView | None

    @property
    def papers(self) -> int:
        """Return how many papers it lists, by a card or by a pick."""
        return len(self.cards) + len(self.picks)


@dataclass(frozen=True, slots=True)
class Page:
    """The whole edition in print.

    Attributes:
        day: Its day.
        date: The day in words.
        extent: Papers, words and minutes.
        code: Papers by code status.
        made: How the summaries were made, a sentence.
        before: The day of the edition before, in words, or empty.
        corrections: What was put right in this edition since it was published, and in earlier ones since the
            edition before, a sentence each.
        sections: In order.
        notes: How sections and summaries are made, a sentence or two each.
        language: BCP 47 tag of the summaries.
        title: What readers call the newsletter.
        wordmark: The words at the top.
        footer: The newsletter's own last words, or empty.
        colours: The colours of the HTML page.
    """

    day: date
    date: str
    extent: str
    code: str
    made: str
    before: str
    corrections: tuple[str, ...]
    sections: tuple[SectionView, ...]
    notes: tuple[str, ...]
    language: str
    title: str
    wordmark: str
    footer: str
    colours: Colours

    @classmethod
    def of(
        cls,
        edition: Edition,
        taxonomy: Taxonomy,
        language: str = "en",
        newsletter: Newsletter | None = None,
        known: KnownCards | None = None,
    ) -> Page:
        """Return the page of an edition, tags under their names, with the look of its newsletter.

        Args:
            edition: What is printed.
            taxonomy: Gives the tags their names.
            language: BCP 47 tag of the summaries.
            newsletter: How it looks; by default, as without settings.
            known: Cards in words that other pages of the same papers had; new ones are added.
        """
        newsletter = newsletter or Newsletter(title=edition.title)
        made, papers = edition.made, plural(len(edition.cards), "paper")
        total = sum(len(card.record.paper.abstract) for card in edition.cards)
        abstracts = total <= MAX_ABSTRACT_CHARACTERS
        return cls(
            day=edition.day,
            date=in_words(edition.day),
            extent=f"{papers} · {plural(edition.words, 'word')} · {edition.minutes:,} min",
            code=code_counts(edition.code),
            made=made_sentence(made),
            before=in_words(edition.before) if edition.before else "",
            corrections=(
                *map(corrected, edition.corrections),
                *map(announced, edition.announced),
            ),
            sections=tuple(
                _section(
                    section,
                    edition,
                    taxonomy.names,
                    made[0] if made else None,
                    {} if known is None else known,
                    abstracts=abstracts,
                )
                for section in edition.sections
            ),
            notes=(*(section.note for section in edition.sections if section.note), *makers_notes(made)),
            language=newsletter.language or language,
            title=visible(edition.title),
            wordmark=visible(newsletter.wordmark),
            footer=visible(newsletter.footer),
            colours=newsletter.colours,
        )

    @property
    def is_recoloured(self) -> bool:
        """Tell whether any colour is not the packaged one."""
        return self.colours != Colours()

    def language_of(self, summary: str) -> str:
        """Return "en" where rules copied English words into a page of another language, else nothing."""
        return "en" if not self.language.startswith("en") and reads_english(summary) else ""


def anchor(paper_id: str) -> str:
    """Return the paper's id as an HTML id that needs no escaping in a link, distinct for distinct ids."""
    return "p-" + re.sub(r"[^A-Za-z0-9.-]", lambda match: f"_{ord(match[0]):x}_", paper_id)


def _section(
    section: Section,
    edition: Edition,
    names: Mapping[str, str],
    usual: Made | None,
    known: KnownCards,
    *,
    abstracts: bool,
) -> SectionView:
    makers = (usual.engine, usual.model, usual.prompt) if usual else None

    def view(card: Card) -> CardView:
        key = (card.record.id, section.id, makers, abstracts)
        if key not in known:
            known[key] = _card(card, section.id, names, usual, abstracts=abstracts)
        return known[key]

    return SectionView(
        id=section.id,
        heading=section.title,
        cards=tuple(map(view, section.cards)),
        picks=tuple(_pick(pick, edition) for pick in section.picks),
        counts=section.counts,
        trends=TrendsView.of(section.trends, names) if section.trends else None,
    )


def _pick(pick: Pick, edition: Edition) -> PickView:
    record = edition.record_of(pick)
    place = edition.place.get(pick.paper_id)
    return PickView(
        paper_id=record.id,
        anchor=anchor(record.id) if place else "",
        heading=heading(record.title, record.id),
        url=safe_url(record.paper.url),
        sentence=sentence_of(record),
        section=place[0].title if place else "",
        why=", ".join(map(visible, pick.why)),
        note=readable(pick.note),
    )


def _card(
    card: Card, section_id: str, names: Mapping[str, str], usual: Made | None, *, abstracts: bool
) -> CardView:
    record, annotation = card.record, card.record.annotation
    return CardView(
        paper_id=record.id,
        anchor=anchor(record.id),
        heading=heading(record.title, record.id),
        url=safe_url(record.paper.url),
        authors=authors_line(record.paper.authors),
        shown=(
            *(shown(annotation, names, section_id, record.links, record.title) if annotation else ()),
            *listed_repository(record.repository),
        ),
        marks=tuple(_marks(card, usual)),
        withheld=findings_in_words(record, "withheld"),
        notes=findings_in_words(record, "note"),
        abstract=marked_abstract(record.paper.abstract, annotation) if abstracts else ("", "", ""),
        is_brief=card.is_brief,
        note=readable(card.note),
        corrections=tuple(map(corrected, card.corrections)),
    )


def _marks(card: Card, usual: Made | None) -> list[str]:
    marks = [card.why_bare] if card.why_bare else []
    made = card.record.provenance
    if made and usual and (made.engine, made.model, made.prompt) != (usual.engine, usual.model, usual.prompt):
        marks.append(how_made(made.engine, visible(made.model)))
    if card.record.revised:
        marks.append(f"revised since {in_words(card.record.first_seen)}")
    return marks


def marked_abstract(abstract: str, annotation: Annotation | None) -> tuple[str, str, str]:
    """Return the abstract before, in and after the words that are evidence for code; any may be empty."""
    whole, evidence = readable(abstract), readable(annotation.code.evidence) if annotation else ""
    before, found, after = whole.partition(evidence) if evidence else (whole, "", "")
    return before, found, after

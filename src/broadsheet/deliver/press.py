"""Makes the content of messages: each issue once for each choice of papers, whoever gets it."""

from __future__ import annotations

from collections.abc import Callable, Set
from dataclasses import dataclass, field, replace
from datetime import date

from broadsheet.channels import PLACEHOLDER, Content, Headline
from broadsheet.channels.envelope import Links
from broadsheet.config import Settings
from broadsheet.deliver.issues import Issue, issue_named
from broadsheet.deliver.selection import merged, restricted
from broadsheet.edition import Edition
from broadsheet.filter_words import in_words as filter_in_words
from broadsheet.filters import Filter
from broadsheet.newsletter import Newsletter
from broadsheet.render import render
from broadsheet.render.fields import safe_url
from broadsheet.render.mail import Postmark, render_mail
from broadsheet.render.page import KnownCards, Page
from broadsheet.render.remarks import in_words
from broadsheet.store import Store
from broadsheet.taxonomy import Taxonomy
from broadsheet.visible import visible

_HEADLINES = 50


@dataclass(slots=True)
class Press:
    """What is needed to put an issue into words.

    Attributes:
        store: Where editions are.
        settings: The language, and how mail is sent.
        taxonomy: Gives the tags their names.
        newsletter: The newsletter's name.
        title: What readers call it.
        web: Gives the address of an edition on the web, or nothing.
        look: How its pages look; by default, as without settings.
    """

    store: Store
    settings: Settings
    taxonomy: Taxonomy
    newsletter: str = "daily"
    title: str = "Broadsheet"
    web: Callable[[date], str] = lambda _: ""
    look: Newsletter | None = None
    _held: dict[str, Edition] = field(default_factory=dict)
    _cards: KnownCards = field(default_factory=dict)

    def edition(self, issue: Issue) -> Edition | None:
        """Return an issue as one edition, or None if none of its editions is there any more."""
        if issue.name not in self._held:
            found = [each for day in issue.days if (each := self.store.editions.get(day, self.newsletter))]
            if not found:
                return None
            self._held = {issue.name: found[0] if len(found) == 1 else merged(found)}
            self._cards = {}
        return self._held[issue.name]

    def mail(self, name: str, where: Filter, paper_ids: Set[str]) -> Content | None:
        """Return the mail of some papers of an issue, or None if the issue has none of them any more."""
        made = self._chosen(name, paper_ids)
        if made is None or self.settings.mail is None:
            return None
        issue, edition = made
        links = Links(self.settings.mail)
        parts = render_mail(
            edition,
            self.taxonomy,
            Postmark(
                title=self.title,
                rhythm=issue.rhythm,
                wanted=filter_in_words(where, self.taxonomy.names),
                unsubscribe=links.unsubscribe(PLACEHOLDER),
                preferences=links.preferences(PLACEHOLDER),
                web=safe_url(self.web(edition.day)),
                postal=visible(self.settings.mail.postal),
            ),
            self.settings.language,
            newsletter=self.look,
            known=self._cards,
            templates=self.settings.templates,
        )
        return self._content(issue, edition, parts.subject, parts.html, parts.text)

    def page(self, name: str, paper_ids: Set[str]) -> Content | None:
        """Return the pages of an issue for who is no subscriber: a folder, a terminal, a room."""
        made = self._chosen(name, paper_ids)
        if made is None:
            return None
        issue, edition = made
        rendered = render(
            edition,
            self.taxonomy,
            self.settings.language,
            newsletter=self.look,
            templates=self.settings.templates,
        )
        page = Page.of(edition, self.taxonomy, self.settings.language)
        picked = [pick.anchor for section in page.sections for pick in section.picks if pick.anchor]
        cards = {card.anchor: card for section in page.sections for card in section.cards}
        ordered = [cards[anchor] for anchor in dict.fromkeys([*picked, *cards]) if anchor in cards]
        content = self._content(issue, edition, self.title, rendered.html, rendered.text)
        headlines = tuple(
            Headline(card.heading, card.url, next((each.text for each in card.at("headline")), ""))
            for card in ordered[:_HEADLINES]
        )
        return replace(content, markdown=rendered.markdown, headlines=headlines)

    def _chosen(self, name: str, paper_ids: Set[str]) -> tuple[Issue, Edition] | None:
        issue = issue_named(name, self.store.editions.days(self.newsletter))
        whole = self.edition(issue) if issue else None
        chosen = restricted(whole, paper_ids) if whole else None
        return (issue, chosen) if issue and chosen else None

    def _content(self, issue: Issue, edition: Edition, subject: str, html: str, text: str) -> Content:
        return Content(
            newsletter=self.newsletter,
            title=self.title,
            issue=issue.name,
            day=edition.day,
            date=in_words(edition.day),
            subject=subject,
            html=html,
            text=text,
            papers=len(edition.cards),
            url=safe_url(self.web(edition.day)),
        )

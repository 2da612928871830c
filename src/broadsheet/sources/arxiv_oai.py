"""``arxiv-oai:SET``: arXiv's OAI-PMH interface, for backfilling months: https://info.arxiv.org/help/oa.

The protocol needs only two parameters and a token, and harvesting libraries bring HTTP clients that cannot
share a request limit between processes, so none is used.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Unpack
from xml.etree.ElementTree import Element

from broadsheet.errors import SourceError, UserError
from broadsheet.paper import Paper
from broadsheet.sources import arxiv_api, feeds
from broadsheet.sources.arxiv import ArxivSource, announced_on
from broadsheet.sources.field_values import date_in
from broadsheet.sources.http import Client
from broadsheet.sources.live import Options

NAME = "arxiv-oai"
_MOST_RESTARTS = 3


class Harvest(ArxivSource):
    """The papers of a set.

    arXiv dates records by their last change, so an old paper is included only if the cache has it.
    """

    def fetch(self, since: date) -> Iterator[Paper]:
        """Yield the papers listed from a day to the day of the run, and changed papers that the cache has.

        Raises:
            SourceError: arXiv cannot be reached, refuses the request, or lets its tokens expire repeatedly.
        """
        start, token = since, ""
        restarts = 0
        with Client(self.settings) as client:
            while True:
                root = self._page(client, start, token)
                code = _error(root)
                if code == "badResumptionToken" and restarts < _MOST_RESTARTS:
                    # The token expired. Records come in date order, so restarting repeats few of them.
                    restarts, token = restarts + 1, ""
                    continue
                if code and code != "noRecordsMatch":
                    raise SourceError(
                        f"{self.name} was refused ({code}); check the name of the set or try again later."
                    )
                for record in (one for one in root.iter() if feeds.local_name(one) == "record"):
                    changed = date_in(_text(record, "datestamp")) or start
                    start = max(start, min(changed, self.day))
                    yield from self._listed(record, client, since)
                token = _text(root, "resumptionToken")
                if not token:
                    return

    def _page(self, client: Client, start: date, token: str) -> Element:
        first = {"metadataPrefix": "arXivRaw", "set": self.query, "from": start.isoformat()}
        parameters = {"verb": "ListRecords", **({"resumptionToken": token} if token else first)}
        body = client.get(arxiv_api.host(), self.settings.arxiv_oai_url, parameters)
        return feeds.document(body, "arXiv's reply")

    def _listed(self, record: Element, client: Client, since: date) -> Iterator[Paper]:
        arxiv_id = _text(record, "id")
        if not arxiv_id:
            return  # deleted
        versions = [one for one in record.iter() if feeds.local_name(one) == "version"]
        submitted = feeds.moment(_text(versions[0], "date")) if versions else ""
        day = announced_on(submitted, self.day)
        if not since <= day <= self.day and not client.store.papers.by_alias(f"arxiv:{arxiv_id}"):
            return
        last = versions[-1].get("version", "").lstrip("v") if versions else ""
        yield from self.paper(
            {
                "id": arxiv_id,
                "version": last,
                "title": _text(record, "title"),
                "abstract": " ".join(_text(record, "abstract").split()),
                "authors": _text(record, "authors"),
                "published": submitted,
                "comment": _text(record, "comments"),
                "doi": _text(record, "doi"),
                "categories": _text(record, "categories").split(),
            },
            min(max(day, since), self.day),
        )


def open_named(argument: str, **options: Unpack[Options]) -> Harvest:
    """Return the source for ``arxiv-oai:SET``; ``cs.CL`` is short for the set ``cs:cs:CL``.

    Raises:
        UserError: The set is missing.
    """
    wanted = argument[1:]
    if argument[:1] != ":" or not wanted:
        raise UserError("Name an arXiv set, such as arxiv-oai:cs or arxiv-oai:cs.CL.")
    archive, dot, category = wanted.partition(".")
    wanted = f"{archive}:{archive}:{category}" if dot else wanted
    return Harvest(f"{NAME}:{wanted}", wanted, **options)


def _text(element: Element, name: str) -> str:
    """Return the text of the first descendant with a given name, or an empty string."""
    found = next((one for one in element.iter() if feeds.local_name(one) == name), None)
    return (found.text or "").strip() if found is not None else ""


def _error(root: Element) -> str:
    return next((error.get("code", "error") for error in feeds.named(root, "error")), "")

"""The application: what it is made of, in the order in which a request meets it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anyio import to_thread
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from fastapi.middleware.gzip import GZipMiddleware

from broadsheet import __version__
from broadsheet.config import Settings
from broadsheet.embed import search_embedder
from broadsheet.llm.extractive.topics import topics_of_search
from broadsheet.prompts import Prompts
from broadsheet.render.templates import check_templates
from broadsheet.site.context import Publication
from broadsheet.store import Store
from broadsheet.web import api, downloads, feeds, lists, pages, paper, subscribing
from broadsheet.web.conditional import Conditional
from broadsheet.web.guards import Guard, RateLimit
from broadsheet.web.known import Known
from broadsheet.web.look import Look
from broadsheet.web.problems import answer_with_problems
from broadsheet.web.reading import Readers
from broadsheet.web.upkeep import Upkeep

_THREADS = min(4, max(2, os.cpu_count() or 2))
"""Enough to keep SQLite and the model busy; others of the 40 that anyio allows would wait for Python's lock.
On two processors two answered a quarter more searches than four."""


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    to_thread.current_default_thread_limiter().total_tokens = _THREADS
    with Upkeep(app.state.readers, app.state.settings, app.state.searches).under_way():
        yield


def create_app(settings: Settings) -> FastAPI:
    """Return the page and the API over a cache, as an ASGI application.

    Raises:
        StoreError: There is no cache, or it cannot be opened.
        ConfigError: The taxonomy or a template is invalid.
    """
    check_templates(settings.templates)
    with Store.open(settings.db, create=False) as store:  # migrated once, before the first reader comes
        searches = search_embedder(settings, store)
    app = FastAPI(
        title="Broadsheet",
        version=__version__,
        summary="New research papers, each with a checked summary, tags and code availability.",
        docs_url=None,  # its page loads scripts from elsewhere, which the content policy forbids
        redoc_url=None,
        openapi_url="/api/openapi.json",
        lifespan=_lifespan,
    )
    taxonomy = Prompts.load(settings.prompts, settings.language).taxonomy
    topics_of = topics_of_search(taxonomy)

    def equip(store: Store) -> None:
        store.vectors.asks, store.ranking.topics_of = searches, topics_of

    app.state.readers = Readers(settings.db, equip)
    app.state.searches = searches
    app.state.settings = settings
    app.state.taxonomy = taxonomy
    app.state.look = Look(
        Publication.of(settings),
        app.state.taxonomy,
        has_mail=settings.mail is not None,
    )
    for router in (
        api.router,
        feeds.router,
        downloads.router,
        lists.router,
        pages.router,
        paper.router,
        subscribing.router,
    ):
        app.include_router(router)
    answer_with_problems(app)
    app.add_middleware(Known, readers=app.state.readers)
    app.add_middleware(GZipMiddleware, minimum_size=1_000, compresslevel=5)
    app.add_middleware(RateLimit)
    app.add_middleware(Guard)
    app.add_middleware(Conditional)
    if settings.cors_origins:
        app.add_middleware(CORSMiddleware, allow_origins=settings.cors_origins, allow_methods=["GET", "POST"])
    return app

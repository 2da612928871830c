"""``doctor``: is everything in place, one line each, with what to do where it is not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from typing import Annotated

import typer

from broadsheet.cli.app import command
from broadsheet.cli.options import EngineOptions, JsonOption, start
from broadsheet.cli.printing import note, say_result
from broadsheet.config import Settings
from broadsheet.delivery_settings import MailSettings
from broadsheet.engines import engine_of
from broadsheet.errors import BroadsheetError
from broadsheet.prompts import Prompts
from broadsheet.store import Store
from broadsheet.text import plural

OfflineOption = Annotated[bool, typer.Option("--offline", help="Ask neither the model nor any other server.")]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: What it is.
        ok: Whether it is in place; what is merely not set up counts as in place.
        detail: What was found, and what to do where it is not ok.
    """

    name: str
    ok: bool
    detail: str


@command("doctor")
def doctor_(*, offline: OfflineOption = False, as_json: JsonOption = False, options: EngineOptions) -> None:
    """Look whether key, model, embeddings, database, prompts, worker, vocabulary and mail are in place."""
    settings = start(options)
    found = list(_checks(settings, offline=offline))
    lines = "\n".join(f"{'ok' if each.ok else 'not ok':8}{each.name:12}{each.detail}" for each in found)
    say_result([asdict(check) for check in found], lines, as_json=as_json)
    if not all(check.ok for check in found):
        raise typer.Exit(2)


def _checks(settings: Settings, *, offline: bool) -> Iterator[Check]:
    yield _database(settings)
    yield _prompts(settings)
    if settings.worker:
        yield _worker(settings)
    yield Check("engine", True, settings.engine)
    if engine_of(settings.engine).asks_server:
        key = _key()
        yield key
        if key.ok and not offline:
            yield from _endpoint_and_model(settings)
    yield _embeddings(settings, offline=offline) if settings.embedding_model else _packaged(settings)
    if not offline:
        yield _vocabulary()
    if settings.mail is not None:
        yield _mail(settings, settings.mail, offline=offline)


def _database(settings: Settings) -> Check:
    if not settings.db.exists():
        return Check("database", True, f"{settings.db} does not exist yet; the first run makes it")
    try:
        with Store.open(settings.db, create=False) as store:
            return Check("database", True, f"{settings.db}, {plural(store.count(), 'paper')}")
    except BroadsheetError as error:
        return Check("database", False, str(error))


def _prompts(settings: Settings) -> Check:
    try:
        prompts = Prompts.load(settings.prompts, settings.language)
        prompts.try_out()
    except BroadsheetError as error:
        return Check("prompts", False, str(error))
    return Check("prompts", True, f"{len(prompts.taxonomy.topics)} topics, version {prompts.id}")


def _worker(settings: Settings) -> Check:
    from broadsheet.worker import faults, plan_sentence

    wrong = list(faults(settings))
    return Check("worker", not wrong, " ".join(wrong) or plan_sentence(settings))


def _key() -> Check:
    from broadsheet.llm.access import require_access

    try:
        require_access()
    except BroadsheetError as error:
        return Check("key", False, str(error))
    if os.environ.get("OPENAI_API_KEY", "").strip():
        return Check("key", True, "OPENAI_API_KEY is set")
    return Check("key", True, "none; the server at OPENAI_BASE_URL may need no key")


def _endpoint_and_model(settings: Settings) -> Iterator[Check]:
    """Ask the model for one short answer in each form that it may know."""
    from broadsheet.llm.access import endpoint_address
    from broadsheet.llm.negotiation import Dialect
    from broadsheet.llm.openai.examination import examine, longest_s

    address = endpoint_address()
    with ExitStack() as stack:
        known = None
        with suppress(BroadsheetError):  # another line says so
            store = stack.enter_context(Store.open(settings.db, create=False))
            known = store.endpoint(address, settings.model)
        note(f"Asking {settings.model} at {address} one question, for up to {longest_s(settings):.0f} s.")
        try:
            found = examine(settings, Dialect.parse(known.dialect()) if known else None)
        except BroadsheetError as error:
            yield Check("endpoint", False, f"{address}: {error}")
            return
        if known:
            known.remember_dialect(found.dialect.text)
    yield Check("endpoint", True, f"{address} answers in {found.latency_s:.1f} s")
    yield Check(
        "model", True, f"{settings.model} (answered by {found.answered_by}): {found.dialect.sentence}"
    )


def _embeddings(settings: Settings, *, offline: bool) -> Check:
    """Ask for one vector, and count the texts that have none."""
    from broadsheet.embed import keep_spent, open_stage, search_embedder

    told = [settings.embedding_model]
    try:
        with Store.open(settings.db, create=False) if settings.db.exists() else Store.in_memory() as store:
            stage = open_stage(settings, store)
            asks = search_embedder(settings, store)
            told += _lacking(stage.estimate().papers if stage else 0)
            if asks and not offline:
                try:
                    vector = asks.ask("Is everything in place?")
                    keep_spent(store, settings, asks)
                finally:
                    asks.close()
                told.insert(1, f"answers with vectors of {len(vector):,} numbers")
    except BroadsheetError as error:
        return Check("embeddings", False, f"{settings.embedding_model}: {error}")
    return Check("embeddings", True, "; ".join(told))


def _lacking(texts: int) -> list[str]:
    return [f"{plural(texts, 'text has', 'texts have')} no vector yet: broadsheet embed"] if texts else []


def _packaged(settings: Settings) -> Check:
    """Tell by what searches compare papers, where no endpoint gives their vectors."""
    from broadsheet.embedding import MODEL, installed

    if installed() is None:
        return Check("embeddings", True, "none; searches compare words alone without broadsheet[search]")
    told = [MODEL]
    try:
        if settings.db.exists():
            with Store.open(settings.db, create=False, reading=True) as store:
                told += _lacking(store.vectors.lacking())
    except BroadsheetError as error:
        return Check("embeddings", False, str(error))
    return Check("embeddings", True, "; ".join(told))


def _mail(settings: Settings, mail: MailSettings, *, offline: bool) -> Check:
    """Open the way that mail takes, up to the sender's name; no message is sent."""
    from broadsheet.channels.mail import open_channel

    try:
        channel = open_channel(settings)
        if mail.user:
            mail.password()
        if not offline:
            try:
                channel.try_out()
            finally:
                channel.close()
    except BroadsheetError as error:
        return Check("mail", False, str(error))
    where = f"{mail.host}:{mail.smtp_port}"
    told = [f"{where} is not asked" if offline else f"{where} takes mail from {mail.sender}"]
    if not mail.postal:
        told.append("no postal address: many countries ask for one, set postal in [mail]")
    if not mail.bounces:
        told.append("reports of failed delivery go to from, set bounces in [mail] to have them matched")
    return Check("mail", True, "; ".join(told))


def _vocabulary() -> Check:
    from broadsheet import tokens

    detail = f"counted with {tokens.ENCODING}"
    if not tokens.exact():
        reason = "cannot be downloaded; allow it once, or set TIKTOKEN_CACHE_DIR"
        detail = f"over-estimated: {tokens.ENCODING} {reason}"
    return Check("tokens", True, detail)

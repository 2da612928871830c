"""A small invented edition that has one of everything a page can show, and stores that hold it."""

from __future__ import annotations

from pathlib import Path

from broadsheet.annotation import Code, Finding
from broadsheet.compose import compose
from broadsheet.edition import Edition
from broadsheet.prompts import Prompts
from broadsheet.store import Store
from builders import DAY, add, annotate, annotation, maker, paper, sighting

TAXONOMY = Prompts.load().taxonomy
HOSTILE = "<b>Bold</b> & `code` *star* _under_ [x](javascript:alert(1)) | {{ 7*7 }} {% raw %} $\\alpha_i$ #1"
APPROVED = Path(__file__).parents[1] / "fixtures" / "editions"


def small_edition(path: Path) -> tuple[Store, Edition]:
    """A store with eight papers of one day, and their edition."""
    store = Store.open(path)
    rules = maker("extractive", "rules-1")
    bare = paper("Peat Bogs Breathe at Night", abstract="Bogs breathe. We count their breaths.")
    failed = paper("On the Drift of Buoys", abstract="Buoys drift. We follow forty of them.")
    tide = paper(
        authors=("Ada Marsh", "Béla Tóth", "Chi Wen", "Dora Quay", "Eli Sand"), url="https://example.org/p/1"
    )
    hostile = paper(HOSTILE, abstract="A hostile abstract, </details><script>alert(1)</script> & more.")
    rtl = paper("مد و جزر: Tides\u202e in\u200b Two Scripts\x07", sighting=sighting(votes=12, rank=4))
    gone = paper("Gravel Net: Counting Pebbles", sighting=sighting(votes=3, rank=5))
    withheld = paper("Salt Lines")
    announced = paper("Lantern: Night Vision for Ferries")
    add(store, tide, hostile, rtl, gone, withheld, announced, bare, failed)
    annotate(store, tide)
    annotate(store, hostile, said=annotation(tldr=f"{HOSTILE} too", topics=("language",), code="none"))
    annotate(store, rtl, said=annotation(topics=("language", "graphs"), code="none"))
    two = Code(
        status="available", evidence="Our code is available", urls=("https://example.org/a", "javascript:b")
    )
    annotate(store, gone, rules, annotation(topics=("computer-vision",), code=two))
    number = Finding(field="tldr", kind="number-not-in-abstract", detail="17%", severity="withheld")
    doubt = Finding(field="keywords", kind="not-in-text", detail="sea", severity="note")
    annotate(store, withheld, said=annotation(topics=("graphs",), code="none"), findings=(number, doubt))
    annotate(store, announced, rules, annotation(topics=("computer-vision",), code="announced"))
    with store.transaction():
        store.annotations.fail(failed, maker(), "refused")
    edition = compose(store, DAY, taxonomy=TAXONOMY).edition
    assert edition is not None
    return store, edition

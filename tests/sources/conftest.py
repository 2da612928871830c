"""Listings made from text, and a note of what was reported of them."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from datetime import date

import pytest

from broadsheet.errors import Notice
from broadsheet.sources.listing import Listing

DAY = date(2025, 3, 13)


@pytest.fixture
def troubles() -> list[str]:
    return []


@pytest.fixture
def listing(troubles: list[str]) -> Callable[..., Listing]:
    def make(
        content: str | bytes,
        *,
        name: str = "page.txt",
        day: date | None = DAY,
        modified: date = DAY,
        fields: Mapping[str, str] | None = None,
    ) -> Listing:
        raw = content.encode() if isinstance(content, str) else content

        def on_trouble(sentence: str) -> None:
            if not isinstance(sentence, Notice):
                troubles.append(sentence)

        return Listing(
            name, lambda: io.BytesIO(raw), on_trouble, day=day, modified=modified, fields=fields or {}
        )

    return make

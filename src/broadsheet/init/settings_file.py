"""The file of settings that `broadsheet init` writes: commented, and checked before it is written."""

from __future__ import annotations

import json
import tomllib
from typing import Any

from pydantic import ValidationError
from pydantic_settings import PydanticBaseSettingsSource

from broadsheet.config import Settings
from broadsheet.errors import ConfigError, plain_reason
from broadsheet.init.answers import RULES, Answers

_TEMPLATE = """\
# Settings of Broadsheet. Its README lists all of them; options and variables override what stands here.

# The cache, and the folder for editions.
db = "broadsheet.db"
out = "editions"

{engine}

# Your e-mail or web address, which live sources are told with each request.
{contact}

# The site of static files. Feeds, the sitemap and the worker need its public address.
site_title = {title}
{url}

# A newsletter of everything. Others have filters in the words of `broadsheet list`, and a rhythm.
[newsletter.daily]
title = {title}
# top = 30                                # papers told in full; the rest stand as titles
# tag = ["robotics", "agents"]            # a filter; `broadsheet tags` lists all tags

# What `broadsheet worker` does each day.
[worker]
sources = {sources}
at = {at}
time_zone = {zone}
{site}
budget_tokens = 500_000                   # what a day may take, at most; a paper takes about 600
# budget_usd = 0.50
# catch_up_days = 7                       # how many missed days to make up for
"""
_SITE = "site = true                               # write the site even if site_url is not set"
_BY_MODEL = """\
# What annotates. Its key comes from the variable OPENAI_API_KEY, a server of your own from OPENAI_BASE_URL.
engine = "openai"
model = {model}"""
_BY_RULES = """\
# What annotates: rules, which need no key. For a model: engine = "openai" and model = "gpt-5-mini".
engine = "extractive\""""


class _FileAlone(Settings):
    """Settings as a file says, whatever the environment and the present file say."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[Settings],  # type: ignore[override]  # noqa: ARG003 - the signature is pydantic's
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the same
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the same
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the same
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)

    @classmethod
    def load(cls, **options: Any) -> Settings:
        """Load settings from these values alone.

        Raises:
            ConfigError: One of them is not allowed; it came from an answer, so no file is named.
        """
        try:
            return cls(**options)
        except ValidationError as error:
            first = error.errors()[0]
            value = " ".join(str(first["input"]).split())[:100]
            raise ConfigError(f"“{value}” cannot be used: {plain_reason(first)}.") from error


def settings_text(answers: Answers, *, on_pages: bool = False) -> tuple[str, Settings]:
    """Return the text of ``broadsheet.toml``, and the settings that it makes.

    Args:
        answers: What is wanted.
        on_pages: A site is wanted even if it has no address yet.

    Raises:
        ConfigError: An answer cannot be a setting; the sentence names which.
    """
    by_model = answers.model != RULES
    text = _TEMPLATE.format(
        engine=_BY_MODEL.format(model=_string(answers.model)) if by_model else _BY_RULES,
        contact=_given("contact", answers.contact, "editor@example.org"),
        url=_given("site_url", answers.url, "https://example.org/papers/"),
        title=_string(answers.title),
        sources="[" + ", ".join(map(_string, answers.sources)) + "]",
        at=_string(answers.at),
        zone=_string(answers.time_zone),
        site=_SITE if on_pages else f"# {_SITE}",
    )
    loaded: dict[str, Any] = tomllib.loads(text)
    return text, _FileAlone.load(**loaded)


def _given(name: str, value: str, example: str) -> str:
    return f"{name} = {_string(value)}" if value else f"# {name} = {_string(example)}"


def _string(text: str) -> str:
    """Return a basic string of TOML 1.0, which is one of JSON in which U+007F is escaped too."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")

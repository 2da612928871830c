"""`Settings`: one frozen model from options, the environment and ``broadsheet.toml``, in that order."""

from __future__ import annotations

import os
import re
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from broadsheet.addresses import fault_of
from broadsheet.delivery_settings import SECRETS, MailSettings, TelegramSettings, WebhookSettings
from broadsheet.engines import ENGINES, default_engine
from broadsheet.errors import ConfigError, plain_reason
from broadsheet.newsletter import Newsletter, fault_sentence
from broadsheet.toml_file import read_toml
from broadsheet.worker_settings import HEALTHCHECK, WorkerSettings

CONFIG_FILE = Path("broadsheet.toml")
PREFIX = "BROADSHEET_"
_LANGUAGE_TAG = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,4}")


class Settings(BaseSettings):
    """What a run depends on; each field is also ``BROADSHEET_<FIELD>`` and a key of the TOML file."""

    model_config = SettingsConfigDict(
        allow_inf_nan=False,
        frozen=True,
        extra="forbid",
        env_prefix=PREFIX,
        env_ignore_empty=True,
    )

    # In the order of the README: what is set in a normal life first, what is for unusual servers last.
    db: Path = Field(Path("broadsheet.db"), description="The cache: an SQLite file.")
    out: Path = Field(Path("editions"), description="The folder to write editions to.")
    engine: str = Field(
        default_factory=default_engine,
        description="The engine: openai if OPENAI_API_KEY or OPENAI_BASE_URL is set, else extractive.",
    )
    model: str = Field("gpt-5-mini", description="The model that the openai engines use.")
    embedding_model: str = Field(
        "",
        description="The model behind the same address whose vectors `embed` and `run` store, for search;"
        " needs `broadsheet[search]`.",
    )
    prompts: Path | None = Field(
        None, description="A folder of prompts that replace the packaged ones, file by file."
    )
    templates: Path | None = Field(
        None, description="A folder of templates that replace the packaged ones, file by file."
    )
    language: str = Field(
        "en", description="The language of the summaries: a BCP 47 tag such as zh or pt-BR."
    )
    fallback: bool = Field(
        True, description="Print lines extracted by rules for papers that the model did not answer for."
    )
    look_back_days: int = Field(
        3, ge=0, le=36_500, description="How many days before the edition's day a run asks live sources for."
    )
    site_out: Path = Field(Path("site"), description="The folder to write the static site to.")
    site_url: str = Field("", description="The site's public address, which feeds and the sitemap need.")
    site_title: str = Field("Broadsheet", min_length=1, description="The site's title.")
    feed_domain: str = Field(
        "",
        description="The domain in the ids of feed entries, if not the site's; set the old one if it moves.",
    )
    contact: str = Field(
        "", description="Your e-mail or web address, sent to live sources with each request."
    )
    prices: Path | None = Field(
        None, description="A table of model prices (TOML) that replaces the packaged one."
    )
    confirm_tokens: int = Field(
        1_000_000, ge=0, description="Ask before a run that is estimated to take more tokens than this."
    )
    requests_per_minute: float | None = Field(
        None,
        gt=0,
        description="The provider's limit on requests per minute; its headers can lower it.",
    )
    tokens_per_minute: float | None = Field(
        None,
        gt=0,
        description="The provider's limit on tokens per minute, in and out; its headers can lower it.",
    )
    batch_papers: int = Field(10, ge=1, description="The most papers to put into a request.")
    context_tokens: int | None = Field(
        None,
        ge=1_000,
        description="The model's context length in tokens; Broadsheet learns it from refusals if unset.",
    )
    max_in_flight: int = Field(
        256,
        ge=1,
        le=10_000,
        description="The most requests to have under way at once; runs find out how many the server takes.",
    )
    endpoints: tuple[str, ...] = Field((), description="Servers of the model that a backfill asks.")
    batch_wait_s: float = Field(
        0.0,
        ge=0,
        description="How many seconds to wait for jobs of the Batch API before leaving them to a later run.",
    )
    first_token_timeout_s: float = Field(
        60.0, gt=0, description="How many seconds to wait for an answer to begin."
    )
    slowest_tokens_per_s: float = Field(
        10.0,
        gt=0,
        description="Give up on an answer that arrives more slowly than this many tokens per second.",
    )
    batch_input_tokens: int = Field(12_000, ge=500, description="The most prompt tokens in a request.")
    batch_output_tokens: int = Field(
        4_000, ge=200, description="The most answer tokens to ask for in a request."
    )
    record: Path | None = Field(None, description="A folder to keep the raw replies of live sources in.")
    replay: Path | None = Field(
        None, description="A folder of kept replies to read instead of asking the network."
    )
    script: Path | None = Field(None, description="A file of replies for the scripted engine to read.")
    cors_origins: tuple[str, ...] = Field(
        (), description="Origins whose pages may ask the API, such as https://example.org."
    )
    distrust_neighbours: bool = Field(
        True,
        description="Ask again alone about papers whose tags the rules all but rule out, as orders hidden in"
        " another abstract may have dictated them.",
    )
    hf_url: str = Field("https://huggingface.co", description="The address of Hugging Face's API.")
    arxiv_api_url: str = Field(
        "https://export.arxiv.org/api/query", description="The address of arXiv's query API."
    )
    arxiv_feed_url: str = Field(
        "https://rss.arxiv.org/atom", description="The address of arXiv's announcement feeds."
    )
    arxiv_oai_url: str = Field(
        "https://oaipmh.arxiv.org/oai", description="The address of arXiv's OAI-PMH interface."
    )
    newsletter: dict[str, Newsletter] = Field(
        {}, description="The newsletters, by name; one of everything, named daily, if there is none."
    )

    @property
    def newsletters(self) -> tuple[Newsletter, ...]:
        """Return the newsletters that are made: those declared, or one of everything."""
        return tuple(self.newsletter.values()) or (Newsletter(),)

    @field_validator("newsletter", mode="before")
    @classmethod
    def _know_their_names(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        return {
            name: {"name": name, **each} if isinstance(each, dict) else each for name, each in given.items()
        }

    mail: MailSettings | None = Field(None, description="The table `[mail]`: how mail is sent.")
    webhook: WebhookSettings | None = Field(
        None, description="The table `[webhook]`: a room in Slack, Discord or Mattermost."
    )
    telegram: TelegramSettings | None = Field(
        None, description="The table `[telegram]`: a Telegram chat or channel."
    )
    worker: WorkerSettings | None = Field(
        None, description="The table `[worker]`: what `broadsheet worker` does each day."
    )

    @field_validator("engine")
    @classmethod
    def _is_an_engine(cls, name: str) -> str:
        if name not in ENGINES:
            raise ValueError(f"there are {', '.join(ENGINES)}")
        return name

    @field_validator("hf_url", "arxiv_api_url", "arxiv_feed_url", "arxiv_oai_url", "endpoints")
    @classmethod
    def _is_an_address(cls, given: str | tuple[str, ...]) -> str | tuple[str, ...]:
        for address in (given,) if isinstance(given, str) else given:
            if fault := fault_of(address):
                raise ValueError(f"it {fault}")
        return given

    @field_validator("*", mode="after")
    @classmethod
    def _is_a_path(cls, value: Any) -> Any:
        """Replace ``~`` in a path by the home folder, as a shell does.

        Raises:
            ValueError: There is no such user, or no file system has such a name.
        """
        if not isinstance(value, Path):
            return value
        if "\0" in str(value):
            raise ValueError("a path holds no NUL character")
        try:
            return value.expanduser()
        except RuntimeError as error:
            raise ValueError("there is no user of that name") from error

    @field_validator("language")
    @classmethod
    def _is_a_language_tag(cls, tag: str) -> str:
        if not _LANGUAGE_TAG.fullmatch(tag):
            raise ValueError("it is no BCP 47 tag, such as en, zh or pt-BR")
        return tag

    @field_validator("site_url")
    @classmethod
    def _is_a_web_address(cls, url: str) -> str:
        if not url:
            return url
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("write it as https://example.org/papers/")
        return url.rstrip("/") + "/"

    @property
    def site_domain(self) -> str:
        """Return the domain of the site's public address, or nothing if it has none."""
        return urlsplit(self.site_url).hostname or ""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is pydantic's
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the same
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let options win over the environment, and that over the file; nothing else is read."""
        return init_settings, env_settings, InitSettingsSource(settings_cls, read_toml(CONFIG_FILE))

    @classmethod
    def load(cls, **options: Any) -> Settings:
        """Load settings from the options that are not None, the environment and ``broadsheet.toml``.

        Raises:
            ConfigError: A value is not allowed, a key is unknown, or the file cannot be read.
        """
        given = {name: value for name, value in options.items() if value is not None}
        try:
            return cls(**given)
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(str(part) for part in first["loc"])
            if name.startswith("newsletter."):
                raise ConfigError(fault_sentence(name, first, CONFIG_FILE)) from error
            if first["type"] == "extra_forbidden":
                raise ConfigError(
                    f"There is no setting “{name}”; correct {CONFIG_FILE}{_closest(name) or '.'}"
                ) from error
            value = " ".join(str(first["input"]).split())[:100]
            shown = "is wrong" if isinstance(first["input"], dict) else f"cannot be “{value}”"
            variable = f" the variable {PREFIX}{name.upper()} or" if "." not in name else ""
            option = " the option," if variable else ""
            raise ConfigError(
                f"The setting “{name}” {shown}: {plain_reason(first)};"
                f" correct{option}{variable} {CONFIG_FILE}."
            ) from error
        except SettingsError as error:  # a variable that holds a list is written as JSON
            raise ConfigError(f"A variable {PREFIX}… is not valid JSON ({error}); correct it.") from error


def misspelt_variables() -> list[str]:
    """Return a sentence for each variable of the environment that looks like a setting and is none."""
    names = [name.removeprefix(PREFIX) for name in os.environ if name.startswith(PREFIX)]
    return [
        f"{PREFIX}{name} is no setting and is ignored{_closest(name, PREFIX) or '.'}"
        for name in names
        if name.lower() not in Settings.model_fields and PREFIX + name not in {*SECRETS, HEALTHCHECK}
    ]


def _closest(name: str, prefix: str = "") -> str:
    """Return a question with the closest name of a setting, or nothing if none is close."""
    close = get_close_matches(name.lower(), Settings.model_fields, n=1)
    return f"; did you mean {prefix}{close[0].upper() if prefix else close[0]}?" if close else ""

"""`Settings`: one frozen model from options, the environment and ``broadsheet.toml``, in that order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from broadsheet.engines import ENGINES, default_engine
from broadsheet.errors import ConfigError

CONFIG_FILE = Path("broadsheet.toml")


class Settings(BaseSettings):
    """What a run depends on; each field is also ``BROADSHEET_<FIELD>`` and a key of the TOML file."""

    model_config = SettingsConfigDict(
        allow_inf_nan=False,
        frozen=True,
        extra="forbid",
        env_prefix="BROADSHEET_",
        toml_file=CONFIG_FILE,
        env_ignore_empty=True,
    )

    # In the order of the README: what is set in a normal life first, what is for unusual servers last.
    db: Path = Field(Path("broadsheet.db"), description="The cache, an SQLite file.")
    out: Path = Field(Path("editions"), description="Folder that editions are written to.")
    engine: str = Field(
        default_factory=default_engine,
        description="What annotates: openai where OPENAI_API_KEY or OPENAI_BASE_URL is set, else extractive.",
    )
    model: str = Field("gpt-5-mini", description="Model that the openai engines ask.")
    prompts: Path | None = Field(None, description="Folder whose texts replace the packaged prompts.")
    fallback: bool = Field(
        True, description="Print extracted lines for papers that the model gave no answer for."
    )
    look_back_days: int = Field(3, ge=0, description="Days before its own that a run asks live sources for.")
    contact: str = Field("", description="Address that live sources are told.")
    prices: Path | None = Field(None, description="Table of prices that replaces the packaged one.")
    confirm_tokens: int = Field(
        1_000_000, ge=0, description="Estimated tokens of a run above which a person is asked first."
    )
    requests_per_minute: float | None = Field(
        None, gt=0, description="The provider's limit of requests a minute; its own headers may lower it."
    )
    tokens_per_minute: float | None = Field(
        None,
        gt=0,
        description="The provider's limit of tokens a minute, in and out; its own headers may lower it.",
    )
    batch_papers: int = Field(10, ge=1, description="Papers a request, at most.")
    context_tokens: int | None = Field(
        None,
        ge=1_000,
        description="Tokens of the model's context; else learnt from refusals.",
    )
    max_in_flight: int = Field(16, ge=1, le=1000, description="Requests under way at once, at most.")
    batch_wait_s: float = Field(
        0.0,
        ge=0,
        description="Seconds to wait for jobs of the Batch API before they are left for a later run.",
    )
    first_token_timeout_s: float = Field(60.0, gt=0, description="Seconds allowed before an answer begins.")
    slowest_tokens_per_s: float = Field(
        10.0, gt=0, description="Answer tokens a second below which an answer counts as lost."
    )
    batch_input_tokens: int = Field(12_000, ge=500, description="Prompt tokens a request, at most.")
    batch_output_tokens: int = Field(4_000, ge=200, description="Answer tokens a request, at most.")
    record: Path | None = Field(None, description="Folder that raw replies of live sources are kept in.")
    replay: Path | None = Field(None, description="Folder of kept replies, read for the network.")
    script: Path | None = Field(None, description="File of replies that the scripted engine reads.")
    hf_url: str = Field("https://huggingface.co", description="Where the daily-papers API answers.")
    arxiv_api_url: str = Field("https://export.arxiv.org/api/query", description="arXiv's query API.")
    arxiv_feed_url: str = Field("https://rss.arxiv.org/atom", description="arXiv's announcement feeds.")
    arxiv_oai_url: str = Field("https://oaipmh.arxiv.org/oai", description="arXiv's OAI-PMH interface.")

    @field_validator("engine")
    @classmethod
    def _is_an_engine(cls, name: str) -> str:
        if name not in ENGINES:
            raise ValueError(f"there are {', '.join(ENGINES)}")
        return name

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
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    @classmethod
    def load(cls, **options: Any) -> Settings:
        """Load settings from the options that are not None, the environment and ``broadsheet.toml``.

        Raises:
            ConfigError: A value is not allowed, a key is unknown, or the file is no TOML.
        """
        given = {name: value for name, value in options.items() if value is not None}
        try:
            return cls(**given)
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(str(part) for part in first["loc"])
            reason = first["msg"].removeprefix("Value error, ")
            raise ConfigError(
                f"The setting {name!r} cannot be used: {reason} (got {first['input']!r});"
                f" correct the option, the variable BROADSHEET_{name.upper()} or {CONFIG_FILE}."
            ) from error
        except ValueError as error:
            raise ConfigError(f"{CONFIG_FILE} is not valid TOML ({error}); correct it.") from error

"""The table ``[worker]`` of ``broadsheet.toml``: when and from what an edition is made each day."""

from __future__ import annotations

import os
import re
from datetime import time
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator

from broadsheet.addresses import fault_of

HEALTHCHECK = "BROADSHEET_HEALTHCHECK_URL"
"""The variable that holds the health check's address; who knows that address can answer for the worker."""
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


class WorkerSettings(BaseModel):
    """The table ``[worker]``."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    sources: tuple[str, ...] = Field(
        min_length=1, description="What is read each day, as for `broadsheet run`."
    )
    at: time = Field(time(6, 30), description="When, as `HH:MM` by the clock of `time_zone`.")
    time_zone: str = Field("UTC", description="A time zone, such as `Europe/Berlin`.")
    site: bool | None = Field(
        None, description="Write the static site too; if unset, where `site_url` is set."
    )
    send: tuple[str, ...] | None = Field(
        None,
        description="Channels to send editions through; if unset, those of `mail`, `webhook` and `telegram`"
        " that have a table.",
    )
    catch_up_days: int = Field(
        7, ge=0, le=31, description="How many missed days to make editions of, at most."
    )
    tries: int = Field(
        4, ge=1, le=10, description="How often to try a day: again after 5, 15, 45 and then each 120 minutes."
    )
    budget_tokens: int | None = Field(None, ge=0, description="The most tokens that a day may take.")
    budget_usd: float | None = Field(None, ge=0, description="The most US dollars that a day may cost.")
    healthcheck: str = Field("", description=f"The address of a health check, unless `{HEALTHCHECK}` is set.")

    @field_validator("sources", mode="before")
    @classmethod
    def _one_is_a_list(cls, given: Any) -> Any:
        return [given] if isinstance(given, str) else given

    @field_validator("sources")
    @classmethod
    def _can_be_read_each_day(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        if "-" in given:
            raise ValueError("standard input cannot be read each day; name a source or a file")
        if not all(source.strip() for source in given):
            raise ValueError("a source has a name")
        return given

    @field_validator("at", mode="before")
    @classmethod
    def _is_a_time_of_day(cls, given: Any) -> Any:
        if isinstance(given, time):
            return given.replace(microsecond=0)
        if not isinstance(given, str) or not _TIME.fullmatch(given):
            raise ValueError("write a time of day as 06:30")
        return given

    @field_validator("time_zone")
    @classmethod
    def _is_known(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(
                "this machine knows no such time zone; write it as Europe/Berlin, and install the package"
                " tzdata if the name is right"
            ) from error
        return name

    @field_validator("healthcheck")
    @classmethod
    def _is_an_address(cls, address: str) -> str:
        if address and (fault := fault_of(address)):
            raise ValueError(f"it {fault}")
        return address

    @property
    def zone(self) -> ZoneInfo:
        """Return the time zone."""
        return ZoneInfo(self.time_zone)

    @property
    def healthcheck_address(self) -> str:
        """Return the health check's address, or nothing if there is none."""
        return os.environ.get(HEALTHCHECK, "").strip() or self.healthcheck

"""The tables ``[mail]``, ``[webhook]`` and ``[telegram]`` of ``broadsheet.toml``: settings of the ways out.

Secrets never stand in that file: each comes from a variable of the environment or from a file of its own, and
is read only where it is used, so that no message can print it.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from broadsheet.errors import ConfigError

SECRETS = ("BROADSHEET_MAIL_PASSWORD", "BROADSHEET_WEBHOOK_URL", "BROADSHEET_TELEGRAM_TOKEN")
"""The variables that hold a secret; they are settings, although no field has their name."""

Security = Literal["starttls", "tls", "none"]


def _in_one_line(text: str) -> str:
    if not text.isprintable():
        raise ValueError("it must be one line that can be printed")
    return text


Line = Annotated[str, StringConstraints(max_length=200), AfterValidator(_in_one_line)]
_ADDRESS = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?"
)
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class MailSettings(BaseModel):
    """The table ``[mail]``: how mail leaves, and what readers see of its sender."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    sender: str = Field(alias="from", description="The address that newsletters come from.")
    name: Line = Field("Broadsheet", description="The sender's name, as readers see it.")
    host: str = Field("localhost", min_length=1, description="The SMTP server.")
    port: int = Field(0, ge=0, le=65_535, description="Its port; 0 is 587, or 465 with `tls`.")
    security: Security = Field(
        "starttls",
        description="`starttls`, `tls` from the first byte, or `none`, for a server on this machine only.",
    )
    ca_file: Path | None = Field(
        None, description="Certificates to trust instead of the system's, for a server of your own."
    )
    user: str = Field("", description="The user name; without one, Broadsheet does not log in.")
    password_file: Path | None = Field(
        None, description="A file with the password, unless `BROADSHEET_MAIL_PASSWORD` is set."
    )
    url: str = Field(
        description="The public address of your web page; links to confirm and unsubscribe start with it."
    )
    account_from: str = Field(
        "", description="The address that confirmations come from, where it is another than `from`."
    )
    bounces: str = Field(
        "",
        description="The address that bounces go to; its server must take `name+anything@` (VERP).",
    )
    unsubscribe: str = Field(
        "", description="The address that takes unsubscribe requests by mail; else `from`."
    )
    postal: Line = Field(
        "", description="Your postal address for the foot of each mail; many countries ask for one."
    )
    list_domain: str = Field("", description="The domain of `List-ID`; else that of `from`.")
    messages_per_second: float = Field(
        10.0, gt=0, description="How many messages to hand over in a second, at most."
    )
    connections: int = Field(
        2,
        ge=1,
        le=20,
        description="How many connections to use at most; a server that allows fewer gets fewer.",
    )
    dkim_key: Path | None = Field(
        None, description="A private key (PEM) to sign with, where the server does not sign."
    )
    dkim_selector: str = Field("broadsheet", min_length=1, description="The selector of that key.")

    @field_validator("sender", "account_from", "bounces", "unsubscribe")
    @classmethod
    def _is_an_address(cls, address: str) -> str:
        if address and not _ADDRESS.fullmatch(address):
            raise ValueError("it is no mail address")
        return address

    @field_validator("url")
    @classmethod
    def _is_https(cls, url: str) -> str:
        parts = urlsplit(url)
        if not url.isascii() or not url.isprintable() or set(' "<>,') & set(url) or len(url) > 300:
            raise ValueError("it is no web address")
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
            raise ValueError("it must start with https:// (RFC 8058 asks for it)")
        return url.rstrip("/")

    @model_validator(mode="after")
    def _encrypts(self) -> MailSettings:
        if self.security == "none" and self.host not in _LOOPBACK:
            raise ValueError("security = none would send mail in the clear; use starttls or tls")
        return self

    @property
    def smtp_port(self) -> int:
        """Return the port, by RFC 8314 where none is set."""
        return self.port or (465 if self.security == "tls" else 587)

    @property
    def domain(self) -> str:
        """Return the domain of the sender's address."""
        return self.sender.rpartition("@")[2].lower()

    def password(self) -> str:
        """Return the password.

        Raises:
            ConfigError: Neither the variable nor the file holds one.
        """
        return _secret("BROADSHEET_MAIL_PASSWORD", self.password_file, "[mail] password_file")


class WebhookSettings(BaseModel):
    """The table ``[webhook]``: a room in Slack, Discord or Mattermost."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["slack", "discord", "mattermost"] = Field(
        description="What answers at the address: `slack`, `discord` or `mattermost`."
    )
    url_file: Path | None = Field(
        None,
        description="A file with the address, which is a secret, unless `BROADSHEET_WEBHOOK_URL` is set.",
    )

    def url(self) -> str:
        """Return the address.

        Raises:
            ConfigError: Neither the variable nor the file holds one.
        """
        url = _secret("BROADSHEET_WEBHOOK_URL", self.url_file, "[webhook] url_file")
        if urlsplit(url).scheme != "https" and urlsplit(url).hostname not in _LOOPBACK:
            raise ConfigError(
                "The webhook's address must start with https://; correct BROADSHEET_WEBHOOK_URL."
            )
        return url


class TelegramSettings(BaseModel):
    """The table ``[telegram]``: a chat or channel that a bot writes to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    chat: Line = Field(min_length=1, description="The chat: `@name` of a channel, or a number.")
    token_file: Path | None = Field(
        None, description="A file with the bot's token, unless `BROADSHEET_TELEGRAM_TOKEN` is set."
    )
    url: str = Field("https://api.telegram.org", description="The address of the Bot API.")

    def token(self) -> str:
        """Return the bot's token.

        Raises:
            ConfigError: Neither the variable nor the file holds one.
        """
        return _secret("BROADSHEET_TELEGRAM_TOKEN", self.token_file, "[telegram] token_file")


def _secret(variable: str, path: Path | None, key: str) -> str:
    if value := os.environ.get(variable):
        return value.strip()
    if path is None:
        raise ConfigError(f"A secret is missing: set the variable {variable}, or name a file with {key}.")
    try:
        value = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read; correct {key}.") from error
    if not value:
        raise ConfigError(f"{path} is empty; write the secret into it, or set {variable}.")
    return value

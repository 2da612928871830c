"""Signs messages with DKIM where the mail server does not; dkimpy does it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from broadsheet.channels.envelope import SIGNED
from broadsheet.delivery_settings import MailSettings
from broadsheet.errors import ConfigError


def signer(settings: MailSettings) -> Callable[[bytes], bytes]:
    """Return what signs a message with DKIM, or leaves it as it is where no key is set.

    Raises:
        ConfigError: dkimpy is not installed, or the key cannot be read.
    """
    if settings.dkim_key is None:
        return lambda raw: raw
    try:
        import dkim
    except ImportError as error:
        raise ConfigError("dkim_key in [mail] needs dkimpy; run: pip install 'broadsheet[mail]'") from error
    key = _key(settings.dkim_key)
    domain, selector = settings.domain.encode(), settings.dkim_selector.encode()
    names = [name.encode() for name in SIGNED]

    def sign(raw: bytes) -> bytes:
        head = raw.partition(b"\r\n\r\n")[0].lower() + b"\r\n"
        present = [name for name in names if re.search(rb"(?m)^" + name + rb":", head)]
        signed: bytes = dkim.sign(
            raw, selector, domain, key, include_headers=present, canonicalize=(b"relaxed", b"relaxed")
        )
        return signed + raw

    return sign


def _key(path: Path) -> bytes:
    from dkim.crypto import UnparsableKeyError, parse_pem_private_key

    try:
        key = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror}); correct dkim_key in [mail].") from error
    try:
        parse_pem_private_key(key)
    except UnparsableKeyError as error:
        raise ConfigError(
            f"{path} is no private RSA key in PEM; make one with openssl genrsa and name it in dkim_key."
        ) from error
    return key

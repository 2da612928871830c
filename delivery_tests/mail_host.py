"""A mail host of its own on loopback: Postfix, OpenDKIM and Dovecot, with private files.

Nothing in ``/etc`` is read or written but what the packages bring. Postfix takes mail with STARTTLS and a
password, OpenDKIM signs it, and Dovecot keeps it and shows it over IMAP.
"""

from __future__ import annotations

import imaplib
import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import TypeVar

from servers.smtp import certificate

DOMAIN, PASSWORD, SELECTOR = "lists.example.org", "tide-table", "tide"
SENDER, BOUNCES = f"papers@{DOMAIN}", f"bounces@{DOMAIN}"
READER, NOBODY, NOBODY_LATER = "ann@example.org", "gone@example.org", "gone@late.example.org"
"""A mailbox; an address that is refused at once; and one that is taken, and comes back as a report."""
PATIENCE_S = 60.0
_Value = TypeVar("_Value")

_MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/spool
data_directory = {folder}/data
maillog_file = {folder}/postfix.log
maillog_file_prefixes = {folder}
myhostname = mx.example.org
mydestination =
mynetworks =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
virtual_mailbox_domains = example.org, late.example.org, {domain}
virtual_mailbox_maps = texthash:{folder}/mailboxes
virtual_transport = lmtp:unix:{folder}/lmtp
recipient_delimiter = +
smtpd_milters = inet:127.0.0.1:{milter}
milter_default_action = tempfail
smtpd_tls_cert_file = {folder}/localhost.crt
smtpd_tls_key_file = {folder}/localhost.key
smtpd_tls_security_level = encrypt
smtpd_tls_auth_only = yes
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = {folder}/auth
smtpd_relay_restrictions = permit_sasl_authenticated, reject
"""
_MASTER = """
127.0.0.1:{smtp} inet n - n - - smtpd
postlog   unix-dgram n - n - 1 postlogd
pickup    unix  n - n 60 1 pickup
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 300 1 qmgr
tlsmgr    unix  - - n 1000? 1 tlsmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
verify    unix  - - n - 1 verify
flush     unix  n - n 1000? 0 flush
proxymap  unix  - - n - - proxymap
smtp      unix  - - n - - smtp
error     unix  - - n - - error
retry     unix  - - n - - error
lmtp      unix  - - n - - lmtp
anvil     unix  - - n - 1 anvil
scache    unix  - - n - 1 scache
"""
_DKIM = """
Domain {domain}
Selector {selector}
KeyFile {folder}/dkim.key
Socket inet:{milter}@127.0.0.1
Mode s
InternalHosts 127.0.0.1
SignHeaders *,+List-Unsubscribe,+List-Unsubscribe-Post,+List-Id
RequireSafeKeys no
UserID opendkim
PidFile {folder}/opendkim.pid
"""
_DOVECOT = """
base_dir = {folder}/dovecot
log_path = {folder}/dovecot.log
protocols = imap lmtp
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login
recipient_delimiter = +
lmtp_save_to_detail_mailbox = no
mail_location = maildir:{folder}/mail/%u
mail_uid = mail
mail_gid = mail
first_valid_uid = 1
first_valid_gid = 1
passdb {{
  driver = passwd-file
  args = scheme=plain username_format=%u {folder}/users
}}
userdb {{
  driver = passwd-file
  args = username_format=%u {folder}/users
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service lmtp {{
  unix_listener {folder}/lmtp {{
    mode = 0666
  }}
}}
service auth {{
  unix_listener {folder}/auth {{
    mode = 0666
  }}
}}
"""


class MailHost:
    """``with MailHost(folder) as host: host.port``; the folder must be one that other users can enter.

    Attributes:
        folder: Where all its files are.
        port: The port of Postfix.
        authority: The certificate to trust.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port, self._milter, self._imap = _free_ports(3)
        self.authority = folder / "localhost.crt"
        self._started: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> MailHost:
        self._write()
        try:
            for command in (
                ["opendkim", "-f", "-x", f"{self.folder}/opendkim.conf"],
                ["dovecot", "-F", "-c", f"{self.folder}/dovecot.conf"],
            ):
                with (self.folder / f"{command[0]}.out").open("wb") as output:
                    self._started.append(subprocess.Popen(command, stdout=output, stderr=output))
            _listening(self._milter)
            _listening(self._imap)
            started = self._postfix("start")
            assert started.returncode == 0, started.stderr.decode() + self.logs()
            _listening(self.port)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._postfix("stop")
        for process in self._started:
            process.terminate()
        for process in self._started:
            process.wait(timeout=PATIENCE_S)

    def _postfix(self, word: str) -> subprocess.CompletedProcess[bytes]:
        command = ["postfix", "-c", f"{self.folder}/postfix", word]
        return subprocess.run(command, capture_output=True, check=False)

    def _write(self) -> None:
        certificate(self.folder)
        key = self.folder / "dkim.key"
        subprocess.run(["openssl", "genrsa", "-out", str(key), "2048"], check=True, capture_output=True)
        shutil.chown(key, "opendkim")
        words = {
            "folder": self.folder, "domain": DOMAIN, "selector": SELECTOR,
            "smtp": self.port, "milter": self._milter, "imap": self._imap,
        }  # fmt: skip
        for name, text in (
            ("postfix/main.cf", _MAIN), ("postfix/master.cf", _MASTER), ("opendkim.conf", _DKIM),
            ("dovecot.conf", _DOVECOT),
        ):  # fmt: skip
            path = self.folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text.format(**words), encoding="ascii")
        listed = f"{READER} x\n{BOUNCES} x\n@late.example.org x\n"
        (self.folder / "mailboxes").write_text(listed, encoding="ascii")
        users = "".join(f"{name}:{PASSWORD}::::::\n" for name in (READER, BOUNCES, SENDER))
        (self.folder / "users").write_text(users, encoding="ascii")
        for name, owner in (("spool", "root"), ("data", "postfix"), ("mail", "mail")):
            (self.folder / name).mkdir()
            os.chown(self.folder / name, pwd.getpwnam(owner).pw_uid, -1)

    def public_key(self) -> bytes:
        """The DNS record of the key that mail is signed with."""
        shown = subprocess.run(
            ["openssl", "rsa", "-in", str(self.folder / "dkim.key"), "-pubout"],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        return f"v=DKIM1; k=rsa; p={''.join(shown.stdout.splitlines()[1:-1])}".encode()

    def mailbox(self, name: str, at_least: int) -> list[bytes]:
        """The messages in a mailbox, read over IMAP as soon as there are so many."""
        return _once(lambda: self._fetched(name, at_least), f"{at_least} messages for {name}:\n{self.logs()}")

    def _fetched(self, name: str, at_least: int) -> list[bytes] | None:
        with imaplib.IMAP4("127.0.0.1", self._imap) as imap:
            imap.login(name, PASSWORD)
            imap.select("INBOX", readonly=True)
            _, (numbers,) = imap.search(None, "ALL")
            found = numbers.split()
            if len(found) < at_least:
                return None
            messages = []
            for number in found:
                _, parts = imap.fetch(number.decode(), "(BODY.PEEK[])")
                part = parts[0]
                assert isinstance(part, tuple)
                messages.append(part[1])
            return messages

    def logs(self) -> str:
        """What the programs wrote down, for whoever looks for what went wrong."""
        paths = [*self.folder.glob("*.log"), *self.folder.glob("*.out")]
        return "\n".join(path.read_text(encoding="utf-8", errors="replace")[-4000:] for path in paths)


def _free_ports(count: int) -> list[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return ports


def _listening(port: int) -> None:
    def asked() -> bool:
        with suppress(OSError), closing(socket.create_connection(("127.0.0.1", port), timeout=1.0)):
            return True
        return False

    _once(asked, f"a server on port {port}")


def _once(found: Callable[[], _Value | None], what: str) -> _Value:
    """Return what is found as soon as it is."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        if value := found():
            return value
        time.sleep(0.1)  # between two questions to a program that tells nobody when it is ready
    raise AssertionError(f"not there after {PATIENCE_S:.0f} s: {what}")

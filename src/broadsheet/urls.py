r"""Finds the URLs in a text and strips surrounding punctuation and markup.

URLs in abstracts may be followed by a full stop, wrapped in ``\url{}`` or ``\href{}{}``, doubled as
``repo.git{https://...}``, run into the sentence before, broken by a space, or missing their scheme. The
functions return what a careful reader would paste into a browser. They add nothing but a missing scheme.

URLs that could mislead a reader are rejected: schemes other than http and https, a user name before the host,
host names outside ASCII, invisible or right-to-left characters, and letters that look like ASCII ones.

The syntax is that of RFC 3986, minus the characters that end a URL in prose (quotes, ``$``, ``*``, ``!``,
backslash, braces).
"""

import html
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

MAX_URL_CHARACTERS = 2000
"""Longest URL that browsers and mail clients reliably open; a longer one is an attack or an accident."""

CODE_HOSTS = (
    "github.com",
    "gitlab.com",
    "gitee.com",
    "bitbucket.org",
    "codeberg.org",
    "huggingface.co",
    "anonymous.4open.science",
    "sourceforge.net",
    "zenodo.org",
    "codeocean.com",
    "git.io",
    "sr.ht",
    "code.google.com",
    "gist.github.com",
)
"""Hosts whose name, followed by a path, is recognized as a URL even without a scheme."""

# A space may have slipped in beside a dot of a known host: `github. com/owner/name`.
_BARE_HOST = "|".join(re.escape(host).replace(r"\.", r"[ ]?\.[ ]?") for host in CODE_HOSTS)
_START = re.compile(
    rf"(?P<scheme>https?[ ]?:[ ]?/[ ]?/\s?)"
    rf"|(?<![\w.@/%-])(?P<bare>www\.(?=[a-z0-9])|(?:{_BARE_HOST})[ ]?/(?=\s?\w)"
    rf"|[a-z0-9-]{{1,39}}\.github\.io\b)",
    re.IGNORECASE,
)
# LaTeX escapes its special characters, as in `\_`, `{\_}`, `\textasciitilde{}` and `\~{}`.
_ESCAPE = re.compile(r"\{?\\(?:([_%#&])|(textasciitilde|~))\}?(?:\{\})?")
_BODY = re.compile(rf"(?:[A-Za-z0-9._~:/?#\[\]@&()+,;=%-]|{_ESCAPE.pattern}){{0,2100}}")
# Every URL contains one of these in lower case. Most abstracts contain none; this is faster than the pattern.
_SIGNS_BEFORE_SLASH = ("http", *dict.fromkeys(max(host.split("."), key=len) for host in CODE_HOSTS))
_SIGNS_WITHOUT_SLASH = ("www", ".github.io")
_BEFORE_SIGN = 50
"""How many characters before a sign its URL may begin; a github.io user name has at most 39."""
_TORN_HOST = re.compile(rf"(?:www\.)?(?:{_BARE_HOST})", re.IGNORECASE)
_HOST = re.compile(
    r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){1,8}[a-z]{2,24}(?::[0-9]{1,5})?", re.IGNORECASE
)
_TRAILING = ".,;:?~=&#%/-"
# `https://github.com/ owner/name`: what follows the space must look like the rest of a path.
_REST_OF_PATH = re.compile(r"\s([A-Za-z0-9][\w.-]{0,99}/[\w.-]{1,100})")
_REST_OF_NAME = re.compile(r"\s((?=[\w.-]{0,99}[A-Z0-9_-])[A-Za-z0-9][\w.-]{1,99})")
_REST_OF_PAGE = re.compile(r"\s([A-Za-z]\w{0,60}[A-Z]\w{0,40}/)(?![\w/])")
# `https://github.com/owner/name.We propose`: the space before the next sentence is missing.
_GLUED_SENTENCE = re.compile(
    r"\.(?:We|Our|The|This|These|In|It|Code|Codes|Data|Project|Models?|Demo|Keywords)$"
)


@dataclass(frozen=True, slots=True)
class FoundUrl:
    """A URL found in a text.

    Attributes:
        url: The cleaned URL, always with a scheme.
        start: Offset of its first character in the text.
        end: Offset after its last character; `text[start:end]` is the URL as the text writes it.
    """

    url: str
    start: int
    end: int


def find_urls(text: str) -> tuple[FoundUrl, ...]:
    """Return every http and https URL in `text`, in order, including repetitions."""
    lowered = text.lower()
    possible = _SIGNS_WITHOUT_SLASH + (_SIGNS_BEFORE_SLASH if "/" in text else ())
    signs = [place for sign in possible if (place := lowered.find(sign)) >= 0]
    if not signs:
        return ()
    same_offsets = len(lowered) == len(text)  # a few capitals have a two-letter lower case
    return tuple(_scan(text, max(0, min(signs) - _BEFORE_SIGN) if same_offsets else 0))


def canonical(url: str) -> str:
    """Return a normalized form of a URL, for comparing but not for display.

    It drops the scheme, `www.`, a trailing slash and a trailing `.git`, and lower-cases the host; on GitHub
    and GitLab, whose paths are case-insensitive, it lower-cases the path too.
    """
    rest = re.sub(r"^https?://", "", url.strip(), flags=re.IGNORECASE)
    host, slash, path = rest.partition("/")
    host = host.lower().removeprefix("www.")
    path = path.rstrip("/").removesuffix(".git")
    if host in {"github.com", "gitlab.com"}:
        path = path.lower()
    return host + slash + path if path else host


def unique(urls: Iterable[str]) -> tuple[str, ...]:
    """Return `urls` in order, without those that are equivalent to an earlier one."""
    return tuple({canonical(url): url for url in reversed(tuple(urls))}.values())[::-1]


def _scan(text: str, position: int = 0) -> Iterator[FoundUrl]:
    while match := _START.search(text, position):
        found, position = _read(text, match)
        if found is not None:
            yield found


def _read(text: str, match: re.Match[str]) -> tuple[FoundUrl | None, int]:
    """Read the URL that starts at a match; return it, and the offset from which to search for the next."""
    start = match.start()
    body_start = match.start("bare") if match["bare"] else match.end("scheme")
    prefix = "https://" if match["bare"] else re.sub(r"\s", "", match["scheme"]).lower()
    host_end = body_start
    raw = ""
    if torn := _TORN_HOST.match(text, body_start):
        raw, host_end = torn[0].replace(" ", ""), torn.end()
        if text[host_end : host_end + 2] == " /":
            host_end += 1
    body = _BODY.match(text, host_end)
    body_end = body.end() if body else host_end
    end = _cut(text, host_end, body_end)
    if _misleads(text, body_end) and end == body_end:
        return None, max(body_end, match.end())
    tail = text[host_end:end]
    url = _tidy(prefix + raw + _unescape(tail))
    if url is None:
        return None, max(end, match.end())
    if rest := _broken_off(url, text, end, body_end):
        url = _tidy(url + rest[1]) or url
        end = rest.end(1)
    end = _raw_end(text, start, end)
    return FoundUrl(url, start, end), max(end, match.end())


def _cut(text: str, start: int, end: int) -> int:
    """Return where the URL ends: at another URL, an unbalanced bracket or a LaTeX tilde."""
    opened: list[str] = []
    pairs = {")": "(", "]": "["}
    for offset in range(start, min(end, start + MAX_URL_CHARACTERS + 1)):
        character = text[offset]
        if character in "([":
            opened.append(character)
        elif (
            (character in pairs and (not opened or opened.pop() != pairs[character]))
            or (character == "~" and text[offset - 1] not in "/\\{=")
            or (
                character == "h"
                and text[offset - 1] not in "/="
                and re.match(r"https?://", text[offset : offset + 8])
            )
        ):
            return offset
    return end


def _misleads(text: str, end: int) -> bool:
    """Tell whether the character at which the URL stopped looks like part of it or is invisible."""
    if end >= len(text) or text[end].isascii():
        return end < len(text) and unicodedata.category(text[end]) == "Cc" and not text[end].isspace()
    category = unicodedata.category(text[end])
    hidden = category == "Cf" and end + 1 < len(text) and not text[end + 1].isspace()
    return hidden or category in {"Lu", "Ll", "Lt", "Lm", "Mn", "Mc", "Me", "Nd", "Co", "Cn"}


def _unescape(raw: str) -> str:
    plain = _ESCAPE.sub(lambda match: match[1] or "~", raw)
    return html.unescape(plain) if "&" in plain and ";" in plain else plain


def _tidy(url: str) -> str | None:
    """Strip trailing punctuation and validate the rest; return None if it is not a safe URL."""
    scheme, _, rest = url.partition("://")
    rest = _GLUED_SENTENCE.sub("", rest)
    kept = rest.rstrip(_TRAILING)
    if rest[len(kept) :].startswith("/"):
        kept += "/"
    host, slash, path = kept.partition("/")
    # An unclosed bracket belongs to the sentence.
    for opening, closing in ("()", "[]"):
        if path.count(opening) > path.count(closing):
            path = path[: path.rindex(opening)].rstrip(_TRAILING)
    path = path.removesuffix(".git")
    if not _HOST.fullmatch(host.partition("?")[0].partition("#")[0]):
        return None
    cleaned = f"{scheme}://{host}{slash}{path}"
    return (
        cleaned
        if len(cleaned) <= MAX_URL_CHARACTERS
        and cleaned.isascii()  # with IGNORECASE, [a-z] also matches the dotless i and the long s
        and cleaned.isprintable()
        and " " not in cleaned
        else None
    )


def _broken_off(url: str, text: str, end: int, body_end: int) -> re.Match[str] | None:
    """Find the rest of a repository URL that a space has split."""
    if end != body_end or text[end - 1 : end] != "/":
        return None
    host, _, path = canonical(url).partition("/")
    if host.endswith(".github.io"):
        return None if path else _REST_OF_PAGE.match(text, end)
    if host not in CODE_HOSTS:
        return None
    if not path:
        return _REST_OF_PATH.match(text, end)
    return None if "/" in path else _REST_OF_NAME.match(text, end)


def _raw_end(text: str, start: int, end: int) -> int:
    """Return the end of the URL in the text, before any trailing punctuation of the sentence."""
    kept = text[start:end].rstrip(".,;:?~=&#%-([")
    return start + len(kept)

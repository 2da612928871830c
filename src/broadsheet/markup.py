r"""Turns LaTeX, Markdown and HTML into the plain text that a reader would see.

Sources deliver abstracts in any of the three, mixed, or with the debris of formulas that a page has stripped
(`3.18times`, `sim!!25%`, `mathcalO(n)`). Every pattern is bounded, so processing time is linear in the length
of the text.
"""

import html
import re
import unicodedata
from collections.abc import Callable, Iterable

from broadsheet.visible import visible


def _paired(words: str) -> dict[str, str]:
    names = words.split()
    return dict(zip(names[::2], names[1::2], strict=True))


_GREEK = _paired("""
    alpha α beta β gamma γ delta δ epsilon ε zeta ζ eta η theta θ iota ι kappa κ lambda λ mu μ nu ν xi ξ pi π
    rho ρ sigma σ tau τ upsilon υ phi φ chi χ psi ψ omega ω
    """)
_SYMBOLS = {
    **_GREEK,
    **{name.capitalize(): letter.upper() for name, letter in _GREEK.items()},
    **_paired("""
    times × cdot · sim ~ approx ≈ pm ± infty ∞ le ≤ leq ≤ leqslant ≤ ge ≥ geq ≥ geqslant ≥ ll ≪ gg ≫ neq ≠
    to → rightarrow → leftarrow ← leftrightarrow ↔ in ∈ ldots … dots … sqrt √ circ ° ell ℓ eg e.g. ie i.e.
    textasciitilde ~ varepsilon ε varphi φ ss ß o ø O Ø L Ł l ł ae æ oe œ aa å
    """),
    **{name: f"{name} " for name in ("log", "exp", "min", "max")},
    "quad": " ",
}
_ACCENTS = dict(zip("\"'`^~=cvH", "\u0308\u0301\u0300\u0302\u0303\u0304\u0327\u030c\u030b", strict=True))
_SUPERSCRIPTS = dict(zip("0123456789+-()ni", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁿⁱ", strict=True))
_DOLLAR = "\ue000"
"""Placeholder (private use area) for a dollar sign that means money while math delimiters are removed."""

_HTML_TAG = re.compile(
    r"</?(?:a|abbr|b|br|code|div|em|i|img|p|script|span|strong|style|sub|sup|tt|u)(?:\s[^<>]{0,300})?/?>",
    re.IGNORECASE,
)
_Replacement = str | Callable[[re.Match[str]], str]


def _accented(match: re.Match[str]) -> str:
    return unicodedata.normalize("NFC", match[3] + _ACCENTS[match[1] or match[2]])


def _superscript(match: re.Match[str]) -> str:
    exponent = match[1] or match[2]
    if exponent == "*":
        return "*"
    superscript = "".join(_SUPERSCRIPTS.get(character, "") for character in exponent)
    return superscript if len(superscript) == len(exponent) else f"^{exponent}"


# Each pattern comes with a substring that every match contains; searching for that first is much faster.
_MARKDOWN = (
    ("[", re.compile(r"!?\[([^\[\]]{1,200})\]\(https?:[^()\s]{1,500}\)"), r"\1"),
    ("*", re.compile(r"(?<![\w*])(\*{1,3})(?=[^\s*])([^*]{1,300})(?<=[^\s*])\1(?![\w*])"), r"\2"),
    ("_", re.compile(r"(?<!\w)(__?)(?=[^\s_])([^_]{1,300})(?<=[^\s_])\1(?!\w)"), r"\2"),
)
_COMMANDS = (
    # Citations, labels and footnotes are removed along with their arguments.
    ((r"~?\\(?:cite[a-z]{0,6}|parencite|autocite|(?:eq|c)?ref|label|footnote(?:mark)?|thanks)\*?"
      r"(?:\[[^\]]{0,80}\]){0,2}\{[^{}]{0,400}\}"), ""),
    (r"\\(?:url|href)\{([^{}]{0,2000})\}", r" \1 "),
    (r"\\(?:begin|end)\{[^{}]{0,40}\}|\\[()\[\],;!]|\\(?:left|right|big|Big)(?=[()\[\]|.])", ""),
    (r"\\d?frac\{([^{}]{1,40})\}\{([^{}]{1,40})\}", r"\1/\2"),
    (r"""\{?\\(?:(["'`^~=])|([cvH])(?=\{))\{?\\?([A-Za-z])\}?\}?""", _accented),
    (r"\\\$", _DOLLAR),
    (r"\\([%#&_])", r"\1"),
    (r"\\\\", " "),
    (r"\\([A-Za-z]{1,30})\*? ?", lambda match: _SYMBOLS.get(match[1], "")),
)  # fmt: skip
_LATEX = (
    *(("\\", re.compile(pattern), replacement) for pattern, replacement in _COMMANDS),
    ("{", re.compile(r"\{\s?(?:bf|it|em|sc|sl|tt|rm)\s"), "{"),
    ("{", re.compile(r"(?<=\d)\{,\}(?=\d)"), ","),
    ("^", re.compile(r"\^\{([^{}\s]{1,8})\}|\^([0-9ni+*-])"), _superscript),
    ("ell_", re.compile(r"(?<![A-Za-z])ell(?=_)"), "ℓ"),
    ("_", re.compile(r"(?<=\w)_\{([^{}\s]{1,12})\}|(?<=\b[A-Za-zℓ])_(?=[A-Za-z0-9]\b)"), r"\1"),
    # A tilde is a no-break space, unless it stands before a number and means "about" or "to".
    ("~", re.compile(r"(?<![\s(~])(?<!\d)~(?=\S)|(?<=\d)~(?=[^\s\d])|~(?!\S)"), " "),
    ("", re.compile(r"[{}$\\]"), ""),
    (_DOLLAR, re.compile(_DOLLAR), "$"),
)
_REMNANTS = (
    ("math", re.compile(r"\bmath(?:cal|bb|bf|rm|sf|frak)(?=[A-Z])"), ""),
    ("times", re.compile(r"(?<=\d)\s?times\b(?=\s?[A-Za-z]|[.,;)]|$)"), "×"),
    ("times", re.compile(r"(?<=\d)\s?times\s?(?=\d)"), "×"),
    ("rightarrow", re.compile(r"(?<=[A-Za-z0-9])(?:long)?rightarrow(?=[A-Z0-9])"), " → "),
    ("mathord", re.compile(r"(?<=\d)mathord,\s?(?=\d)"), ","),
    ("sim", re.compile(r"sim(?<!\wsim)\s?!*\s?(?=\d)"), "~"),
    ("!!", re.compile(r"!!+\s?"), ""),
)
_TYPOGRAPHY = (
    ("``", re.compile(r"``"), '"'),
    ("''", re.compile(r"''"), '"'),
    ("`", re.compile(r"`"), ""),
    ("---", re.compile(r"\s?---\s?"), " — "),
    ("--", re.compile(r"(?<=\s)--(?=\s)|(?<=\w)--(?=\w)"), "–"),
    ("[", re.compile(r"\s?\[\d{1,3}(?:\s?[,–-]\s?\d{1,3}){0,8}\]"), ""),
    ("(", re.compile(r"\(\s{0,4}\)"), ""),
    (" ", re.compile(r"  *([,.;:!?%)])(?=[\s.,;)]|$)"), r"\1"),
)


def plain(text: str) -> str:
    r"""Return LaTeX, Markdown or HTML as one line of plain Unicode text, as a reader would see it.

    Citations are removed and commands replaced by their arguments; `$\alpha$` becomes the letter, `^2` a
    superscript, `--` a dash, `~` a space.
    """
    text = visible(text)
    if "<" in text or "&" in text:
        text = html.unescape(_HTML_TAG.sub("", text))
    text = _replaced(text, _MARKDOWN)
    if any(character in text for character in "\\{}$^_~"):
        text = _replaced(text, _LATEX)
    return visible(_replaced(_replaced(text, _REMNANTS), _TYPOGRAPHY))


def _replaced(text: str, patterns: Iterable[tuple[str, re.Pattern[str], _Replacement]]) -> str:
    for substring, pattern, replacement in patterns:
        if substring in text:
            text = pattern.sub(replacement, text)
    return text

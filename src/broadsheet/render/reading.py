r"""Text of papers as a reader expects it: TeX formulas in Unicode letters, everything else as it stands."""

from __future__ import annotations

import re

from broadsheet.markup import plain
from broadsheet.visible import visible

# Pandoc's rule for dollar signs: no space inside the delimiters, no digit after the second. So "$5 or $10" is
# money.
_FORMULA = re.compile(r"(?<!\\)(\$\$?)(?=\S)[^$]{1,400}(?<=[^\s\\])\1(?!\d)")
_COLOUR = re.compile(r"\\(?:text)?color\{[^{}]{1,40}\}")


def readable(text: str) -> str:
    r"""Return untrusted text on one line, without invisible characters, with ``$\alpha$`` as ``α``.

    Text without a backslash or a formula is not changed otherwise: its asterisks and braces are the author's.
    """
    line = _COLOUR.sub("", visible(text)) if "color{" in text else visible(text)
    if "$" in line:
        line = _FORMULA.sub(lambda match: plain(match[0]), line)
    return plain(line) if "\\" in line else line


def heading(title: str, paper_id: str) -> str:
    """Return a title as a reader expects it, as it stands where nothing would be left of it, or the id."""
    return readable(title) or visible(title) or paper_id

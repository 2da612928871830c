"""Keeps a spreadsheet from running the text of a paper as a formula, as CSV is written and read back.

Spreadsheets take a cell that begins with one of these characters for a formula, which can run commands or
send the sheet's contents away: https://owasp.org/www-community/attacks/CSV_Injection. An apostrophe before
it makes the cell text. A cell that has such an apostrophe of its own gets another, so that each cell is read
back as it was.
"""

from __future__ import annotations

import re

# With the full-width forms, which spreadsheets in East Asian languages take for the ASCII ones.
_FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")


def guarded(cell: str) -> str:
    """Return the cell so that no spreadsheet takes it for a formula."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def unguarded(cell: str) -> str:
    """Return the cell as it was before `guarded`."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell

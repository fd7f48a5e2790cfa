"""Text that a spreadsheet must not take for a formula (bad-inputs.md, rule T3)."""

from typing import Final

FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
"""First characters, with their full-width forms, that can make a cell compute."""


def sheet_text(text: str) -> str:
    """Return text as an exported sheet holds it: ``'`` before a formula start.

    >>> sheet_text("=1+1"), sheet_text("1+1")
    ("'=1+1", '1+1')
    """
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text

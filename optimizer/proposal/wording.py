"""Numbers, dates and lists as they stand inside sentences."""

from collections.abc import Sequence

LISTED = 6
"""Requests a sentence names; the rest are counted."""


def staff_days(thousandths: int) -> str:
    """Return thousandths of a staff-day as staff-days with three decimals."""
    return f"{thousandths / 1000:,.3f}"


def dollars(cents: int) -> str:
    """Return cents as US dollars, cents shown only where there are any."""
    whole, rest = divmod(cents, 100)
    return f"{whole:,}.{rest:02} USD" if rest else f"{whole:,} USD"


def listed(names: Sequence[str]) -> str:
    """Return names with commas, at most ``LISTED`` of them and a count of the rest."""
    shown = ", ".join(names[:LISTED])
    more = len(names) - LISTED
    return f"{shown} and {more} more" if more > 0 else shown


def counted(count: int, one: str) -> str:
    """Return a count with its noun: 1 request, 2 requests."""
    return f"{count:,} {one}" if count == 1 else f"{count:,} {one}s"

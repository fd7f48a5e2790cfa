"""Words that pages and files share: of codes, days, amounts, and how good a plan is."""

from collections.abc import Mapping
from datetime import date
from typing import Final

from app.export.numbers import percent

BIN_STATES: Final[Mapping[str, str]] = {
    "open": "to decide",
    "accepted": "accepted",
    "returned": "returned",
    "rejected": "rejected",
    "dissolved": "gone",
}

CHANGES: Final[Mapping[str, str]] = {
    "proposed": "proposed by the solver",
    "edited": "changed by hand",
    "undone": "a change taken back",
    "decided": "decided",
    "carried": "carried over from an earlier proposal",
}

RULES: Final[Mapping[str, str]] = {
    "category": "category",
    "system": "system",
    "region": "region",
    "agency": "agency",
    "document": "document",
    "window": "days apart",
    "wait": "longest wait",
    "kept_apart": "kept apart",
}

DECISION_REASONS: Final[Mapping[str, str]] = {
    "as-proposed": "as proposed",
    "wrong-configuration": "the configurations differ after all",
    "releasability": "the releasability differs",
    "cannot-wait": "a customer cannot wait so long",
    "saving-too-small": "the saving is too small, or in doubt",
    "missing-information": "information is missing",
    "customer-asked": "a customer asked for it",
    "rule-wrong": "a rule of the policy does not fit",
    "other": "another reason, said in words",
}
"""Reasons of decisions, by the code that is kept."""

_WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def weekday(day: str) -> str:
    """Return an ISO day with its weekday.

    >>> weekday("2026-01-05")
    'Mon 2026-01-05'
    """
    return f"{_WEEKDAYS[date.fromisoformat(day[:10]).weekday()]} {day[:10]}"


def moment(text: str) -> str:
    """Return a stored moment to the minute, with its zone.

    >>> moment("2026-11-22T07:00:00.123456Z")
    '2026-11-22 07:00 UTC'
    """
    return f"{text[:10]} {text[11:16]} UTC"


def usd(cents: int | None) -> str:
    """Return an amount in full.

    >>> usd(150_000_050), usd(150_000_000)
    ('$1,500,000.50', '$1,500,000')
    """
    if cents is None:
        return "–"
    return f"${cents / 100:,.2f}" if cents % 100 else f"${cents // 100:,}"


def reason(code: str) -> str:
    """Return what a reason of a decision is called; a code of others is shown."""
    return DECISION_REASONS.get(code, code.replace("-", " "))


def proof(gap: float | None, total: float | None) -> str:
    """Say how good a plan is, as proven."""
    if total is None:
        return "There is no plan yet."
    if gap is None:
        return "Nothing is proven about this plan yet."
    if gap <= 1e-6:
        return "Proven best: no plan under these rules costs less."
    return f"No plan under these rules is more than {percent(gap)} better."

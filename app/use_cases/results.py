"""Bins as they are stored: rows out of the document of a proposal."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from app.storage.plain import ordered_text_of

type Document = Mapping[str, Any]

type Figures = Mapping[str, tuple[int, str]]
"""Value in cents and day of receipt of requests, by label."""


def thousandths(days: float) -> int:
    """Return staff-days as whole thousandths."""
    return round(days * 1000)


def bin_row(document: Document, figures: Figures, *, place: int) -> dict[str, Any]:
    """Return the row of a bin in its first version."""
    return {
        "bin_id": document["bin_id"],
        "place": place,
        "version": 1,
        "state": "open",
        "level": 0,
        **described(document, figures),
    }


def described(document: Document, figures: Figures) -> dict[str, Any]:
    """Return the columns that a bin's figures and those of its requests decide."""
    members = [figures[label] for label in document["request_ids"]]
    return {
        "category": document["category"],
        "systems": _listed(document["systems"]),
        "customers": _listed(document["customers"]),
        "regions": _listed(document["regions"]),
        "size": len(document["request_ids"]),
        "saved": thousandths(document["saved_effort_days"]),
        "value_cents": sum(value for value, _ in members),
        "received_on": min(received for _, received in members),
        "forecast_on": document["forecast_on"],
        "document": ordered_text_of(document),
    }


def _listed(names: Iterable[str]) -> str:
    return f"|{'|'.join(names)}|"


def heading_of(document: Document) -> dict[str, Any]:
    """Return a document without its long parts."""
    long = {"bins", "certificate"}
    return {name: value for name, value in document.items() if name not in long}


def members_of(documents: Sequence[Document]) -> dict[str, tuple[str, ...]]:
    """Return the requests of each bin."""
    return {one["bin_id"]: tuple(one["request_ids"]) for one in documents}

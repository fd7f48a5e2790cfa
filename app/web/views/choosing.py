"""What a form offers to choose from: the bins and requests that are likely meant.

Whatever else there is can be written: a list of all would be longer than its page.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection

from app.storage import choosing

_MOST_BINS: Final = 60
_MOST_REQUESTS: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Something to choose: its id, and what it is in a few words."""

    id: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """Bins and requests to choose from."""

    bins: Sequence[Choice]
    requests: Sequence[Choice]


def choices_of(
    connection: Connection, proposal_id: str, shown: Mapping[str, Any]
) -> Choices:
    """Return what a change of a bin is likely to name, the bin itself left out."""
    found = choosing.bins_like(
        connection, proposal_id, shown["systems"], limit=_MOST_BINS
    )
    others = [row for row in found if row.bin_id != shown["bin_id"]]
    names = [row.bin_id for row in others]
    return Choices(
        bins=[Choice(id=row.bin_id, words=_of_bin(row)) for row in others],
        requests=requests_to_choose(connection, proposal_id, names),
    )


def requests_to_choose(
    connection: Connection, proposal_id: str, bin_ids: Sequence[str] | None = None
) -> list[Choice]:
    """Return the first requests of a plan, or of some bins of it."""
    rows = choosing.requests_of(
        connection, proposal_id, bin_ids=bin_ids, limit=_MOST_REQUESTS
    )
    return [
        Choice(id=row.label, words=f"{row.customer}, in {row.bin_id}") for row in rows
    ]


def _of_bin(row: Any) -> str:
    systems = row.systems.strip("|").replace("|", ", ")
    customers = row.customers.strip("|").replace("|", ", ")
    return f"{systems} for {customers}"

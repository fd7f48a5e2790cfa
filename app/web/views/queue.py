"""The bins of a plan as a queue to decide: what saves most, first.

A bin that was passed over stays open: it is set aside, and comes again at the end.
"""

from dataclasses import dataclass

from sqlalchemy import Connection

from app.storage import bins, order


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """How far a queue is at a bin, or past its last one."""

    decided: int
    left: int
    set_aside: int
    at: str | None
    decided_last: bins.Row | None = None

    @property
    def total(self) -> int:
        """How many bins there are."""
        return self.decided + self.left + self.set_aside


def queue_at(connection: Connection, proposal_id: str, bin_id: str) -> Queue:
    """Return how far the queue is at a bin."""
    return _counted(connection, proposal_id, bin_id)


def queue_after(
    connection: Connection, proposal_id: str, bin_id: str, account_id: str
) -> Queue:
    """Return the queue at the next open bin after another, or from its beginning.

    ``decided_last`` is the decision on the bin it comes from, if it is the account's.
    """
    at = order.next_open(connection, proposal_id, bin_id)
    last = bins.last_decision(connection, proposal_id, bin_id) if bin_id else None
    if last is not None:
        row = bins.one(connection, proposal_id, bin_id)
        is_open = row is not None and row.state == "open"
        last = None if last.account_id != account_id or is_open else last
    return _counted(connection, proposal_id, at, last)


def _counted(
    connection: Connection,
    proposal_id: str,
    at: str | None,
    last: bins.Row | None = None,
) -> Queue:
    decided, left, set_aside = order.counted(connection, proposal_id, at)
    return Queue(
        decided=decided, left=left, set_aside=set_aside, at=at, decided_last=last
    )

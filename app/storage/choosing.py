"""A few bins and requests of a plan to choose from, by what they are likely for."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, or_, select
from sqlalchemy import Row as _Row

from app.storage.schema import bin_members, bins, proposal_requests

type Row = _Row[*tuple[Any, ...]]


def bins_like(
    connection: Connection,
    proposal_id: str,
    systems: Sequence[str],
    *,
    limit: int,
) -> Sequence[Row]:
    """Return open bins for some systems first, then others, most saving first."""
    alike = or_(*(bins.c.systems.contains(f"|{s}|", autoescape=True) for s in systems))
    wanted = (
        select(bins.c.bin_id, bins.c.systems, bins.c.customers, bins.c.size)
        .where(bins.c.proposal_id == proposal_id, bins.c.state == "open")
        .order_by(alike.desc(), bins.c.saved.desc(), bins.c.place)
    )
    return connection.execute(wanted.limit(limit)).all()


def requests_of(
    connection: Connection,
    proposal_id: str,
    *,
    bin_ids: Sequence[str] | None = None,
    limit: int,
) -> Sequence[Row]:
    """Return label, customer and bin of requests, of all bins or of some."""
    wanted = (
        select(
            proposal_requests.c.label,
            proposal_requests.c.customer,
            bin_members.c.bin_id,
        )
        .join(
            bin_members,
            (bin_members.c.proposal_id == proposal_requests.c.proposal_id)
            & (bin_members.c.label == proposal_requests.c.label),
        )
        .where(proposal_requests.c.proposal_id == proposal_id)
    )
    if bin_ids is not None:
        wanted = wanted.where(bin_members.c.bin_id.in_(bin_ids))
    ordered = wanted.order_by(proposal_requests.c.label).limit(limit)
    return connection.execute(ordered).all()

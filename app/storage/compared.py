"""Where the requests of a plan are, by what they are called in every plan."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy import Row as _Row

from app.storage import joins
from app.storage.schema import bin_members, bins, proposal_requests

type Row = _Row[*tuple[Any, ...]]


def homes(connection: Connection, proposal_id: str) -> Sequence[Row]:
    """Return key, version, label and bin of every request of a plan."""
    wanted = (
        select(
            proposal_requests.c.customer,
            proposal_requests.c.request_id,
            proposal_requests.c.request_version,
            proposal_requests.c.label,
            bin_members.c.bin_id,
        )
        .join(
            bin_members,
            joins.of_label(),
        )
        .where(proposal_requests.c.proposal_id == proposal_id)
    )
    return connection.execute(wanted).all()


def savings(connection: Connection, proposal_id: str) -> dict[str, int]:
    """Return what each bin of a plan saves, in thousandths of a staff-day."""
    wanted = select(bins.c.bin_id, bins.c.saved).where(
        bins.c.proposal_id == proposal_id, bins.c.state != "dissolved"
    )
    return {row.bin_id: row.saved for row in connection.execute(wanted)}

"""Decided bins that come up again, because one of their requests changed."""

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    insert,
    select,
    true,
    update,
)
from sqlalchemy import Row as _Row

from app.storage import added
from app.storage.proposals import scoped
from app.storage.requests import Scope
from app.storage.schema import (
    bin_members,
    bins,
    proposal_requests,
    proposals,
    reviews,
)

type Row = _Row[*tuple[Any, ...]]


def raise_for(
    connection: Connection, customer: str, request_id: str, *, cause: str, at: str
) -> int:
    """Bring up every decided bin that holds a request; return how many."""
    wanted = (
        select(bins.c.proposal_id, bins.c.bin_id)
        .join(
            bin_members,
            and_(
                bin_members.c.proposal_id == bins.c.proposal_id,
                bin_members.c.bin_id == bins.c.bin_id,
            ),
        )
        .join(
            proposal_requests,
            and_(
                proposal_requests.c.proposal_id == bin_members.c.proposal_id,
                proposal_requests.c.label == bin_members.c.label,
            ),
        )
        .where(
            proposal_requests.c.customer == customer,
            proposal_requests.c.request_id == request_id,
            bins.c.state.in_(("accepted", "returned", "rejected")),
        )
    )
    found = [
        {
            "review_id": str(uuid.uuid4()),
            "customer": customer,
            "request_id": request_id,
            "proposal_id": row.proposal_id,
            "bin_id": row.bin_id,
            "cause": cause,
            "at": at,
        }
        for row in connection.execute(wanted)
    ]
    if found:
        connection.execute(insert(reviews), found)
    return len(found)


def scoped_reviews(scope: Scope) -> ColumnElement[bool]:
    """Return the condition that the plan a review is about is in scope."""
    if scope.customers is None and scope.sent_by is None:
        return true()
    plans = select(proposals.c.proposal_id).where(scoped(scope))
    return reviews.c.proposal_id.in_(plans)


def waiting(
    connection: Connection,
    scope: Scope,
    *,
    proposal_id: str | None = None,
    limit: int = 1000,
) -> Sequence[Row]:
    """Return what waits to be looked at again, oldest first."""
    wanted = select(reviews).where(
        reviews.c.settled_at.is_(None), scoped_reviews(scope)
    )
    if proposal_id is not None:
        wanted = wanted.where(reviews.c.proposal_id == proposal_id)
    ordered = wanted.order_by(reviews.c.at, reviews.c.review_id).limit(limit)
    return connection.execute(ordered).all()


def settle(
    connection: Connection,
    proposal_id: str,
    bin_ids: Sequence[str],
    *,
    at: str,
    by: str,
) -> None:
    """Settle what new decisions on bins have looked at again."""
    wanted = (
        update(reviews)
        .where(
            reviews.c.proposal_id == proposal_id,
            reviews.c.bin_id.in_(bin_ids),
            reviews.c.settled_at.is_(None),
        )
        .values(settled_at=at, settled_by=by)
        .returning(reviews.c.review_id)
    )
    settled = connection.execute(wanted).scalars().all()
    added.changed(connection, reviews, *settled)

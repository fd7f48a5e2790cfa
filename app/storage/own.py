"""What became of requests, for those who may see no bin."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, and_, func, select
from sqlalchemy import Row as _Row

from app.storage import joins
from app.storage.requests import Scope, scoped_requests
from app.storage.schema import (
    bin_members,
    bins,
    decisions,
    proposal_requests,
    requests,
)

type Row = _Row[*tuple[Any, ...]]


def accepted_lately(connection: Connection, scope: Scope, *, limit: int) -> list[Row]:
    """Return requests in scope that are in an accepted bin, the last decided first.

    Says nothing of the bin, but when it was accepted.
    """
    at = func.max(decisions.c.at)
    lately = (
        select(requests.c.request_uid, at.label("at"))
        .join(proposal_requests, joins.of_key())
        .join(bin_members, joins.of_label())
        .join(bins, joins.of_bin())
        .join(
            decisions,
            and_(
                decisions.c.proposal_id == bins.c.proposal_id,
                decisions.c.bin_id == bins.c.bin_id,
            ),
        )
        .where(
            scoped_requests(scope),
            requests.c.state == "open",
            bins.c.state == "accepted",
            decisions.c.decision == "accept",
        )
        .group_by(requests.c.request_uid)
        .order_by(at.desc(), requests.c.request_uid)
        .limit(limit)
        .subquery()
    )
    wanted = select(requests, lately.c.at.label("decided_at")).join(
        lately, lately.c.request_uid == requests.c.request_uid
    )
    return list(connection.execute(wanted))


def some(connection: Connection, scope: Scope, uids: Sequence[str]) -> dict[str, Row]:
    """Return a few requests in scope."""
    wanted = select(requests).where(
        scoped_requests(scope), requests.c.request_uid.in_(uids)
    )
    return {row.request_uid: row for row in connection.execute(wanted)}

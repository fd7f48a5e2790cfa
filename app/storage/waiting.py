"""What waits for people: undecided requests by age, bins to decide, past days."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    and_,
    case,
    func,
    or_,
    select,
    tuple_,
)
from sqlalchemy import (
    Row as _Row,
)

from app.storage import joins
from app.storage.proposals import scoped
from app.storage.requests import Scope, scoped_requests
from app.storage.schema import (
    bin_members,
    bins,
    edits,
    proposal_requests,
    proposals,
    requests,
)

type Row = _Row[*tuple[Any, ...]]


def _undecided(scope: Scope) -> ColumnElement[bool]:
    """Return the condition that a request is open and in no accepted bin."""
    accepted = (
        select(proposal_requests.c.customer, proposal_requests.c.request_id)
        .join(bin_members, joins.of_label())
        .join(bins, joins.of_bin())
        .where(bins.c.state == "accepted")
    )
    key = tuple_(requests.c.customer, requests.c.request_id)
    return and_(
        scoped_requests(scope), requests.c.state == "open", key.not_in(accepted)
    )


def _past(scope: Scope, today: str) -> ColumnElement[bool]:
    """Return the condition that the day of a decision has passed.

    It is the day needed; for who reads plans also the forecast of an open bin, which
    depends on what others asked for.
    """
    needed = requests.c.needed_by < today
    if scope.sent_by is not None or (
        scope.customers is not None and scope.reviewer is None
    ):
        return needed
    overdue = (
        select(bins.c.proposal_id, bins.c.bin_id)
        .join(proposals, proposals.c.proposal_id == bins.c.proposal_id)
        .where(
            scoped(scope),
            proposals.c.superseded_by.is_(None),
            bins.c.state == "open",
            bins.c.forecast_on < today,
        )
        .cte("overdue")
    )
    late = (
        select(proposal_requests.c.customer, proposal_requests.c.request_id)
        .join(bin_members, joins.of_label())
        .join(
            overdue,
            and_(
                overdue.c.proposal_id == bin_members.c.proposal_id,
                overdue.c.bin_id == bin_members.c.bin_id,
            ),
        )
    )
    key = tuple_(requests.c.customer, requests.c.request_id)
    return or_(and_(requests.c.needed_by.is_not(None), needed), key.in_(late))


@dataclass(frozen=True, slots=True, kw_only=True)
class Undecided:
    """Open requests that are in no accepted bin: how many, and the first of them."""

    total: int
    past: int
    by_age: tuple[int, ...]
    first: Sequence[Row]


def undecided(
    connection: Connection,
    scope: Scope,
    *,
    today: str,
    since: Sequence[str],
    limit: int,
) -> Undecided:
    """Return undecided requests: those past their day first, then the oldest.

    Parameters
    ----------
    since
        Days, latest first; the counts by age are of those received after each, and of
        the rest.
    """
    past = case((_past(scope, today), 1), else_=0).label("past")
    bands = [case((band, 1), else_=0) for band in _bands(requests.c.received_on, since)]
    wanted = select(
        func.count(), func.sum(past), *(func.sum(band) for band in bands)
    ).where(_undecided(scope))
    total, all_past, *by_age = connection.execute(wanted).one()
    first = (
        select(
            requests.c.request_uid,
            requests.c.customer,
            requests.c.request_id,
            requests.c.system,
            requests.c.region,
            requests.c.received_on,
            requests.c.needed_by,
            requests.c.value_cents,
            past,
        )
        .where(_undecided(scope))
        .order_by(past.desc(), requests.c.received_on, requests.c.request_uid)
        .limit(limit)
    )
    return Undecided(
        total=total,
        past=int(all_past or 0),
        by_age=tuple(int(count or 0) for count in by_age),
        first=connection.execute(first).all(),
    )


def _bands(
    received: ColumnElement[str], since: Sequence[str]
) -> Iterator[ColumnElement[bool]]:
    """Yield the condition of each age: received after a day, and not after the next."""
    upper: str | None = None
    for day in since:
        yield (
            received > day
            if upper is None
            else received.between(day, upper) & (received != day)
        )
        upper = day
    if upper is not None:
        yield received <= upper


def placed(
    connection: Connection, scope: Scope, keys: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], Row]:
    """Return the last live bin of each of a few requests, with its forecast."""
    if not keys:
        return {}
    wanted = (
        select(
            proposal_requests.c.customer,
            proposal_requests.c.request_id,
            bins.c.proposal_id,
            bins.c.bin_id,
            bins.c.state,
            bins.c.size,
            bins.c.forecast_on,
        )
        .select_from(_members())
        .where(
            scoped(scope),
            proposals.c.superseded_by.is_(None),
            or_(
                *(
                    and_(
                        proposal_requests.c.customer == customer,
                        proposal_requests.c.request_id == request_id,
                    )
                    for customer, request_id in keys
                )
            ),
        )
        .order_by(proposals.c.created_at)
    )
    found = connection.execute(wanted)
    return {(row.customer, row.request_id): row for row in found}


def _members() -> Any:
    owned = proposals.c.proposal_id == proposal_requests.c.proposal_id
    return (
        proposal_requests.join(proposals, owned)
        .join(bin_members, joins.of_label())
        .join(bins, joins.of_bin())
    )


def to_decide(
    connection: Connection, scope: Scope, *, today: str, limit: int
) -> Sequence[Row]:
    """Return plans with bins to decide: how many, how many past their forecast.

    Says who ran a plan; who edited one is asked apart.
    """
    is_open = case((bins.c.state == "open", 1), else_=0)
    late = case((and_(bins.c.state == "open", bins.c.forecast_on < today), 1), else_=0)
    wanted = (
        select(
            proposals.c.proposal_id,
            proposals.c.created_at,
            proposals.c.policy_name,
            proposals.c.as_of,
            proposals.c.requests,
            proposals.c.account_id,
            func.count().label("bins"),
            func.sum(is_open).cast(Integer).label("open"),
            func.sum(late).cast(Integer).label("late"),
        )
        .join(bins, bins.c.proposal_id == proposals.c.proposal_id)
        .where(
            scoped(scope),
            bins.c.state != "dissolved",
            proposals.c.superseded_by.is_(None),
            proposals.c.state.in_(("done", "cancelled")),
        )
        .group_by(
            proposals.c.proposal_id,
            proposals.c.created_at,
            proposals.c.policy_name,
            proposals.c.as_of,
            proposals.c.requests,
            proposals.c.account_id,
        )
        .having(func.sum(is_open) > 0)
        .order_by(proposals.c.created_at.desc())
        .limit(limit)
    )
    return connection.execute(wanted).all()


def edited_by(connection: Connection, account_id: str) -> frozenset[str]:
    """Return the proposals an account has edited."""
    wanted = select(edits.c.proposal_id).where(edits.c.account_id == account_id)
    return frozenset(connection.execute(wanted.distinct()).scalars())

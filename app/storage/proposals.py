"""Proposals: what was asked, how far it is, and what came of it."""

from collections.abc import Mapping, Sequence
from itertools import batched
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    and_,
    func,
    insert,
    literal,
    select,
    true,
    tuple_,
    update,
)
from sqlalchemy import (
    Row as _Row,
)

from app.storage import added
from app.storage.json_column import all_within, json_text
from app.storage.plain import text_of
from app.storage.requests import Scope
from app.storage.schema import (
    bin_members,
    bin_versions,
    bins,
    edits,
    proposal_batches,
    proposal_events,
    proposal_requests,
    proposal_results,
    proposals,
    request_versions,
)

type Row = _Row[*tuple[Any, ...]]

_AT_ONCE = 2000


def scoped(scope: Scope) -> ColumnElement[bool]:
    """Return the condition that a proposal is in scope.

    That is its own, or any for readers: of some customers, those with no request of
    another.
    """
    if scope.sent_by is not None:
        return proposals.c.account_id == scope.sent_by
    if scope.customers is None:
        return true()
    if scope.reviewer is None:  # a submitter sees no proposal
        return proposals.c.proposal_id.is_(None)
    return all_within(proposals.c.customers, literal(text_of(sorted(scope.customers))))


def add(
    connection: Connection,
    proposal: Mapping[str, Any],
    batch_ids: Sequence[str],
    members: Sequence[Mapping[str, Any]],
) -> None:
    """Add a proposal that waits to be solved, with the requests it is about."""
    connection.execute(insert(proposals), proposal)
    proposal_id = proposal["proposal_id"]
    if batch_ids:
        rows = [{"proposal_id": proposal_id, "batch_id": one} for one in batch_ids]
        connection.execute(insert(proposal_batches), rows)
    for some in batched(members, _AT_ONCE):
        connection.execute(
            insert(proposal_requests),
            [{"proposal_id": proposal_id, **one} for one in some],
        )


def one(connection: Connection, scope: Scope, proposal_id: str) -> Row | None:
    """Return a proposal in scope."""
    wanted = select(proposals).where(
        proposals.c.proposal_id == proposal_id, scoped(scope)
    )
    return connection.execute(wanted).one_or_none()


def in_scope(
    connection: Connection, scope: Scope, proposal_ids: Sequence[str]
) -> frozenset[str]:
    """Return which of some proposals are in scope."""
    wanted = select(proposals.c.proposal_id).where(
        proposals.c.proposal_id.in_(proposal_ids), scoped(scope)
    )
    return frozenset(connection.execute(wanted).scalars())


def row(connection: Connection, proposal_id: str) -> Row:
    """Return a proposal for the service itself, whoever may see it."""
    wanted = select(proposals).where(proposals.c.proposal_id == proposal_id)
    return connection.execute(wanted).one()


def took_part_before(connection: Connection, parent_id: str, account_id: str) -> bool:
    """Tell whether an account ran or edited a proposal, or one it came from."""
    line = (
        select(proposals.c.proposal_id, proposals.c.parent_id, proposals.c.account_id)
        .where(proposals.c.proposal_id == parent_id)
        .cte("line", recursive=True)
    )
    line = line.union_all(
        select(
            proposals.c.proposal_id, proposals.c.parent_id, proposals.c.account_id
        ).join(line, proposals.c.proposal_id == line.c.parent_id)
    )
    ran = select(line.c.proposal_id).where(line.c.account_id == account_id)
    edited = (
        select(edits.c.proposal_id)
        .join(line, line.c.proposal_id == edits.c.proposal_id)
        .where(edits.c.account_id == account_id)
    )
    found = connection.execute(ran.union_all(edited).limit(1)).first()
    return found is not None


def page(
    connection: Connection,
    scope: Scope,
    *,
    state: str | None,
    after: tuple[str, str] | None,
    limit: int,
) -> Sequence[Row]:
    """Return proposals in scope, newest first, from after a place."""
    wanted = select(proposals).where(scoped(scope))
    if state is not None:
        wanted = wanted.where(proposals.c.state == state)
    if after is not None:
        place = tuple_(proposals.c.created_at, proposals.c.proposal_id)
        wanted = wanted.where(place < tuple_(*after))
    ordered = wanted.order_by(
        proposals.c.created_at.desc(), proposals.c.proposal_id.desc()
    )
    return connection.execute(ordered.limit(limit)).all()


def waiting(connection: Connection) -> int:
    """Return how many proposals wait to be solved, or are."""
    wanted = select(func.count()).where(proposals.c.state.in_(("queued", "solving")))
    return connection.execute(wanted).scalar_one()


def unfinished(connection: Connection) -> Sequence[str]:
    """Return the ids of proposals that wait to be solved, or are, oldest first."""
    wanted = (
        select(proposals.c.proposal_id)
        .where(proposals.c.state.in_(("queued", "solving")))
        .order_by(proposals.c.created_at)
    )
    return connection.execute(wanted).scalars().all()


def contents(connection: Connection, proposal_id: str) -> Sequence[Row]:
    """Return label, customer, request_id, version and content of its requests."""
    wanted = (
        select(
            proposal_requests.c.label,
            proposal_requests.c.customer,
            proposal_requests.c.request_id,
            proposal_requests.c.request_version,
            request_versions.c.content,
        )
        .join(request_versions, _in_its_version())
        .where(proposal_requests.c.proposal_id == proposal_id)
        .order_by(proposal_requests.c.label)
    )
    return connection.execute(wanted).all()


def _in_its_version() -> ColumnElement[bool]:
    return and_(
        request_versions.c.customer == proposal_requests.c.customer,
        request_versions.c.request_id == proposal_requests.c.request_id,
        request_versions.c.version == proposal_requests.c.request_version,
    )


def labels(connection: Connection, proposal_id: str) -> dict[str, tuple[str, str]]:
    """Return customer and request_id by label."""
    wanted = select(
        proposal_requests.c.label,
        proposal_requests.c.customer,
        proposal_requests.c.request_id,
    ).where(proposal_requests.c.proposal_id == proposal_id)
    return {
        row.label: (row.customer, row.request_id) for row in connection.execute(wanted)
    }


def figures_of(
    connection: Connection, proposal_id: str, some: Sequence[str] | None = None
) -> dict[str, tuple[int, str]]:
    """Return value in cents and day of receipt by label, of all or of a few."""
    content = request_versions.c.content
    wanted = (
        select(
            proposal_requests.c.label,
            json_text(connection, content, "value_cents").cast(BigInteger),
            json_text(connection, content, "received_on"),
        )
        .join(request_versions, _in_its_version())
        .where(proposal_requests.c.proposal_id == proposal_id)
    )
    if some is not None:
        wanted = wanted.where(proposal_requests.c.label.in_(some))
    found = connection.execute(wanted)
    return {label: (value, received) for label, value, received in found}


def keys_of(
    connection: Connection, proposal_id: str, some: Sequence[str]
) -> dict[str, tuple[str, str]]:
    """Return customer and request_id of a few labels."""
    wanted = select(
        proposal_requests.c.label,
        proposal_requests.c.customer,
        proposal_requests.c.request_id,
    ).where(
        proposal_requests.c.proposal_id == proposal_id,
        proposal_requests.c.label.in_(some),
    )
    return {
        row.label: (row.customer, row.request_id) for row in connection.execute(wanted)
    }


def change(connection: Connection, proposal_id: str, **values: Any) -> None:
    """Change a proposal."""
    connection.execute(
        update(proposals).where(proposals.c.proposal_id == proposal_id).values(**values)
    )


def tell(connection: Connection, proposal_id: str) -> None:
    """Have the next record of the trail say in what state a proposal is now."""
    added.changed(connection, proposals, proposal_id)


def move_on(
    connection: Connection, proposal_id: str, states: Sequence[str], **values: Any
) -> bool:
    """Change a proposal that is in one of some states; tell whether it was."""
    changed = connection.execute(
        update(proposals)
        .where(proposals.c.proposal_id == proposal_id, proposals.c.state.in_(states))
        .values(**values)
    )
    return changed.rowcount == 1


def next_version(
    connection: Connection, proposal_id: str, version: int, **values: Any
) -> bool:
    """Make the next version of a plan; False when it is not at this one any more."""
    changed = connection.execute(
        update(proposals)
        .where(
            proposals.c.proposal_id == proposal_id,
            proposals.c.version == version,
            proposals.c.state.in_(("done", "cancelled")),
            proposals.c.heading.is_not(None),
            proposals.c.superseded_by.is_(None),
        )
        .values(version=version + 1, **values)
    )
    return changed.rowcount == 1


def add_result(
    connection: Connection,
    proposal_id: str,
    *,
    result: Mapping[str, Any],
    bin_rows: Sequence[Mapping[str, Any]],
    members: Mapping[str, Sequence[str]],
    at: str,
    account_id: str,
    plain_members: Mapping[str, str],
    shown: Mapping[str, str],
    states: Mapping[str, str],
) -> None:
    """Add the bins of a proposal in their first version, and the long parts.

    Parameters
    ----------
    shown
        The digest of what each bin shows.
    states
        The states of bins that are not open from the first.
    """
    connection.execute(insert(proposal_results), {"proposal_id": proposal_id, **result})
    versions: list[dict[str, Any]] = [
        {
            "proposal_id": proposal_id,
            "bin_id": bin_id,
            "version": 1,
            "previous": None,
            "change": "carried" if bin_id in states else "proposed",
            "state": states.get(bin_id, "open"),
            "members": plain_members[bin_id],
            "figures_sha256": shown[bin_id],
            "at": at,
            "account_id": account_id,
        }
        for bin_id in members
    ]
    homes = [
        {"proposal_id": proposal_id, "label": label, "bin_id": bin_id}
        for bin_id, labels_ in members.items()
        for label in labels_
    ]
    for table, rows in (
        (bin_versions, versions),
        (
            bins,
            [
                {
                    "proposal_id": proposal_id,
                    **row,
                    "state": states.get(row["bin_id"], "open"),
                }
                for row in bin_rows
            ],
        ),
        (bin_members, homes),
    ):
        for some in batched(rows, _AT_ONCE):
            connection.execute(insert(table), list(some))


def result(connection: Connection, proposal_id: str) -> Row | None:
    """Return the long parts of a finished proposal."""
    wanted = select(proposal_results).where(
        proposal_results.c.proposal_id == proposal_id
    )
    return connection.execute(wanted).one_or_none()


def certificate(connection: Connection, proposal_id: str) -> str | None:
    """Return the certificate of a finished proposal."""
    wanted = select(proposal_results.c.certificate).where(
        proposal_results.c.proposal_id == proposal_id
    )
    return connection.execute(wanted).scalar_one_or_none()


def batch_ids(connection: Connection, proposal_id: str) -> Sequence[str]:
    """Return the batches a proposal was asked for."""
    wanted = select(proposal_batches.c.batch_id).where(
        proposal_batches.c.proposal_id == proposal_id
    )
    return (
        connection.execute(wanted.order_by(proposal_batches.c.batch_id)).scalars().all()
    )


def add_event(
    connection: Connection, proposal_id: str, *, at: str, kind: str, data: str
) -> None:
    """Add what a client that follows the solve is told."""
    last = select(func.coalesce(func.max(proposal_events.c.seq), 0)).where(
        proposal_events.c.proposal_id == proposal_id
    )
    connection.execute(
        insert(proposal_events),
        {
            "proposal_id": proposal_id,
            "seq": connection.execute(last).scalar_one() + 1,
            "at": at,
            "kind": kind,
            "data": data,
        },
    )


def events(connection: Connection, proposal_id: str, after: int) -> Sequence[Row]:
    """Return events after a number, in order."""
    wanted = (
        select(proposal_events)
        .where(
            proposal_events.c.proposal_id == proposal_id, proposal_events.c.seq > after
        )
        .order_by(proposal_events.c.seq)
    )
    return connection.execute(wanted).all()

"""Standing rulings: what people said of requests, for every later solve."""

import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update
from sqlalchemy import Row as _Row

from app.storage import added
from app.storage.schema import ruling_members, rulings

type Row = _Row[*tuple[Any, ...]]
type Key = tuple[str, str]
"""Customer and request_id."""

_FIXED_OF = (
    select(rulings.c.ruling_id)
    .join(ruling_members, ruling_members.c.ruling_id == rulings.c.ruling_id)
    .where(
        rulings.c.kind == "fixed",
        rulings.c.ended_at.is_(None),
        ruling_members.c.customer == bindparam("of_customer"),
        ruling_members.c.request_id == bindparam("of_request"),
    )
)

_ADD = insert(rulings)
_ADD_MEMBERS = insert(ruling_members)


def add(
    connection: Connection,
    kind: str,
    members: Iterable[Key],
    *,
    proposal_id: str,
    at: str,
    account_id: str,
    edit: int | None = None,
    decision_id: str | None = None,
) -> str:
    """Add a ruling that stands from now on; return its id."""
    ruling_id = str(uuid.uuid4())
    connection.execute(
        _ADD,
        {
            "ruling_id": ruling_id,
            "kind": kind,
            "proposal_id": proposal_id,
            "edit": edit,
            "decision_id": decision_id,
            "at": at,
            "account_id": account_id,
        },
    )
    connection.execute(
        _ADD_MEMBERS,
        [
            {"ruling_id": ruling_id, "customer": customer, "request_id": request_id}
            for customer, request_id in sorted({*members})
        ],
    )
    return ruling_id


def end_fixed(
    connection: Connection, members: Sequence[Key], *, at: str, by: str
) -> None:
    """End every acceptance that holds one of some requests."""
    found = {
        row.ruling_id
        for customer, request_id in members
        for row in connection.execute(
            _FIXED_OF, {"of_customer": customer, "of_request": request_id}
        )
    }
    if found:
        connection.execute(
            update(rulings)
            .where(rulings.c.ruling_id.in_(sorted(found)))
            .values(ended_at=at, ended_by=by)
        )
        added.changed(connection, rulings, *sorted(found))


def end_of_edit(
    connection: Connection, proposal_id: str, edit: int, *, at: str, by: str
) -> None:
    """End the rulings an edit left."""
    ended = connection.execute(
        update(rulings)
        .where(
            rulings.c.proposal_id == proposal_id,
            rulings.c.edit == edit,
            rulings.c.ended_at.is_(None),
        )
        .values(ended_at=at, ended_by=by)
        .returning(rulings.c.ruling_id)
    )
    added.changed(connection, rulings, *ended.scalars())


def fixed_already(connection: Connection, members: Sequence[Key]) -> Key | None:
    """Return a request of some that an accepted bin holds already."""
    for customer, request_id in members:
        found = connection.execute(
            _FIXED_OF, {"of_customer": customer, "of_request": request_id}
        ).first()
        if found is not None:
            return (customer, request_id)
    return None


def standing(connection: Connection) -> list[tuple[Row, list[Key]]]:
    """Return every ruling that stands, with its requests, in the order it was made."""
    wanted = (
        select(
            rulings.c.ruling_id,
            rulings.c.kind,
            rulings.c.proposal_id,
            rulings.c.edit,
            rulings.c.at,
            ruling_members.c.customer,
            ruling_members.c.request_id,
        )
        .join(ruling_members, ruling_members.c.ruling_id == rulings.c.ruling_id)
        .where(rulings.c.ended_at.is_(None))
        .order_by(
            rulings.c.at,
            rulings.c.ruling_id,
            ruling_members.c.customer,
            ruling_members.c.request_id,
        )
    )
    found: dict[str, tuple[Row, list[Key]]] = {}
    for row in connection.execute(wanted):
        known = found.setdefault(row.ruling_id, (row, []))
        known[1].append((row.customer, row.request_id))
    return [*found.values()]

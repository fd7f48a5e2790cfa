"""Roles that were asked for, and wait for a second admin."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, insert, select, update
from sqlalchemy import Row as _Row

from app.storage import added
from app.storage.schema import accounts, role_grants

type Row = _Row[*tuple[Any, ...]]


def add(connection: Connection, **values: Any) -> None:
    """Add a grant that waits."""
    connection.execute(insert(role_grants), values)


def held(connection: Connection, grant_id: str) -> Row | None:
    """Return a grant; nobody settles it meanwhile."""
    wanted = select(role_grants).where(role_grants.c.grant_id == grant_id)
    return connection.execute(wanted.with_for_update()).one_or_none()


def waiting(connection: Connection) -> Sequence[Row]:
    """Return the grants that wait, with the names of their accounts, oldest first."""
    wanted = (
        select(role_grants, accounts.c.name)
        .join(accounts, accounts.c.account_id == role_grants.c.account_id)
        .where(role_grants.c.settled_at.is_(None), accounts.c.disabled_at.is_(None))
        .order_by(role_grants.c.asked_at, role_grants.c.grant_id)
    )
    return connection.execute(wanted).all()


def settle(
    connection: Connection, grant_id: str, *, outcome: str, at: str, by: str
) -> None:
    """Settle a grant."""
    connection.execute(
        update(role_grants)
        .where(role_grants.c.grant_id == grant_id)
        .values(settled_at=at, settled_by=by, outcome=outcome)
    )
    added.changed(connection, role_grants, grant_id)


def replace(connection: Connection, account_id: str, *, at: str, by: str) -> None:
    """Settle what waits for an account: another role was asked for since."""
    replaced = connection.execute(
        update(role_grants)
        .where(
            role_grants.c.account_id == account_id, role_grants.c.settled_at.is_(None)
        )
        .values(settled_at=at, settled_by=by, outcome="replaced")
        .returning(role_grants.c.grant_id)
    )
    added.changed(connection, role_grants, *replaced.scalars())

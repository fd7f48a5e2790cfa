"""Policies in all their versions."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, func, insert, select
from sqlalchemy import Row as _Row

from app.storage.schema import policies

type Row = _Row[*tuple[Any, ...]]


def version(connection: Connection, name: str, number: int | None = None) -> Row | None:
    """Return a version of a policy, the last one where none is named."""
    wanted = select(policies).where(policies.c.name == name)
    if number is not None:
        wanted = wanted.where(policies.c.version == number)
    last = wanted.order_by(policies.c.version.desc()).limit(1)
    return connection.execute(last).one_or_none()


def versions(connection: Connection, name: str) -> Sequence[Row]:
    """Return all versions of a policy, the last first."""
    wanted = select(policies).where(policies.c.name == name)
    return connection.execute(wanted.order_by(policies.c.version.desc())).all()


def last_versions(connection: Connection) -> Sequence[Row]:
    """Return every policy in its last version, by name."""
    last = (
        select(policies.c.name, func.max(policies.c.version).label("version"))
        .group_by(policies.c.name)
        .subquery()
    )
    wanted = select(policies).join(
        last,
        (policies.c.name == last.c.name) & (policies.c.version == last.c.version),
    )
    return connection.execute(wanted.order_by(policies.c.name)).all()


def add(connection: Connection, **values: Any) -> None:
    """Add a version."""
    connection.execute(insert(policies), values)

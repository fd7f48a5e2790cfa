"""First answers to calls that carried an idempotency key."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update
from sqlalchemy import Row as _Row
from sqlalchemy.dialects import postgresql, sqlite

from app.storage.prepared import Asked, Prepared, Question
from app.storage.schema import idempotency

type Row = _Row[*tuple[Any, ...]]

_OF_KEY = Question(
    select(idempotency).where(
        idempotency.c.account_id == bindparam("account_id"),
        idempotency.c.key == bindparam("key"),
    )
)

_FILL = Prepared(
    update(idempotency)
    .where(
        idempotency.c.account_id == bindparam("of_account"),
        idempotency.c.key == bindparam("of_key"),
    )
    .values(
        status=bindparam("new_status"),
        headers=bindparam("new_headers"),
        body=bindparam("new_body"),
    )
)

_RESERVE = {
    "sqlite": Prepared(sqlite.insert(idempotency).on_conflict_do_nothing()),
    "postgresql": Prepared(postgresql.insert(idempotency).on_conflict_do_nothing()),
}

_KEEP = Prepared(insert(idempotency))


def first(connection: Connection, account_id: str, key: str) -> Row | None:
    """Return the answer a key had, if it had one."""
    values = {"account_id": account_id, "key": key}
    found: Row | None = _OF_KEY.one(connection, values)
    return found


def reserve(connection: Connection, **values: Any) -> bool:
    """Take a key inside the transaction that will fill it; False when it is taken.

    A transaction elsewhere that has taken it and is not done is waited for.
    """
    done = _RESERVE[connection.dialect.name](connection, values)
    return bool(done.rowcount == 1)


def fill(
    connection: Connection,
    account_id: str,
    key: str,
    *,
    status: int,
    headers: str,
    body: str,
) -> None:
    """Keep the answer, in the transaction of what it answers."""
    _FILL(
        connection,
        {
            "of_account": account_id,
            "of_key": key,
            "new_status": status,
            "new_headers": headers,
            "new_body": body,
        },
    )


def asked_first(account_id: str, key: str) -> Asked:
    """Return the question for the answer a key had; its row is None without one."""
    return _OF_KEY, {"account_id": account_id, "key": key}


def keep_all(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep whole answers whose keys are free, in the transaction of what they answer.

    A key that was taken elsewhere meanwhile makes the transaction collide.
    """
    _KEEP.many(connection, rows)

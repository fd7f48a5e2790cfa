"""Accounts, keys and sessions."""

from typing import Any, Final

from sqlalchemy import Connection, bindparam, func, insert, select, update
from sqlalchemy import Row as _Row

from app.storage import added
from app.storage.prepared import Asked, Question
from app.storage.schema import accounts, api_keys, sessions

type Row = _Row[*tuple[Any, ...]]

_BY_KEY = Question(
    select(
        accounts.c.account_id,
        accounts.c.name,
        accounts.c.roles,
        accounts.c.customers,
        accounts.c.disabled_at,
        api_keys.c.key_id,
        api_keys.c.hash,
        api_keys.c.expires_at,
        api_keys.c.revoked_at,
        api_keys.c.last_used_on,
    )
    .join(accounts, accounts.c.account_id == api_keys.c.account_id)
    .where(api_keys.c.key_id == bindparam("key_id"))
)

_BY_SESSION = Question(
    select(
        accounts.c.account_id,
        accounts.c.name,
        accounts.c.roles,
        accounts.c.customers,
        accounts.c.disabled_at,
        sessions.c.form_token,
        sessions.c.expires_at,
        sessions.c.ended_at,
    )
    .join(accounts, accounts.c.account_id == sessions.c.account_id)
    .where(sessions.c.session_hash == bindparam("session_hash"))
)


def asked_by_key(key_id: str) -> Asked:
    """Return the question for a key with its account."""
    return _BY_KEY, {"key_id": key_id}


def by_session(connection: Connection, session_hash: str) -> Row | None:
    """Return a session with its account."""
    found: Row | None = _BY_SESSION.one(connection, {"session_hash": session_hash})
    return found


def by_subject(connection: Connection, subject: str) -> Row | None:
    """Return the account of an OpenID issuer and subject."""
    wanted = select(accounts).where(accounts.c.subject == subject)
    return connection.execute(wanted).one_or_none()


def by_id(connection: Connection, account_id: str) -> Row | None:
    """Return an account."""
    wanted = select(accounts).where(accounts.c.account_id == account_id)
    return connection.execute(wanted).one_or_none()


def add_account(connection: Connection, **values: Any) -> None:
    """Add an account."""
    connection.execute(insert(accounts), values)


def held(connection: Connection, account_id: str) -> Row | None:
    """Return an account; nobody changes it meanwhile."""
    wanted = select(accounts).where(accounts.c.account_id == account_id)
    return connection.execute(wanted.with_for_update()).one_or_none()


def give(
    connection: Connection, account_id: str, *, roles: str, customers: str | None
) -> None:
    """Put other roles in the place of an account's, from its next call on."""
    connection.execute(
        update(accounts)
        .where(accounts.c.account_id == account_id)
        .values(roles=roles, customers=customers)
    )
    added.changed(connection, accounts, account_id)


def disable_account(connection: Connection, account_id: str, at: str) -> None:
    """Let an account in no more."""
    connection.execute(
        update(accounts)
        .where(accounts.c.account_id == account_id, accounts.c.disabled_at.is_(None))
        .values(disabled_at=at)
    )
    added.changed(connection, accounts, account_id)


def add_key(connection: Connection, **values: Any) -> None:
    """Add a key: its hash, never the key."""
    connection.execute(insert(api_keys), values)


def key(connection: Connection, key_id: str) -> Row | None:
    """Return a key without its account."""
    wanted = select(api_keys).where(api_keys.c.key_id == key_id)
    return connection.execute(wanted).one_or_none()


def revoke_key(connection: Connection, key_id: str, at: str) -> None:
    """End a key at once."""
    connection.execute(
        update(api_keys).where(api_keys.c.key_id == key_id).values(revoked_at=at)
    )
    added.changed(connection, api_keys, key_id)


def use_key(connection: Connection, key_id: str, day: str) -> None:
    """Keep the day a key was used on."""
    connection.execute(
        update(api_keys).where(api_keys.c.key_id == key_id).values(last_used_on=day)
    )


def add_session(connection: Connection, **values: Any) -> None:
    """Add a session: its hash, never the cookie."""
    connection.execute(insert(sessions), values)


def began_at(connection: Connection, key_id: str, address: str, since: str) -> bool:
    """Tell whether the account of a key signed in from an address since a moment."""
    wanted = (
        select(sessions.c.session_hash)
        .join(api_keys, api_keys.c.account_id == sessions.c.account_id)
        .where(
            api_keys.c.key_id == key_id,
            sessions.c.address == address,
            sessions.c.created_at >= since,
        )
        .limit(1)
    )
    return connection.execute(wanted).first() is not None


def end_session(connection: Connection, session_hash: str, at: str) -> None:
    """End a session at once."""
    connection.execute(
        update(sessions)
        .where(sessions.c.session_hash == session_hash, sessions.c.ended_at.is_(None))
        .values(ended_at=at)
    )


def end_sessions(connection: Connection, account_id: str, at: str) -> None:
    """End every session of an account at once."""
    connection.execute(
        update(sessions)
        .where(sessions.c.account_id == account_id, sessions.c.ended_at.is_(None))
        .values(ended_at=at)
    )


def people(connection: Connection) -> list[Row]:
    """Return every account, oldest first."""
    wanted = select(accounts).order_by(accounts.c.created_at, accounts.c.account_id)
    return list(connection.execute(wanted))


def listed(connection: Connection) -> list[Row]:
    """Return all keys with their accounts, oldest first."""
    wanted = (
        select(
            api_keys.c.key_id,
            api_keys.c.created_at,
            api_keys.c.expires_at,
            api_keys.c.revoked_at,
            api_keys.c.last_used_on,
            accounts.c.account_id,
            accounts.c.name,
            accounts.c.roles,
            accounts.c.customers,
            accounts.c.disabled_at,
            accounts.c.created_by,
        )
        .join(accounts, accounts.c.account_id == api_keys.c.account_id)
        .order_by(api_keys.c.created_at, api_keys.c.key_id)
    )
    return list(connection.execute(wanted))


def any_there(connection: Connection) -> bool:
    """Tell whether there is an account at all."""
    return (
        connection.execute(select(accounts.c.account_id).limit(1)).first() is not None
    )


REVIEWERS: Final = (
    select(func.count().label("reviewers"))
    .select_from(accounts)
    .where(
        accounts.c.disabled_at.is_(None),
        accounts.c.roles.like(bindparam("analyst"))
        | accounts.c.roles.like(bindparam("approver")),
    )
)
"""How many accounts may propose, edit or decide; given what ``ROLES`` holds."""

ROLES: Final = {"analyst": "%analyst%", "approver": "%approver%"}

_REVIEWERS = Question(REVIEWERS)


def reviewers(connection: Connection) -> int:
    """Return how many accounts may propose, edit or decide."""
    return int(_REVIEWERS.one(connection, ROLES).reviewers)


def admins(connection: Connection) -> int:
    """Return how many accounts may give roles."""
    wanted = (
        select(func.count())
        .select_from(accounts)
        .where(accounts.c.disabled_at.is_(None), accounts.c.roles.like("%admin%"))
    )
    return int(connection.execute(wanted).scalar_one())

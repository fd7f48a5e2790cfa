"""Accounts and their keys."""

import json
import uuid
from collections.abc import Sequence
from contextlib import suppress
from datetime import date
from typing import Any, Final

from sqlalchemy import Connection

from app.storage import accounts, role_grants
from app.storage.errors import StoreError
from app.storage.plain import text_of
from app.use_cases import clock
from app.use_cases.access import Caller, Role, new_key
from app.use_cases.granting import account_said, ask, codes_of, waits
from app.use_cases.refusals import NotAcceptable, NotThere
from app.use_cases.service import Answer, Call, Change, Service

FIRST_ACCOUNT: Final = "local"
"""The account that a first start makes: one person, all roles."""


def first_key(connection: Connection) -> str | None:
    """Make the first account and its key where there is none; return the key."""
    if accounts.any_there(connection):
        return None
    roles = [Role.ADMIN, Role.ANALYST, Role.APPROVER, Role.AUDITOR]
    _, key = _make(connection, FIRST_ACCOUNT, roles, None, None, by=None)
    return key


def used_first_today(caller: Caller) -> bool:
    """Tell whether a caller comes with a key that was not used this day before."""
    return caller.key_id is not None and caller.key_used_on != clock.today().isoformat()


def note_use(service: Service, caller: Caller) -> None:
    """Keep the day a key was used last; a store that makes one wait misses it.

    A later call of the day is noted then: nobody waits for this.
    """
    database = service.database
    if caller.key_id is None or (database.kind == "sqlite" and not database.at_once):
        return
    with suppress(StoreError), database.writing() as connection:
        accounts.use_key(connection, caller.key_id, clock.today().isoformat())


def make_key(
    service: Service,
    call: Call,
    *,
    name: str,
    role: Role,
    customers: Sequence[str] | None,
    expires_on: str | None,
    regions: Sequence[str] | None = None,
) -> tuple[Answer, str | None]:
    """Make an account with a key.

    Returns the answer without the key, so that it can be kept, and the key; None where
    the same form had made it before, for then it was shown.

    Raises
    ------
    NotAcceptable
        When the customers do not go with the role, or one is unknown.
    """
    codes = codes_of(role, customers, regions)
    expires_at = None if expires_on is None else _expiry(expires_on)
    made: list[str] = []

    def act(connection: Connection, change: Change) -> Answer:
        later = waits(service, connection, role)
        by = call.caller.account_id
        roles, of = ([], []) if later else ([role], codes)
        said, key = _make(connection, name, roles, of, expires_at, by=by)
        said |= {"role": role, "customers": codes, "grant_id": None}
        if later:
            account_id = said["account_id"]
            said["grant_id"] = ask(connection, call, account_id, role, codes)
        made.append(key)  # asked again, it makes another: the last one is stored
        change.object = f"key/{said['key_id']}"
        change.after = said
        return Answer.of(201, said)

    answer = service.change(call, "key.make", "key", act)
    return answer, made[-1] if made else None


def _expiry(day: str) -> str:
    """Return the moment a key ends that is good until the start of a day."""
    try:
        moment = clock.start_of(date.fromisoformat(day))
    except ValueError:
        raise NotAcceptable("expires_on is not a day of the calendar.") from None
    if moment <= clock.now():
        raise NotAcceptable("expires_on has to be a day to come.")
    return moment


def _make(
    connection: Connection,
    name: str,
    roles: Sequence[Role],
    customers: Sequence[str] | None,
    expires_at: str | None,
    *,
    by: str | None,
) -> tuple[dict[str, Any], str]:
    key_id, key, digest = new_key()
    account_id, at = str(uuid.uuid4()), clock.now()
    accounts.add_account(
        connection,
        account_id=account_id,
        name=name,
        roles=text_of(sorted(roles)),
        customers=None if customers is None else text_of(list(customers)),
        created_at=at,
        created_by=by,
    )
    accounts.add_key(
        connection,
        key_id=key_id,
        account_id=account_id,
        hash=digest,
        created_at=at,
        expires_at=expires_at,
    )
    said = {
        "key_id": key_id,
        "account_id": account_id,
        "name": name,
        "role": ",".join(sorted(roles)),
        "customers": None if customers is None else list(customers),
        "expires_at": expires_at,
    }
    return said, key


def make_account(
    service: Service,
    call: Call,
    *,
    name: str,
    role: Role,
    customers: Sequence[str] | None,
    subject: str,
    regions: Sequence[str] | None = None,
) -> Answer:
    """Make an account for a person whom an OpenID Connect provider vouches for.

    Raises
    ------
    NotAcceptable
        When the customers do not go with the role, or the person has an account.
    """
    codes = codes_of(role, customers, regions)

    def act(connection: Connection, change: Change) -> Answer:
        if accounts.by_subject(connection, subject) is not None:
            raise NotAcceptable("This person of the provider has an account already.")
        account_id, at = str(uuid.uuid4()), clock.now()
        later = waits(service, connection, role)
        roles, of = ([], []) if later else ([role], codes)
        accounts.add_account(
            connection,
            account_id=account_id,
            name=name,
            roles=text_of(roles),
            customers=None if of is None else text_of(of),
            subject=subject,
            created_at=at,
            created_by=call.caller.account_id,
        )
        row = accounts.by_id(connection, account_id)
        assert row is not None
        change.object = f"account/{account_id}"
        change.after = account_said(row)
        if later:
            grant_id = ask(connection, call, account_id, role, codes)
            change.after |= {"grant_id": grant_id, "asked": role, "of": codes}
        return Answer.of(201, change.after)

    return service.change(call, "account.make", "account", act)


def disable_account(service: Service, call: Call, account_id: str) -> Answer:
    """Let an account in no more: its keys and sessions end at once.

    Raises
    ------
    NotThere
        When there is none.
    """

    def act(connection: Connection, change: Change) -> Answer:
        row = accounts.by_id(connection, account_id)
        if row is None:
            raise NotThere("account")
        at = row.disabled_at or clock.now()
        accounts.disable_account(connection, account_id, at)
        accounts.end_sessions(connection, account_id, at)
        change.before = {"disabled_at": row.disabled_at}
        change.after = {"disabled_at": at}
        return Answer.of(200, {**account_said(row), "disabled_at": at})

    return service.change(call, "account.disable", f"account/{account_id}", act)


def all_accounts(connection: Connection) -> list[dict[str, Any]]:
    """Return every account: who it is and what it may."""
    waits_for = {row.account_id: row for row in role_grants.waiting(connection)}
    return [
        account_said(row, waits_for.get(row.account_id))
        for row in accounts.people(connection)
    ]


def revoke_key(service: Service, call: Call, key_id: str) -> Answer:
    """End a key at once.

    Raises
    ------
    NotThere
        When there is none.
    """

    def act(connection: Connection, change: Change) -> Answer:
        row = accounts.key(connection, key_id)
        if row is None:
            raise NotThere("key")
        at = row.revoked_at or clock.now()
        accounts.revoke_key(connection, key_id, at)
        accounts.end_sessions(connection, row.account_id, at)
        change.before, change.after = {"revoked_at": row.revoked_at}, {"revoked_at": at}
        return Answer.of(200, {"key_id": key_id, "revoked_at": at})

    return service.change(call, "key.revoke", f"key/{key_id}", act)


def listed(connection: Connection) -> list[dict[str, Any]]:
    """Return all keys: what they are for, never what they are."""
    return [
        {
            "key_id": row.key_id,
            "account_id": row.account_id,
            "name": row.name,
            "role": ",".join(json.loads(row.roles)),
            "customers": row.customers and json.loads(row.customers),
            "created_at": row.created_at,
            "expires_at": row.expires_at,
            "revoked_at": row.revoked_at,
            "last_used_on": row.last_used_on,
        }
        for row in accounts.listed(connection)
    ]

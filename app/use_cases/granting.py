"""Roles of accounts: given, changed, and confirmed by a second admin.

Who may decide, and who sees the whole trail, is not for one person to say: the role of
an approver or an auditor waits until an admin confirms it who did not ask for it, and
whose account it is not. While there is only one admin, or in the single-user mode of a
first start, there is nobody else to confirm it, and it is given at once.
"""

import json
import uuid
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection

from app.catalogue import (
    NameUnknown,
    customers_of_region,
    planning_regions,
    resolve_customer,
)
from app.errors import quoted
from app.storage import accounts, role_grants
from app.storage.plain import text_of
from app.use_cases import clock
from app.use_cases.access import WITH_CUSTOMERS, Role
from app.use_cases.decide import single_user
from app.use_cases.refusals import Conflict, NotAcceptable, NotAllowed, NotThere
from app.use_cases.service import Answer, Call, Change, Service

CONFIRMED: Final = frozenset({Role.APPROVER, Role.AUDITOR})
"""Roles that a second admin confirms."""

type Codes = Sequence[str] | None
"""Customers by their codes; None for all."""


def codes_of(
    role: Role, customers: Sequence[str] | None, regions: Sequence[str] | None
) -> list[str] | None:
    """Return the codes of the customers a role is given for; None for all.

    A region stands for the customers that the catalogue has there now.

    Raises
    ------
    NotAcceptable
        When they do not go with the role, or one is unknown.
    """
    if role not in WITH_CUSTOMERS:
        if customers or regions:
            raise NotAcceptable(f"The role {role} names no customers: it is for all.")
        return None
    if role is Role.SUBMITTER and (regions or customers is None or len(customers) != 1):
        raise NotAcceptable("A submitter is of one customer: name it in customers.")
    if customers is None and regions is None:
        return None
    found = [resolve_customer(text, None) for text in customers or ()]
    unknown = [one.sentence for one in found if isinstance(one, NameUnknown)]
    if unknown:
        raise NotAcceptable(" ".join(unknown))
    codes = {one.code for one in found if not isinstance(one, NameUnknown)}
    return sorted(codes.union(*(_of_region(name) for name in regions or ())))


def _of_region(name: str) -> frozenset[str]:
    found = customers_of_region(name)
    if not found:
        known = ", ".join(planning_regions())
        raise NotAcceptable(f"There is no region {quoted(name)}; there are {known}.")
    return found


def waits(service: Service, connection: Connection, role: Role) -> bool:
    """Tell whether a role waits for a second admin."""
    return (
        role in CONFIRMED
        and accounts.admins(connection) > 1
        and not single_user(service, connection)
    )


def ask(
    connection: Connection, call: Call, account_id: str, role: Role, codes: Codes
) -> str:
    """Add a grant that waits for a second admin; return its id."""
    grant_id = str(uuid.uuid4())
    role_grants.add(
        connection,
        grant_id=grant_id,
        account_id=account_id,
        role=role,
        customers=_stored(codes),
        asked_at=clock.now(),
        asked_by=call.caller.account_id,
    )
    return grant_id


def change_role(
    service: Service,
    call: Call,
    account_id: str,
    *,
    role: Role,
    customers: Sequence[str] | None,
    regions: Sequence[str] | None,
) -> Answer:
    """Put a role in the place of those an account has, at once or when it is confirmed.

    What gives an approver or auditor less than it has is done at once.

    Raises
    ------
    NotThere, Conflict
        As their names say.
    NotAcceptable
        When the customers do not go with the role.
    """
    codes = codes_of(role, customers, regions)

    def act(connection: Connection, change: Change) -> Answer:
        row = _open(connection, account_id)
        by = call.caller.account_id
        role_grants.replace(connection, account_id, at=clock.now(), by=by)
        change.before = _roles_said(row.roles, row.customers)
        if waits(service, connection, role) and _is_more(row, role, codes):
            grant_id = ask(connection, call, account_id, role, codes)
            change.action = "role.ask"
            change.after = {"grant_id": grant_id, "role": role, "customers": codes}
            return Answer.of(202, {**account_said(row), "grant_id": grant_id})
        return _given(connection, change, row, text_of([role]), _stored(codes))

    return service.change(call, "role.change", f"account/{account_id}", act)


def confirm(service: Service, call: Call, grant_id: str) -> Answer:
    """Give the role that another admin asked for.

    Raises
    ------
    NotThere, Conflict
        As their names say.
    NotAllowed
        When the caller asked for it, or it is the caller's own account.
    """

    def act(connection: Connection, change: Change) -> Answer:
        grant = _waiting(connection, grant_id)
        row = _open(connection, grant.account_id)
        by = call.caller.account_id
        if by in (grant.asked_by, grant.account_id):
            raise NotAllowed(
                "You asked for this role, or it is for your own account: another "
                "admin confirms it."
            )
        role_grants.settle(
            connection, grant_id, outcome="confirmed", at=clock.now(), by=by
        )
        change.object = f"account/{grant.account_id}"
        change.before = _roles_said(row.roles, row.customers)
        return _given(connection, change, row, text_of([grant.role]), grant.customers)

    return service.change(call, "role.confirm", f"grant/{grant_id}", act)


def refuse(service: Service, call: Call, grant_id: str) -> Answer:
    """Refuse a role that was asked for, or take back that one asked for it.

    Raises
    ------
    NotThere, Conflict
        As their names say.
    """

    def act(connection: Connection, change: Change) -> Answer:
        grant = _waiting(connection, grant_id)
        row = accounts.by_id(connection, grant.account_id)
        assert row is not None
        by = call.caller.account_id
        role_grants.settle(
            connection, grant_id, outcome="refused", at=clock.now(), by=by
        )
        change.object = f"account/{grant.account_id}"
        change.before = {"grant_id": grant_id, "role": grant.role}
        change.after = {"outcome": "refused"}
        return Answer.of(200, account_said(row))

    return service.change(call, "role.refuse", f"grant/{grant_id}", act)


def waiting(connection: Connection) -> list[dict[str, Any]]:
    """Return every role that waits for a second admin."""
    return [
        {
            "grant_id": row.grant_id,
            "account_id": row.account_id,
            "name": row.name,
            "role": row.role,
            "customers": row.customers and json.loads(row.customers),
            "asked_at": row.asked_at,
            "asked_by": row.asked_by,
        }
        for row in role_grants.waiting(connection)
    ]


def _given(
    connection: Connection,
    change: Change,
    row: accounts.Row,
    roles: str,
    customers: str | None,
) -> Answer:
    accounts.give(connection, row.account_id, roles=roles, customers=customers)
    change.after = _roles_said(roles, customers)
    now = accounts.by_id(connection, row.account_id)
    assert now is not None
    return Answer.of(200, account_said(now))


def _is_more(row: accounts.Row, role: Role, codes: Codes) -> bool:
    """Tell whether a role gives an account more than it has."""
    if role not in json.loads(row.roles):
        return True
    if row.customers is None:
        return False
    return codes is None or not {*codes} <= {*json.loads(row.customers)}


def _open(connection: Connection, account_id: str) -> accounts.Row:
    row = accounts.held(connection, account_id)
    if row is None:
        raise NotThere("account")
    if row.disabled_at:
        raise Conflict("The account has ended; it cannot be given a role.")
    return row


def _waiting(connection: Connection, grant_id: str) -> role_grants.Row:
    grant = role_grants.held(connection, grant_id)
    if grant is None:
        raise NotThere("grant")
    if grant.settled_at:
        raise Conflict(f"It was {grant.outcome} on {grant.settled_at[:10]} already.")
    return grant


def _stored(codes: Codes) -> str | None:
    return None if codes is None else text_of(list(codes))


def _roles_said(roles: str, customers: str | None) -> dict[str, Any]:
    return {
        "role": ",".join(json.loads(roles)),
        "customers": customers and json.loads(customers),
    }


def account_said(
    row: accounts.Row, grant: role_grants.Row | None = None
) -> dict[str, Any]:
    """Return an account: who it is, what it may, and the grant that waits for it."""
    return {
        "account_id": row.account_id,
        "name": row.name,
        **_roles_said(row.roles, row.customers),
        "openid": row.subject is not None,
        "created_at": row.created_at,
        "disabled_at": row.disabled_at,
        "grant_id": None if grant is None else grant.grant_id,
    }

"""Who calls, what they may do, and whose requests they see: from the credential alone.

Roles and what they give are contract.md's table. A caller may have several roles; the
account that a first local start makes has all of them.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from sqlalchemy import Connection

from app.storage import accounts
from app.storage.prepared import ask_all
from app.storage.reach import Reach
from app.use_cases import clock
from app.use_cases.refusals import NotAllowed, NotKnown

KEY_PREFIX: Final = "fms"
"""What every key begins with, so that scanners find one that got out."""


class Role(StrEnum):
    """What a person or program is, for this service."""

    SUBMITTER = "submitter"
    BATCH = "batch"
    ANALYST = "analyst"
    APPROVER = "approver"
    AUDITOR = "auditor"
    ADMIN = "admin"


class Permission(StrEnum):
    """One thing that may be done; every route names the one it needs."""

    SEND = "send requests"
    WITHDRAW = "change or withdraw requests"
    READ_REQUESTS = "read requests"
    PROPOSE = "run proposals"
    READ_PROPOSALS = "read proposals"
    EDIT = "preview and edit proposals"
    DECIDE = "decide bins"
    READ_REVIEWS = "see decided bins to look at again"
    READ_POLICIES = "read policies"
    WRITE_POLICIES = "change policies"
    READ_AUDIT = "read the audit trail"
    READ_KEYS = "see accounts and keys"
    WRITE_KEYS = "make and revoke keys"
    OPERATE = "see how the service is set up"
    READ_DESCRIPTION = "read the description of the API"
    SEE_HOME = "open the review page"


_READERS: Final = frozenset({Role.ANALYST, Role.APPROVER, Role.AUDITOR})

GRANTS: Final[dict[Permission, frozenset[Role]]] = {
    Permission.SEND: frozenset({Role.SUBMITTER, Role.BATCH, Role.ANALYST}),
    Permission.WITHDRAW: frozenset({Role.SUBMITTER, Role.BATCH, Role.ANALYST}),
    Permission.READ_REQUESTS: _READERS | {Role.SUBMITTER, Role.BATCH},
    Permission.PROPOSE: frozenset({Role.ANALYST, Role.BATCH}),
    Permission.READ_PROPOSALS: _READERS | {Role.BATCH},
    Permission.EDIT: frozenset({Role.ANALYST}),
    Permission.DECIDE: frozenset({Role.APPROVER}),
    Permission.READ_REVIEWS: _READERS,
    Permission.READ_POLICIES: _READERS | {Role.BATCH, Role.ADMIN},
    Permission.WRITE_POLICIES: frozenset({Role.ADMIN}),
    Permission.READ_AUDIT: frozenset({Role.AUDITOR}),
    Permission.READ_KEYS: frozenset({Role.ADMIN, Role.AUDITOR}),
    Permission.WRITE_KEYS: frozenset({Role.ADMIN}),
    Permission.OPERATE: frozenset({Role.ADMIN, Role.AUDITOR}),
    Permission.READ_DESCRIPTION: frozenset(Role),
    Permission.SEE_HOME: frozenset(Role),
}
"""Which roles give a permission."""

WITH_CUSTOMERS: Final = frozenset(
    {Role.SUBMITTER, Role.BATCH, Role.ANALYST, Role.APPROVER}
)
"""Roles that are given for some customers; all but a submitter's also for all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Whose rows a caller's queries may touch; made from a credential, nothing else.

    ``customers`` None is all customers. ``sent_by`` is the account whose batches and
    proposals alone are seen; None for readers. ``reviewer`` is the account of a reader
    of some customers, who sees its own batches too, and proposals that have requests
    of no other customer.
    """

    customers: frozenset[str] | None
    sent_by: str | None = None
    reviewer: str | None = None

    def covers(self, customer: str) -> bool:
        """Tell whether a customer's requests are inside."""
        return self.customers is None or customer in self.customers

    def holds(self, customers: str) -> bool:
        """Tell whether all customers of a JSON list are inside."""
        return self.customers is None or self.customers.issuperset(
            json.loads(customers)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """An account that was let in, by a key or a session."""

    account_id: str
    name: str
    roles: frozenset[Role]
    customers: frozenset[str] | None
    key_id: str | None = None
    form_token: str | None = field(default=None, repr=False)
    key_used_on: str | None = None

    def may(self, permission: Permission) -> bool:
        """Tell whether a role of the caller gives a permission."""
        return not self.roles.isdisjoint(GRANTS[permission])

    def require(self, permission: Permission) -> None:
        """Refuse what no role of the caller gives.

        Raises
        ------
        NotAllowed
            Naming the permission and the roles that would give it.
        """
        if not self.roles:
            raise NotAllowed(
                "Your account has no role yet: a second admin has to confirm it."
            )
        if not self.may(permission):
            roles = ", ".join(sorted(GRANTS[permission]))
            raise NotAllowed(f"Your roles do not let you {permission}: {roles} may.")

    @property
    def reads_bins(self) -> bool:
        """Whether the caller reads requests and bins, of all customers or of some."""
        return not self.roles.isdisjoint(_READERS)

    @property
    def scope(self) -> Scope:
        """Whose rows the caller sees."""
        if self.customers is None and self.reads_bins:
            return Scope(customers=None)
        if self.reads_bins:
            return Scope(customers=self.customers, reviewer=self.account_id)
        if Role.BATCH in self.roles:
            return Scope(customers=self.customers, sent_by=self.account_id)
        if Role.SUBMITTER in self.roles:
            return Scope(customers=self.customers or frozenset())
        return Scope(customers=frozenset())

    @property
    def reach(self) -> Reach:
        """Whose rows the store lets the caller's transactions touch."""
        return Reach(customers=self.scope.customers, account=self.account_id)

    @property
    def sends_for(self) -> frozenset[str] | None:
        """The customers the caller may send for; None for all."""
        return self.customers

    @property
    def role_text(self) -> str:
        """The roles as the trail writes them."""
        return ",".join(sorted(self.roles))

    @property
    def scope_text(self) -> str:
        """The customers as the trail writes them."""
        return "*" if self.customers is None else ",".join(sorted(self.customers))


def new_key() -> tuple[str, str, str]:
    """Return the id of a new key, the key itself, and the hash that is kept."""
    key_id = secrets.token_hex(6)
    key = f"{KEY_PREFIX}_{key_id}_{secrets.token_urlsafe(32)}"
    return key_id, key, hash_of(key)


def hash_of(secret: str) -> str:
    """Return the hash of a random secret; such needs no slow one."""
    return hashlib.sha256(secret.encode()).hexdigest()


def caller_of_key(connection: Connection, key: str) -> Caller:
    """Let a key in.

    Raises
    ------
    NotKnown
        Whatever is wrong with it, in the same words.
    """
    (found,) = callers_of_keys(connection, [key])
    if isinstance(found, NotKnown):
        raise found
    return found


def callers_of_keys(
    connection: Connection, keys: Sequence[str]
) -> list[Caller | NotKnown]:
    """Return who is let in by each of several keys, asked for in one message."""
    asked = {}
    for key in keys:
        parts = key.split("_", 2)
        if len(parts) == 3 and parts[0] == KEY_PREFIX and key.isascii():
            asked[key] = accounts.asked_by_key(parts[1])
    rows = dict(zip(asked, ask_all(connection, [*asked.values()]), strict=True))
    moment = clock.now()
    return [_let_in(key, rows.get(key), moment, known=key in asked) for key in keys]


def _let_in(
    key: str, row: accounts.Row | None, moment: str, *, known: bool
) -> Caller | NotKnown:
    given = hash_of(key) if known else hash_of("")
    if not hmac.compare_digest(given, row.hash if row else hash_of("x")):
        return NotKnown()
    assert row is not None
    if row.revoked_at or row.disabled_at or (row.expires_at or "9") <= moment:
        return NotKnown()
    return _caller(row, key_id=row.key_id, key_used_on=row.last_used_on)


def caller_of_session(connection: Connection, cookie: str) -> Caller:
    """Let a signed-in browser in.

    Raises
    ------
    NotKnown
        Whatever is wrong with it, in the same words.
    """
    row = accounts.by_session(connection, hash_of(cookie))
    if row is None or row.ended_at or row.disabled_at or row.expires_at <= clock.now():
        raise NotKnown
    return _caller(row, form_token=row.form_token)


def _caller(
    row: accounts.Row,
    *,
    key_id: str | None = None,
    key_used_on: str | None = None,
    form_token: str | None = None,
) -> Caller:
    customers = None if row.customers is None else frozenset(json.loads(row.customers))
    return Caller(
        account_id=row.account_id,
        name=row.name,
        roles=frozenset(Role(role) for role in json.loads(row.roles)),
        customers=customers,
        key_id=key_id,
        key_used_on=key_used_on,
        form_token=form_token,
    )

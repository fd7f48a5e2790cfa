"""Keys and accounts as an admin reads them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection

from app.storage import accounts
from app.use_cases import clock, granting, keys
from app.use_cases.access import Caller, Role

_ENDED: Final = ("revoked", "expired", "account ended")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyShown:
    """A key: whom it is for, what it may, how long, and when it was used last."""

    said: Mapping[str, Any]
    made_by: str
    state: str

    @property
    def lets_in(self) -> bool:
        """Whether it lets somebody in."""
        return self.state not in _ENDED


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountShown:
    """An account with the keys that let it in."""

    said: Mapping[str, Any]
    made_by: str
    keys: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantShown:
    """A role that waits for a second admin."""

    said: Mapping[str, Any]
    asked_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """All keys and accounts, newest first; roles that wait, oldest first."""

    keys: Sequence[KeyShown]
    accounts: Sequence[AccountShown]
    waiting: Sequence[GrantShown] = ()


def people_shown(connection: Connection) -> People:
    """Return all keys and accounts."""
    rows = {row.account_id: row for row in accounts.people(connection)}
    now = clock.now()

    def called(by: str | None) -> str:
        return rows[by].name if by in rows else by or "the first start"

    def maker(account_id: str) -> str:
        return called(rows[account_id].created_by)

    shown = [
        KeyShown(
            said=one,
            made_by=maker(one["account_id"]),
            state=_state(one, rows[one["account_id"]].disabled_at, now),
        )
        for one in keys.listed(connection)
    ]
    good = Counter(one.said["account_id"] for one in shown if one.lets_in)
    people = [
        AccountShown(
            said=one,
            made_by=maker(one["account_id"]),
            keys=good[one["account_id"]],
        )
        for one in keys.all_accounts(connection)
    ]
    grants = [
        GrantShown(said=one, asked_by=called(one["asked_by"]))
        for one in granting.waiting(connection)
    ]
    return People(keys=shown[::-1], accounts=people[::-1], waiting=grants)


def _state(one: Mapping[str, Any], disabled_at: str | None, now: str) -> str:
    if one["revoked_at"]:
        return "revoked"
    if disabled_at:
        return "account ended"
    if one["expires_at"] and one["expires_at"] <= now:
        return "expired"
    return "lets in"


def follows(
    people: People, caller: Caller, account_id: str, key_id: str | None = None
) -> list[str]:
    """Return, in sentences, what follows from ending a key, or an account."""
    account = next(o for o in people.accounts if o.said["account_id"] == account_id)
    others = [
        one
        for one in people.keys
        if one.lets_in
        and one.said["key_id"] != key_id
        and (key_id is not None or one.said["account_id"] != account_id)
    ]
    said = [
        "Calls with it are refused at once, and browsers that are signed in as "
        f"{account.said['name']} are signed out."
    ]
    left = sum(one.said["account_id"] == account_id for one in others)
    if key_id is not None and (left or account.said["openid"]):
        ways = [f"{left} more of its keys"] if left else []
        ways += ["the provider of OpenID Connect"] if account.said["openid"] else []
        said.append(f"The account can still come in by {' and by '.join(ways)}.")
    if account_id == caller.account_id:
        said.append("It is your own account: you are signed out yourself.")
    if not _admin_left(people, others, account_id, ends_account=key_id is None):
        said.append(
            "Nobody else can come in as an admin: more keys can then be made only at "
            "the machine of the service, with allybin keys make."
        )
    return said


def _admin_left(
    people: People, others: Sequence[KeyShown], account_id: str, *, ends_account: bool
) -> bool:
    admin = str(Role.ADMIN)
    by_key = any(admin in one.said["role"].split(",") for one in others)
    by_provider = any(
        admin in one.said["role"].split(",")
        and one.said["openid"]
        and not one.said["disabled_at"]
        and not (ends_account and one.said["account_id"] == account_id)
        for one in people.accounts
    )
    return by_key or by_provider

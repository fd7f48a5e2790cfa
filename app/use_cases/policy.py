"""Policies: read any version, add the next one."""

import json
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import tomli_w
from sqlalchemy import Connection

from app.policies import parse_policy, parse_policy_table, policy_text, shipped_policies
from app.storage import policies
from app.use_cases import clock
from app.use_cases.refusals import NotAcceptable, NotThere, SomeoneWasFirst
from app.use_cases.service import Answer, Call, Change, Service
from optimizer.policy import Policy


def add_shipped(connection: Connection) -> list[str]:
    """Add the shipped policies that are not there; return which."""
    added = []
    for name in shipped_policies():
        if policies.version(connection, name) is None:
            text = policy_text(name)
            _add(connection, parse_policy(text.encode(), name), text, 1, None)
            added.append(name)
    return added


def policy_of(row: policies.Row) -> Policy:
    """Return a stored policy."""
    return parse_policy(row.toml.encode(), row.name)


def put(
    service: Service,
    call: Call,
    name: str,
    *,
    toml: bytes | None,
    table: Mapping[str, Any] | None,
    version: int | None,
) -> Answer:
    """Add the next version of a policy, or the first of a new one.

    Raises
    ------
    InputRefused
        With every fault of the policy.
    NotAcceptable
        When it says it is called otherwise.
    SomeoneWasFirst
        When ``version`` is not the last one.
    """
    if toml is not None:
        policy, text = parse_policy(toml, "policy"), toml.decode("utf-8")
    else:
        policy = parse_policy_table(_without_blanks(table or {}), "policy")
        text = tomli_w.dumps(_without_blanks(table or {}))
    if policy.name != name:
        raise NotAcceptable(
            f"The policy says it is called {policy.name}, its address says {name}."
        )

    def act(connection: Connection, change: Change) -> Answer:
        before = policies.version(connection, name)
        last = 0 if before is None else before.version
        if version is not None and version != last:
            raise SomeoneWasFirst("policy", current=last)
        if before is not None and before.toml == text:
            return Answer.of(200, _said(before), {"ETag": f'"{last}"'})
        _add(connection, policy, text, last + 1, call.caller.account_id)
        change.version_before, change.version_after = last or None, last + 1
        change.before = None if before is None else {"sha256": before.sha256}
        change.after = {"sha256": policy.sha256}
        row = policies.version(connection, name)
        assert row is not None
        return Answer.of(200 if last else 201, _said(row), {"ETag": f'"{last + 1}"'})

    return service.change(call, "policy.put", f"policy/{name}", act)


def _add(
    connection: Connection,
    policy: Policy,
    text: str,
    version: int,
    account_id: str | None,
) -> None:
    policies.add(
        connection,
        name=policy.name,
        version=version,
        title=policy.title,
        sha256=policy.sha256,
        toml=text,
        created_at=clock.now(),
        account_id=account_id,
    )


def shown(
    connection: Connection, name: str, version: int | None
) -> tuple[dict[str, Any], str]:
    """Return a policy with its figures, and as TOML.

    Raises
    ------
    NotThere
        When there is no such policy or version.
    """
    row = policies.version(connection, name, version)
    if row is None:
        raise NotThere("policy")
    table = tomllib.loads(row.toml, parse_float=Decimal)
    figures = json.loads(json.dumps(table, default=_number))
    return {**_said(row), "policy": figures}, row.toml


def _number(value: object) -> float | int:
    assert isinstance(value, Decimal)
    return int(value) if value == value.to_integral_value() else float(value)


def _said(row: policies.Row) -> dict[str, Any]:
    return {
        "name": row.name,
        "version": row.version,
        "title": row.title,
        "sha256": row.sha256,
        "created_at": row.created_at,
        "by": row.account_id,
    }


def listed(connection: Connection) -> list[dict[str, Any]]:
    """Return every policy in its last version."""
    return [_said(row) for row in policies.last_versions(connection)]


def _without_blanks(value: Any) -> Any:
    """Return a value of JSON without nulls: TOML has none, they stand for blanks."""
    if isinstance(value, Mapping):
        return {k: _without_blanks(v) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [_without_blanks(one) for one in value]
    return value

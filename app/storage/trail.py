"""Records of the audit trail, to read."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, or_, select
from sqlalchemy import Row as _Row

from app.storage.schema import accounts, audit, audit_head, audit_texts

type Row = _Row[*tuple[Any, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """What records have to be; what is empty is not asked.

    Parameters
    ----------
    actor
        The id of an account.
    who
        Part of the name of an account, or the whole of an id.
    object
        The whole of it, such as ``bin/PROPOSAL/BIN``.
    about
        An object and all that belongs to it, or the id of one: of a proposal, also its
        bins.
    result
        ``done`` or ``refused``.
    since, until
        Moments; the second one is not among them.
    """

    actor: str = ""
    who: str = ""
    action: str = ""
    object: str = ""
    about: str = ""
    result: str = ""
    since: str = ""
    until: str = ""

    def conditions(self) -> Iterator[ColumnElement[bool]]:
        """Yield what has to hold of a record."""
        if self.actor:
            yield audit.c.actor == self.actor
        if self.who:
            yield or_(audit.c.actor == self.who, audit.c.actor.in_(_named(self.who)))
        if self.action:
            yield audit.c.action == self.action
        if self.object:
            yield audit.c.object == self.object
        if self.about:
            yield _about(self.about)
        if self.result:
            yield _begins(audit.c.result, self.result)
        if self.since:
            yield audit.c.at >= self.since
        if self.until:
            yield audit.c.at < self.until


def _named(part: str) -> Any:
    name = func.lower(accounts.c.name)
    return select(accounts.c.account_id).where(
        name.contains(part.lower(), autoescape=True)
    )


def _about(text: str) -> ColumnElement[bool]:
    kind, _, rest = text.partition("/")
    if not rest:
        belongs = audit.c.object.contains(f"/{text}", autoescape=True)
        return or_(audit.c.object == text, _begins(audit.c.object, f"{text}/"), belongs)
    inside = [_begins(audit.c.object, f"{text}/")]
    if kind == "proposal":
        inside.append(_begins(audit.c.object, f"bin/{rest}/"))
    return or_(audit.c.object == text, *inside)


def _begins(column: ColumnElement[str], text: str) -> ColumnElement[bool]:
    """Return the condition that a text begins so, upper and lower case apart."""
    return func.substr(column, 1, len(text)) == text


def page(
    connection: Connection, *, sought: Sought, before: int | None, limit: int
) -> Sequence[Row]:
    """Return records with their reasons, last first, from before a number."""
    wanted = _with_reason().where(*sought.conditions())
    if before is not None:
        wanted = wanted.where(audit.c.seq < before)
    return connection.execute(wanted.order_by(audit.c.seq.desc()).limit(limit)).all()


def around(connection: Connection, seq: int) -> Sequence[Row]:
    """Return a record with the one before it and the one after, as far as there are."""
    wanted = _with_reason().where(audit.c.seq.between(seq - 1, seq + 1))
    return connection.execute(wanted.order_by(audit.c.seq)).all()


def _with_reason() -> Any:
    return select(audit, audit_texts.c.text).outerjoin(
        audit_texts, audit_texts.c.hash == audit.c.reason_hash
    )


def count(connection: Connection, thing: str, since: str) -> int:
    """Return how many records there are of one object since a moment."""
    wanted = select(func.count()).where(audit.c.object == thing, audit.c.at >= since)
    return int(connection.execute(wanted).scalar_one())


def last(connection: Connection) -> int:
    """Return the number of the last record; 0 where there is none."""
    return int(connection.execute(select(audit_head.c.seq)).scalar_one())


def named_since(
    connection: Connection, seq: int, actions: Sequence[str], table: str
) -> Iterator[list[Any]]:
    """Yield the keys of rows of a table that were added after a record, by actions."""
    wanted = select(audit.c.after).where(
        audit.c.seq > seq, audit.c.action.in_(actions), audit.c.after.is_not(None)
    )
    for after in connection.execute(wanted).scalars():
        for *key, _ in json.loads(after).get("rows", {}).get(table, ()):
            yield key

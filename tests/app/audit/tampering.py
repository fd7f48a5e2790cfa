"""Every way to tamper with what is stored, one change at a time, by its owner.

The owner can drop triggers and switch foreign keys off; a tampering here is a list of
statements that does its work when nothing stands in the way, and says which places a
finding may name.
"""

import json
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Table, and_, delete, func, insert, select, update

from app.audit.canonical import record_hash
from app.audit.chain import GENESIS, content_of
from app.storage import added
from app.storage.figures import OF_BIN, OF_PLAN
from app.storage.schema import (
    audit,
    audit_head,
    audit_texts,
    batch_requests,
    bin_members,
    bins,
    metadata,
    proposal_batches,
    proposal_requests,
    proposals,
    requests,
)

PRESENT = {
    bins: ("version", "state", "level", *OF_BIN),
    proposals: ("version", *OF_PLAN),
    bin_members: ("label", "bin_id"),
    requests: (
        "version",
        "state",
        "system",
        "region",
        "received_on",
        "needed_by",
        "value_cents",
        "priority",
        "request_uid",
        "batch_id",
        "created_at",
        "changed_at",
    ),
    batch_requests: ("batch_id", "place", "customer", "request_id", "outcome"),
    proposal_batches: ("proposal_id", "batch_id"),
    proposal_requests: (
        "proposal_id",
        "label",
        "customer",
        "request_id",
        "request_version",
    ),
}
"""Tables that change, with the columns that can be recomputed."""

OF_ONE = {
    batch_requests: ("batches", "batch_id"),
    proposal_batches: ("proposals", "proposal_id"),
    proposal_requests: ("proposals", "proposal_id"),
}
"""Tables whose rows are found by the one that has their digest."""

type Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Tampering:
    """One change behind the service's back, and where it has to be found."""

    name: str
    statements: Sequence[Any]
    places: Sequence[str]
    seqs: Sequence[int] = field(default=())


def every_one(connection: Connection) -> Iterator[Tampering]:
    """Yield every single tampering there is with a world."""
    yield from _with_records(connection)
    yield from _with_the_end(connection)
    for name in sorted(added.RECORDED):
        table = metadata.tables[name]
        reason = [c for c in ("reason",) if c in table.columns]
        changing = added.CHANGING.get(name, ())
        yield from _with_rows(
            connection, table, (*added.columns(table), *changing, *reason)
        )
        yield from _inserted(connection, table)
    yield from _with_rows(connection, audit_texts, audit_texts.columns.keys())
    yield from _inserted(connection, audit_texts)
    for table, columns in PRESENT.items():
        yield from _with_rows(connection, table, columns)
    for table in (bins, requests, batch_requests, proposal_requests):
        yield from _inserted(connection, table)


def _with_records(connection: Connection) -> Iterator[Tampering]:
    rows = _rows(connection, audit)
    for row in rows:
        seq = row["seq"]
        this = audit.c.seq == seq
        near = (seq, seq + 1)
        for column in audit.columns.keys():  # noqa: SIM118 - a collection of columns
            for value in _other_values(row[column], audit.c[column].nullable):
                seqs = near if column != "seq" else (value, seq, seq + 1)
                yield Tampering(
                    name=f"record {seq}: {column} {row[column]!r} -> {value!r}",
                    statements=[update(audit).where(this).values({column: value})],
                    places=(),
                    seqs=seqs,
                )
        if row is not rows[-1]:
            yield Tampering(
                f"record {seq}: deleted", [delete(audit).where(this)], (), near
            )
            yield Tampering(
                f"record {seq}: swapped with the next", _swapped(seq), (), near
            )
    extra = {**rows[3], "seq": rows[-1]["seq"] + 1}
    yield Tampering(
        "a record put at the end", [insert(audit).values(extra)], (), (extra["seq"],)
    )
    yield Tampering(
        "a record put before the first",
        [insert(audit).values({**rows[3], "seq": 0})],
        (),
        (0, 1),
    )


def _swapped(seq: int) -> list[Any]:
    aside = 10_000
    return [
        update(audit).where(audit.c.seq == one).values(seq=other)
        for one, other in ((seq, aside), (seq + 1, seq), (aside, seq + 1))
    ]


def _with_the_end(connection: Connection) -> Iterator[Tampering]:
    (row,) = _rows(connection, audit_head)
    last = (row["seq"],)
    for column in ("seq", "hash"):
        for value in _other_values(row[column], nullable=False):
            yield Tampering(
                f"end: {column} -> {value!r}",
                [update(audit_head).values({column: value})],
                (),
                last,
            )
    yield Tampering("end: deleted", [delete(audit_head)], (), last)


def _with_rows(
    connection: Connection, table: Table, columns: Sequence[str]
) -> Iterator[Tampering]:
    keys = [column.name for column in table.primary_key.columns]
    for row in _rows(connection, table):
        this = and_(*(table.c[name] == row[name] for name in keys))
        place = _place(table, [row[name] for name in keys])
        for column in columns:
            for value in _other_values(row[column], table.c[column].nullable):
                changed = {**row, column: value}
                places = (place, _place(table, [changed[name] for name in keys]))
                if table in OF_ONE:
                    places = (_parent(table, row), _parent(table, changed))
                if table is bin_members:
                    homes = [
                        f"{one['proposal_id']}/{one['bin_id']}"
                        for one in (row, changed)
                    ]
                    places = (
                        *(f"bin_members {home}" for home in homes),
                        f"bins {homes[1]}",
                    )
                yield Tampering(
                    f"{place}: {column} {row[column]!r} -> {value!r}",
                    [update(table).where(this).values({column: value})],
                    places,
                )
        if table is bin_members:
            place = f"bin_members {row['proposal_id']}/{row['bin_id']}"
        if table in OF_ONE:
            place = _parent(table, row)
        yield Tampering(f"{place}: deleted", [delete(table).where(this)], (place,))


def _inserted(connection: Connection, table: Table) -> Iterator[Tampering]:
    """Yield rows put where no record tells of them, each but for its key a true one."""
    keys = [column.name for column in table.primary_key.columns]
    for row in _rows(connection, table)[:8]:
        for key in keys:
            made = row[key] + 1000 if isinstance(row[key], int) else f"{row[key]}x"
            copy = {**row, key: made}
            if "request_uid" in copy:
                copy["request_uid"] = "other"
            place = _place(table, [copy[name] for name in keys])
            if table in OF_ONE:
                place = _parent(table, copy)
            yield Tampering(
                f"{place}: put there", [insert(table).values(copy)], (place,)
            )


def cut(connection: Connection, seq: int) -> None:
    """Cut off every record after one, with all that they tell of."""
    gone = select(audit.c.after).where(audit.c.seq > seq)
    for after in connection.execute(gone).scalars().all():
        for name, keys in json.loads(after or "{}").get("rows", {}).items():
            table = metadata.tables[name]
            columns = table.primary_key.columns
            for *key, _ in keys:
                pairs = zip(columns, key, strict=True)
                this = and_(*(column == value for column, value in pairs))
                connection.execute(delete(table).where(this))
    left = select(audit.c.reason_hash).where(audit.c.seq <= seq)
    reasons = set(connection.execute(left).scalars())
    for text in _rows(connection, audit_texts):
        if text["hash"] not in reasons:
            this = audit_texts.c.hash == text["hash"]
            connection.execute(delete(audit_texts).where(this))
    connection.execute(delete(audit).where(audit.c.seq > seq))
    _put_back(connection)
    end = select(audit.c.seq, audit.c.hash).order_by(audit.c.seq.desc()).limit(1)
    last = connection.execute(end).one_or_none() or (0, GENESIS)
    connection.execute(update(audit_head).values(seq=last[0], hash=last[1]))


def write_anew(connection: Connection, seq: int, **changed: Any) -> None:
    """Change a record and compute the chain anew from it on, as its forger would."""
    connection.execute(update(audit).where(audit.c.seq == seq).values(changed))
    previous = GENESIS
    for row in _rows(connection, audit):
        digest = record_hash(previous, content_of(row))
        connection.execute(
            update(audit)
            .where(audit.c.seq == row["seq"])
            .values(prev_hash=previous, hash=digest)
        )
        previous = digest
    connection.execute(update(audit_head).values(hash=previous))


def _put_back(connection: Connection) -> None:
    """Bring the present state of bins to the versions that are left."""
    versions = metadata.tables["bin_versions"]
    for row in _rows(connection, bins):
        its = (
            versions.c.proposal_id == row["proposal_id"],
            versions.c.bin_id == row["bin_id"],
        )
        last = select(func.max(versions.c.version)).where(*its).scalar_subquery()
        wanted = select(versions.c.version, versions.c.state).where(
            *its, versions.c.version == last
        )
        version, state = connection.execute(wanted).one()
        this = and_(
            bins.c.proposal_id == row["proposal_id"], bins.c.bin_id == row["bin_id"]
        )
        told = metadata.tables["releases"].c
        level = select(func.coalesce(func.max(told.level), 0)).where(
            told.proposal_id == row["proposal_id"], told.bin_id == row["bin_id"]
        )
        values = {"version": version, "state": state, "level": level.scalar_subquery()}
        connection.execute(update(bins).where(this).values(values))


def _rows(connection: Connection, table: Table) -> list[Row]:
    wanted = select(table).order_by(*table.primary_key.columns)
    return [dict(row) for row in connection.execute(wanted).mappings()]


def _parent(table: Table, row: Row) -> str:
    name, key = OF_ONE[table]
    return f"{name} {row[key]}"


def _place(table: Table, key: Sequence[Any]) -> str:
    return f"{table.name} {'/'.join(str(part) for part in key)}"


def _other_values(value: Any, nullable: bool) -> Iterator[Any]:
    """Yield values that could stand in the place of one."""
    if nullable and value is not None:
        yield None
    match value:
        case int():
            yield value + 1000
        case str():
            yield f"{value} " if value else "x"
            if value:
                yield ("0" if value[0] != "0" else "1") + value[1:]
            apart = unicodedata.normalize("NFD", value)
            if apart != value:
                yield apart  # looks the same
        case None:
            yield "7"

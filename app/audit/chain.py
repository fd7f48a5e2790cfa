"""Adding to the audit trail: a chain in which every record covers the one before.

A record is written in the transaction of the change it tells of. It names, under
``rows`` of what it says was ``after``, every row that the transaction added to a table
of :data:`app.storage.added.RECORDED`, with a digest of the columns that stay; under
``now`` rows whose other columns it changed, with a digest of these. So
:func:`app.audit.verify.verify` can compare the trail with what is stored, both ways.
"""

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final, cast

from sqlalchemy import Connection, and_, bindparam, insert, select, update

from app.audit.canonical import Plain, canonical, record_hash, row_digest, salted
from app.storage import added
from app.storage.added import Added, AddedRows
from app.storage.errors import StoreCorrupt
from app.storage.prepared import Prepared
from app.storage.schema import audit, audit_head, audit_texts, decisions, edits

GENESIS: Final = "0" * 64
"""What stands for the hash before the first record."""

ERASE: Final = "reason.erase"
"""The action of a record that orders a reason to be erased."""

_HEAD: Final = Prepared(select(audit_head.c.seq, audit_head.c.hash).with_for_update())
_ADD: Final = Prepared(insert(audit))
_ADD_TEXT: Final = Prepared(insert(audit_texts))
_MOVE_ON: Final = Prepared(
    update(audit_head).values(seq=bindparam("new_seq"), hash=bindparam("new_hash"))
)
_REASON_OF: Final = select(audit.c.reason_hash).where(
    audit.c.seq == bindparam("of_seq")
)
_AFTER_OF: Final = select(audit.c.after).where(audit.c.seq == bindparam("of_seq"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a record says; number, time and hashes are given to it when it is added.

    ``before`` and ``after`` are anything JSON can say; ``reason`` is kept apart, so
    that it can be erased by order; ``releasable_reason`` is what others may read.
    """

    actor: str
    role: str
    scope: str
    action: str
    object: str
    version_before: int | None = None
    version_after: int | None = None
    before: Any = None
    after: Any = None
    reason: str | None = None
    releasable_reason: str | None = None
    idempotency_key: str | None = None
    client: str | None = None
    result: str = "done"


def append(connection: Connection, entry: Entry) -> int:
    """Add a record at the end of the chain, in the caller's transaction.

    Call it last: others wait for the end of the chain from here to the commit.

    Returns
    -------
    int
        The number of the record; the first is 1.
    """
    return append_all(connection, [(entry, added.take(connection))])


type Told = tuple[Entry, Sequence[Added]]
"""What a record says, and the rows that it takes up."""


def append_all(connection: Connection, told: Sequence[Told]) -> int:
    """Add records at the end of the chain, each with the rows that it tells of.

    Call it last, as :func:`append`. Returns the number of the last one.
    """
    records = [_record(entry, rows) for entry, rows in told]
    texts = [
        _text_of(record, entry.reason)
        for record, (entry, _) in zip(records, told, strict=True)
        if entry.reason is not None
    ]
    _ADD_TEXT.many(connection, texts)
    head = _HEAD(connection, {}).fetchone()  # from here on others wait
    if head is None:
        raise StoreCorrupt("The end of the audit trail is missing: restore a backup.")
    seq, last = head
    for record in records:
        seq += 1
        record["seq"], record["at"] = seq, _now()
        digest = record_hash(last, record)
        record["prev_hash"], record["hash"] = last, digest
        last = digest
    _ADD.many(connection, records)
    _MOVE_ON.many(
        connection,
        [{"new_seq": one["seq"], "new_hash": one["hash"]} for one in records],
    )  # one step after the other: the schema lets it move on by no more
    return int(seq)


def erase(connection: Connection, seq: int, ordered: Entry) -> int:
    """Erase the reason of a record, everywhere it stands; its hash stays.

    Parameters
    ----------
    ordered
        Who ordered it and why; its action and object are filled in here.

    Raises
    ------
    KeyError
        When the record has no reason, or it was erased before.
    """
    digest = connection.execute(_REASON_OF, {"of_seq": seq}).scalar_one_or_none()
    texts = audit_texts.c
    these = (texts.hash == digest, texts.text.is_not(None))
    salt = connection.execute(select(texts.salt).where(*these)).scalar_one_or_none()
    if digest is None or salt is None:
        raise KeyError(f"Record {seq} has no reason to erase.")
    gone = {"text": None, "erased_at": _now()}
    connection.execute(update(audit_texts).where(*these).values(gone))
    for table in (decisions, edits):
        for key in _rows_named(connection, seq, table.name):
            pairs = zip(table.primary_key.columns, key, strict=True)
            this = and_(*(column == value for column, value in pairs))
            connection.execute(update(table).where(this).values(reason=None))
    order = replace(
        ordered,
        action=ERASE,
        object=f"reason/{digest}",
        after={"erased_at": gone["erased_at"], "salt": salt},
    )
    return append(connection, order)


def content_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the hash of a stored record covers: all but the hashes."""
    return {name: row[name] for name in _COVERED}


_COVERED: Final = tuple(
    column.name for column in audit.columns if column.name not in ("prev_hash", "hash")
)


def _record(entry: Entry, found: Sequence[Added]) -> dict[str, Any]:
    rows, texts = _rows(found), [one for one in found if isinstance(one, AddedRows)]
    said = _Spliced(rows, texts) if texts else canonical
    after = _with_rows(entry.after, rows) if rows else entry.after
    return {
        "actor": entry.actor,
        "role": entry.role,
        "scope": entry.scope,
        "action": entry.action,
        "object": entry.object,
        "version_before": entry.version_before,
        "version_after": entry.version_after,
        "before": None if entry.before is None else canonical(entry.before),
        "after": None if after is None else said(after),
        "reason_hash": None,
        "releasable_reason": entry.releasable_reason,
        "idempotency_key": entry.idempotency_key,
        "client": entry.client,
        "result": entry.result,
    }


def _rows(found: Sequence[Added]) -> Plain:
    """Return key and digest of every row, by table, and of how it is from now on."""
    rows: dict[str, dict[str, list[list[object]]]] = {}
    for row in found:
        if isinstance(row, AddedRows):
            continue
        table = added.table_of(row.table)
        key = [row.values[name] for name in added.key_columns(table)]
        told = rows.setdefault("now" if row.now else "rows", {})
        told.setdefault(row.table, []).append([*key, row_digest(row.covered)])
    return Plain({name: Plain(told) for name, told in rows.items()})


class _Spliced:
    """Makes the text of a value in which some lists are texts already."""

    def __init__(self, rows: Plain, texts: Sequence[AddedRows]) -> None:
        told = cast("dict[str, object]", rows.setdefault("rows", Plain()))
        self._text_of: dict[str, str] = {}
        for one in texts:
            if one.table in told:
                raise RuntimeError(f"Rows of {one.table} were added in two ways.")
            told[one.table] = stands_for_it = secrets.token_hex(16)
            self._text_of[canonical(stands_for_it)] = one.text

    def __call__(self, value: object) -> str:
        whole = canonical(value)
        for stands_for_it, text in self._text_of.items():
            before, _, after = whole.partition(stands_for_it)
            whole = f"{before}{text}{after}"
        return whole


def _rows_named(connection: Connection, seq: int, table: str) -> list[list[Any]]:
    """Return the keys of the rows of a table that a record names."""
    after = connection.execute(_AFTER_OF, {"of_seq": seq}).scalar_one()
    said = json.loads(after) if after else {}
    return [key for *key, _ in said.get("rows", {}).get(table, ())]


def _with_rows(after: object, rows: Mapping[str, object]) -> dict[str, object]:
    said = after if isinstance(after, Mapping) else {"value": after}
    return {**said, **rows}


def _text_of(record: dict[str, Any], text: str) -> dict[str, str]:
    """Return what is kept of a reason, apart from its record, which has the hash."""
    salt = secrets.token_hex(16)
    record["reason_hash"] = digest = salted(salt, text)
    return {"hash": digest, "salt": salt, "text": text}


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

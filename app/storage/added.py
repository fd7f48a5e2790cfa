"""The rows a transaction adds where nothing may be added without a record.

Every row of these tables is remembered from the moment it is added until a record of
the audit trail takes it up, with a digest of all that stands in it. A transaction that
ends with rows no record took up is not stored: no change without a record.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from unicodedata import normalize

from sqlalchemy import Connection, Engine, Insert, Table, event, select

from app.storage import schema
from app.storage.plain import ordered_text_of

RECORDED: Final[Mapping[str, frozenset[str]]] = {
    "accounts": frozenset({"roles", "customers", "disabled_at"}),
    "api_keys": frozenset({"revoked_at", "last_used_on"}),
    "batches": frozenset(),
    "bin_versions": frozenset(),
    "decisions": frozenset({"reason"}),  # may be erased; its record has the hash
    "edits": frozenset({"reason"}),
    "policies": frozenset(),
    "proposal_results": frozenset(),
    "proposals": frozenset(
        {
            "state",
            "version",
            "finished_at",
            "superseded_by",
            "stop_asked_at",
            "attempts",
            "failure",
            "failure_code",
            "clusters",
            "clusters_done",
            "incumbent",
            "bound",
            "heading",
            "changes",
        }
    ),
    "releases": frozenset(),
    "request_versions": frozenset(),
    "reviews": frozenset({"settled_at", "settled_by"}),
    "role_grants": frozenset({"settled_at", "settled_by", "outcome"}),
    "ruling_members": frozenset(),
    "rulings": frozenset({"ended_at", "ended_by"}),
}
"""Tables whose rows need a record, with the columns that may change later."""

CHANGING: Final[Mapping[str, tuple[str, ...]]] = {
    "accounts": ("roles", "customers", "disabled_at"),
    "api_keys": ("revoked_at",),
    "proposals": (
        "state",
        "finished_at",
        "superseded_by",
        "stop_asked_at",
        "failure",
        "failure_code",
        "changes",
    ),
    "reviews": ("settled_at", "settled_by"),
    "role_grants": ("settled_at", "settled_by", "outcome"),
    "rulings": ("ended_at", "ended_by"),
}
"""Columns of theirs that change with a record of their own, which says how they are
then. Where no record says so, all of them are empty."""

_PLACE: Final = "allybin_added"
_MARKS: Final = "allybin_added_marks"


@dataclass(frozen=True, slots=True)
class AddedRow:
    """A row a transaction added, as it is stored.

    ``now`` tells that it is about the columns that change: they are so from now on.
    """

    table: str
    values: Mapping[str, Any]
    now: bool = False

    @property
    def covered(self) -> dict[str, Any]:
        """What a record takes a digest of."""
        if self.now:
            return changing(self.table, self.values)
        names = columns(table_of(self.table))
        return {name: self.values[name] for name in names}


@dataclass(frozen=True, slots=True)
class AddedRows:
    """Many rows that were added to a table, as a record tells of them.

    ``text`` is a JSON list: of each row its key and then its digest, in a list.
    """

    table: str
    text: str


type Added = AddedRow | AddedRows


def watch(engine: Engine) -> None:
    """Remember what is added through an engine."""
    event.listen(engine, "begin", _forget)
    event.listen(engine, "after_execute", _remember)
    event.listen(engine, "savepoint", _mark)
    event.listen(engine, "rollback_savepoint", _back_to_mark)
    event.listen(engine, "release_savepoint", _let_go)


def take(connection: Connection) -> list[Added]:
    """Return the rows that no record took up yet; from now on one did."""
    found: list[Added] = connection.info.get(_PLACE, [])
    connection.info[_PLACE] = []
    return found


def refuse_unrecorded(connection: Connection) -> None:
    """Refuse to store rows that no record took up.

    Raises
    ------
    RuntimeError
        Naming their tables; it is a fault of the program.
    """
    left = sorted({row.table for row in connection.info.get(_PLACE, ())})
    if left:
        raise RuntimeError(
            f"Rows were added to {', '.join(left)} without a record of the audit "
            "trail: call app.audit.chain.append after them, in the same transaction."
        )


def columns(table: Table) -> tuple[str, ...]:
    """Return the columns of a recorded table that never change."""
    changing = RECORDED[table.name]
    return tuple(name for name in table.columns.keys() if name not in changing)  # noqa: SIM118 - a collection of columns, not a mapping


def key_columns(table: Table) -> tuple[str, ...]:
    """Return the columns that tell the rows of a table apart."""
    return tuple(column.name for column in table.primary_key.columns)


def _forget(connection: Connection) -> None:
    connection.info[_PLACE] = []
    connection.info[_MARKS] = []


def remember(connection: Connection, table: Table, values: Mapping[str, Any]) -> None:
    """Remember a row that was added to a table; nothing where no record is needed."""
    if table.name not in RECORDED:
        return
    names = table.columns.keys()
    if not set(names).issuperset(values):
        raise _not_plain(table)
    row = {name: _stored(values.get(name)) for name in names}
    connection.info[_PLACE].append(AddedRow(table=table.name, values=row))
    if any(row[name] is not None for name in CHANGING.get(table.name, ())):
        connection.info[_PLACE].append(AddedRow(table.name, row, now=True))


def changed(connection: Connection, table: Table, *keys: str) -> None:
    """Remember rows of a table, by its one key, whose changing columns were changed."""
    if not keys:
        return
    (key,) = table.primary_key.columns
    names = CHANGING[table.name]
    wanted = select(key, *(table.c[name] for name in names)).where(key.in_(keys))
    for row in connection.execute(wanted).mappings():
        connection.info[_PLACE].append(AddedRow(table.name, dict(row), now=True))


def changing(table: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of a row that change, as its records tell of them.

    That a proposal is solved by now is no news: it waits until it has an end.
    """
    found = {name: row[name] for name in CHANGING[table]}
    if found.get("state") == "solving":
        found["state"] = "queued"
    return found


def digested(
    table: Table,
    rows: Iterable[Mapping[str, Any]],
    digest: Callable[[Mapping[str, object]], str],
) -> Iterator[str]:
    """Yield what is told of rows to come; their values can be forgotten."""
    names, keys = columns(table), key_columns(table)
    for row in rows:
        key = [row[name] for name in keys]
        told = [*key, digest({name: row[name] for name in names})]
        yield normalize("NFC", ordered_text_of(told))


def tell(connection: Connection, rows: AddedRows) -> None:
    """Tell of rows that were added past what remembers them."""
    connection.info[_PLACE].append(rows)


def _remember(
    connection: Connection,
    statement: object,
    _many: object,
    _one: object,
    _options: object,
    result: Any,
) -> None:
    if not isinstance(statement, Insert) or not isinstance(statement.table, Table):
        return
    if statement.table.name not in RECORDED:
        return
    if _may_add_nothing(statement):
        raise _not_plain(statement.table)
    for values in result.context.compiled_parameters:
        remember(connection, statement.table, values)


def _not_plain(table: Table) -> RuntimeError:
    return RuntimeError(
        f"Rows of {table.name} are added by a plain insert of values, so that the "
        "record of the audit trail can say what they are."
    )


def _may_add_nothing(statement: Insert) -> bool:
    conflict = getattr(statement, "_post_values_clause", None)
    return conflict is not None or statement.select is not None


def _stored(value: object) -> object:
    """Return a value as the database will give it back."""
    return str(value) if isinstance(value, str) else value


def _mark(connection: Connection, _name: object) -> None:
    connection.info[_MARKS].append(len(connection.info[_PLACE]))


def _back_to_mark(connection: Connection, _name: object, _context: object) -> None:
    del connection.info[_PLACE][connection.info[_MARKS].pop() :]


def _let_go(connection: Connection, _name: object, _context: object) -> None:
    connection.info[_MARKS].pop()


def table_of(name: str) -> Table:
    """Return a recorded table by its name."""
    return schema.metadata.tables[name]

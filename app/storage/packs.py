"""Hundreds of rows in one statement, made ready before anything is locked.

A statement a row gives the interpreter away and gets it back once for each row, while
a hundred other calls want it too. Whoever writes should have done all else before.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import batched, chain, repeat
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Table,
    bindparam,
    cast,
    func,
    literal_column,
)
from sqlalchemy.dialects.postgresql import JSONB

from app.storage import added

ROWS: Final = 500
"""Rows of a pack: a statement on it takes some thousandths of a second."""

KEYS: Final = 5000
"""Keys that are looked for in one statement."""

type Digest = Callable[[Mapping[str, object]], str]


class Packs:
    """New rows of one table, ready to be stored.

    Parameters
    ----------
    rows
        Each a mapping of the table's columns to text and whole numbers.
    digest
        What a record of the trail knows a row by, where the table needs one.
    """

    def __init__(
        self,
        table: Table,
        rows: Iterable[Mapping[str, Any]],
        digest: Digest | None = None,
    ) -> None:
        self._table = table
        self._columns = tuple(table.columns.keys())
        self._packs: list[tuple[Any, ...]] = []
        self._ready: str | None = None  # the table they are in, once put aside
        self._told: added.AddedRows | None = None
        told: list[str] = []
        for some in batched(rows, ROWS):
            pack = chain.from_iterable(map(self._values, some))
            self._packs.append(tuple(pack))
            if digest is not None:
                told += added.digested(table, some, digest)
        if told:
            self._told = added.AddedRows(table.name, f"[{','.join(told)}]")

    def _values(self, row: Mapping[str, Any]) -> tuple[Any, ...]:
        return tuple(row[name] for name in self._columns)

    def put_aside(self, aside: Connection) -> None:
        """Have the rows in a table that one connection alone sees, and not here.

        To store them takes one statement then, on that connection. Nothing is locked:
        the table is in memory, and gone with the connection.
        """
        self._ready = f"temp.ready_{self._table.name}"
        driver: Any = aside.connection.dbapi_connection
        driver.execute(f"DROP TABLE IF EXISTS {self._ready}")
        driver.execute(
            f"CREATE TABLE {self._ready} AS "
            f"SELECT {self._names} FROM main.{self._table.name} WHERE 0"
        )
        driver.execute("BEGIN")
        for pack in self._packs:
            driver.execute(self._statement(aside, self._ready, pack), pack)
        driver.execute("COMMIT")
        self._packs = []

    def store(self, connection: Connection) -> None:
        """Add the rows."""
        if self._ready is not None:
            connection.exec_driver_sql(
                f"INSERT INTO main.{self._table.name} ({self._names}) "
                f"SELECT {self._names} FROM {self._ready}"
            )
        for pack in self._packs:
            statement = self._statement(connection, self._table.name, pack)
            connection.exec_driver_sql(statement, pack)
        if self._told is not None:
            added.tell(connection, self._told)

    @property
    def _names(self) -> str:
        return ",".join(f'"{name}"' for name in self._columns)

    def _statement(
        self, connection: Connection, table: str, pack: Sequence[object]
    ) -> str:
        mark = "?" if connection.dialect.name == "sqlite" else "%s"
        width = len(self._columns)
        row = f"({','.join(repeat(mark, width))})"
        rows = ",".join(repeat(row, len(pack) // width))
        return f"INSERT INTO {table} ({self._names}) VALUES {rows}"


def packs_of(keys: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield keys as texts that a database can take apart: see :func:`unpacked`."""
    for some in batched(keys, KEYS):
        yield json.dumps(some, ensure_ascii=False, separators=(",", ":"))


def unpacked(connection: Connection) -> FromClause:
    """Return the keys of the text that is given as ``pack``, a row each."""
    if connection.dialect.name == "sqlite":
        return func.json_each(bindparam("pack")).table_valued("value", name="packed")
    told = cast(bindparam("pack"), JSONB)
    return func.jsonb_array_elements(told).table_valued("value", name="packed")


def value(rows: FromClause, place: int) -> ColumnElement[Any]:
    """Return the part of each key that is at a place."""
    return rows.c.value.op("->>")(literal_column(str(place)))

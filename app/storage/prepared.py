"""Statements that every change runs, compiled once and handed to the driver as text.

They go past what SQLAlchemy does for any statement, which costs more than the database
does. Only for statements of text and whole numbers, whose values need no translating.
"""

from collections import namedtuple
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import Connection, Insert, Select, Table
from sqlalchemy.sql.expression import Executable

from app.storage import added

_GATHERED: Final = "allybin_gathered"


class Prepared:
    """One statement, in the words of each kind of database it was used on."""

    __slots__ = ("_adds_to", "_said", "_statement", "_whole_rows")
    _asks = False  # whether the rows it finds are wanted

    def __init__(self, statement: Executable) -> None:
        self._statement = statement
        target = statement.table if isinstance(statement, Insert) else None
        self._adds_to = target if isinstance(target, Table) else None
        self._whole_rows = (
            self._adds_to is not None
            and getattr(statement, "_post_values_clause", None) is None
        )
        self._said: dict[str, tuple[str, tuple[str, ...] | None]] = {}

    def __call__(self, connection: Connection, values: Mapping[str, Any]) -> Any:
        """Run it; return the driver's cursor, None where nobody waits for it."""
        if self._adds_to is not None:
            added.remember(connection, self._adds_to, values)
        gathered = None if self._asks else connection.info.get(_GATHERED)
        if gathered is not None:
            gathered.setdefault(self, []).append(values)
            return None
        said = self._said.get(connection.dialect.name)
        if said is None:
            said = self._say(connection, values)
        text, places = said
        given = values if places is None else [values[name] for name in places]
        driver: Any = connection.connection.dbapi_connection
        return driver.execute(text, given)

    def many(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run it for several rows of values of the same names, at once."""
        if self._adds_to is not None:
            for values in rows:
                added.remember(connection, self._adds_to, values)
        self.run_many(connection, rows)

    def run_many(
        self, connection: Connection, rows: Sequence[Mapping[str, Any]]
    ) -> None:
        """Run it for several rows that are remembered already, where they need be."""
        if not rows:
            return
        if self._whole_rows and connection.dialect.name == "postgresql":
            self._add_all(connection, rows)
            return
        said = self._said.get(connection.dialect.name)
        text, places = said or self._say(connection, rows[0])
        given = (
            rows
            if places is None
            else [[values[name] for name in places] for values in rows]
        )
        driver: Any = connection.connection.dbapi_connection
        driver.cursor().executemany(text, given)

    def _add_all(
        self, connection: Connection, rows: Sequence[Mapping[str, Any]]
    ) -> None:
        """Add rows by one statement: the driver would say one for each of them."""
        assert self._adds_to is not None
        names = [*rows[0]]
        row = f"({','.join(['%s'] * len(names))})"
        columns = ",".join(f'"{name}"' for name in names)
        driver: Any = connection.connection.dbapi_connection
        driver.execute(
            f"INSERT INTO {self._adds_to.name} ({columns}) "
            f"VALUES {','.join([row] * len(rows))}",
            [values[name] for values in rows for name in names],
        )

    def _say(
        self, connection: Connection, values: Mapping[str, Any]
    ) -> tuple[str, tuple[str, ...] | None]:
        statement: Any = self._statement
        compiled = statement.compile(
            dialect=connection.dialect, column_keys=sorted(values)
        )
        places = compiled.positiontup
        said = str(compiled), None if places is None else tuple(places)
        self._said[connection.dialect.name] = said
        return said


@contextmanager
def unanswered(connection: Connection) -> Iterator[None]:
    """Let statements go to the database in one message, their results unread.

    They go at the end: those of one kind together, kinds in the order they first came,
    so that none may rest on what one of another kind did to another row. Where one
    fails, that is known then. Only PostgreSQL is elsewhere: it makes a difference there
    alone. Not for what SQLAlchemy runs: it looks at results at once.
    """
    driver: Any = connection.connection.dbapi_connection
    if connection.dialect.name != "postgresql" or _is_open(driver):
        yield
        return
    with driver.pipeline():
        gathered = connection.info[_GATHERED] = {}
        try:
            yield
        finally:
            del connection.info[_GATHERED]
        for statement, rows in gathered.items():
            statement.run_many(connection, rows)


def _is_open(driver: Any) -> bool:
    """Tell whether statements go out in one message already."""
    return bool(driver.pgconn.pipeline_status)


class Question(Prepared):
    """A statement that asks for rows; they have the names of its columns."""

    __slots__ = ("_row",)
    _asks = True

    def __init__(self, statement: Select[*tuple[Any, ...]]) -> None:
        super().__init__(statement)
        names = statement.selected_columns.keys()
        self._row: Any = namedtuple("Row", names)  # type: ignore[misc]  # noqa: PYI024

    def one(self, connection: Connection, values: Mapping[str, Any]) -> Any:
        """Return the row there is, or None."""
        return self.named(self(connection, values).fetchone())

    def named(self, found: Sequence[Any] | None) -> Any:
        """Return a row of the driver with the names of its columns."""
        return None if found is None else self._row(*found)

    def all(self, connection: Connection, values: Mapping[str, Any]) -> list[Any]:
        """Return every row."""
        return [self._row(*found) for found in self(connection, values).fetchall()]


type Asked = tuple[Question, Mapping[str, Any]]
"""A question and the values it is asked with."""


def ask_all(connection: Connection, asked: Sequence[Asked]) -> list[Any]:
    """Return the row each question has, or None, all asked in one message."""
    with unanswered(connection):
        cursors = [question(connection, values) for question, values in asked]
    return [
        question.named(cursor.fetchone())
        for (question, _), cursor in zip(asked, cursors, strict=True)
    ]

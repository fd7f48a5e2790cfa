"""Statements that every change runs, compiled once and handed to the driver as text.

They go past what SQLAlchemy does for any statement, which costs more than the database
does. Only for statements of text and whole numbers, whose values need no translating.
"""

from collections import namedtuple
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Insert, Select, Table
from sqlalchemy.sql.expression import Executable

from app.storage import added


class Prepared:
    """One statement, in the words of each kind of database it was used on."""

    __slots__ = ("_adds_to", "_said", "_statement")

    def __init__(self, statement: Executable) -> None:
        self._statement = statement
        target = statement.table if isinstance(statement, Insert) else None
        self._adds_to = target if isinstance(target, Table) else None
        self._said: dict[str, tuple[str, tuple[str, ...] | None]] = {}

    def __call__(self, connection: Connection, values: Mapping[str, Any]) -> Any:
        """Run it; return the driver's cursor."""
        said = self._said.get(connection.dialect.name)
        if said is None:
            said = self._say(connection, values)
        text, places = said
        given = values if places is None else [values[name] for name in places]
        driver: Any = connection.connection.dbapi_connection
        cursor = driver.execute(text, given)
        if self._adds_to is not None:
            added.remember(connection, self._adds_to, values)
        return cursor

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


class Question(Prepared):
    """A statement that asks for rows; they have the names of its columns."""

    __slots__ = ("_row",)

    def __init__(self, statement: Select[*tuple[Any, ...]]) -> None:
        super().__init__(statement)
        names = statement.selected_columns.keys()
        self._row: Any = namedtuple("Row", names)  # type: ignore[misc]  # noqa: PYI024

    def one(self, connection: Connection, values: Mapping[str, Any]) -> Any:
        """Return the row there is, or None."""
        found = self(connection, values).fetchone()
        return None if found is None else self._row(*found)

    def all(self, connection: Connection, values: Mapping[str, Any]) -> list[Any]:
        """Return every row."""
        return [self._row(*found) for found in self(connection, values).fetchall()]

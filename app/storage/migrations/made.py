"""The tables as they are made: the schema, with what the databases ask of it."""

from collections.abc import Iterator
from typing import Final

from sqlalchemy import MetaData, String, create_mock_engine

from app.storage.migrations import guards, walls
from app.storage.schema import metadata

_ADDRESS: Final = {"sqlite": "sqlite://", "postgresql": "postgresql+psycopg://"}


def as_made(dialect: str) -> MetaData:
    """Return the tables for a kind of database.

    On PostgreSQL text sorts by its code points, as it does on SQLite: pages are cut
    where a text compares, and have to be cut alike.
    """
    made = MetaData(naming_convention=metadata.naming_convention)
    for table in metadata.sorted_tables:
        for column in table.to_metadata(made).columns:
            if dialect != "sqlite" and isinstance(column.type, String):
                column.type = type(column.type)(collation="C")
    return made


def statements(dialect: str) -> Iterator[str]:
    """Yield what makes the schema as it is now on a kind of database, each a line."""
    found: list[str] = []

    def note(statement: object, *_: object, **__: object) -> None:
        text = str(statement.compile(dialect=engine.dialect))  # type: ignore[attr-defined]
        found.append(" ".join(text.split()))

    engine = create_mock_engine(_ADDRESS[dialect], note)
    as_made(dialect).create_all(engine, checkfirst=False)
    indexes = {one for one in found if " INDEX " in one.partition("(")[0]}
    yield from (one for one in found if one not in indexes)
    yield from sorted(indexes)
    yield from (" ".join(one.split()) for one in guards.statements(dialect))
    if dialect != "sqlite":
        yield from walls.statements()

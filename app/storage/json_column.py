"""Members of columns that hold JSON, in the words of either database."""

from typing import Any

from sqlalchemy import Boolean, ColumnElement, Connection, func, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement


def json_text(
    connection: Connection, column: ColumnElement[str], key: str
) -> ColumnElement[str]:
    """Return a text member of a JSON column."""
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects.postgresql import JSON

        return func.json_extract_path_text(column.cast(JSON), key)
    return func.json_extract(column, literal(f"$.{key}"))


class all_within(FunctionElement[bool]):
    """The condition that every text of one JSON list is in another."""

    name = "all_within"
    type = Boolean()
    inherit_cache = True


@compiles(all_within, "postgresql")
def _on_postgresql(element: Any, compiler: Any, **more: Any) -> str:
    some, others = (compiler.process(one, **more) for one in element.clauses)
    return f"(CAST({some} AS jsonb) <@ CAST({others} AS jsonb))"


@compiles(all_within, "sqlite")
def _on_sqlite(element: Any, compiler: Any, **more: Any) -> str:
    some, others = (compiler.process(one, **more) for one in element.clauses)
    return (
        f"NOT EXISTS (SELECT 1 FROM json_each({some}) AS one WHERE one.value NOT IN "
        f"(SELECT other.value FROM json_each({others}) AS other))"
    )

"""Members of columns that hold JSON, in the words of either database."""

from sqlalchemy import ColumnElement, Connection, func, literal


def json_text(
    connection: Connection, column: ColumnElement[str], key: str
) -> ColumnElement[str]:
    """Return a text member of a JSON column."""
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects.postgresql import JSON

        return func.json_extract_path_text(column.cast(JSON), key)
    return func.json_extract(column, literal(f"$.{key}"))

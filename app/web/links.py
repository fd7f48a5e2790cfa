"""Addresses with queries."""

from collections.abc import Mapping
from urllib.parse import urlencode


def with_query(path: str, values: Mapping[str, object]) -> str:
    """Return a path with a query, without what is empty."""
    said = {name: value for name, value in values.items() if value not in (None, "")}
    return f"{path}?{urlencode(said)}" if said else path

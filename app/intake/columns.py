"""The header: which column holds which field (rule S4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.catalogue import nearest
from app.errors import FaultCode, quoted
from app.intake.limits import KEY_CHARACTERS, Limits
from app.intake.records import Schema, Trouble

_NAMED: Final = 20
"""Unknown columns named one by one; the rest are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Where each field of the schema stands in a row, and which columns are kept."""

    places: tuple[int | None, ...]  # by field of the schema
    extras: tuple[tuple[int, str], ...]
    width: int


def plan_columns(
    names: Sequence[str], schema: Schema, *, keep_extra: bool, limits: Limits | None
) -> tuple[Plan, list[Trouble]]:
    """Find the fields among the column names; every fault of the header is returned."""
    troubles: list[Trouble] = []
    if limits is not None and len(names) > limits.max_columns:
        message = f"The header has {len(names):,} columns; the column limit is "
        troubles.append(
            _trouble(FaultCode.COLUMN_LIMIT, f"{message}{limits.max_columns}.")
        )
        return Plan(places=(None,) * len(schema.fields), extras=(), width=0), troubles
    trimmed = [name.strip() for name in names]
    seen: dict[str, int] = {}
    doubled: set[str] = set()
    unknown: list[tuple[int, str]] = []
    for index, name in enumerate(trimmed):
        folded = name.casefold()
        if name and folded in seen:
            doubled.add(folded)
            first = trimmed[seen[folded]]
            message = f"The columns {quoted(first)} and {quoted(name)} are the same."
            troubles.append(_trouble(FaultCode.DUPLICATE_COLUMN, message, name))
        seen.setdefault(folded, index)
        if name not in schema.fields:
            unknown.append((index, name))
    troubles += _unknown(unknown, schema, keep_extra=keep_extra)
    at = {name: index for index, name in enumerate(trimmed)}
    for field in schema.fields:
        if field in schema.required and field not in at:
            message = f"The required column {field} is missing."
            troubles.append(_trouble(FaultCode.MISSING_COLUMN, message, field))
    places = tuple(
        at.get(field) if field not in doubled else None for field in schema.fields
    )
    extras = tuple(unknown) if keep_extra else ()
    return Plan(places=places, extras=extras, width=len(names)), troubles


def unknown_name(
    name: str, schema: Schema, *, keep_extra: bool
) -> tuple[FaultCode, str] | None:
    """Tell what is wrong with a name that is no field; None where it may be kept."""
    if not name:
        return FaultCode.UNKNOWN_COLUMN, "A column has no name."
    if len(name) > KEY_CHARACTERS:
        message = f"A column name is longer than {KEY_CHARACTERS} characters."
        return FaultCode.KEY_LIMIT, message
    if not name.isprintable():
        message = f"The column name {quoted(name)} holds an invisible character."
        return FaultCode.CHARACTER, message
    if keep_extra:
        return None
    near = nearest(name, schema.fields)[0]
    message = f"{quoted(name)} is not a known column; nearest: {near}."
    return FaultCode.UNKNOWN_COLUMN, message


def _unknown(
    unknown: list[tuple[int, str]], schema: Schema, *, keep_extra: bool
) -> list[Trouble]:
    troubles: list[Trouble] = []
    for count, (_, name) in enumerate(unknown):
        if len(troubles) == _NAMED:
            message = f"Up to {len(unknown) - count:,} more columns are not known."
            troubles.append(_trouble(FaultCode.UNKNOWN_COLUMN, message))
            break
        wrong = unknown_name(name, schema, keep_extra=keep_extra)
        if wrong is not None:
            troubles.append(_trouble(*wrong, name))
    return troubles


def _trouble(code: FaultCode, message: str, name: str | None = None) -> Trouble:
    return Trouble(
        code=code, message=message, row=1, column=name or None, value=name, whole=True
    )

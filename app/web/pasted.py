"""Text of requests as people paste it, and one cell of it put right with a click."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from app.catalogue import (
    NameUnknown,
    nearest,
    planning_regions,
    resolve_customer,
    resolve_system,
)
from app.errors import Fault, FaultCode
from app.intake.records import REQUESTS
from app.use_cases.refusals import NotAcceptable
from app.web import words

_CHOICES: Final = {
    "priority": words.PRIORITIES,
    "implementing_agency": words.AGENCIES,
    "document": words.DOCUMENTS,
}

_NAMES: Final[Mapping[str, Callable[[str], object]]] = {
    "customer": resolve_customer,
    "system": resolve_system,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A fault as its table shows it, with the names that would put it right."""

    row: int | None
    column: str | None
    value: str | None
    message: str
    nearest: tuple[str, ...]


def as_csv(text: str) -> str:
    """Return pasted text as CSV: what a spreadsheet copies has tabs between cells."""
    first = text.partition("\n")[0]
    if "\t" not in first or first.lstrip()[:1] in ("[", "{"):
        return text
    return _written(csv.reader(io.StringIO(text, newline=""), delimiter="\t"))


def corrected(text: str, fix: str) -> str:
    """Return CSV with one value of one column replaced, wherever it stands.

    Parameters
    ----------
    fix
        Column, the value there is and the one there should be, with tabs between; an
        empty column names the header.

    Raises
    ------
    NotAcceptable
        When the text has no such column or value.
    """
    parts = fix.split("\t")
    rows = list(csv.reader(io.StringIO(as_csv(text), newline="")))
    if len(parts) != 3 or not rows:
        raise NotAcceptable("This correction does not belong to the text.")
    column, old, new = parts
    header = [name.strip() for name in rows[0]]
    if not column and old in header:
        rows[0][header.index(old)] = new
    elif column in header:
        place = header.index(column)
        for row in rows[1:]:
            if place < len(row) and row[place] == old:
                row[place] = new
    else:
        raise NotAcceptable(f"The text has no column {column or old}.")
    return _written(rows)


def shown(faults: Sequence[Fault]) -> list[Shown]:
    """Return faults with the nearest known names."""
    return [
        Shown(
            row=fault.row,
            column=fault.column,
            value=fault.value,
            message=fault.message,
            nearest=_nearest(fault),
        )
        for fault in faults
    ]


def _nearest(fault: Fault) -> tuple[str, ...]:
    if fault.column is None or (fault.value is None and fault.row is not None):
        return ()
    if fault.code == FaultCode.UNKNOWN_COLUMN:
        return nearest(fault.column, REQUESTS.fields)
    value = fault.value or ""
    if fault.column in _NAMES and fault.code in (FaultCode.CUSTOMER, FaultCode.SYSTEM):
        found = _NAMES[fault.column](value)
        return found.nearest if isinstance(found, NameUnknown) else ()
    if fault.code == FaultCode.CHOICE and fault.column in _CHOICES:
        return _CHOICES[fault.column]
    if fault.column == "region":
        return nearest(value, planning_regions())
    return ()


def _written(rows: object) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows(rows)  # type: ignore[arg-type]
    return out.getvalue()

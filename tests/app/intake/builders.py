"""Writes one batch in every format; a test states only what differs from a good row."""

import csv
import io
import json
import zipfile
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter

from app.errors import Fault, InputRefused
from app.intake import Intake, read_requests

FORMATS = ("csv", "json", "ndjson", "xlsx", "parquet")

type Row = dict[str, Any]


def row(number: int = 1, **changes: Any) -> Row:
    """Return a good row, with changes."""
    good: Row = {
        "request_id": f"POL-26-{number:04d}",
        "customer": "POL",
        "system": "HIMARS",
        "received_on": date(2026, 2, 28) + timedelta(days=number),
        "value_usd": Decimal("1500000.50"),
    }
    return {**good, **changes}


def rows(count: int = 3, at: int = 2, **changes: Any) -> list[Row]:
    """Return good rows, the one at a place (from 1) with changes."""
    return [row(n, **(changes if n == at else {})) for n in range(1, count + 1)]


def columns(table: Sequence[Row]) -> list[str]:
    """Return all columns of the rows, as first met."""
    return list(dict.fromkeys(name for line in table for name in line))


def as_csv(table: Sequence[Row]) -> bytes:
    """Return rows as CSV with LF line ends."""
    out = io.StringIO()
    writer = csv.DictWriter(out, columns(table), lineterminator="\n")
    writer.writeheader()
    writer.writerows(table)
    return out.getvalue().encode("utf-8", "surrogatepass")


def as_json(table: Sequence[Row]) -> bytes:
    """Return rows as a JSON list."""
    return json.dumps([_json_row(line) for line in table]).encode()


def as_ndjson(table: Sequence[Row]) -> bytes:
    """Return rows as NDJSON."""
    return "".join(json.dumps(_json_row(line)) + "\n" for line in table).encode()


def as_xlsx(table: Sequence[Row]) -> bytes:
    """Return rows as a workbook of one sheet."""
    book = workbook(table)
    return saved(book)


def workbook(table: Sequence[Row]) -> openpyxl.Workbook:
    """Return a workbook with the rows on its one sheet."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    names = columns(table)
    sheet.append(names)
    for place, line in enumerate(table, start=2):
        sheet.append([_xlsx_value(line.get(name)) for name in names])
        for cell in sheet[place]:
            if isinstance(cell.value, str):
                cell.data_type = "s"  # text that begins with = stays text
    return book


def saved(book: openpyxl.Workbook) -> bytes:
    """Return a workbook as the bytes of its file."""
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def as_shared_xlsx(table: Sequence[Row]) -> bytes:
    """Return rows as a workbook that keeps its texts in a part they share."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"default_date_format": "d mmm yyyy"}) as book:
        sheet = book.add_worksheet()
        names = columns(table)
        sheet.write_row(0, 0, names)
        for place, line in enumerate(table, start=1):
            for column, name in enumerate(names):
                value = line.get(name)
                write = sheet.write_string if isinstance(value, str) else sheet.write
                write(place, column, value)
    return out.getvalue()


def as_parquet(table: Sequence[Row]) -> bytes:
    """Return rows as Parquet, each column of the type its values have."""
    arrays = {}
    for name in columns(table):
        values = [line.get(name) for line in table]
        if any(isinstance(value, str) for value in values):
            values = [None if value is None else str(value) for value in values]
        arrays[name] = pa.array(values)
    return parquet(pa.table(arrays))


def parquet(table: pa.Table) -> bytes:
    """Return a table as the bytes of its Parquet file."""
    out = io.BytesIO()
    pq.write_table(table, out)
    return out.getvalue()


WRITERS: dict[str, Callable[[Sequence[Row]], bytes]] = {
    "csv": as_csv,
    "json": as_json,
    "ndjson": as_ndjson,
    "xlsx": as_xlsx,
    "parquet": as_parquet,
}


def first_row(kind: str) -> int:
    """Return the number of the first row of data in a format."""
    return 1 if kind in ("json", "ndjson") else 2


def read(folder: Path, kind: str, content: bytes, **options: Any) -> Intake:
    """Read bytes as a file of a format."""
    path = folder / f"batch.{kind}"
    path.write_bytes(content)
    return read_requests([str(path)], **options)


def refusal(folder: Path, kind: str, content: bytes, **options: Any) -> InputRefused:
    """Return the refusal of bytes read as a file of a format."""
    try:
        intake = read(folder, kind, content, **options)
    except InputRefused as refused:
        return refused
    raise AssertionError(f"{len(intake.requests)} requests were accepted.")


def the_fault(refused: InputRefused, code: str) -> Fault:
    """Return the one fault of a code."""
    found = [fault for fault in refused.faults if fault.code == code]
    assert len(found) == 1, refused
    return found[0]


def repacked(content: bytes, **changed: Callable[[str], str]) -> bytes:
    """Return a workbook some of whose parts were changed; keys are ends of names."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            text = old.read(name)
            for part, change in changed.items():
                if name.endswith(f"{part}.xml"):
                    text = change(text.decode()).encode()
            new.writestr(name, text)
    return out.getvalue()


def _json_row(line: Row) -> Row:
    return {name: _json_value(value) for name, value in line.items()}


def _json_value(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value) if value.is_finite() and value % 1 else _number(value)
    return value.isoformat() if isinstance(value, date) else value


def _number(value: Decimal) -> int | float:
    return int(value) if value.is_finite() else float(value)


def _xlsx_value(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value) if not value.is_finite() else float(value)
    if isinstance(value, datetime | date | str | int | float) or value is None:
        return value
    raise TypeError(value)

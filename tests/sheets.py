"""Sheets of a plan as people edit them: read, changed, and written again."""

import csv
import io
from collections.abc import Callable, Iterable
from typing import Any, Final

import openpyxl

SHEET: Final = "Edit bins"

type Row = dict[str, Any]


def rows_of(content: bytes) -> list[Row]:
    """Return the rows of the sheet that may be edited, of a workbook."""
    sheet = openpyxl.load_workbook(io.BytesIO(content))[SHEET]
    header, *rows = [[cell.value for cell in line] for line in sheet.iter_rows()]
    return [dict(zip(header, row, strict=True)) for row in rows]


def edited(content: bytes, change: Callable[[Any], None]) -> bytes:
    """Return a workbook after a change of its sheet, as a spreadsheet saves it."""
    book = openpyxl.load_workbook(io.BytesIO(content))
    change(book[SHEET])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def moved(content: bytes, **bins: str) -> bytes:
    """Return a workbook with other bins written beside some requests."""

    def change(sheet: Any) -> None:
        column = column_of(sheet, "bin")
        for line in range(2, sheet.max_row + 1):
            name = sheet.cell(line, 1).value
            if name.replace("-", "_") in bins:
                sheet.cell(line, column).value = bins[name.replace("-", "_")]

    return edited(content, change)


def column_of(sheet: Any, name: str) -> int:
    """Return the number of a column."""
    return [cell.value for cell in sheet[1]].index(name) + 1


def as_csv(rows: Iterable[Row]) -> bytes:
    """Return rows as CSV."""
    rows = [*rows]
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, [*rows[0]], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()

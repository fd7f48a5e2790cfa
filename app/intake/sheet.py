"""One worksheet: its cells, their types and what each says (rules X3, X5, X6)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final
from xml.etree.ElementTree import Element

from app.errors import FaultCode, quoted
from app.intake.json_text import shortest
from app.intake.limits import CELL_CHARACTERS
from app.intake.records import Kind, Schema, Trouble, refuse

_ESCAPED: Final = re.compile(r"_x([0-9A-Fa-f]{4})_")
_REFERENCE: Final = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
_LAST_ROW: Final = 1_048_576
_LAST_COLUMN: Final = 16_384

# Formats that show a day or a time by their number (ECMA-376 part 1, 18.8.30).
_DATE_FORMATS: Final = frozenset(
    (*range(14, 23), *range(27, 37), 45, 46, 47, *range(50, 59))
)
_NOT_FORMAT: Final = re.compile(
    r'"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]', re.I
)


@dataclass(slots=True, kw_only=True)
class Styles:
    """Which cell styles show their number as a day or a time."""

    dates: frozenset[int] = frozenset()


@dataclass(slots=True, kw_only=True)
class Cell:
    """A cell that is not empty; ``text`` is what a CSV would hold."""

    name: str  # D3
    kind: str  # text, number, date, time, boolean, error or formula
    text: str

    def said(self) -> str:
        """Return the cell in words."""
        return f"the {self.kind} {quoted(self.text)}"


def cell_text(cell: Cell, name: str, schema: Schema) -> str | Trouble:
    """Return a cell as text where its type fits the field, else the trouble (X6)."""
    kind = schema.kinds.get(name, Kind.TEXT)
    fits = {
        Kind.TEXT: ("text",),
        Kind.FREE: ("text", "number", "date"),
        Kind.DATE: ("date", "text"),
        Kind.COUNT: ("number",),
        Kind.AMOUNT: ("number",),
        Kind.YES_NO: ("boolean", "text", "number"),
    }[kind]
    if cell.kind in fits:
        return cell.text
    wanted = "true or false" if kind is Kind.YES_NO else kind.value
    if kind is Kind.FREE:
        wanted = Kind.TEXT.value
    if cell.kind == "time":
        message = f"{name} ({cell.name}) has a time of day; a day alone is allowed."
    else:
        message = f"{name} ({cell.name}) must be {wanted}, not {cell.said()}."
    if cell.kind == "number" and kind is Kind.DATE:
        message += " Format the cell as a date."
    return Trouble(code=FaultCode.TYPE, message=message, value=cell.text)


def read_strings(elements: Iterator[Element]) -> list[str]:
    """Return the shared strings; what is too long for a cell is cut just above it."""
    strings: list[str] = []
    for element in elements:
        if _tag(element) == "si":
            strings.append(_string(element))
            element.clear()
    return strings


def read_styles(elements: Iterator[Element]) -> Styles:
    """Return which cell formats show dates."""
    custom: set[int] = set()
    dates: list[bool] = []
    for element in elements:
        tag = _tag(element)
        if tag == "numFmt":
            number = _whole(element.get("numFmtId"))
            if number is not None and _shows_date(element.get("formatCode", "")):
                custom.add(number)
        elif tag == "cellXfs":
            for format_of_cell in element:
                number = _whole(format_of_cell.get("numFmtId")) or 0
                dates.append(number in custom or number in _DATE_FORMATS)
    return Styles(dates=frozenset(i for i, shown in enumerate(dates) if shown))


@dataclass(slots=True)
class Sheet:
    """Reads the rows of a worksheet that hold data, one by one.

    ``look_only`` reads values without judging them: whether a sheet holds any.
    ``hidden_too`` reads rows and columns that are hidden as well.
    """

    elements: Iterator[Element]
    strings: list[str]
    styles: Styles
    from_1904: bool = field(kw_only=True)
    look_only: bool = field(kw_only=True, default=False)
    hidden_too: bool = field(kw_only=True, default=False)
    _hidden: list[tuple[int, int]] = field(init=False, default_factory=list)
    _rows_hidden: bool = field(init=False, default=False)

    def rows(self) -> Iterator[tuple[int, dict[int, Cell]]]:
        """Yield (row number, cells by column from 0) of rows that hold data."""
        number = 0
        for element in self.elements:
            tag = _tag(element)
            if tag == "row":
                number = self._row_number(element, number)
                cells = self._cells(element, number)
                element.clear()
                if cells:
                    yield number, cells
            elif tag in ("sheetFormatPr", "cols") and number:
                message = "The workbook is damaged: its columns follow its rows."
                raise refuse(FaultCode.DAMAGED, message)
            elif tag == "sheetFormatPr":
                self._rows_hidden = element.get("zeroHeight") in ("1", "true")
            elif tag == "col":
                self._note_column(element)

    def _row_number(self, element: Element, last: int) -> int:
        written = element.get("r")
        number = last + 1 if written is None else _whole(written)
        if number is None or not last < number <= _LAST_ROW:
            raise refuse(FaultCode.DAMAGED, "The workbook is damaged: its row numbers.")
        return number

    def _note_column(self, element: Element) -> None:
        width = element.get("width")
        if element.get("hidden") in ("1", "true") or width in ("0", "0.0"):
            first, last = _whole(element.get("min")), _whole(element.get("max"))
            if first is not None and last is not None:
                self._hidden.append((first - 1, last - 1))

    def _cells(self, row: Element, number: int) -> dict[int, Cell]:
        cells: dict[int, Cell] = {}
        place = -1
        for element in row:
            if _tag(element) != "c":
                continue
            place = self._place(element, number, place)
            cell = self._cell(element, f"{column_name(place)}{number}")
            if cell is not None:
                cells[place] = cell
        if cells and not (self.look_only or self.hidden_too):
            self._check_hidden(row, number, cells)
        return cells

    def _place(self, element: Element, number: int, last: int) -> int:
        written = element.get("r")
        if written is None:
            return last + 1
        match = _REFERENCE.fullmatch(written)
        place = -1 if match is None else column_index(match[1])
        if match is None or int(match[2]) != number or not last < place < _LAST_COLUMN:
            message = f"The workbook is damaged: the cell {quoted(written)}."
            raise refuse(FaultCode.DAMAGED, message)
        return place

    def _check_hidden(self, row: Element, number: int, cells: dict[int, Cell]) -> None:
        default = "1" if self._rows_hidden else "0"
        hidden = row.get("hidden", default) in ("1", "true") or row.get("ht") == "0"
        if hidden:
            message = f"Row {number} is hidden and holds data; show or delete it."
            raise refuse(FaultCode.HIDDEN, message, row=number)
        for first, last in self._hidden:
            for place in cells:
                if first <= place <= last:
                    message = (
                        f"Column {column_name(place)} is hidden and holds data; "
                        "show or delete it."
                    )
                    raise refuse(FaultCode.HIDDEN, message, row=number)

    def _cell(self, element: Element, name: str) -> Cell | None:
        written = inline = None
        for child in element:
            tag = _tag(child)
            if tag == "f":
                return Cell(name=name, kind="formula", text=f"={child.text or ''}")
            if tag == "v":
                written = child.text
            elif tag == "is":
                inline = _string(child)
        kind = element.get("t", "n")
        if kind == "inlineStr":
            return Cell(name=name, kind="text", text=inline) if inline else None
        if written is None or written == "":
            return None
        return self._valued(kind, written, name, element)

    def _valued(
        self, kind: str, written: str, name: str, element: Element
    ) -> Cell | None:
        if kind == "s":
            index = _whole(written.strip())
            if index is None or index >= len(self.strings):
                raise _damaged_cell(name)
            text = self.strings[index]
            return Cell(name=name, kind="text", text=text) if text else None
        if kind == "str":
            return Cell(name=name, kind="text", text=_unescaped(written))
        if kind == "b":
            return Cell(
                name=name,
                kind="boolean",
                text="true" if written.strip() in ("1", "true") else "false",
            )
        if kind == "e":
            return Cell(name=name, kind="error", text=written)
        if kind == "d":
            return _iso_day(name, written)
        return self._number(name, written.strip(), element.get("s"))

    def _number(self, name: str, written: str, style: str | None) -> Cell:
        try:
            number = float(written)
        except ValueError:
            raise _damaged_cell(name) from None
        if (_whole(style) or 0) not in self.styles.dates:
            return Cell(name=name, kind="number", text=shortest(number))
        # Serial days count from 1899-12-30 after the leap day that never was, or from
        # 1904-01-01 in workbooks that say so.
        if not 0 <= number < 2_958_466:
            return Cell(name=name, kind="number", text=shortest(number))
        if number != int(number):
            return Cell(name=name, kind="time", text=shortest(number))
        origin = date(1904, 1, 1) if self.from_1904 else date(1899, 12, 30)
        try:
            day = origin + timedelta(days=int(number))
        except OverflowError:
            return Cell(name=name, kind="number", text=shortest(number))
        return Cell(name=name, kind="date", text=day.isoformat())


def column_name(index: int) -> str:
    """Return the letters of a column, counted from 0."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def column_index(letters: str) -> int:
    """Return the place of a column, counted from 0, by its letters."""
    index = 0
    for letter in letters:
        index = index * 26 + ord(letter) - 64
    return index - 1


def _iso_day(name: str, written: str) -> Cell:
    day, _, time = written.strip().removesuffix("Z").partition("T")
    midnight = not time or not time.strip("0:.")
    return Cell(name=name, kind="date" if midnight else "time", text=day)


def _damaged_cell(name: str) -> Exception:
    return refuse(FaultCode.DAMAGED, f"The workbook is damaged: the cell {name}.")


def _string(element: Element) -> str:
    """Return the text of a string; phonetic hints are no part of it."""
    parts: list[str] = []
    length = 0
    for child in element:
        tag = _tag(child)
        found = [child] if tag == "t" else []
        if tag == "r":
            found = [part for part in child if _tag(part) == "t"]
        for part in found:
            if length <= 8 * CELL_CHARACTERS:
                parts.append((part.text or "")[: 8 * CELL_CHARACTERS])
                length += len(parts[-1])
    return _unescaped("".join(parts))


def _unescaped(text: str) -> str:
    if "_x" not in text:
        return text
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)


def _shows_date(code: str) -> bool:
    bare = _NOT_FORMAT.sub("", code.split(";")[0].lower())
    return "general" not in bare and any(letter in bare for letter in "ymdhs")


def _whole(text: str | None) -> int | None:
    if text is None or not text.isascii() or not text.isdigit() or len(text) > 9:
        return None
    return int(text)


def _tag(element: Element) -> str:
    return _LOCAL[element.tag]


class _LocalNames(dict[str, str]):
    """Names of elements without their namespace, which differs by edition."""

    def __missing__(self, tag: str) -> str:
        name = self[tag] = tag.rpartition("}")[2]
        return name


_LOCAL: Final = _LocalNames()

"""CSV, strictly by RFC 4180 and in UTF-8 (rules T1, S1, S2, S3, S5, S6)."""

import re
from collections import deque
from collections.abc import Iterator
from operator import itemgetter
from typing import BinaryIO, Final

from app.errors import FaultCode
from app.intake.columns import Plan, plan_columns
from app.intake.limits import Limits
from app.intake.records import Decoded, Record, Schema, Trouble, refuse

_QUOTED: Final = re.compile(r'"([^"]*+(?:""[^"]*+)*+)"(?=,|\Z)')
_PLAIN: Final = re.compile(r'[^",]*+(?=,|\Z)')
_CLOSED: Final = re.compile(r'"[^"]*+(?:""[^"]*+)*+"(?!")')

_OPEN_CHARACTERS: Final = 200_000
"""Characters after which a record with an open quote is taken as never closed."""

_QUOTE_FAULTS: Final = 100
"""Quote faults after which a file is not read on."""


class _BadQuote(Exception):
    """A record whose quotes do not follow RFC 4180: the field and what is wrong."""

    def __init__(self, field: int, what: str) -> None:
        super().__init__(what)
        self.field = field
        self.what = what


def decode_csv(
    stream: BinaryIO, schema: Schema, *, keep_extra: bool, limits: Limits | None
) -> Decoded:
    """Read the records of a CSV file, row by row."""
    lines = _Lines(stream)
    first = lines.next_line()
    if first is None or not first.strip():
        raise refuse(FaultCode.EMPTY, f"The file is empty: no {schema.thing}.")
    lines.push_back([first])
    header = next(_records(lines))
    if isinstance(header, Trouble):
        raise refuse(header.code, header.message, row=1)
    _check_delimiter(first)
    plan, troubles = plan_columns(
        header[1], schema, keep_extra=keep_extra, limits=limits
    )
    yield from troubles
    if plan.width and any(place is not None for place in plan.places):
        yield from _rows(lines, plan, schema, limits, header[1])


def _rows(
    lines: "_Lines",
    plan: Plan,
    schema: Schema,
    limits: Limits | None,
    header: list[str],
) -> Decoded:
    # A field without a column reads the blank appended to every row; a required one
    # reads None, for its column is missed once, in the header.
    blank, absent = plan.width, plan.width + 1
    places = [
        place if place is not None else (absent if field in schema.required else blank)
        for field, place in zip(schema.fields, plan.places, strict=True)
    ]
    pick = itemgetter(*places)
    tail: list[str | None] = ["", None]
    most = limits.max_rows + 1 if limits is not None else None
    number = 1
    for found in _records(lines, start=2, header=header):
        number += 1
        if most is not None and number > most:
            message = f"The file has more rows than the row limit of {most - 1:,}."
            raise refuse(FaultCode.ROW_LIMIT, message)
        if isinstance(found, Trouble):
            yield found
            continue
        row, cells = found
        if len(cells) != plan.width:
            yield _wrong_width(row, cells, plan.width)
            continue
        extra = tuple((name, cells[at]) for at, name in plan.extras if cells[at])
        yield Record(row, pick(cells + tail), extra)
    if number == 1:
        message = f"The file has a header and no rows: no {schema.thing}."
        raise refuse(FaultCode.EMPTY, message)


def _records(
    lines: "_Lines", start: int = 1, header: list[str] | None = None
) -> Iterator[tuple[int, list[str]] | Trouble]:
    """Yield every record with its number, or what is wrong with its quotes."""
    row = start - 1
    faults = 0
    while (line := lines.next_line()) is not None:
        row += 1
        lines.row = row
        if '"' not in line:
            yield row, _without_end(line, row).split(",")
            continue
        taken = [line]
        quotes, length = line.count('"'), len(line)
        while quotes % 2 and length < _OPEN_CHARACTERS:
            more = lines.next_line()
            if more is None:
                break
            taken.append(more)
            quotes += more.count('"')
            length += len(more)
        try:
            yield row, _split("".join(taken), row)
        except _BadQuote as bad:
            faults += 1
            column = None
            if header is not None and bad.field < len(header):
                column = header[bad.field].strip() or None
            trouble = Trouble(
                code=FaultCode.QUOTE,
                message=f"{bad.what} in row {row}, field {bad.field + 1}.",
                row=row,
                column=column,
                whole=True,
            )
            yield trouble
            if faults >= _QUOTE_FAULTS:
                message = "Too many rows have faulty quotes; the file was not read on."
                raise refuse(FaultCode.QUOTE, message, row=row) from None
            lines.push_back(taken[1:])


def _split(text: str, row: int) -> list[str]:
    text = text[:-2] if text.endswith("\r\n") else text.removesuffix("\n")
    cells: list[str] = []
    at = 0
    while True:
        if text.startswith('"', at):
            match = _QUOTED.match(text, at)
            if match is None:
                closed = _CLOSED.match(text, at)
                raise _BadQuote(
                    len(cells),
                    "A quote was opened and never closed"
                    if closed is None
                    else "Something other than a comma follows a closing quote",
                )
            cells.append(match[1].replace('""', '"'))
        else:
            match = _PLAIN.match(text, at)
            if match is None:
                raise _BadQuote(len(cells), "A quote stands inside an unquoted field")
            if "\r" in match[0]:
                raise _bare_return(row)
            cells.append(match[0])
        at = match.end() + 1
        if at > len(text):
            return cells


def _without_end(line: str, row: int) -> str:
    if line.endswith("\r\n"):
        line = line[:-2]
    elif line.endswith("\n"):
        line = line[:-1]
    if "\r" in line:
        raise _bare_return(row)
    return line


def _bare_return(row: int) -> Exception:
    message = (
        "A line ends in a bare carriage return (CR); "
        "save the file with LF or CRLF line ends."
    )
    return refuse(FaultCode.LINE_END, message, row=row)


def _check_delimiter(first: str) -> None:
    if "," in first:
        return
    for mark, name in ((";", "semicolons"), ("\t", "tabs"), ("|", "vertical bars")):
        if mark in first:
            message = f"The header is separated by {name}; a CSV is comma separated."
            raise refuse(FaultCode.DELIMITER, message, row=1)


def _wrong_width(row: int, cells: list[str], width: int) -> Trouble:
    found = f"{len(cells)} fields" if len(cells) != 1 else "1 field"
    message = f"The row has {found}, header has {width}."
    if len(cells) > width:
        message += " A field that holds a comma must stand in quotes."
    elif cells == [""]:
        message = f"The row is blank: 1 field, header has {width}."
    return Trouble(code=FaultCode.FIELD_COUNT, message=message, row=row)


class _Lines:
    """The physical lines of a file, decoded one by one, that can be pushed back."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._pushed: deque[str] = deque()
        self._begun = False
        self.row = 1

    def next_line(self) -> str | None:
        """Return the next line with its end, None after the last."""
        if self._pushed:
            return self._pushed.popleft()
        raw = self._stream.readline()
        if not raw:
            return None
        try:
            line = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            byte = raw[error.start]
            message = (
                f"The file is not UTF-8 text (byte 0x{byte:02X} near row "
                f"{self.row + 1 if self._begun else 1}); save as UTF-8."
            )
            raise refuse(FaultCode.ENCODING, message) from None
        if not self._begun:
            self._begun = True
            line = line.removeprefix("\ufeff")
        return line

    def push_back(self, lines: list[str]) -> None:
        """Make lines come next again."""
        self._pushed.extendleft(reversed(lines))

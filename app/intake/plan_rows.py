"""A sheet of a plan, edited and sent back: read as any hostile file is, row by row."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.errors import FaultCode, quoted
from app.intake.decode import Source, format_of
from app.intake.gathering import Gathering, decoded
from app.intake.limits import Limits
from app.intake.records import (
    PLAN_ROWS,
    Format,
    Record,
    RefusedFile,
    Trouble,
    refuse,
)

NAME_CHARACTERS: Final = 64
"""Characters that the name of a bin may have in a sheet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRow:
    """A row as it came back: a request, the bin it is wanted in, and what was seen."""

    number: int
    request_id: str
    bin: str
    was_in: str
    bin_version: int
    plan_version: int
    proposal_id: str


def read_plan_rows(source: Source, limits: Limits | None) -> tuple[PlanRow, ...]:
    """Read a sheet of a plan from XLSX or CSV.

    Raises
    ------
    InputRefused
        With every fault of the file, the first hundred bad rows each with its own.
    """
    gathering = Gathering()
    rows: list[PlanRow] = []
    try:
        for found in decoded(
            _of_a_sheet(source), PLAN_ROWS, keep_extra=True, limits=limits
        ):
            if isinstance(found, Trouble):
                gathering.add(0, source.label, found)
                continue
            row, troubles = _row(found)
            for trouble in troubles:
                gathering.add(0, source.label, trouble)
            if row is not None:
                rows.append(row)
    except RefusedFile as refused:
        gathering.add(0, source.label, refused.trouble)
    for trouble in _repeated(rows):
        gathering.add(0, source.label, trouble, late=True)
    if gathering.faulty:
        raise gathering.refusal(len(rows))
    return tuple(rows)


def _of_a_sheet(source: Source) -> Source:
    found = source.format or format_of(source.label)
    if found not in (Format.XLSX, Format.CSV):
        message = "A sheet of a plan comes back as XLSX or CSV."
        raise refuse(FaultCode.FILE_TYPE, message)
    return Source(label=source.label, stream=source.stream, format=found)


def _row(record: Record) -> tuple[PlanRow | None, Sequence[Trouble]]:
    troubles = [*record.troubles]
    texts = [text and text.strip() for text in record.cells]
    cells = dict(zip(PLAN_ROWS.fields, texts, strict=True))

    def wrong(column: str, code: FaultCode, message: str) -> None:
        trouble = Trouble(code=code, message=message, row=record.number, column=column)
        trouble.value = cells[column]
        troubles.append(trouble)

    for column, text in cells.items():
        if text == "":
            of = f" of {quoted(cells['request_id'])}" if cells["request_id"] else ""
            wrong(column, FaultCode.MISSING_VALUE, f"{column}{of} is empty.")
    name = cells["bin"] or ""
    if len(name) > NAME_CHARACTERS:
        message = f"The name of a bin has {NAME_CHARACTERS} characters at most."
        wrong("bin", FaultCode.IDENTIFIER, message)
    elif not name.isprintable():
        message = f"The name {quoted(name)} holds an invisible character."
        wrong("bin", FaultCode.INVISIBLE, message)
    for column in ("bin_version", "plan_version"):
        text = cells[column]
        if text and not (text.isascii() and text.isdigit() and len(text) <= 9):
            message = f"{column} must be a whole number, not {quoted(text)}."
            wrong(column, FaultCode.WHOLE_NUMBER, message)
    if troubles or None in cells.values():
        return None, troubles
    said = {column: text or "" for column, text in cells.items()}
    row = PlanRow(
        number=record.number,
        request_id=said["request_id"],
        bin=name,
        was_in=said["was_in"],
        bin_version=int(said["bin_version"]),
        plan_version=int(said["plan_version"]),
        proposal_id=said["proposal_id"],
    )
    return row, ()


def _repeated(rows: Sequence[PlanRow]) -> list[Trouble]:
    """Return a trouble for every row whose request another row has."""
    places: dict[str, list[int]] = defaultdict(list)
    for row in rows:
        places[row.request_id].append(row.number)
    return [
        Trouble(
            code=FaultCode.DUPLICATE_ID,
            message=f"{request_id} is also in row {min({*numbers} - {number}):,}.",
            row=number,
            column="request_id",
            value=request_id,
        )
        for request_id, numbers in places.items()
        if len(numbers) > 1
        for number in numbers
    ]

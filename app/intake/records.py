"""What every format is turned into: records of text cells, and troubles.

A decoder turns a file of any format into `Record`s in which every cell is text as a
CSV would hold it; types are checked by the decoder, values by `app.intake.rows`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from app.errors import Fault, FaultCode


class Format(StrEnum):
    """The formats requests come in."""

    CSV = "CSV"
    XLSX = "XLSX"
    JSON = "JSON"
    NDJSON = "NDJSON"
    PARQUET = "Parquet"


class Kind(StrEnum):
    """What a field holds; decides which types of a typed format fit."""

    TEXT = "a text"
    COUNT = "a whole number"
    AMOUNT = "a number"
    DATE = "a date"
    YES_NO = "true or false"
    FREE = "a text, whatever it says"


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """The fields of a kind of file, in the order their cells are kept.

    ``sheet`` is the sheet of a workbook that is read where there is one of that name,
    whatever other sheets say; rows that a filter hides count too then.
    """

    thing: str  # what one row is, in the plural
    fields: tuple[str, ...]
    required: frozenset[str]
    kinds: dict[str, Kind]
    sheet: str | None = None


REQUESTS: Final = Schema(
    thing="requests",
    fields=(
        "request_id",
        "customer",
        "system",
        "received_on",
        "value_usd",
        "configuration",
        "quantity",
        "lines",
        "mde_value_usd",
        "needed_by",
        "priority",
        "implementing_agency",
        "region",
        "force",
        "technology_review",
        "end_use_monitoring",
        "document",
        "keep_apart_from",
        "remarks",
    ),
    required=frozenset(
        {"request_id", "customer", "system", "received_on", "value_usd"}
    ),
    kinds={
        "received_on": Kind.DATE,
        "needed_by": Kind.DATE,
        "value_usd": Kind.AMOUNT,
        "mde_value_usd": Kind.AMOUNT,
        "quantity": Kind.COUNT,
        "lines": Kind.COUNT,
        "technology_review": Kind.YES_NO,
        "end_use_monitoring": Kind.YES_NO,
        "remarks": Kind.FREE,
    },
)

PRECEDENTS: Final = Schema(
    thing="precedents",
    fields=("customer", "system", "approved_on"),
    required=frozenset({"customer", "system", "approved_on"}),
    kinds={"approved_on": Kind.DATE},
)

PLAN_ROWS: Final = Schema(
    thing="rows of a plan",
    fields=(
        "request_id",
        "bin",
        "was_in",
        "bin_version",
        "plan_version",
        "proposal_id",
    ),
    required=frozenset(
        {"request_id", "bin", "was_in", "bin_version", "plan_version", "proposal_id"}
    ),
    kinds={"bin": Kind.FREE, "bin_version": Kind.COUNT, "plan_version": Kind.COUNT},
    sheet="Edit bins",
)

SCHEMAS: Final = {one.thing: one for one in (REQUESTS, PRECEDENTS, PLAN_ROWS)}
"""Every kind of file, by what its rows are."""


@dataclass(slots=True, kw_only=True)
class Trouble:
    """Something wrong at a place of one file.

    ``row`` None means the file; ``whole`` says the file is refused even where good
    rows of a faulty file may be kept.
    """

    code: FaultCode
    message: str
    row: int | None = None
    column: str | None = None
    value: str | None = None
    whole: bool = False

    def fault(self, file: str) -> Fault:
        """Return the trouble as a fault of a file."""
        return Fault(
            file=file,
            row=self.row,
            column=self.column,
            code=self.code,
            message=self.message,
            value=self.value,
        )


@dataclass(slots=True)
class Record:
    """One row. A cell is "" where blank, None where there is no cell to judge."""

    number: int
    cells: Sequence[str | None]
    extra: tuple[tuple[str, str], ...] = ()
    troubles: Sequence[Trouble] = ()


type Decoded = Iterator[Record | Trouble]


class RefusedFile(Exception):
    """Reading a file cannot go on; carries the trouble that ended it."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.message)
        trouble.whole = True
        self.trouble = trouble


def refuse(
    code: FaultCode,
    message: str,
    *,
    row: int | None = None,
    column: str | None = None,
    value: str | None = None,
) -> RefusedFile:
    """Return the exception that ends the reading of a file."""
    return RefusedFile(
        Trouble(code=code, message=message, row=row, column=column, value=value)
    )

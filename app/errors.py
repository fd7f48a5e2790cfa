"""What can go wrong in the application, as a small tree.

::

    AllybinError
    ├── InputRefused    a file, policy or ruling that may not be used     exit 3
    ├── WrongUsage      an option or argument that makes no sense         exit 2
    │   └── OutputExists    a target is there and --force is not          exit 2
    ├── OutputFailed    a result that could not be written whole          exit 1
    ├── ClusterFailed   a Dask cluster that cannot be used                exit 1
    ├── ServiceFailed   a service that is not there, or refuses a call    exit 1
    └── Stopped         the time limit or a signal, and no plan yet       exit 5

Messages are full sentences that name the offending value and what is allowed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Final

VALUE_LENGTH: Final = 64
"""Characters of an offending value that an answer shows."""

LISTED_ROWS: Final = 100
"""Bad rows an answer lists; the rest are counted."""


class FaultCode(StrEnum):
    """The kinds of fault in an input; each message says the particulars."""

    # the file as a whole
    UNREADABLE = "unreadable"
    FILE_TYPE = "file_type"
    CONTENT = "content"
    DAMAGED = "damaged"
    PASSWORD = "password"
    MACROS = "macros"
    LEGACY_FORMAT = "legacy_format"
    ENCODING = "encoding"
    DELIMITER = "delimiter"
    QUOTE = "quote"
    LINE_END = "line_end"
    SYNTAX = "syntax"
    EMPTY = "empty"
    # limits
    SIZE_LIMIT = "size_limit"
    ROW_LIMIT = "row_limit"
    COLUMN_LIMIT = "column_limit"
    CELL_LIMIT = "cell_limit"
    KEY_LIMIT = "key_limit"
    DEPTH_LIMIT = "depth_limit"
    TIME_LIMIT = "time_limit"
    # columns and keys
    MISSING_COLUMN = "missing_column"
    UNKNOWN_COLUMN = "unknown_column"
    DUPLICATE_COLUMN = "duplicate_column"
    SYSTEM_FIELD = "system_field"
    REPEATED_KEY = "repeated_key"
    UNKNOWN_KEY = "unknown_key"
    MISSING_KEY = "missing_key"
    FIELD_COUNT = "field_count"
    # workbooks
    FORMULA = "formula"
    LINK = "link"
    HIDDEN = "hidden"
    SHEETS = "sheets"
    ENTITY = "entity"
    # values
    CHARACTER = "character"
    IDENTIFIER = "identifier"
    MISSING_VALUE = "missing_value"
    INVISIBLE = "invisible"
    TYPE = "type"
    WHOLE_NUMBER = "whole_number"
    AMOUNT = "amount"
    RATE = "rate"
    CHOICE = "choice"
    DATE = "date"
    DATE_ORDER = "date_order"
    CUSTOMER = "customer"
    SYSTEM = "system"
    DUPLICATE_ID = "duplicate_id"
    CONTRADICTION = "contradiction"
    # a sheet of a plan that came back
    UNKNOWN_REQUEST = "unknown_request"
    MISSING_ROW = "missing_row"
    ACCEPTED_BIN = "accepted_bin"
    NOT_AS_SENT = "not_as_sent"
    EDIT_LIMIT = "edit_limit"


def safe_text(value: object, length: int = VALUE_LENGTH) -> str:
    """Return a value as text that is short and safe on any screen and in JSON.

    Control, invisible and direction-changing characters and lone surrogates become
    ``\\uXXXX``; what is longer than ``length`` characters is cut.
    """
    text = str(value)[: length + 1]
    shown = "".join(
        char if char.isprintable() else _escaped(char) for char in text[:length]
    )
    cut = len(text) > length or len(shown) > length
    return shown[: length - 1] + "…" if cut else shown


def _escaped(char: str) -> str:
    point = ord(char)
    return f"\\u{point:04x}" if point <= 0xFFFF else f"\\U{point:08x}"


def quoted(value: object) -> str:
    """Return a value for use inside a sentence: safe, short and between quotes."""
    return f'"{safe_text(value)}"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing wrong in an input.

    ``row`` counts records with the header as row 1 (in JSON and NDJSON the first
    request is row 1); it is None for a fault of the file. ``value`` is the offending
    value, cut and made safe by the constructor.
    """

    file: str
    row: int | None = None
    column: str | None = None
    code: str
    message: str
    value: str | None = None

    def __post_init__(self) -> None:
        if self.value is not None:
            object.__setattr__(self, "value", safe_text(self.value))
        if self.column is not None:
            object.__setattr__(self, "column", safe_text(self.column))

    def __str__(self) -> str:
        place = safe_text(self.file, 1024)
        if self.row is not None:
            place += f":{self.row}:{self.column or ''}"
        return f"{place}: {self.code}: {self.message}"


class AllybinError(Exception):
    """Base of every error the application raises on purpose."""

    exit_code: ClassVar[int] = 1


class InputRefused(AllybinError):
    """An input may not be used; ``faults`` lists why, one fault an entry.

    Faults of at most 100 bad rows are listed; ``bad_rows`` counts them all and
    ``good_rows`` the rows nothing was found wrong with. Correct the input.
    """

    exit_code = 3

    def __init__(
        self, faults: Sequence[Fault], good_rows: int = 0, bad_rows: int = 0
    ) -> None:
        self.faults = tuple(faults)
        self.good_rows = good_rows
        self.bad_rows = bad_rows
        super().__init__("\n".join(str(fault) for fault in self.faults))

    def __reduce__(self) -> tuple[type, tuple[tuple[Fault, ...], int, int]]:
        return type(self), (self.faults, self.good_rows, self.bad_rows)

    @property
    def unlisted_rows(self) -> int:
        """Return how many bad rows are counted but not listed."""
        return max(0, self.bad_rows - LISTED_ROWS)


class WrongUsage(AllybinError):
    """An option or argument is out of range or does not exist; see ``--help``."""

    exit_code = 2


class OutputExists(WrongUsage):
    """A target exists already; choose another folder or give ``--force``."""


class OutputFailed(AllybinError):
    """A result could not be written whole, and nothing was left in its place."""


class ClusterFailed(AllybinError):
    """A Dask cluster does not answer, has no workers, or runs another version."""


class ServiceFailed(AllybinError):
    """A service is not there, is not allybin's, or does not do what it is asked."""


class Stopped(AllybinError):
    """A time limit or a signal ended the work before there was a plan."""

    exit_code = 5

"""Errors in one shape: problem details (RFC 9457), small, safe, always valid JSON."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from starlette.responses import Response

from app.errors import LISTED_ROWS, Fault, FaultCode, InputRefused, safe_text

MEDIA_TYPE: Final = "application/problem+json"

MOST_BYTES: Final = 64 << 10
"""Size of an answer that lists faults; what does not fit is counted."""

_EXTRA_BYTES: Final = 16 << 10
_MARGIN: Final = 64
_TEXT: Final = 1_000
_NAMES: Final = 256

TITLES: Final[dict[int, tuple[str, str]]] = {
    400: ("unreadable", "Not understood"),
    401: ("not-signed-in", "Not signed in"),
    403: ("not-allowed", "Not allowed"),
    404: ("not-there", "Not there"),
    405: ("no-such-call", "No such call"),
    406: ("not-offered", "Not offered"),
    408: ("too-slow", "Too slow"),
    409: ("conflict", "Conflict"),
    412: ("stale-version", "Someone was first"),
    413: ("too-large", "Too large"),
    414: ("address-too-long", "Address too long"),
    415: ("type-not-accepted", "Type not accepted"),
    421: ("unknown-host", "Unknown host"),
    422: ("not-acceptable", "Not acceptable"),
    428: ("version-missing", "Version missing"),
    429: ("too-many", "Too many calls"),
    431: ("headers-too-large", "Headers too large"),
    500: ("failed", "Failed"),
    503: ("busy", "Busy"),
    507: ("no-room", "No room"),
}
"""Code and title of each status; the code ends the type, ``/problems/CODE``."""

_REFUSED: Final = ("refused", "Refused")

_STATUS: Final[dict[str, int]] = {
    FaultCode.UNREADABLE: 400,
    FaultCode.SYNTAX: 400,
    FaultCode.DEPTH_LIMIT: 400,
    FaultCode.ENCODING: 415,
    FaultCode.FILE_TYPE: 415,
    FaultCode.LEGACY_FORMAT: 415,
    FaultCode.MACROS: 415,
    FaultCode.PASSWORD: 415,
    FaultCode.SIZE_LIMIT: 413,
    FaultCode.ROW_LIMIT: 413,
}
"""What a fault of a whole file is answered with; all else is 422."""


class Problem(Exception):
    """A call that is answered with problem details instead of what it asked for.

    ``errors`` are mappings with ``row, column, code, message, value``, all but the
    message left out where they say nothing; ``extra`` are further members. ``code``
    names the type, by default that of the status.
    """

    def __init__(
        self,
        status: int,
        title: str,
        detail: str,
        errors: Sequence[Mapping[str, Any]] = (),
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
        *,
        code: str | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.title = title
        self.detail = detail
        self.code = code or TITLES.get(status, _REFUSED)[0]
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})

    @classmethod
    def of(
        cls, status: int, detail: str, *, headers: Mapping[str, str] | None = None
    ) -> "Problem":
        """Return the problem a status usually means."""
        title = TITLES.get(status, _REFUSED)[1]
        return cls(status, title, detail, headers=headers)

    def body(self) -> bytes:
        """Return the problem as JSON of at most 64 KiB, with what was left out counted.

        Of the rows with errors at most 100 are listed, each with all its errors.
        """
        members: dict[str, Any] = {
            "type": f"/problems/{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": safe_text(self.detail, _TEXT),
        }
        room = MOST_BYTES - _size(members) - _MARGIN
        for key, value in self.extra.items():
            member = {safe_text(key): _plain(value)}
            if _size(member) <= min(room, _EXTRA_BYTES):
                room -= _size(member)
                members = member | members  # those of the standard hold
        if self.errors:
            listed, unlisted = _fitting(self.errors, room)
            members["errors"] = listed
            if unlisted:
                members["unlisted_errors"] = unlisted
        return json.dumps(members, allow_nan=False).encode()

    def response(self) -> Response:
        """Return the problem as an answer."""
        return Response(
            self.body(), self.status, headers=self.headers, media_type=MEDIA_TYPE
        )

    @classmethod
    def of_input(cls, refused: InputRefused) -> "Problem":
        """Return what a refused file, policy or ruling is answered with."""
        status = status_of(refused.faults)
        extra: dict[str, Any] = {}
        if refused.bad_rows or refused.good_rows:
            extra = {
                "bad_rows": refused.bad_rows,
                "good_rows": refused.good_rows,
                "unlisted_rows": refused.unlisted_rows,
            }
        return cls(
            status,
            "Input refused",
            _summary(refused),
            code="input-refused",
            errors=[error_of(fault) for fault in refused.faults],
            extra=extra,
        )


def status_of(faults: Iterable[Fault]) -> int:
    """Return the status of a refused input: that of its first fault as a whole."""
    for fault in faults:
        whole = fault.row is None or fault.code == FaultCode.ROW_LIMIT
        if whole and fault.code in _STATUS:
            return _STATUS[fault.code]
    return 422


def error_of(fault: Fault) -> dict[str, Any]:
    """Return a fault as an entry of ``errors``; the file's name is not among it."""
    return error(
        fault.message,
        row=fault.row,
        column=fault.column,
        code=fault.code,
        value=fault.value,
    )


def error(
    message: str,
    *,
    row: int | None = None,
    column: str | None = None,
    code: str = "value",
    value: object = None,
) -> dict[str, Any]:
    """Return an entry of ``errors``, its texts cut and made safe."""
    return {
        "row": row,
        "column": None if column is None else safe_text(column, _NAMES),
        "code": str(code),
        "message": safe_text(message, _TEXT),
        "value": None if value is None else safe_text(value),
    }


def _summary(refused: InputRefused) -> str:
    if refused.bad_rows:
        rows = "row was" if refused.bad_rows == 1 else "rows were"
        return f"{refused.bad_rows:,} {rows} refused; see errors."
    if len(refused.faults) == 1:
        return refused.faults[0].message
    return f"{len(refused.faults):,} things are wrong with the input; see errors."


def _fitting(
    errors: Sequence[Mapping[str, Any]], room: int
) -> tuple[list[dict[str, Any]], int]:
    """Return the errors that fit the answer, and how many are left out."""
    listed: list[dict[str, Any]] = []
    rows: set[object] = set()
    for entry in errors:
        safe = error(**entry)
        shown = {key: value for key, value in safe.items() if value is not None}
        room -= _size(shown)
        rows.add(shown.get("row", ("no row", len(listed))))
        if room < 0 or len(rows) > LISTED_ROWS:
            break
        listed.append(shown)
    return listed, len(errors) - len(listed)


def _size(value: object) -> int:
    return len(json.dumps(value, allow_nan=False)) + 2


def _plain(value: object, depth: int = 8) -> Any:
    """Return a further member as what JSON can hold; texts and lists are cut."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if depth and isinstance(value, Mapping):
        pairs = list(value.items())[:LISTED_ROWS]
        return {safe_text(key): _plain(item, depth - 1) for key, item in pairs}
    if depth and isinstance(value, list | tuple):
        return [_plain(item, depth - 1) for item in value[:LISTED_ROWS]]
    return safe_text(value, _NAMES)

"""What a service answers instead of what was asked, in words of the command line."""

from collections.abc import Mapping
from typing import Any, Final

import httpx2

from app.errors import AllybinError, Fault, InputRefused, ServiceFailed, safe_text

type Json = Any

_INPUT: Final = frozenset({400, 409, 413, 415, 422})
_BUSY: Final = frozenset({429, 503})
_MESSAGE: Final = 1000

KEY_WANTED: Final = "Set ALLYBIN_KEY, or name a file that holds it with --key-file."


def refusal(answer: httpx2.Response, about: str) -> AllybinError:
    """Return what an answer other than a success is told as.

    What is wrong with an input becomes ``InputRefused``, with its rows and columns.
    """
    status = answer.status_code
    said = _problem(answer)
    detail = safe_text(said.get("detail") or "", _MESSAGE)
    if status in _INPUT and said:
        return _input_refused(said, detail, about)
    if status == 401:
        return ServiceFailed(f"The service does not know this key. {KEY_WANTED}")
    if status in _BUSY and detail:
        after = safe_text(answer.headers.get("Retry-After", ""))
        later = f" It asks to try again in {after} s." if after.isdigit() else ""
        return ServiceFailed(f"The service is busy: {detail}{later}")
    if detail:
        return ServiceFailed(f"The service answers {status}: {detail}")
    return ServiceFailed(
        f"{answer.request.url.host} answers {status}, and not as allybin does: "
        "--server may name something else."
    )


def _input_refused(said: dict[str, Json], detail: str, about: str) -> InputRefused:
    code = safe_text(said.get("type") or "refused").rpartition("/")[2]
    errors = [one for one in said.get("errors") or () if isinstance(one, dict)]
    faults = [fault_of(error, about) for error in errors]
    if not any(fault.row for fault in faults):
        faults.insert(0, Fault(file=about, code=code, message=detail))
    return InputRefused(
        faults,
        good_rows=_count(said.get("good_rows")),
        bad_rows=_count(said.get("bad_rows")),
    )


def fault_of(error: Mapping[str, Json], about: str) -> Fault:
    """Return an entry of ``errors`` as a fault of a file."""
    column = error.get("column")
    return Fault(
        file=about,
        row=_count(error.get("row")) or None,
        column=None if column is None else safe_text(column),
        code=safe_text(error.get("code") or "refused"),
        message=safe_text(error.get("message") or "It is refused.", _MESSAGE),
    )


def _count(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 0


def _problem(answer: httpx2.Response) -> dict[str, Json]:
    if not answer.headers.get("Content-Type", "").startswith(
        "application/problem+json"
    ):
        return {}
    try:
        said = answer.json()
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}

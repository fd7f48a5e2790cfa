"""Turns everything that can be raised into problem details."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from app.edge.problem import Problem, error
from app.errors import InputRefused, quoted, safe_text

_CODES: Final = {
    "missing": "missing_key",
    "extra_forbidden": "unknown_key",
    "literal_error": "choice",
    "enum": "choice",
    "union_tag_invalid": "choice",
    "union_tag_not_found": "missing_key",
    "string_pattern_mismatch": "pattern",
    "string_too_short": "length",
    "string_too_long": "length",
    "too_short": "length",
    "too_long": "length",
    "greater_than": "range",
    "greater_than_equal": "range",
    "less_than": "range",
    "less_than_equal": "range",
    "finite_number": "range",
}

_DETAILS: Final = {
    404: "There is no such thing.",
    405: "There is no such call here; the Allow header lists those there are.",
}


_RULE: Final = re.compile(r"\w+ should (.*)", re.DOTALL)


class Refusing(Protocol):
    """What an exception has to hold to be answered as a problem."""

    @property
    def status(self) -> int: ...
    @property
    def title(self) -> str: ...
    @property
    def code(self) -> str: ...
    @property
    def detail(self) -> str: ...
    @property
    def errors(self) -> Sequence[Mapping[str, Any]]: ...
    @property
    def extra(self) -> Mapping[str, Any]: ...


def install_handlers(app: FastAPI, *refusals: type[Exception]) -> None:
    """Answer whatever a call raises with problem details.

    Parameters
    ----------
    refusals
        Exceptions of layers above that hold what a problem holds (``Refusing``).
    """
    app.add_exception_handler(Problem, _of_problem)
    app.add_exception_handler(InputRefused, _of_input)
    app.add_exception_handler(RequestValidationError, _of_validation)
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(ClientDisconnect, _of_leaving)
    app.add_exception_handler(Exception, _of_anything)
    for refusal in refusals:
        app.add_exception_handler(refusal, _of_refusal)


async def _of_problem(_: Request, raised: Exception) -> Response:
    assert isinstance(raised, Problem)
    return raised.response()


async def _of_input(_: Request, raised: Exception) -> Response:
    assert isinstance(raised, InputRefused)
    return Problem.of_input(raised).response()


async def _of_refusal(_: Request, raised: Exception) -> Response:
    return of_refusal(raised).response()  # type: ignore[arg-type]


def of_refusal(refusal: Refusing) -> Problem:
    """Return the problem a refusal is answered with."""
    headers = {}
    if refusal.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if refusal.status in {429, 503}:
        headers["Retry-After"] = str(refusal.extra.get("retry_after", 5))
    return Problem(
        refusal.status,
        refusal.title,
        refusal.detail,
        code=refusal.code,
        errors=refusal.errors,
        extra=refusal.extra,
        headers=headers,
    )


async def _of_http(_: Request, raised: Exception) -> Response:
    assert isinstance(raised, HTTPException)
    detail = _DETAILS.get(raised.status_code, raised.detail)
    return Problem.of(raised.status_code, detail, headers=raised.headers).response()


async def _of_leaving(_: Request, __: Exception) -> Response:
    # Nobody reads it; it ends the call without an error in the log.
    detail = "The connection closed before the request was whole."
    return Problem.of(400, detail).response()


async def _of_anything(_: Request, __: Exception) -> Response:
    # The access log names the exception; an answer never does.
    return unexpected().response()


def unexpected() -> Problem:
    """Return the answer to a fault of ours, without any of it."""
    return Problem.of(
        500,
        "Something went wrong here. The X-Request-ID header names this call in the "
        "log; it may be repeated with the same Idempotency-Key.",
    )


async def _of_validation(_: Request, raised: Exception) -> Response:
    assert isinstance(raised, RequestValidationError)
    return not_valid(raised.errors()).response()


def not_valid(faults: Sequence[Mapping[str, Any]]) -> Problem:
    """Return the problem of what pydantic found, naming fields and never echoing."""
    errors = [_error(fault) for fault in faults]
    detail = errors[0]["message"] if len(errors) == 1 else ""
    return Problem(
        422,
        "Not acceptable",
        detail or f"{len(errors)} things are wrong with the call; see errors.",
        errors=errors,
    )


def _error(fault: Mapping[str, Any]) -> dict[str, Any]:
    kind = str(fault["type"])
    place = [part for part in fault["loc"] if part not in {"body", "query", "path"}]
    column = ".".join(str(part) for part in place)
    shown = quoted(column) if column else "The body"
    message = str(fault["msg"]).removeprefix("Value error, ")
    if kind == "missing":
        message = f"{shown} is missing."
    elif kind == "extra_forbidden":
        message = f"{shown} is not among the fields of this call."
    elif (rule := _RULE.match(message)) is not None:
        message = f"{shown} must {rule[1]}."
    elif not message.endswith("."):
        message = f"{shown}: {message}."
    return error(
        message,
        column=column or None,
        code=_CODES.get(kind, "type" if kind.endswith("_type") else "value"),
        value=None if kind == "missing" else _said(fault.get("input")),
    )


def _said(value: object) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return safe_text(value)
    if value is None:
        return "null"
    return "a list" if isinstance(value, list | tuple) else "an object"

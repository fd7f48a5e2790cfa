"""Bodies read strictly: one JSON document, nothing repeated, nothing converted."""

import json
import re
from collections.abc import Awaitable, Callable, Iterator
from math import isfinite
from typing import Any, Final, NoReturn

from fastapi import Request
from pydantic import TypeAdapter, ValidationError

from app.edge.handlers import not_valid
from app.edge.problem import Problem, error
from app.errors import quoted, safe_text

DEPTH: Final = 16
"""How deep objects and lists may nest."""

KEY_LENGTH: Final = 64
"""Characters a key may have."""

_DIGITS: Final = 18  # what a whole number of 64 bits surely holds
_STRINGS: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_NOT_BRACKETS: Final = re.compile(r"[^\[\]{}]+")
_FORBIDDEN: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")

JSON: Final = "application/json"


def media_type(request: Request, *accepted: str) -> str:
    """Return the media type of a body, one of those accepted, in lower case.

    Raises
    ------
    Problem
        415 for any other, none, or text that is not UTF-8.
    """
    given = request.headers.get("content-type", "")
    kind, _, options = given.partition(";")
    kind = kind.strip().lower()
    if kind not in accepted:
        shown = quoted(kind) if kind else "nothing"
        listed = " or ".join(accepted)
        detail = f"Content-Type says {shown}; this call takes {listed}."
        raise Problem.of(415, detail, headers={"Accept": ", ".join(accepted)})
    for option in options.split(";"):
        name, _, value = option.partition("=")
        charset = value.strip().strip('"').lower()
        if name.strip().lower() == "charset" and charset not in {"utf-8", "utf8"}:
            detail = f"The body is said to be {quoted(charset)}; it has to be UTF-8."
            raise Problem.of(415, detail)
    return kind


def strict_json(raw: bytes) -> Any:
    """Return the one JSON document a body is.

    Raises
    ------
    Problem
        400 where it is none, or nests deeper than 16; 422 where it repeats a key, or
        holds a number or a character that nothing here can take.
    """
    text = _text(raw)
    if text.count("[") + text.count("{") > DEPTH and _too_deep(text):
        raise _syntax(f"The JSON is nested deeper than the limit of {DEPTH}.", "depth")
    try:
        document = _DECODER.decode(text)
    except json.JSONDecodeError as fault:
        place = f"line {fault.lineno}, column {fault.colno}"
        raise _syntax(
            f"The body is not one JSON document: a fault at {place}."
        ) from None
    if "\\" in text or not text.isascii() or "\x7f" in text:
        for found in _texts(document):
            if _FORBIDDEN.search(found):
                message = "A text holds a control character or half a character."
                _refuse(message, "character", found)
    return document


def parsed(model: Any) -> Callable[[Request], Awaitable[Any]]:
    """Return a dependency that gives a body of exactly this type, or a Problem.

    Types are exact, as in JSON itself: a number is no text, 1.0 is no whole number.
    ``app.edge.described`` tells the API's description of it.
    """
    adapter: TypeAdapter[Any] = TypeAdapter(model)

    async def body(request: Request) -> Any:
        media_type(request, JSON)
        raw = await request.body()
        strict_json(raw)
        try:
            return adapter.validate_json(raw, strict=True)
        except ValidationError as wrong:
            faults = wrong.errors(include_url=False, include_context=False)
            raise not_valid(faults) from None

    body.body_type = model  # type: ignore[attr-defined]
    return body


def _text(raw: bytes) -> str:
    if not raw.strip():
        raise _syntax("The body is empty; this call takes a JSON document.", "empty")
    if raw.startswith(b"\xef\xbb\xbf"):
        raise _syntax("The body begins with a byte order mark; leave it out.")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as fault:
        message = f"The body is not UTF-8 text (byte {fault.start + 1})."
        raise _syntax(message, "encoding") from None


def _too_deep(text: str) -> bool:
    depth = 0
    for bracket in _NOT_BRACKETS.sub("", _STRINGS.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        if depth > DEPTH:
            return True
    return False


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        yield from value
        for item in value.values():
            yield from _texts(item)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    seen = {key.strip().casefold() for key in found}
    if len(seen) != len(pairs):
        keys = [key.strip().casefold() for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        _refuse(f"The key {quoted(twice)} is given twice.", "repeated_key", twice)
    for key in found:
        if len(key) > KEY_LENGTH:
            message = f"A key is longer than {KEY_LENGTH} characters."
            _refuse(message, "key_limit", key)
    return found


def _whole(digits: str) -> int:
    if len(digits.removeprefix("-")) > _DIGITS:
        message = f"A whole number has more than {_DIGITS} digits."
        _refuse(message, "whole_number", digits)
    return int(digits)


def _real(written: str) -> float:
    number = float(written)
    if not isfinite(number):
        _refuse("A number is too large.", "type", written)
    return number


def _constant(name: str) -> NoReturn:
    _refuse(f"{name} is not a number in JSON.", "type", name)


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_int=_whole,
    parse_float=_real,
    parse_constant=_constant,
)


def _refuse(message: str, code: str, value: str) -> NoReturn:
    fault = error(message, code=code, value=safe_text(value))
    raise Problem(422, "Not acceptable", message, errors=[fault])


def _syntax(message: str, code: str = "syntax") -> Problem:
    return Problem(400, "Not understood", message, errors=[error(message, code=code)])

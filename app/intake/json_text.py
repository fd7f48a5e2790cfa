"""JSON and NDJSON with exact types (rules J1 to J5, T1, T2)."""

import json
import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, BinaryIO, Final

from app.errors import FaultCode, quoted
from app.intake.columns import unknown_name
from app.intake.limits import JSON_DEPTH, Limits
from app.intake.records import Decoded, Kind, Record, Schema, Trouble, refuse

_STRINGS: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_NOT_BRACKETS: Final = re.compile(r"[^\[\]{}]+")

SYSTEM_FIELDS: Final = frozenset(
    {
        "status",
        "state",
        "version",
        "revision",
        "decision",
        "decided_by",
        "decided_at",
        "decided_on",
        "created_at",
        "created_by",
        "updated_at",
        "updated_by",
        "submitted_at",
        "submitted_by",
        "batch_id",
        "proposal_id",
        "bin_id",
        "hash",
        "sha256",
        "etag",
    }
)
"""Fields the system owns: refused, also when other unknown fields are kept."""


class Whole(str):
    """A JSON number without point and exponent, as written."""

    __slots__ = ()


class Real(str):
    """A JSON number with a point or an exponent, as written."""

    __slots__ = ()


class NotFinite(str):
    """NaN or Infinity, which JSON does not have, as written."""

    __slots__ = ()


class Repeating(dict[str, Any]):
    """An object in which a key was given twice; ``repeated`` names one."""

    repeated: str = ""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    seen = {key.strip().casefold() for key, _ in pairs}
    if len(seen) == len(pairs):
        return {key.strip(): value for key, value in pairs}
    keys = [key.strip().casefold() for key, _ in pairs]
    repeating = Repeating({key.strip(): value for key, value in pairs})
    repeating.repeated = next(key for key in keys if keys.count(key) > 1)
    return repeating


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_int=Whole,
    parse_float=Real,
    parse_constant=NotFinite,
)


def parse_document(text: str) -> Any:
    """Parse one JSON document, its numbers kept as written.

    Raises
    ------
    RefusedFile
        When it nests too deep or is not JSON; the message gives the position.
    """
    if depth_of(text) > JSON_DEPTH:
        message = f"The JSON is nested deeper than the limit of {JSON_DEPTH}."
        raise refuse(FaultCode.DEPTH_LIMIT, message)
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        what = "something after its end" if error.msg == "Extra data" else "a fault"
        message = (
            f"The file is not one JSON document: {what} at line {error.lineno}, "
            f"column {error.colno}."
        )
        raise refuse(FaultCode.SYNTAX, message) from None
    except RecursionError:
        message = f"The JSON is nested deeper than the limit of {JSON_DEPTH}."
        raise refuse(FaultCode.DEPTH_LIMIT, message) from None


def depth_of(text: str) -> int:
    """Return how deep brackets nest, without parsing; the parser's work grows with it.

    Stops counting one beyond the limit.
    """
    if text.count("[") + text.count("{") <= JSON_DEPTH:
        return 0
    brackets = _NOT_BRACKETS.sub("", _STRINGS.sub("", text))
    depth = deepest = 0
    for bracket in brackets:
        if bracket in "[{":
            depth += 1
            if depth > deepest:
                deepest = depth
                if deepest > JSON_DEPTH:
                    break
        else:
            depth -= 1
    return deepest


def read_text(stream: BinaryIO) -> str:
    """Read a whole file as UTF-8; a byte order mark at its start is dropped."""
    try:
        text = stream.read().decode("utf-8")
    except UnicodeDecodeError as error:
        message = f"The file is not UTF-8 text (byte {error.start + 1}); save as UTF-8."
        raise refuse(FaultCode.ENCODING, message) from None
    return text.removeprefix("\ufeff")


def decode_json(
    stream: BinaryIO, schema: Schema, *, keep_extra: bool, limits: Limits | None
) -> Decoded:
    """Read a list of requests, or an object that holds one under ``requests``."""
    text = read_text(stream)
    if not text.strip():
        raise refuse(FaultCode.EMPTY, f"The file is empty: no {schema.thing}.")
    document = parse_document(text)
    del text
    if isinstance(document, dict):
        document = _unwrapped(document, schema)
    if not isinstance(document, list):
        message = (
            f"The document must be a list of {schema.thing}, not {said(document)}."
        )
        raise refuse(FaultCode.TYPE, message, value=said(document))
    if not document:
        raise refuse(FaultCode.EMPTY, f"The list is empty: no {schema.thing}.")
    if limits is not None and len(document) > limits.max_rows:
        message = f"The file has more rows than the row limit of {limits.max_rows:,}."
        raise refuse(FaultCode.ROW_LIMIT, message)
    reader = _ObjectReader(schema, keep_extra=keep_extra, limits=limits)
    for number, item in enumerate(document, start=1):
        yield reader.record(number, item)


def decode_ndjson(
    stream: BinaryIO, schema: Schema, *, keep_extra: bool, limits: Limits | None
) -> Decoded:
    """Read one object a line."""
    reader = _ObjectReader(schema, keep_extra=keep_extra, limits=limits)
    number = 0
    for number, raw in enumerate(iter(stream.readline, b""), start=1):
        if limits is not None and number > limits.max_rows:
            message = (
                f"The file has more rows than the row limit of {limits.max_rows:,}."
            )
            raise refuse(FaultCode.ROW_LIMIT, message)
        try:
            line = raw.decode("utf-8")
        except UnicodeDecodeError:
            message = f"Line {number} is not UTF-8 text; save as UTF-8."
            raise refuse(FaultCode.ENCODING, message, row=number) from None
        if number == 1:
            line = line.removeprefix("\ufeff")
        yield _line_record(reader, number, line)
    if number == 0:
        raise refuse(FaultCode.EMPTY, f"The file is empty: no {schema.thing}.")


def _line_record(reader: "_ObjectReader", number: int, line: str) -> Record | Trouble:
    code, message = FaultCode.SYNTAX, f"Line {number} is not one whole JSON object"
    if not line.strip():
        return Trouble(code=code, message=f"Line {number} is blank.", row=number)
    try:
        if depth_of(line) > JSON_DEPTH:
            raise RecursionError
        return reader.record(number, _DECODER.decode(line))
    except json.JSONDecodeError as error:
        message += f": a fault at column {error.colno}."
    except RecursionError:
        code = FaultCode.DEPTH_LIMIT
        message = f"Line {number} is nested deeper than the limit of {JSON_DEPTH}."
    return Trouble(code=code, message=message, row=number)


def _unwrapped(document: dict[str, Any], schema: Schema) -> Any:
    if isinstance(document, Repeating):
        message = f"The key {quoted(document.repeated)} is given twice."
        raise refuse(FaultCode.REPEATED_KEY, message)
    if schema.thing not in document:
        message = (
            f"The document must be a list of {schema.thing}, or an object that holds "
            f'one under "{schema.thing}".'
        )
        raise refuse(FaultCode.TYPE, message)
    others = [key for key in document if key != schema.thing]
    if others:
        message = f'{quoted(others[0])} is not a key beside "{schema.thing}".'
        raise refuse(FaultCode.UNKNOWN_COLUMN, message, column=others[0])
    return document[schema.thing]


class _ObjectReader:
    """Turns objects into records, each value's type checked against its field."""

    def __init__(
        self, schema: Schema, *, keep_extra: bool, limits: Limits | None
    ) -> None:
        self._schema = schema
        self._keep_extra = keep_extra
        self._most = limits.max_columns if limits is not None else None
        self._known = frozenset(schema.fields)
        self._unknown: dict[str, tuple[FaultCode, str] | None] = {}
        self._fields: tuple[
            tuple[str, Callable[[Any], tuple[FaultCode, str] | str]], ...
        ]
        self._fields = tuple(
            (field, _CELLS[schema.kinds.get(field, Kind.TEXT)])
            for field in schema.fields
        )

    def record(self, number: int, item: Any) -> Record | Trouble:
        """Return the record of one object, with a trouble for every wrong type."""
        if not isinstance(item, dict):
            message = f"Each of the {self._schema.thing} must be an object, "
            return Trouble(
                code=FaultCode.TYPE,
                message=f"{message}not {said(item)}.",
                row=number,
                value=said(item),
            )
        troubles = list(self._key_troubles(number, item))
        cells: list[str | None] = []
        for field, cell in self._fields:
            value = item.get(field)
            if value is None:
                cells.append("")
                continue
            text = cell(value)
            if isinstance(text, tuple):
                troubles.append(_trouble(number, field, text, value))
                cells.append(None)
            else:
                cells.append(text)
        extra = []
        if self._keep_extra:
            for key in item.keys() - self._known:
                text = _free(item[key])
                if isinstance(text, tuple):
                    troubles.append(_trouble(number, key, text, item[key]))
                elif text:
                    extra.append((key, text))
        order = {key: place for place, key in enumerate(item)}
        extra.sort(key=lambda pair: order[pair[0]])
        return Record(number, cells, tuple(extra), troubles)

    def _key_troubles(self, number: int, item: dict[str, Any]) -> Iterable[Trouble]:
        if isinstance(item, Repeating):
            message = f"The key {quoted(item.repeated)} is given twice."
            wrong = FaultCode.REPEATED_KEY, message
            yield _trouble(number, item.repeated, wrong, item.repeated)
        if self._most is not None and len(item) > self._most:
            message = f"The object has {len(item):,} keys; the limit is {self._most}."
            yield Trouble(code=FaultCode.COLUMN_LIMIT, message=message, row=number)
            return
        for count, key in enumerate(sorted(item.keys() - self._known)):
            if count == 20:
                return
            wrong_key = self._wrong_key(key)
            if wrong_key is not None:
                yield _trouble(number, key, wrong_key, key)

    def _wrong_key(self, key: str) -> tuple[FaultCode, str] | None:
        if key not in self._unknown:
            if len(self._unknown) > 1000:
                self._unknown.clear()
            wrong = unknown_name(key, self._schema, keep_extra=self._keep_extra)
            if key.casefold() in SYSTEM_FIELDS:
                message = f"{quoted(key)} is a field the system owns; leave it out."
                wrong = FaultCode.SYSTEM_FIELD, message
            self._unknown[key] = wrong
        return self._unknown[key]


def _trouble(
    number: int, column: str, wrong: tuple[FaultCode, str], value: Any
) -> Trouble:
    return Trouble(
        code=wrong[0],
        message=wrong[1] if wrong[1].endswith(".") else f"{column} {wrong[1]}.",
        row=number,
        column=column,
        value=value if isinstance(value, str) else said(value),
    )


def _text(value: Any) -> tuple[FaultCode, str] | str:
    if type(value) is str:
        return value
    return FaultCode.TYPE, f"must be a text in quotes, not {said(value)}"


def _count(value: Any) -> tuple[FaultCode, str] | str:
    if type(value) is Whole:
        return str(value)
    return FaultCode.TYPE, f"must be a whole number, not {said(value)}"


def _amount(value: Any) -> tuple[FaultCode, str] | str:
    if type(value) is Whole:
        return str(value)
    if type(value) is Real:
        return shortest(float(value))
    return FaultCode.TYPE, f"must be a number, not {said(value)}"


def _yes_no(value: Any) -> tuple[FaultCode, str] | str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return FaultCode.TYPE, f"must be true or false, not {said(value)}"


def _free(value: Any) -> tuple[FaultCode, str] | str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and not isinstance(value, NotFinite):
        return str(value)
    return FaultCode.TYPE, f"must be a text, a number, true or false, not {said(value)}"


_CELLS: Final[dict[Kind, Callable[[Any], tuple[FaultCode, str] | str]]] = {
    Kind.TEXT: _text,
    Kind.FREE: _text,
    Kind.DATE: _text,
    Kind.COUNT: _count,
    Kind.AMOUNT: _amount,
    Kind.YES_NO: _yes_no,
}


def shortest(number: float) -> str:
    """Return the shortest decimal that reads back as a number, without exponent."""
    plain = repr(number)
    if "e" in plain or "n" in plain:  # an exponent, infinity or not a number
        decimal = Decimal(plain)
        plain = format(decimal, "f") if decimal.is_finite() else plain
    return plain.removesuffix(".0")


def said(value: Any) -> str:
    """Return a JSON value in words, short and safe."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, NotFinite):
        return f"{value}, which is not finite"
    if isinstance(value, Whole | Real):
        return f"the number {value[:40]}"
    if isinstance(value, str):
        return f"the text {quoted(value)}"
    return "a list" if isinstance(value, list) else "an object"


def first_object(line: str) -> dict[str, Any] | None:
    """Return the object a line of text is, None where it is no whole object."""
    try:
        if depth_of(line) > JSON_DEPTH:
            return None
        found = _DECODER.decode(line)
    except (json.JSONDecodeError, RecursionError):
        return None
    return found if isinstance(found, dict) else None

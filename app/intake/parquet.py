"""Parquet: flat typed columns, read by batches (rule P1)."""

from collections.abc import Callable, Iterator
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, BinaryIO, Final

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from app.errors import FaultCode, quoted
from app.intake.columns import Plan, plan_columns
from app.intake.json_text import shortest
from app.intake.limits import Limits
from app.intake.records import Decoded, Kind, Record, Schema, Trouble, refuse

_BATCH_ROWS: Final = 4_096


def decode_parquet(
    stream: BinaryIO, schema: Schema, *, keep_extra: bool, limits: Limits | None
) -> Decoded:
    """Read the records of a Parquet file."""
    try:
        file = pq.ParquetFile(stream)
        types = file.schema_arrow
        claimed = file.metadata.num_rows
    except (pa.ArrowException, OSError, ValueError):
        raise _damaged() from None
    if limits is not None and claimed > limits.max_rows:
        raise _too_many(limits)
    names = [safe(name) for name in types.names]
    plan, troubles = plan_columns(names, schema, keep_extra=keep_extra, limits=limits)
    troubles += _type_troubles(types, plan, schema)
    yield from troubles
    if troubles:
        return
    columns = _columns(types, plan, schema)
    number = 1
    for row in _cells(file, columns):
        number += 1
        if limits is not None and number - 1 > limits.max_rows:
            raise _too_many(limits)
        yield _record(number, row, columns, schema)
    if number == 1:
        raise refuse(FaultCode.EMPTY, f"The file has no rows: no {schema.thing}.")


def safe(name: str) -> str:
    """Return a column name as text that has no lone surrogates."""
    return name.encode("utf-8", errors="replace").decode("utf-8")


type _Column = tuple[int, str, bool, Callable[[Any], str | None]]


def _columns(types: pa.Schema, plan: Plan, schema: Schema) -> list[_Column]:
    """Return (place, name, is a field, cell reader) of each column that is read."""
    columns: list[_Column] = []
    for field, place in zip(schema.fields, plan.places, strict=True):
        if place is not None:
            columns.append((place, field, True, _reader(types.types[place])))
    for place, name in plan.extras:
        columns.append((place, name, False, _reader(types.types[place])))
    return columns


def _cells(file: pq.ParquetFile, columns: list[_Column]) -> Iterator[tuple[Any, ...]]:
    try:
        for batch in file.iter_batches(batch_size=_BATCH_ROWS):
            lists = [batch.column(place).to_pylist() for place, *_ in columns]
            yield from zip(*lists, strict=True)
    except (pa.ArrowException, OSError, ValueError, OverflowError):
        raise _damaged() from None


def _record(
    number: int, row: tuple[Any, ...], columns: list[_Column], schema: Schema
) -> Record:
    cells: dict[str, str | None] = {}
    extra = []
    troubles = []
    for value, (_, name, is_field, read) in zip(row, columns, strict=True):
        text = "" if value is None else read(value)
        if text is None:
            message = f"{name} has a time of day; a day alone is allowed."
            trouble = Trouble(code=FaultCode.TYPE, message=message, row=number)
            trouble.column, trouble.value = name, str(value)
            troubles.append(trouble)
        if is_field:
            cells[name] = text
        elif text:
            extra.append((name, text))
    texts = [cells.get(field, "") for field in schema.fields]
    return Record(number, texts, tuple(extra), troubles)


def _type_troubles(types: pa.Schema, plan: Plan, schema: Schema) -> list[Trouble]:
    troubles = []
    fields = dict(zip(plan.places, schema.fields, strict=True))
    kept = dict(plan.extras)
    for place, kind in enumerate(types.types):
        name = fields.get(place) or kept.get(place) or safe(types.names[place])
        if pa.types.is_nested(kind):
            message = f"{quoted(name)} is a nested column; columns must be flat."
        elif place in fields and not _fits(kind, fields[place], schema):
            wanted = schema.kinds.get(fields[place], Kind.TEXT)
            wanted = Kind.TEXT if wanted is Kind.FREE else wanted
            allowed = _ALLOWED.get(wanted, wanted.value)
            message = f"{name} must be {allowed}, not of type {kind}."
        elif place in kept and pa.types.is_binary(kind):
            message = f"{quoted(name)} is binary; it cannot be kept as text."
        else:
            continue
        troubles.append(
            Trouble(
                code=FaultCode.TYPE, message=message, row=1, column=name, whole=True
            )
        )
    return troubles


_ALLOWED: Final = {
    Kind.TEXT: "a string",
    Kind.COUNT: "an integer",
    Kind.AMOUNT: "an integer or a decimal",
    Kind.DATE: "a date, or a timestamp without zone at midnight",
    Kind.YES_NO: "a boolean",
}


def _fits(kind: pa.DataType, field: str, schema: Schema) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_null(kind):
        return True
    wanted = schema.kinds.get(field, Kind.TEXT)
    if wanted is Kind.COUNT:
        return bool(pa.types.is_integer(kind))
    if wanted is Kind.AMOUNT:
        return bool(pa.types.is_integer(kind) or pa.types.is_decimal(kind))
    if wanted is Kind.DATE:
        naive = pa.types.is_timestamp(kind) and kind.tz is None
        return bool(pa.types.is_date(kind) or naive)
    if wanted is Kind.YES_NO:
        return bool(pa.types.is_boolean(kind))
    return _is_text(kind)


def _is_text(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_string_view(kind)
    )


def _reader(kind: pa.DataType) -> Callable[[Any], str | None]:
    """Return how a value of a type is read as text; None is a time of day."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_boolean(kind):
        return lambda value: "true" if value else "false"
    if pa.types.is_decimal(kind):
        return _plain
    if pa.types.is_floating(kind):
        return shortest
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return _day
    return str


def _plain(value: Decimal) -> str:
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _day(value: date) -> str | None:
    if not isinstance(value, datetime):
        return value.isoformat()
    nanoseconds = getattr(value, "nanosecond", 0)
    return (
        value.date().isoformat() if value.time() == time() and not nanoseconds else None
    )


def _too_many(limits: Limits) -> Exception:
    message = f"The file has more rows than the row limit of {limits.max_rows:,}."
    return refuse(FaultCode.ROW_LIMIT, message)


def _damaged() -> Exception:
    return refuse(FaultCode.DAMAGED, "The Parquet file is damaged.")

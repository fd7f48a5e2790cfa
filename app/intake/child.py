"""The process apart: caps itself, decodes standard input, writes what it finds."""

import json
import resource
import sys
from typing import IO, Any

from app.errors import FaultCode
from app.intake.decode import decode_text
from app.intake.limits import Limits
from app.intake.records import (
    SCHEMAS,
    Decoded,
    Format,
    Record,
    RefusedFile,
    Trouble,
    refuse,
)


def main(arguments: list[str]) -> None:
    """Decode standard input as the task says; write one JSON list a line."""
    task = json.loads(arguments[0])
    _cap(task["memory"], task["seconds"])
    out = sys.stdout
    try:
        for found in _decoded(task):
            out.write(_line(found))
    except RefusedFile as refused:
        _write(out, ["refused", _fields(refused.trouble)])
    except MemoryError:
        message = "The file unpacks to more than the size limit of memory."
        _write(out, ["refused", _fields(refuse(FaultCode.SIZE_LIMIT, message).trouble)])
    else:
        _write(out, ["end"])
    out.flush()


def _cap(memory: int, seconds: int) -> None:
    for what, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
    ):
        hard = resource.getrlimit(what)[1]
        lower = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (lower, lower))


def _decoded(task: dict[str, Any]) -> Decoded:
    schema = SCHEMAS[task["schema"]]
    limits = None
    if task["max_rows"] is not None:
        limits = Limits(
            max_unpacked_bytes=task["max_unpacked_bytes"],
            max_rows=task["max_rows"],
            max_columns=task["max_columns"],
        )
    found = Format(task["format"])
    stream = sys.stdin.buffer
    keep_extra = bool(task["keep_extra"])
    if found is Format.XLSX:
        from app.intake.workbook import decode_xlsx

        return decode_xlsx(stream, schema, keep_extra=keep_extra, limits=limits)
    if found is Format.PARQUET:
        from app.intake.parquet import decode_parquet

        return decode_parquet(stream, schema, keep_extra=keep_extra, limits=limits)
    return decode_text(stream, found, schema, keep_extra=keep_extra, limits=limits)


def _line(found: Record | Trouble) -> str:
    if isinstance(found, Record):
        troubles = [_fields(trouble) for trouble in found.troubles]
        parts: list[Any] = ["record", found.number, found.cells, found.extra, troubles]
    else:
        parts = ["trouble", _fields(found)]
    return json.dumps(parts) + "\n"


def _write(out: IO[str], parts: list[Any]) -> None:
    out.write(json.dumps(parts) + "\n")


def _fields(trouble: Trouble) -> list[Any]:
    return [
        trouble.code,
        trouble.message,
        trouble.row,
        trouble.column,
        trouble.value,
        trouble.whole,
    ]


if __name__ == "__main__":
    main(sys.argv[1:])

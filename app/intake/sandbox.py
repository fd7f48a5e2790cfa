"""Decoding in a process apart, where a hostile file hurts nobody.

The child reads the file from its standard input and writes one JSON list a line: a
record, a trouble, or the end. Memory and processor time are capped by the operating
system, the time on the wall by the parent, and whatever happens to the child becomes
a fault of the file.
"""

import json
import os
import subprocess
import sys
import threading
from typing import BinaryIO, Final

from app.errors import FaultCode
from app.intake.limits import Limits
from app.intake.records import Decoded, Format, Record, Schema, Trouble, refuse

_UNLIMITED_SECONDS: Final = 3_600
_MEMORY: Final = 2 << 30
_UNLIMITED_MEMORY: Final = 8 << 30


def decode_apart(
    stream: BinaryIO,
    found: Format,
    schema: Schema,
    *,
    keep_extra: bool,
    limits: Limits | None,
) -> Decoded:
    """Read a file in a child process; the stream must have a file descriptor.

    Raises
    ------
    RefusedFile
        When the file cannot be read, takes too long or too much memory.
    """
    seconds = _UNLIMITED_SECONDS if limits is None else limits.seconds
    task = {
        "format": found,
        "schema": schema.thing,
        "keep_extra": keep_extra,
        "max_unpacked_bytes": limits and limits.max_unpacked_bytes,
        "max_rows": limits and limits.max_rows,
        "max_columns": limits and limits.max_columns,
        "memory": _UNLIMITED_MEMORY if limits is None else _MEMORY,
        "seconds": seconds,
    }
    path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
    os.lseek(stream.fileno(), 0, os.SEEK_SET)
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "app.intake.child", json.dumps(task)],
        stdin=stream,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": path},
    ) as child:
        late = threading.Event()
        timer = threading.Timer(seconds, _stop, (child, late))
        timer.start()
        try:
            yield from _received(child, late, seconds)
        finally:
            timer.cancel()
            child.kill()


def _stop(child: "subprocess.Popen[bytes]", late: threading.Event) -> None:
    late.set()
    child.kill()


def _received(
    child: "subprocess.Popen[bytes]", late: threading.Event, seconds: int
) -> Decoded:
    assert child.stdout is not None  # it was asked for as a pipe
    for line in child.stdout:
        if not line.endswith(b"\n"):
            break
        kind, *rest = json.loads(line)
        if kind == "end":
            return
        if kind == "record":
            number, cells, extra, troubles = rest
            yield Record(
                number,
                cells,
                tuple((name, text) for name, text in extra),
                [_trouble(fields) for fields in troubles],
            )
        elif kind == "refused":
            trouble = _trouble(rest[0])
            raise refuse(
                trouble.code,
                trouble.message,
                row=trouble.row,
                column=trouble.column,
                value=trouble.value,
            )
        else:
            yield _trouble(rest[0])
    if late.is_set():
        message = f"Reading the file took longer than the time limit of {seconds} s."
        raise refuse(FaultCode.TIME_LIMIT, message)
    message = "The file is damaged, or too large to be read safely."
    raise refuse(FaultCode.DAMAGED, message)


def _trouble(fields: list[object]) -> Trouble:
    code, message, row, column, value, whole = fields
    return Trouble(
        code=FaultCode(str(code)),
        message=str(message),
        row=row if isinstance(row, int) else None,
        column=None if column is None else str(column),
        value=None if value is None else str(value),
        whole=bool(whole),
    )

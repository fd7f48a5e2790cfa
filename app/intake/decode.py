"""One door to every format: a source in, records and troubles out."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath
from typing import BinaryIO, Final

from app.errors import FaultCode, safe_text
from app.intake.csv_text import decode_csv
from app.intake.json_text import decode_json, decode_ndjson, first_object
from app.intake.limits import Limits, size_text
from app.intake.records import Decoded, Format, Schema, refuse

_EXTENSIONS: Final = {
    ".csv": Format.CSV,
    ".xlsx": Format.XLSX,
    ".json": Format.JSON,
    ".ndjson": Format.NDJSON,
    ".jsonl": Format.NDJSON,
    ".parquet": Format.PARQUET,
}

_NOT_READ: Final = {
    ".xls": (FaultCode.LEGACY_FORMAT, "the legacy format of Excel"),
    ".xlsm": (FaultCode.MACROS, "a workbook with macros"),
    ".xlsb": (FaultCode.FILE_TYPE, "a binary workbook"),
    ".ods": (FaultCode.FILE_TYPE, "an OpenDocument sheet"),
}

_ZIP: Final = b"PK\x03\x04"
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_PARQUET: Final = b"PAR1"
_PARQUET_ENCRYPTED: Final = b"PARE"

_MAGICS: Final = (
    (_ZIP, "a ZIP archive or workbook"),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (_OLE, "a legacy or encrypted Office file"),
    (_PARQUET, "a Parquet file"),
    (_PARQUET_ENCRYPTED, "an encrypted Parquet file"),
    (b"\x1f\x8b", "a gzip file"),
    (b"%PDF", "a PDF"),
    (b"\x28\xb5\x2f\xfd", "a zstandard file"),
    (b"BZh", "a bzip2 file"),
    (b"\xfd7zXZ\x00", "an xz file"),
    (b"\x7fELF", "a program"),
)
_WIDE: Final = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")

_TEXT_DECODERS: Final[dict[Format, Callable[..., Decoded]]] = {
    Format.CSV: decode_csv,
    Format.JSON: decode_json,
    Format.NDJSON: decode_ndjson,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file to read: what to call it, its format (None: to be found out), its bytes.

    The stream is binary and can be moved in.
    """

    label: str
    stream: BinaryIO
    format: Format | None = None


def format_of(name: str) -> Format:
    """Return the format a file name stands for.

    Raises
    ------
    RefusedFile
        When it stands for none that is read.
    """
    extension = PurePath(name).suffix.lower()
    if extension in _EXTENSIONS:
        return _EXTENSIONS[extension]
    allowed = ", ".join(_EXTENSIONS)
    if extension in _NOT_READ:
        code, what = _NOT_READ[extension]
        message = f"{extension} is {what}, which is not read; allowed are {allowed}."
        raise refuse(code, message)
    shown = safe_text(extension) or "no extension"
    message = f"The file type ({shown}) is not known; allowed are {allowed}."
    raise refuse(FaultCode.FILE_TYPE, message)


def open_format(source: Source, limits: Limits | None) -> Format:
    """Return a source's format after a look at its size and first bytes.

    Raises
    ------
    RefusedFile
        When it is too large, or its content is not what its type says (X4).
    """
    stream = source.stream
    size = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    if limits is not None and size > limits.max_bytes:
        message = (
            f"The file has {size_text(size)}; "
            f"the size limit is {size_text(limits.max_bytes)}."
        )
        raise refuse(FaultCode.SIZE_LIMIT, message)
    head = stream.read(8)
    stream.seek(0)
    found = source.format or _sniffed(stream, head)
    if found is Format.XLSX:
        if head.startswith(_OLE):
            raise _legacy(stream)
        _expect(head, _ZIP, "an XLSX workbook")
    elif found is Format.PARQUET:
        if head.startswith(_PARQUET_ENCRYPTED):
            message = "The Parquet file is encrypted with a password or key."
            raise refuse(FaultCode.PASSWORD, message)
        _expect(head, _PARQUET, "a Parquet file")
    else:
        _expect_text(head, found)
    return found


def decode_text(
    stream: BinaryIO,
    found: Format,
    schema: Schema,
    *,
    keep_extra: bool,
    limits: Limits | None,
) -> Decoded:
    """Read a CSV, JSON or NDJSON file in this process: its parsers are safe."""
    decoder = _TEXT_DECODERS[found]
    return decoder(stream, schema, keep_extra=keep_extra, limits=limits)


def _expect(head: bytes, magic: bytes, what: str) -> None:
    if not head:
        raise refuse(FaultCode.EMPTY, "The file is empty: no requests.")
    if not head.startswith(magic):
        looks = next((name for mark, name in _MAGICS if head.startswith(mark)), "text")
        message = f"The content is not {what}: it looks like {looks}."
        raise refuse(FaultCode.CONTENT, message)


def _expect_text(head: bytes, found: Format) -> None:
    if head.startswith(_WIDE) or head[:1] == b"\0" or head[1:2] == b"\0":
        message = "The text is UTF-16 or UTF-32; save as UTF-8."
        raise refuse(FaultCode.ENCODING, message)
    for mark, name in _MAGICS:
        if head.startswith(mark):
            message = f"The content is not {found}: it looks like {name}."
            raise refuse(FaultCode.CONTENT, message)


def _legacy(stream: BinaryIO) -> Exception:
    """An OLE file is a workbook of the old format, or holds an encrypted new one."""
    start = stream.read(1 << 20)
    if "EncryptedPackage".encode("utf-16-le") in start:
        return refuse(FaultCode.PASSWORD, "The workbook is encrypted with a password.")
    message = "The workbook is in the legacy format (.xls); save it as .xlsx."
    return refuse(FaultCode.LEGACY_FORMAT, message)


def _sniffed(stream: BinaryIO, head: bytes) -> Format:
    """Find out the format of a source without a name, such as standard input."""
    if head.startswith((_ZIP, _OLE)):
        return Format.XLSX
    if head.startswith((_PARQUET, _PARQUET_ENCRYPTED)):
        return Format.PARQUET
    start = stream.read(1 << 16)
    stream.seek(0)
    text = start.decode("utf-8", errors="replace").removeprefix("\ufeff").lstrip()
    if text.startswith("["):
        return Format.JSON
    if text.startswith("{"):
        line = stream.readline().decode("utf-8", errors="replace")
        stream.seek(0)
        first = first_object(line.removeprefix("\ufeff"))
        if first is None or "requests" in first:
            return Format.JSON
        return Format.NDJSON
    return Format.CSV

"""XLSX: the archive and its parts, looked at before anything is believed.

Counts, sizes and dimensions in a workbook are claims; every limit is checked on what
is really read (X1). No DTD, entity or outside reference is followed (X2).
"""

import posixpath
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, BinaryIO, Final
from xml.etree.ElementTree import Element, ParseError, iterparse
from xml.parsers import expat

from app.errors import FaultCode, quoted
from app.intake.columns import Plan, plan_columns
from app.intake.limits import ARCHIVE_MEMBERS, ARCHIVE_RATIO, Limits, size_text
from app.intake.records import Decoded, Record, Schema, Trouble, refuse
from app.intake.sheet import Cell, Sheet, Styles, cell_text, read_strings, read_styles

_RATIO_FROM: Final = 1 << 20
_XML_FAULTS: Final = (ParseError, expat.ExpatError, UnicodeError, LookupError)
_ZIP_FAULTS: Final = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Listed:
    """A sheet as the workbook lists it."""

    name: str
    part: str
    hidden: bool


def decode_xlsx(
    stream: BinaryIO, schema: Schema, *, keep_extra: bool, limits: Limits | None
) -> Decoded:
    """Read the records of the one visible sheet of a workbook."""
    archive = _Archive(stream, limits)
    types = "[Content_Types].xml"
    if types not in archive.names:
        raise refuse(FaultCode.CONTENT, "The archive is not an XLSX workbook.")
    _check_types(archive, types)
    book = _Workbook(archive)
    sheet = book.sheet(schema.sheet)
    rows = sheet.rows()
    header = next(rows, None)
    if header is None:
        raise refuse(FaultCode.EMPTY, f"The sheet is empty: no {schema.thing}.")
    names, troubles = _header(*header)
    plan, found = plan_columns(names, schema, keep_extra=keep_extra, limits=limits)
    yield from (*troubles, *found)
    if plan.width and any(place is not None for place in plan.places):
        yield from _rows(rows, plan, schema, names, limits)


def _header(row: int, cells: dict[int, Cell]) -> tuple[list[str], list[Trouble]]:
    if row != 1:
        message = "Row 1 is blank; the header must stand there."
        raise refuse(FaultCode.MISSING_COLUMN, message, row=1)
    names = [""] * (max(cells) + 1)
    troubles = []
    for place, cell in cells.items():
        if cell.kind == "text":
            names[place] = cell.text
        else:
            message = f"{cell.name} of the header must be a text, not {cell.said()}."
            names[place] = cell.text
            trouble = Trouble(code=FaultCode.TYPE, message=message, row=1, whole=True)
            troubles.append(trouble)
    return names, troubles


def _rows(
    rows: Iterator[tuple[int, dict[int, Cell]]],
    plan: Plan,
    schema: Schema,
    names: list[str],
    limits: Limits | None,
) -> Decoded:
    count, last = 0, 1
    for row, cells in rows:
        count += 1
        if limits is not None and count > limits.max_rows:
            message = "The sheet has more rows than the row limit of "
            raise refuse(FaultCode.ROW_LIMIT, f"{message}{limits.max_rows:,}.")
        if row > last + 1:
            message = f"The row is blank and row {row} is not."
            yield Trouble(code=FaultCode.FIELD_COUNT, message=message, row=last + 1)
        last = row
        yield _record(row, cells, plan, schema, names)
    if count == 0:
        message = f"The sheet has a header and no rows: no {schema.thing}."
        raise refuse(FaultCode.EMPTY, message)


def _record(
    row: int, cells: dict[int, Cell], plan: Plan, schema: Schema, names: list[str]
) -> Record:
    troubles = [
        Trouble(
            code=FaultCode.FORMULA,
            message=f"{cell.name} holds a formula; paste its value.",
            row=row,
            column=names[place].strip() if place < len(names) else None,
            value=cell.text,
        )
        for place, cell in cells.items()
        if cell.kind == "formula"
    ]
    troubles += [
        Trouble(
            code=FaultCode.FIELD_COUNT,
            message=f"{cell.name} has a value and its column has no header.",
            row=row,
            value=cell.text,
        )
        for place, cell in cells.items()
        if place >= len(names) or not names[place].strip()
    ]
    texts: list[str | None] = []
    for field, place in zip(schema.fields, plan.places, strict=True):
        if place is None:
            texts.append(None if field in schema.required else "")
            continue
        cell = cells.get(place)
        if cell is None:
            texts.append("")
            continue
        if cell.kind == "formula":
            texts.append(None)
            continue
        text = cell_text(cell, field, schema)
        if isinstance(text, Trouble):
            text.row, text.column = row, field
            troubles.append(text)
            texts.append(None)
        else:
            texts.append(text)
    extra = []
    for place, name in plan.extras:
        cell = cells.get(place)
        if cell is not None and cell.kind == "error":
            message = f"{cell.name} holds the error {quoted(cell.text)}."
            trouble = Trouble(code=FaultCode.TYPE, message=message, row=row)
            trouble.column = name
            troubles.append(trouble)
        elif cell is not None and cell.kind != "formula":
            extra.append((name, cell.text))
    return Record(row, texts, tuple(extra), troubles)


def _check_types(archive: "_Archive", types: str) -> None:
    macros = any(name.lower().endswith("vbaproject.bin") for name in archive.names)
    for element in archive.elements(types):
        kind = element.get("ContentType", "").lower()
        if "macroenabled" in kind or "vbaproject" in kind or "macrosheet" in kind:
            macros = True
        if "sheet.binary" in kind:
            message = "The content is a binary workbook (.xlsb); save it as .xlsx."
            raise refuse(FaultCode.CONTENT, message)
    if macros:
        message = "The workbook holds macros; save it as .xlsx without them."
        raise refuse(FaultCode.MACROS, message)
    for name in archive.names:
        if name.lower().startswith("xl/externallinks/"):
            message = "The workbook links to another workbook; paste the values."
            raise refuse(FaultCode.LINK, message)


class _Archive:
    """The ZIP archive, its members read within the limits."""

    def __init__(self, stream: BinaryIO, limits: Limits | None) -> None:
        packed = stream.seek(0, 2)
        stream.seek(0)
        self._left = max(packed * ARCHIVE_RATIO, _RATIO_FROM)
        self._cause = f"to more than {ARCHIVE_RATIO} times its size"
        if limits is not None and limits.max_unpacked_bytes < self._left:
            self._left = limits.max_unpacked_bytes
            self._cause = f"beyond the size limit of {size_text(self._left)}"
        try:
            self._zip = zipfile.ZipFile(stream)
            infos = self._zip.infolist()
        except _ZIP_FAULTS:
            raise _damaged() from None
        if len(infos) > ARCHIVE_MEMBERS:
            message = f"The workbook has more than {ARCHIVE_MEMBERS} members."
            raise refuse(FaultCode.SIZE_LIMIT, message)
        if any(info.flag_bits & 1 for info in infos):
            message = "The workbook is encrypted with a password."
            raise refuse(FaultCode.PASSWORD, message)
        self.names = frozenset(info.filename for info in infos)
        if len(self.names) != len(infos):
            raise _damaged("two members have one name")

    def part(self, name: str) -> str | None:
        """Return the member's own name for a part, whatever its case."""
        if name in self.names:
            return name
        return next((n for n in self.names if n.lower() == name.lower()), None)

    def elements(self, name: str) -> Iterator[Element]:
        """Yield the elements of a part as they end.

        Raises
        ------
        RefusedFile
            When the part is missing, damaged, declares entities or unpacks too large.
        """
        try:
            with self._zip.open(name) as member:
                _check_prolog(_Counted(member, self))
            with self._zip.open(name) as member:
                counted = _Counted(member, self)
                for _, element in iterparse(counted):
                    yield element
        except KeyError:
            raise _damaged(f"the part {name} is missing") from None
        except (*_XML_FAULTS, *_ZIP_FAULTS):
            raise _damaged() from None

    def spend(self, count: int) -> None:
        """Count unpacked bytes; too many end the reading."""
        self._left -= count
        if self._left < 0:
            message = f"The workbook unpacks {self._cause}."
            raise refuse(FaultCode.SIZE_LIMIT, message)


def _check_prolog(part: "_Counted") -> None:
    """Refuse a part with a DTD, which alone declares entities and stands before all.

    The fast parser that follows expands entities; it never meets one.
    """
    parser = expat.ParserCreate()
    begun = False

    def declared(*_: object) -> None:
        message = "The workbook declares XML entities or a DTD."
        raise refuse(FaultCode.ENTITY, message)

    def started(*_: object) -> None:
        nonlocal begun
        begun = True

    parser.StartDoctypeDeclHandler = declared
    parser.StartElementHandler = started
    while not begun and (chunk := part.read(1 << 12)):
        parser.Parse(chunk)


class _Counted:
    """A member whose bytes are counted as they are unpacked."""

    def __init__(self, member: IO[bytes], archive: _Archive) -> None:
        self._member = member
        self._archive = archive

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes, a bounded number of them."""
        chunk = self._member.read(1 << 16 if size < 0 else min(size, 1 << 16))
        self._archive.spend(len(chunk))
        return chunk


class _Workbook:
    """The parts of a workbook: its sheets, strings and styles."""

    def __init__(self, archive: _Archive) -> None:
        self._archive = archive
        root = self._related("", "_rels/.rels").get("officeDocument")
        self._part = root[0] if root else "xl/workbook.xml"
        if archive.part(self._part) is None:
            raise refuse(FaultCode.CONTENT, "The archive is not an XLSX workbook.")
        folder, name = posixpath.split(self._part)
        self._folder = folder
        rels = posixpath.join(folder, "_rels", f"{name}.rels")
        self._by_id: dict[str, tuple[str, str]] = {}
        self._by_type = self._related(folder, rels, self._by_id)
        self._from_1904 = False
        self._sheets = list(self._listed())

    def sheet(self, name: str | None = None) -> Sheet:
        """Return the visible sheet of a name; without one, the only one with data."""
        strings, styles = self._strings(), self._styles()
        for listed in self._sheets:
            part = self._archive.part(listed.part)
            if part is not None and listed.name == name and not listed.hidden:
                return self._open(part, strings, styles, hidden_too=True)
        filled = []
        for listed in self._sheets:
            part = self._archive.part(listed.part)
            if part is None:
                raise _damaged(f"the sheet {quoted(listed.name)} is missing")
            if self._filled(part, strings, styles):
                if listed.hidden:
                    message = f"The hidden sheet {quoted(listed.name)} holds data."
                    raise refuse(FaultCode.HIDDEN, message)
                filled.append((listed.name, part))
        if len(filled) > 1:
            names = " and ".join(quoted(name) for name, _ in filled)
            message = f"The sheets {names} hold data; one visible sheet is allowed."
            raise refuse(FaultCode.SHEETS, message)
        if not filled:
            raise refuse(FaultCode.EMPTY, "The workbook is empty: no requests.")
        return self._open(filled[0][1], strings, styles)

    def _filled(self, part: str, strings: list[str], styles: Styles) -> bool:
        sheet = self._open(part, strings, styles, look_only=True)
        return next(sheet.rows(), None) is not None

    def _open(
        self,
        part: str,
        strings: list[str],
        styles: Styles,
        *,
        look_only: bool = False,
        hidden_too: bool = False,
    ) -> Sheet:
        return Sheet(
            self._archive.elements(part),
            strings,
            styles,
            from_1904=self._from_1904,
            look_only=look_only,
            hidden_too=hidden_too,
        )

    def _strings(self) -> list[str]:
        for target in self._by_type.get("sharedStrings", []):
            part = self._archive.part(target)
            if part is None:
                raise _damaged("the shared strings are missing")
            return read_strings(self._archive.elements(part))
        return []

    def _styles(self) -> Styles:
        for target in self._by_type.get("styles", []):
            part = self._archive.part(target)
            if part is not None:
                return read_styles(self._archive.elements(part))
        return Styles()

    def _listed(self) -> Iterator[_Listed]:
        part = self._archive.part(self._part)
        assert part is not None  # looked for in the constructor
        for element in self._archive.elements(part):
            tag = element.tag.rpartition("}")[2]
            if tag == "workbookPr":
                self._from_1904 = element.get("date1904") in ("1", "true")
            if tag != "sheet":
                continue
            name = element.get("name", "")
            by_id = [v for k, v in element.attrib.items() if k.endswith("}id")]
            kind, target = self._by_id.get(by_id[0] if by_id else "", ("", ""))
            if kind != "worksheet":
                message = f"The sheet {quoted(name)} is not a worksheet."
                raise refuse(FaultCode.SHEETS, message)
            hidden = element.get("state", "visible") != "visible"
            yield _Listed(name=name, part=target, hidden=hidden)

    def _related(
        self,
        folder: str,
        rels: str,
        by_id: dict[str, tuple[str, str]] | None = None,
    ) -> dict[str, list[str]]:
        by_type: dict[str, list[str]] = {}
        part = self._archive.part(rels)
        if part is None:
            raise _damaged("its relationships are missing")
        for element in self._archive.elements(part):
            if element.get("TargetMode") == "External":
                continue
            kind = element.get("Type", "").rpartition("/")[2]
            target = element.get("Target", "")
            path = target[1:] if target.startswith("/") else f"{folder}/{target}"
            path = posixpath.normpath(path).lstrip("/")
            by_type.setdefault(kind, []).append(path)
            if by_id is not None:
                by_id[element.get("Id", "")] = (kind, path)
        return by_type


def _damaged(why: str = "") -> Exception:
    message = "The workbook is damaged"
    return refuse(FaultCode.DAMAGED, f"{message}: {why}." if why else f"{message}.")

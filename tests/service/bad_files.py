"""Bad files of requests, as the service is sent them, and what a refusal says."""

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from tests.app.intake import builders
from tests.app.intake.test_any_format import REFUSED
from tests.service.world import BALTIC

CSV_FILES: Final = sorted((Path(__file__).parents[1] / "data" / "csv").glob("*.csv"))
MANY: Final = 200_001
ROWS: Final = builders.rows()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bad:
    """A call that is refused, and what the refusal says.

    ``statuses`` are those that fit; ``words`` stand in the detail or in an error, which
    is about ``row`` where one is named.
    """

    name: str
    content: bytes | Callable[[], bytes] | None = None
    kind: str | None = None
    statuses: tuple[int, ...] = (422,)
    words: tuple[str, ...] = ()
    row: int | None = None
    method: str = "POST"
    path: str = "/batches"
    headers: dict[str, str] = field(default_factory=dict)
    key: str | None = None


def text(name: str, content: bytes, statuses: tuple[int, ...], *words: str) -> Bad:
    """Return a bad body of JSON."""
    return Bad(name=name, kind="json", content=content, statuses=statuses, words=words)


def changed(name: str, *words: str, **changes: Any) -> Bad:
    """Return a bad body of JSON with one request, changed."""
    return Bad(
        name=name, kind="json", content=as_json([{**BALTIC[0], **changes}]), words=words
    )


def as_json(value: Any) -> bytes:
    return json.dumps(value).encode()


def _any_format() -> Iterator[Bad]:
    for name, changes, _, _ in REFUSED:
        table = builders.rows(**changes)
        for kind in ("json", "csv"):
            statuses = (413, 422) if name.startswith("35") else (422,)
            yield Bad(
                name=f"{name} {kind}",
                kind=kind,
                content=builders.WRITERS[kind](table),
                statuses=statuses,
                row=2 if kind == "json" else 3,
            )


def _macros() -> bytes:
    out = io.BytesIO(builders.as_xlsx(ROWS))
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr("xl/vbaProject.bin", b"macro")
    return out.getvalue()


def _two_sheets() -> bytes:
    book = builders.workbook(ROWS)
    book.create_sheet("More")["A1"] = "data"
    return builders.saved(book)


def _far_corner() -> bytes:
    book = builders.workbook(ROWS)
    sheet = book.active
    assert sheet is not None
    sheet["XFD1048576"] = "far"
    return builders.saved(book)


def _bomb() -> bytes:
    return builders.repacked(
        builders.as_xlsx(ROWS), sheet1=lambda text: text + " " * 120_000_000
    )


def _laughs() -> bytes:
    declared = "".join(
        f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "ha"}">' for n in range(10)
    )

    def with_entities(text: str) -> str:
        head, _, body = text.rpartition("?>")
        return f"{head}?><!DOCTYPE x [{declared}]>{body}"

    return builders.repacked(builders.as_xlsx(ROWS), sheet1=with_entities)


def _formula() -> bytes:
    return builders.repacked(
        builders.as_xlsx(builders.rows(quantity=12)),
        sheet1=lambda text: text.replace("<v>12</v>", "<f>2*6</f><v>12</v>"),
    )


def _parquet(**columns: pa.Array) -> bytes:
    good = {name: pa.array([value]) for name, value in builders.row(1).items()}
    return builders.parquet(pa.table({**good, **columns}))


def _many_json() -> bytes:
    return b"[" + b",".join([b"{}"] * MANY) + b"]"


def _many_parquet() -> bytes:
    return builders.parquet(pa.table({"request_id": pa.array(["A"] * MANY)}))


def _long_cell() -> bytes:
    return builders.as_csv(builders.rows(remarks="x" * (10 << 20)))


FILES: Final = (
    *(
        Bad(
            name=path.stem,
            kind="csv",
            content=path.read_bytes(),
            statuses=(400, 415, 422),
        )
        for path in CSV_FILES
    ),
    *_any_format(),
    Bad(name="11", kind="csv", content=_long_cell, statuses=(413, 422)),
    changed("16 as a string of digits", "quantity", quantity=2**63),
    text("19", b'[{"value_usd": NaN}]', (400, 422)),
    changed("23", "currency", currency="EUR"),
    text("32", as_json([BALTIC[0], BALTIC[1], BALTIC[0]]), (422,), "EST-26-1"),
    Bad(name="38", kind="xlsx", content=_bomb, statuses=(413, 422), words=("times",)),
    Bad(name="39", kind="xlsx", content=_laughs),
    Bad(name="40", kind="xlsx", content=_far_corner, words=("XFD1048576",)),
    Bad(name="41", kind="xlsx", content=_formula, row=3, words=("F3",)),
    Bad(
        name="42",
        kind="xlsx",
        content=_macros,
        statuses=(415, 422),
        words=("macros",),
    ),
    Bad(
        name="43",
        kind="xlsx",
        content=bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 5000,
        statuses=(415, 422),
        words=("legacy format",),
    ),
    Bad(name="44", kind="xlsx", content=_two_sheets, words=('"Sheet"', '"More"')),
    Bad(
        name="45",
        kind="xlsx",
        content=lambda: builders.as_xlsx(builders.rows(quantity="5 ")),
        row=3,
    ),
    Bad(
        name="47",
        kind="xlsx",
        content=lambda: builders.as_xlsx(builders.rows(40))[:3000],
        statuses=(400, 415, 422),
        words=("damaged",),
    ),
    text("48", b"[" * 100_000, (400, 422)),
    text("49", b'[{"request_id":"A","request_id":"B"}]', (422,), "twice"),
    text("50", b'[{"request_id":"A","value_usd":NaN}]', (400, 422)),
    text("50 far", b'[{"request_id":"A","value_usd":1e999}]', (400, 422)),
    text("51 comma", b'[{"request_id":"A"},]', (400,)),
    text("51 comment", b"[ // no\n]", (400,)),
    text("52", b'[{"request_id":"A","system":"\\ud800"}]', (422,)),
    changed("53 quantity", "quantity", quantity="5"),
    changed("53 value", "value_usd", value_usd="1500000"),
    text("54 list", b"[[1]]", (400, 422)),
    changed("54 null", "customer", customer=None),
    changed("55 role", "role", role="admin"),
    changed("55 status", "status", status="done"),
    Bad(
        name="55 status, kept",
        kind="json",
        content=as_json([{**BALTIC[0], "status": "done"}]),
        path="/batches?extra_columns=keep",
        words=("status",),
    ),
    Bad(name="56", kind="json", content=_many_json, statuses=(413,)),
    text("57", '[{"request_id":"A"}]'.encode("utf-16"), (400, 415)),
    Bad(
        name="58",
        kind="ndjson",
        content=as_json(BALTIC[0])
        + b"\n"
        + as_json(BALTIC[1])
        + b'\n{"request_id": "LTU',
        statuses=(400, 422),
        row=3,
    ),
    Bad(
        name="59",
        kind="parquet",
        content=lambda: builders.as_csv(ROWS),
        statuses=(415, 422),
    ),
    Bad(
        name="60 nested",
        kind="parquet",
        content=lambda: _parquet(remarks=pa.array([{"a": 1}])),
    ),
    Bad(
        name="60 float",
        kind="parquet",
        content=lambda: _parquet(value_usd=pa.array([1500000.5])),
    ),
    Bad(name="61", kind="parquet", content=_many_parquet, statuses=(413,)),
    Bad(
        name="62",
        kind="parquet",
        content=lambda: _parquet(quantity=pa.array([1]), Quantity=pa.array([1])),
        words=("Quantity",),
    ),
    text("no body", b"", (400, 415, 422)),
    text("no list", b"[]", (422,)),
    text("scalar", b"5", (400, 422)),
)

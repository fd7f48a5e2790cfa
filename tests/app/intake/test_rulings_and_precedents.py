"""Rulings (rule R4) and precedents (rule R5)."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from app.errors import InputRefused
from app.intake import (
    parse_rulings,
    precedents_sha256,
    read_precedents,
    read_rulings,
    rulings_sha256,
)
from optimizer.batch import Precedent
from optimizer.rulings import Ruling, RulingKind


def ruling(**changes: Any) -> dict[str, Any]:
    return {"kind": "together", "request_ids": ["A", "B"], **changes}


def test_g12_rulings_are_read_in_their_order(tmp_path: Path) -> None:
    path = tmp_path / "rulings.json"
    written = [
        ruling(),
        ruling(request_ids=["B", "C"]),
        ruling(kind="apart", request_ids=["A", "D"]),
        ruling(kind="fixed", request_ids=["E"]),
    ]
    path.write_text(json.dumps(written))
    read = read_rulings(str(path))
    assert [(r.kind.value, list(r.request_ids)) for r in read] == [
        (one["kind"], one["request_ids"]) for one in written
    ]
    turned = [
        Ruling(kind=r.kind, request_ids=r.request_ids[::-1]) for r in reversed(read)
    ]
    assert rulings_sha256(turned) == rulings_sha256(read)
    assert rulings_sha256(read[:3]) != rulings_sha256(read)
    assert parse_rulings(b"[]", "none") == ()


@pytest.mark.parametrize(
    ("item", "code"),
    [
        ([], "type"),
        (ruling(kind="merge"), "choice"),
        (ruling(kind=None), "choice"),
        (ruling(request_ids="A"), "type"),
        (ruling(request_ids=[]), "type"),
        (ruling(request_ids=["A", 5]), "type"),
        (ruling(request_ids=["A", "b"]), "identifier"),
        (ruling(request_ids=["A", "A"]), "duplicate_id"),
        (ruling(reason="x"), "unknown_key"),
        ({"kind": "fixed"}, "type"),
    ],
)
def test_a_faulty_ruling_is_refused_at_its_place(item: Any, code: str) -> None:
    with pytest.raises(InputRefused) as caught:
        parse_rulings(json.dumps([ruling(), item]).encode(), "rulings.json")
    assert [(f.row, f.code) for f in caught.value.faults] == [(2, code)]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (b"{}", "type"),
        (b"[" * 50, "depth_limit"),
        (b"[1,", "syntax"),
        (b'[{"kind":"apart","kind":"apart","request_ids":["A"]}]', "repeated_key"),
        ("[]".encode("utf-16"), "encoding"),
    ],
)
def test_what_is_no_list_of_rulings_is_refused(content: bytes, code: str) -> None:
    with pytest.raises(InputRefused) as caught:
        parse_rulings(content, "rulings.json")
    assert caught.value.faults[0].code == code


def test_rulings_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputRefused) as caught:
        read_rulings(str(tmp_path / "none.json"))
    assert caught.value.faults[0].code == "unreadable"


def test_g15_precedents_by_alias_and_of_any_age(tmp_path: Path) -> None:
    path = tmp_path / "precedents.csv"
    path.write_bytes(
        "\ufeffapproved_on,customer,system\r\n2004-05-06,T\u00fcrkiye,fim-92\r\n".encode()
    )
    precedent = Precedent(
        customer="TUR", system="Stinger", approved_on=date(2004, 5, 6)
    )
    assert read_precedents(str(path)) == (precedent,)
    assert precedents_sha256([precedent]) == precedents_sha256([precedent] * 2)


@pytest.mark.parametrize(
    ("text", "row", "column", "code"),
    [
        ("customer,system\nPOL,HIMARS\n", 1, "approved_on", "missing_column"),  # 90
        (
            "customer,system,approved_on\nNowhere,HIMARS,2020-01-01\n",
            2,
            "customer",
            "customer",
        ),
        (
            "customer,system,approved_on\nPOL,,2020-01-01\n",
            2,
            "system",
            "missing_value",
        ),
        ("customer,system,approved_on\nPOL,HIMARS,2020\n", 2, "approved_on", "date"),
        ("customer,system,approved_on\nPOL,HIMARS\n", 2, None, "field_count"),
        (
            "customer,system,approved_on,x\nPOL,HIMARS,2020-01-01,\n",
            1,
            "x",
            "unknown_column",
        ),
        ("customer,system,approved_on\n", None, None, "empty"),
    ],
)
def test_90_faulty_precedents_are_refused_at_row_and_column(
    tmp_path: Path, text: str, row: int | None, column: str | None, code: str
) -> None:
    path = tmp_path / "precedents.csv"
    path.write_text(text)
    with pytest.raises(InputRefused) as caught:
        read_precedents(str(path))
    fault = caught.value.faults[0]
    assert (fault.row, fault.column, fault.code) == (row, column, code)


def test_kinds_of_rulings_are_those_of_the_core() -> None:
    assert {kind.value for kind in RulingKind} == {"together", "apart", "fixed"}

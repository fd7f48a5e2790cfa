"""Bad inputs that every medium can hold: refused in each, at the row and column."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from app.intake import requests_sha256
from tests.app.intake.builders import (
    FORMATS,
    WRITERS,
    Row,
    first_row,
    read,
    refusal,
    row,
    rows,
    the_fault,
)

# (example, changes of row 2, column at fault, words the message has in every medium)
REFUSED: list[tuple[str, Row, str, tuple[str, ...]]] = [
    ("14 Cyrillic A", {"request_id": "DEU-26-000\u0410"}, "request_id", ("A to Z",)),
    ("16 below zero", {"quantity": -5}, "quantity", ("1 to 1,000,000",)),
    ("16 no lines", {"lines": 0}, "lines", ("1 to 1,000,000",)),
    ("16 huge", {"quantity": 2**63 - 1}, "quantity", ("1 to 1,000,000",)),
    (
        "17 priority",
        {"priority": "high"},
        "priority",
        ("routine", "priority", "urgent"),
    ),
    ("17 maybe", {"technology_review": "maybe"}, "technology_review", ()),
    ("18 separator", {"quantity": "1,000"}, "quantity", ()),
    ("18 half", {"quantity": Decimal("1.5")}, "quantity", ()),
    ("18 space", {"quantity": " 5"}, "quantity", ()),
    ("19 not a number", {"value_usd": "NaN"}, "value_usd", ()),
    (
        "20 keep apart",
        {"keep_apart_from": "FRA;Turkye"},
        "keep_apart_from",
        ("Turkey",),
    ),
    ("21 places", {"value_usd": Decimal("12.345")}, "value_usd", ("two places",)),
    ("21 below zero", {"value_usd": Decimal("-1500000")}, "value_usd", ("above 0",)),
    ("21 zero", {"value_usd": Decimal(0)}, "value_usd", ("above 0",)),
    ("21 currency", {"value_usd": "$1,500,000"}, "value_usd", ()),
    ("21 too much", {"value_usd": Decimal(10**12)}, "value_usd", ("1000000000000",)),
    ("22 seller", {"customer": "USA"}, "customer", ("seller",)),
    (
        "24 mde above total",
        {"value_usd": Decimal(1500000), "mde_value_usd": Decimal(2000000)},
        "mde_value_usd",
        ("value_usd",),
    ),
    ("25 no such day", {"needed_by": "2026-02-30"}, "needed_by", ()),
    ("25 no dashes", {"needed_by": "20270101"}, "needed_by", ()),
    ("25 slashes", {"needed_by": "01/02/27"}, "needed_by", ()),
    ("26 Patroit", {"system": "Patroit"}, "system", ("Patriot",)),
    ("27 first day", {"received_on": "0001-01-01"}, "received_on", ()),
    ("27 last day", {"needed_by": date(9999, 12, 31)}, "needed_by", ("2100-12-31",)),
    ("27 order", {"needed_by": date(2025, 3, 1)}, "needed_by", ("received_on",)),
    ("28 region", {"region": "Baltics"}, "region", ("Baltic",)),
    ("29 ZZZ", {"customer": "ZZZ"}, "customer", ("nearest",)),
    ("29 Germny", {"customer": "Germny"}, "customer", ("Germany",)),
    ("30 DE", {"customer": "DE"}, "customer", ("Denmark (SAMM) or Germany (ISO)",)),
    ("34 system", {"system": "\u200b\u200b"}, "system", ("required",)),
    ("34 force", {"force": "\u200b\u200b"}, "force", ("invisible",)),
    ("35 long remarks", {"remarks": "x" * 5000}, "remarks", ("4,096",)),
    ("37 SQL id", {"request_id": "x'; DROP TABLE requests;--"}, "request_id", ()),
    ("direction", {"configuration": "Block \u202e5"}, "configuration", ("U+202E",)),
    ("GY", {"customer": "GY"}, "customer", ("Germany (SAMM) or Guyana (ISO)",)),
    ("NE", {"customer": "NE"}, "customer", ("Netherlands (SAMM) or Niger (ISO)",)),
]


@pytest.mark.parametrize("kind", FORMATS)
def test_every_fault_of_a_batch_is_named_at_its_row_and_column(
    tmp_path: Path, kind: str
) -> None:
    # One bad row for each example, between good ones, in one file: all are named. A
    # Parquet column has one type, so there each value of a wrong type goes alone.
    bad = [
        (example, changes, column, words)
        for example, changes, column, words in REFUSED
        if kind != "parquet" or _fits_a_column(column, changes[column])
    ]
    table = [row(1)]
    for number, (_, changes, _, _) in enumerate(bad):
        table += [{**row(2, request_id=f"A-{number}"), **changes}]
        table += [row(3, request_id=f"GOOD-{number}")]
    refused = refusal(tmp_path, kind, WRITERS[kind](table))
    assert refused.bad_rows == len(bad)
    assert refused.good_rows == len(table) - len(bad)
    for place, (example, changes, column, words) in enumerate(bad):
        number = first_row(kind) + 1 + 2 * place
        faults = [fault for fault in refused.faults if fault.row == number]
        assert [fault.column for fault in faults] == [column], (example, faults)
        if not isinstance(changes[column], str) or _fits_a_column(
            column, changes[column]
        ):
            assert all(word in faults[0].message for word in words), faults


@pytest.mark.parametrize("kind", FORMATS)
def test_23_a_currency_column_is_refused_and_kept_unread_on_request(
    tmp_path: Path, kind: str
) -> None:
    content = WRITERS[kind]([row(n, currency="EUR") for n in (1, 2)])
    fault = refusal(tmp_path, kind, content).faults[0]
    assert (fault.row, fault.column, fault.code) == (1, "currency", "unknown_column")
    kept = read(tmp_path, kind, content, keep_extra_columns=True)
    assert kept.extra_columns == ("currency",)
    assert kept.requests[0].extra == (("currency", "EUR"),)
    bare = read(tmp_path, kind, WRITERS[kind]([row(1), row(2)]))
    assert requests_sha256(kept.requests) == requests_sha256(bare.requests)


@pytest.mark.parametrize("kind", FORMATS)
def test_30_the_codes_of_the_batch_decide_what_de_means(
    tmp_path: Path, kind: str
) -> None:
    content = WRITERS[kind]([row(1, customer="DE"), row(2, customer="gy")])
    samm = read(tmp_path, kind, content, customer_codes="samm")
    iso = read(tmp_path, kind, content, customer_codes="iso")
    assert [r.customer for r in samm.requests] == ["DNK", "DEU"]  # G16: GY
    assert [r.customer for r in iso.requests] == ["DEU", "GUY"]


@pytest.mark.parametrize("kind", FORMATS)
def test_32_rows_with_one_id_name_each_other(tmp_path: Path, kind: str) -> None:
    table = [row(1), row(2), row(3), row(4, request_id="POL-26-0001")]
    refused = refusal(tmp_path, kind, WRITERS[kind](table))
    first, last = first_row(kind), first_row(kind) + 3
    said = {fault.row: fault.message for fault in refused.faults}
    assert set(said) == {first, last}
    assert f"row {last}" in said[first]
    assert f"row {first}" in said[last]
    assert (refused.good_rows, refused.bad_rows) == (2, 2)


@pytest.mark.parametrize("kind", FORMATS)
def test_93_good_rows_of_a_faulty_file_are_kept_on_request(
    tmp_path: Path, kind: str
) -> None:
    content = WRITERS[kind](rows(5, at=3, priority="soon"))
    kept = read(tmp_path, kind, content, on_error="skip")
    assert len(kept.requests) == 4
    assert kept.skipped_rows == 1
    assert kept.skipped == refusal(tmp_path, kind, content).faults


ODD: list[tuple[str, Row, str, Any]] = [
    ("13 formula", {"remarks": '=HYPERLINK("http://x")'}, "remarks", None),
    ("36 markup", {"remarks": "<script>alert(1)</script>"}, "remarks", None),
    ("G3 case", {"system": "m142 himars"}, "system", "HIMARS"),
    ("G3 spaces", {"system": " Patriot "}, "system", "Patriot"),
    ("G3 alias", {"system": "FIM-92"}, "system", "Stinger"),
    ("15 composed", {"customer": "T\u00fcrkiye"}, "customer", "TUR"),
    ("15 decomposed", {"customer": "Tu\u0308rkiye"}, "customer", "TUR"),
    ("15 capitals", {"customer": "TURKIYE"}, "customer", "TUR"),
    ("G4 alpha-2", {"customer": "TR"}, "customer", "TUR"),
    ("G4 SAMM", {"customer": "TK"}, "customer", "TUR"),
    ("G4 accent", {"customer": "C\u00f4te d'Ivoire"}, "customer", "CIV"),
    ("G4 no accent", {"customer": "cote d'ivoire"}, "customer", "CIV"),
    (
        "G8 next year",
        {"received_on": date(2027, 5, 1), "needed_by": date(2027, 5, 1)},
        "needed_by",
        date(2027, 5, 1),
    ),
    (
        "G8 all MDE",
        {"mde_value_usd": Decimal("1500000.5")},
        "mde_value_cents",
        150000050,
    ),
    ("N3 no MDE", {"mde_value_usd": Decimal(0)}, "mde_value_cents", 0),
    ("G9 yes", {"technology_review": True}, "technology_review", True),
    ("G9 no", {"end_use_monitoring": False}, "end_use_monitoring", False),
    ("G9 letter", {"implementing_agency": "D"}, "implementing_agency", "air_force"),
    ("C1 case", {"priority": " URGENT "}, "priority", "urgent"),
    ("C1 document", {"document": "p&a"}, "document", "P&A"),
    ("C1 region", {"region": "nordic"}, "region", "Nordic"),
    ("K3", {"keep_apart_from": "Greece; TUR ;GRC"}, "keep_apart_from", ("GRC", "TUR")),
    ("T5 blank", {"force": "   "}, "force", None),
    ("NFC", {"force": " e\u0301FP "}, "force", "\u00e9FP"),
    ("N1 most", {"quantity": 1_000_000}, "quantity", 1_000_000),
]


@pytest.mark.parametrize("kind", FORMATS)
def test_odd_but_good_values_are_read_as_they_are_meant(
    tmp_path: Path, kind: str
) -> None:
    table = [
        {**row(1, request_id=f"A-{number}"), **changes}
        for number, (_, changes, _, _) in enumerate(ODD)
    ]
    requests = read(tmp_path, kind, WRITERS[kind](table)).requests
    for request, (example, changes, field, value) in zip(requests, ODD, strict=True):
        expected = changes[field] if example[:2] in ("13", "36") else value
        assert getattr(request, field) == expected, example


@pytest.mark.parametrize("kind", FORMATS)
def test_blanks_are_filled_by_default_and_say_so(tmp_path: Path, kind: str) -> None:
    request = read(tmp_path, kind, WRITERS[kind]([row(1)])).requests[0]
    assert request.configuration == "HIMARS"
    assert request.region == "Central Europe"
    assert request.implementing_agency == "army"
    assert request.mde_value_cents == request.value_cents == 150000050
    assert request.defaulted == (
        "configuration",
        "mde_value_usd",
        "implementing_agency",
        "region",
    )
    assert (request.lines, request.quantity, request.priority) == (1, None, "routine")


def test_one_batch_in_five_formats_and_any_order_is_one_batch(tmp_path: Path) -> None:
    full = {
        "configuration": "Block 2",
        "quantity": 12,
        "lines": 3,
        "mde_value_usd": Decimal("1000.25"),
        "needed_by": date(2027, 3, 1),
        "priority": "urgent",
        "implementing_agency": "navy",
        "region": "Baltic",
        "force": "eFP Latvia",
        "technology_review": False,
        "end_use_monitoring": True,
        "document": "P&A",
        "keep_apart_from": "GRC;TUR",
        "remarks": 'commas, "quotes"\nand lines',
    }
    table = [row(n, **full) for n in range(1, 9)]
    expected = read(tmp_path, "csv", WRITERS["csv"](table)).requests
    for kind in FORMATS:
        assert read(tmp_path, kind, WRITERS[kind](table)).requests == expected, kind
        turned = read(tmp_path, kind, WRITERS[kind](table[::-1])).requests
        assert requests_sha256(turned) == requests_sha256(expected), kind
    other = read(tmp_path, "csv", WRITERS["csv"](rows(8, at=8, lines=4))).requests
    assert requests_sha256(other) != requests_sha256(expected)


@pytest.mark.parametrize("kind", ["csv", "json", "ndjson", "xlsx"])
def test_19_nan_is_refused_where_the_format_has_it(tmp_path: Path, kind: str) -> None:
    content = WRITERS[kind](rows(value_usd=Decimal("NaN")))
    fault = refusal(tmp_path, kind, content).faults[0]
    assert fault.column == "value_usd"


def test_an_id_repeated_across_files_names_the_other_file(tmp_path: Path) -> None:
    from app.errors import InputRefused
    from app.intake import read_requests

    one, two = tmp_path / "one.csv", tmp_path / "two.json"
    one.write_bytes(WRITERS["csv"]([row(1), row(2)]))
    two.write_bytes(WRITERS["json"]([row(3), row(2)]))
    with pytest.raises(InputRefused) as caught:
        read_requests([str(one), str(two), str(tmp_path / "none.csv")])
    said = {fault.file: fault.message for fault in caught.value.faults}
    assert f"row 2 of {two}" in said[str(one)]
    assert f"row 3 of {one}" in said[str(two)]
    assert "no such file" in said[str(tmp_path / "none.csv")]


def test_a_hundred_bad_rows_are_listed_and_all_are_counted(tmp_path: Path) -> None:
    table = [row(1, request_id=f"A-{n}", priority="soon") for n in range(150)]
    refused = refusal(tmp_path, "csv", WRITERS["csv"](table))
    assert [fault.row for fault in refused.faults] == list(range(2, 102))
    assert (refused.bad_rows, refused.unlisted_rows) == (150, 50)


def test_a_late_duplicate_is_listed_before_later_bad_rows(tmp_path: Path) -> None:
    table = [row(1, request_id="TWICE")]
    table += [row(1, request_id=f"A-{n}", priority="soon") for n in range(150)]
    table += [row(1, request_id="TWICE")]
    refused = refusal(tmp_path, "csv", WRITERS["csv"](table))
    assert refused.faults[0].row == 2
    assert "row 153" in the_fault(refused, "duplicate_id").message
    assert refused.bad_rows == 152


def _fits_a_column(column: str, value: Any) -> bool:
    """Tell whether a value has the type its column has in a Parquet file."""
    typed = {
        "quantity": int,
        "lines": int,
        "value_usd": Decimal,
        "mde_value_usd": Decimal,
        "needed_by": date,
        "received_on": date,
        "technology_review": bool,
    }
    return isinstance(value, typed.get(column, str))

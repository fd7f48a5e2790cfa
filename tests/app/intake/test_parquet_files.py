"""Parquet files with one defect each, and odd ones that are good."""

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from app.intake import Limits
from tests.app.intake.builders import (
    as_csv,
    as_parquet,
    parquet,
    read,
    refusal,
    row,
    rows,
)


def table(**changed: pa.Array) -> pa.Table:
    """Return a table of one good row, with columns added or changed."""
    columns = {name: pa.array([value]) for name, value in row(1).items()}
    return pa.table({**columns, **changed})


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (as_csv(rows()), "content"),  # 59
        (b"PAR1", "damaged"),
        (b"PAR1" + b"\0" * 100 + b"PAR1", "damaged"),
        (b"PARE" + b"\0" * 100 + b"PARE", "password"),
        (as_parquet(rows())[:-10], "damaged"),
        (b"", "empty"),
    ],
)
def test_59_content_that_is_no_parquet_is_refused(
    tmp_path: Path, content: bytes, code: str
) -> None:
    assert refusal(tmp_path, "parquet", content).faults[0].code == code


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("remarks", pa.array([{"a": 1}])),  # 60
        ("remarks", pa.array([["a"]])),
        ("remarks", pa.array([b"a"])),
        ("received_on", pa.array([datetime.fromisoformat("2026-03-01T18:30")])),
        ("received_on", pa.array([0], pa.timestamp("us", tz="UTC"))),
        ("received_on", pa.array([20260301])),
        ("value_usd", pa.array([1500000.5])),
        ("quantity", pa.array([5.0])),
        ("quantity", pa.array(["5"])),
        ("technology_review", pa.array([1])),
        ("request_id", pa.array([1])),
    ],
)
def test_60_columns_of_a_wrong_type_are_refused(
    tmp_path: Path, column: str, values: pa.Array
) -> None:
    content = parquet(table(**{column: values}))
    fault = refusal(tmp_path, "parquet", content).faults[0]
    assert (fault.column, fault.code) == (column, "type")


def test_61_rows_above_the_limit_are_refused(tmp_path: Path) -> None:
    refused = refusal(
        tmp_path, "parquet", as_parquet(rows()), limits=Limits(max_rows=2)
    )
    assert refused.faults[0].code == "row_limit"


def test_62_columns_that_differ_by_case_are_refused(tmp_path: Path) -> None:
    one = pa.array([1])
    content = parquet(table(quantity=one, Quantity=one))
    codes = {fault.code for fault in refusal(tmp_path, "parquet", content).faults}
    assert "duplicate_column" in codes


def test_a_table_without_rows_is_refused(tmp_path: Path) -> None:
    content = parquet(table().slice(0, 0))
    assert refusal(tmp_path, "parquet", content).faults[0].code == "empty"


def test_g7_the_types_of_a_good_parquet(tmp_path: Path) -> None:
    good: dict[str, Any] = {
        "customer": pa.array(["POL"]).dictionary_encode(),
        "value_usd": pa.array([Decimal("1500000.5000")], pa.decimal128(18, 4)),
        "received_on": pa.array(
            [datetime.fromisoformat("2026-03-01")], pa.timestamp("ns")
        ),
        "needed_by": pa.array([date(2027, 1, 1)], pa.date64()),
        "force": pa.nulls(1),
        "priority": pa.array([None], pa.string()),
        "quantity": pa.array([5], pa.uint8()),
        "remarks": pa.array(["x"], pa.large_string()),
        "case_officer": pa.array([1.5]),
    }
    intake = read(tmp_path, "parquet", parquet(table(**good)), keep_extra_columns=True)
    same = row(
        1, needed_by=date(2027, 1, 1), quantity=5, remarks="x", case_officer="1.5"
    )
    plain = read(tmp_path, "csv", as_csv([same]), keep_extra_columns=True)
    assert intake == plain

"""proposal.json and bins.csv."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.export.plain_files import csv_cell, json_lines
from app.export.sheet_text import FORMULA_STARTS, sheet_text
from tests.app.export.factories import Sample, request, sample

type Write = Callable[[Sample], Path]


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "bins.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_json_reads_back_as_the_document_in_its_key_order(
    write: Write, six_bins: Sample
) -> None:
    text = (write(six_bins) / "proposal.json").read_text(encoding="utf-8")
    assert text.endswith("}\n")
    found = json.loads(text)
    assert found == six_bins.document
    assert list(found) == list(six_bins.document)
    assert list(found["bins"][0]) == list(six_bins.document["bins"][0])


def test_json_is_utf_8_without_escapes(write: Write) -> None:
    made = sample([request("R1", "TUR", configuration="Türkiye – 短")], [["R1"]])
    made.document["policy"]["title"] = "Türkiye – 短"
    assert "Türkiye – 短".encode() in (write(made) / "proposal.json").read_bytes()


@pytest.mark.parametrize("figure", [float("nan"), float("inf"), float("-inf")])
def test_json_refuses_a_figure_that_is_not_a_number(figure: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        list(json_lines({"gap": figure}))


def test_csv_has_one_row_a_request_under_its_bin(
    write: Write, six_bins: Sample
) -> None:
    rows = rows_of(write(six_bins))
    expected = [
        (bin_["bin_id"], request_id)
        for bin_ in six_bins.document["bins"]
        for request_id in bin_["request_ids"]
    ]
    assert [(row["bin_id"], row["request_id"]) for row in rows] == expected
    row = next(row for row in rows if row["request_id"] == "EST-26-001")
    bin_ = next(
        b for b in six_bins.document["bins"] if "EST-26-001" in b["request_ids"]
    )
    # The bin starts when Lithuania's is received, 63 days after 12 January.
    assert row["wait_days"] == "63"
    assert row["received_on"] == "2026-01-12"
    assert row["starts_on"] == "2026-03-16"
    assert row["customer_name"] == "Estonia"
    assert row["value_usd"] == "50000000"
    assert float(row["bin_saved_effort_days"]) == bin_["saved_effort_days"]
    assert int(row["days_gained"]) == bin_["days_gained"]["EST-26-001"] < 0


def test_csv_ends_lines_with_lf_alone(write: Write, six_bins: Sample) -> None:
    content = (write(six_bins) / "bins.csv").read_bytes()
    assert b"\r" not in content
    assert content.count(b"\n") == len(six_bins.batch) + 1


def test_csv_shows_a_warning_only_to_the_requests_it_names(
    write: Write, six_bins: Sample
) -> None:
    rows = {row["request_id"]: row for row in rows_of(write(six_bins))}
    assert "needed_by_before_forecast" in rows["LTU-26-002"]["warnings"]
    assert rows["EST-26-001"]["warnings"] == ""


def test_kept_columns_follow_and_formulas_are_quoted(
    write: Write, hostile: Sample
) -> None:
    rows = {row["request_id"]: row for row in rows_of(write(hostile))}
    assert rows["R1"]["note"] == '\'=HYPERLINK("http://x","open")'
    assert rows["R1"]["configuration"] == "<script>alert(1)</script>"
    assert rows["R2"]["configuration"] == "'@SUM(A1)"
    assert rows["R2"]["note"] == "line one\nline, two"
    assert rows["R3"]["note"] == "'+1"
    # A kept column of a name of ours comes beside ours, not over it.
    # R3's review comes first: it starts on 1 February, R1's and R2's on the 9th.
    assert rows["R1"]["bin_id"] == "B002"
    assert rows["R1"]["bin_id (as sent)"] == "<img src=x onerror=alert(2)>"
    assert "'=cmd" in rows["R1"]


def test_cents_stay_exact(write: Write) -> None:
    made = sample([request("R1", value_cents=123456789)], [["R1"]])
    assert rows_of(write(made))[0]["value_usd"] == "1234567.89"


@given(st.text())
def test_sheet_text_never_starts_as_a_formula_and_loses_nothing(text: str) -> None:
    safe = sheet_text(text)
    assert not safe.startswith(FORMULA_STARTS)
    assert safe in (text, "'" + text)


@given(st.integers(-(10**12), 10**12))
def test_staff_days_are_written_exactly(thousandths: int) -> None:
    written = csv_cell(thousandths / 1000)
    assert "e" not in written.lower()
    assert round(float(written) * 1000) == thousandths

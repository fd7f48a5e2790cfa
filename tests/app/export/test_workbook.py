"""proposal.xlsx."""

import io
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from app.export import workbook
from app.export.plan_sheet import SHEET, Seen, plan_sheet
from tests.app.export.factories import Sample, request, sample, stages_notes
from tests.documents import page

type Write = Callable[[Sample], Path]


def write_bytes(made: Sample) -> bytes:
    stream = io.BytesIO()
    workbook.write_workbook(
        stream, made.document, made.batch, made.policy, made.catalogue, stages_notes()
    )
    return stream.getvalue()


def open_book(made: Sample) -> openpyxl.Workbook:
    return openpyxl.load_workbook(io.BytesIO(write_bytes(made)))


def column_of(sheet: Any, name: str) -> int:
    return [cell.value for cell in sheet[1]].index(name) + 1


def test_sheets_are_those_promised(six_bins: Sample) -> None:
    assert open_book(six_bins).sheetnames == [
        "Bins",
        "Requests",
        "Alone and why",
        "Stages",
        "Policy",
        "Receipt",
        "Fragmentation",
        "Warnings",
    ]


def test_every_sheet_has_a_frozen_header_a_filter_and_fits_the_page(
    six_bins: Sample,
) -> None:
    for sheet in open_book(six_bins):
        assert sheet.freeze_panes == "A2"
        assert sheet.auto_filter.ref.startswith("A1:")
        assert sheet.print_title_rows == "$1:$1"
        assert sheet.page_setup.orientation == "landscape"
        assert sheet.page_setup.fitToHeight == 0
        assert sheet.sheet_properties.pageSetUpPr.fitToPage


def test_figures_and_dates_are_values_with_formats(six_bins: Sample) -> None:
    sheet = open_book(six_bins)["Bins"]
    effort = sheet.cell(2, column_of(sheet, "effort_days"))
    assert effort.value == six_bins.document["bins"][0]["effort_days"]
    assert effort.number_format == "0.00"
    starts = sheet.cell(2, column_of(sheet, "starts_on"))
    first = six_bins.document["bins"][0]["starts_on"]
    assert starts.value == datetime.fromisoformat(first)
    assert starts.number_format == "yyyy-mm-dd"
    assert sheet.cell(2, column_of(sheet, "value_usd")).number_format == "#,##0"


def test_totals_are_the_objective(six_bins: Sample) -> None:
    book, objective = open_book(six_bins), six_bins.document["objective"]
    bins, stages = book["Bins"], book["Stages"]
    last = bins.max_row
    assert bins.cell(last, 1).value == "Total"
    assert bins.cell(last, column_of(bins, "requests")).value == 13
    for name in ("effort_days", "saved_effort_days", "saved_effort_days_high"):
        assert bins.cell(last, column_of(bins, name)).value == objective[name]
    before = stages.cell(stages.max_row, column_of(stages, "country_by_country_days"))
    assert before.value == objective["baseline_effort_days"]
    assert bins.auto_filter.ref.endswith(str(last - 1))


def test_stages_say_what_they_rest_on(six_bins: Sample) -> None:
    sheet = open_book(six_bins)["Stages"]
    rows = {row[0].value: row for row in sheet.iter_rows(min_row=2)}
    basis = column_of(sheet, "basis") - 1
    rates = column_of(sheet, "staff_days_assumed") - 1
    assert rows["S06"][basis].value == "assumption"
    assert rows["S06"][rates].value == "8 per system + 4 per configuration"
    assert rows["S09"][basis].value == "not stated"
    assert rows["coordination"][basis].value == "assumption"


def test_receipt_holds_hashes_and_proof(six_bins: Sample) -> None:
    pairs = {row[0].value: row[1].value for row in open_book(six_bins)["Receipt"]}
    assert pairs["Requests, SHA-256"] == "a" * 64
    assert pairs["Policy, SHA-256"] == "b" * 64
    assert pairs["Status"] == "optimal"
    assert pairs["Version of highspy"] == "1.15.1"


def test_no_cell_computes_or_links(hostile: Sample) -> None:
    book = open_book(hostile)
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} <= {"s", "n", "d"}
    assert not any(cell.hyperlink for cell in cells)
    texts = {cell.value for cell in cells if cell.data_type == "s"}
    assert '\'=HYPERLINK("http://x","open")' in texts
    assert "'@SUM(A1)" in texts
    assert "'=cmd" in texts
    assert "<script>alert(1)</script>" in texts


def test_same_document_gives_the_same_bytes(six_bins: Sample) -> None:
    assert write_bytes(six_bins) == write_bytes(six_bins)


def test_rows_streamed_to_disk_read_the_same(
    five_hundred: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    def values(book: openpyxl.Workbook) -> dict[str, list[tuple[Any, ...]]]:
        return {sheet.title: list(sheet.values) for sheet in book}

    in_memory = values(open_book(five_hundred))
    monkeypatch.setattr(workbook, "STREAMED_FROM", 1)
    assert values(open_book(five_hundred)) == in_memory


def test_a_long_table_is_cut_and_says_so_and_its_totals_are_of_all(
    six_bins: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbook, "MOST_ROWS", 8)
    sheet = open_book(six_bins)["Requests"]
    assert sheet.cell(10, 1).value == "… and 5 more rows: all are in proposal.json"
    assert sheet.max_row == 11  # thirteen requests: eight listed, header, note, totals
    waits = [d for b in six_bins.document["bins"] for d in b["wait_days"].values()]
    assert sheet.cell(11, column_of(sheet, "wait_days")).value == sum(waits)


def test_a_text_too_long_for_a_cell_says_that_it_was_cut() -> None:
    long = "x" * 40_000
    made = sample([request("R1", extra=(("note", long),))], [["R1"]])
    sheet = open_book(made)["Requests"]
    cell = sheet.cell(2, column_of(sheet, "note")).value
    assert len(cell) == 32_767
    assert cell.endswith("(cut: the whole text is in proposal.json)")


def test_the_sheet_that_may_be_edited_has_the_columns_of_the_data_dictionary(
    six_bins: Sample,
) -> None:
    names = [bin_["bin_id"] for bin_ in six_bins.document["bins"]]
    seen = Seen(proposal_id="p", version=3, bins=dict.fromkeys(names, (2, "open")))
    table = plan_sheet(six_bins.document, six_bins.batch, six_bins.catalogue, seen)
    told = section_of("the sheet of bins", "column of the sheet")
    assert {column.name for column in table.columns} == told
    stream = io.BytesIO()
    workbook.write_sheet(stream, six_bins.document, table)
    sheet = openpyxl.load_workbook(stream)[SHEET]
    assert sheet.max_row == len(six_bins.batch) + 1
    bins = column_of(sheet, "bin")
    assert {sheet.cell(2, bins).fill.fgColor.rgb} == {"FFFFF4CC"}
    assert {row[bins - 1].value for row in sheet.iter_rows(min_row=2)} == {*names}


def section_of(title: str, head: str) -> set[str]:
    """Return the names in the first column of a table of the data dictionary."""
    text = page("docs/data-dictionary.md").lower()
    part = text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    rows = part.partition(f"| {head} |")[2].splitlines()[2:]
    cells = [row.split("|")[1] for row in rows if row.startswith("|")]
    return {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}

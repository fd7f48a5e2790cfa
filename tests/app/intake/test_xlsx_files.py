"""Workbooks: hostile ones, faulty ones, and odd ones that are good."""

import io
import zipfile
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from app.intake import Limits
from tests.app.intake.builders import (
    as_csv,
    as_shared_xlsx,
    as_xlsx,
    read,
    refusal,
    repacked,
    row,
    rows,
    saved,
    the_fault,
    workbook,
)

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def sheet_of(book: openpyxl.Workbook) -> Any:
    return book.worksheets[0]


def test_38_a_bomb_is_refused_before_it_unpacks(tmp_path: Path) -> None:
    content = repacked(as_xlsx(rows()), sheet1=lambda text: text + " " * 120_000_000)
    assert len(content) < 200_000
    fault = the_fault(refusal(tmp_path, "xlsx", content), "size_limit")
    assert "100 times" in fault.message


def test_38_a_string_of_millions_of_one_letter_is_refused(tmp_path: Path) -> None:
    book = repacked(
        as_shared_xlsx(rows(remarks="LONG")),
        sharedStrings=lambda text: text.replace("LONG", "x" * 120_000_000),
    )
    assert refusal(tmp_path, "xlsx", book).faults[0].code == "size_limit"


def test_what_unpacks_beyond_the_limit_is_refused(tmp_path: Path) -> None:
    limits = Limits(max_unpacked_bytes=2_000)
    fault = refusal(tmp_path, "xlsx", as_xlsx(rows()), limits=limits).faults[0]
    assert "size limit" in fault.message


@pytest.mark.parametrize("part", ["sheet1", "sharedStrings", "workbook", "styles"])
def test_39_entities_are_not_expanded(tmp_path: Path, part: str) -> None:
    laughs = "".join(
        f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "ha"}">' for n in range(10)
    )

    def declared(text: str) -> str:
        head, _, body = text.rpartition("?>")
        start = f"{head}?>" if head else ""
        return f"{start}<!DOCTYPE x [{laughs}]>{body}"

    content = repacked(as_shared_xlsx(rows(remarks="x")), **{part: declared})
    assert refusal(tmp_path, "xlsx", content).faults[0].code == "entity"


def test_40_a_cell_at_the_far_corner_is_one_cell(tmp_path: Path) -> None:
    book = workbook(rows())
    sheet_of(book)["XFD1048576"] = "far"
    refused = refusal(tmp_path, "xlsx", saved(book))
    fault = next(f for f in refused.faults if f.row == 1048576)
    assert "XFD1048576" in fault.message


def test_40_dimensions_are_claims_and_not_believed(tmp_path: Path) -> None:
    content = repacked(
        as_xlsx(rows()),
        sheet1=lambda text: text.replace('ref="A1:E4"', 'ref="A1:XFD1048576"'),
    )
    assert len(read(tmp_path, "xlsx", content).requests) == 3


def test_41_a_formula_is_refused_with_its_cell(tmp_path: Path) -> None:
    content = repacked(
        as_xlsx(rows(quantity=12)),
        sheet1=lambda text: text.replace("<v>12</v>", "<f>2*6</f><v>12</v>"),
    )
    fault = the_fault(refusal(tmp_path, "xlsx", content), "formula")
    assert (fault.row, fault.column, fault.value) == (3, "quantity", "=2*6")
    assert "F3" in fault.message


def test_links_to_other_workbooks_are_refused(tmp_path: Path) -> None:
    out = io.BytesIO(as_xlsx(rows()))
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr("xl/externalLinks/externalLink1.xml", "<externalLink/>")
    assert refusal(tmp_path, "xlsx", out.getvalue()).faults[0].code == "link"


def test_42_macros_are_refused(tmp_path: Path) -> None:
    out = io.BytesIO(as_xlsx(rows()))
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr("xl/vbaProject.bin", b"macro")
    fault = refusal(tmp_path, "xlsx", out.getvalue()).faults[0]
    assert (fault.code, "macros" in fault.message) == ("macros", True)


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (OLE + b"\0" * 5000, "legacy_format", "legacy format"),
        (OLE + "EncryptedPackage".encode("utf-16-le"), "password", "password"),
        (b"", "empty", "empty"),
        (b"PK\x03\x04" + b"\0" * 100, "damaged", "damaged"),
        (as_csv(rows()), "content", "not an XLSX workbook"),
        (b"PAR1....PAR1", "content", "Parquet"),
    ],
)
def test_43_content_that_is_no_workbook_is_refused(
    tmp_path: Path, content: bytes, code: str, words: str
) -> None:
    fault = refusal(tmp_path, "xlsx", content).faults[0]
    assert (fault.code, words in fault.message) == (code, True)


def test_a_zip_that_is_no_workbook_is_refused(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.txt", "a")
    assert refusal(tmp_path, "xlsx", out.getvalue()).faults[0].code == "content"


def test_an_archive_of_too_many_members_is_refused(tmp_path: Path) -> None:
    out = io.BytesIO(as_xlsx(rows()))
    with zipfile.ZipFile(out, "a") as archive:
        for number in range(200):
            archive.writestr(f"xl/media/{number}.png", b"")
    assert "200 members" in refusal(tmp_path, "xlsx", out.getvalue()).faults[0].message


def test_44_two_sheets_with_data_are_both_named(tmp_path: Path) -> None:
    book = workbook(rows())
    book.create_sheet("Empty")
    assert len(read(tmp_path, "xlsx", saved(book)).requests) == 3
    book.create_sheet("More")["A1"] = "data"
    fault = the_fault(refusal(tmp_path, "xlsx", saved(book)), "sheets")
    assert '"Sheet"' in fault.message
    assert '"More"' in fault.message


def test_hidden_data_is_refused_saying_where(tmp_path: Path) -> None:
    sheets, row_hidden, column_hidden = (workbook(rows()) for _ in range(3))
    hidden = sheets.create_sheet("Secret")
    hidden.sheet_state = "veryHidden"
    assert len(read(tmp_path, "xlsx", saved(sheets)).requests) == 3
    hidden["B2"] = 1
    sheet_of(row_hidden).row_dimensions[3].hidden = True
    sheet_of(column_hidden).column_dimensions["C"].hidden = True
    for book, words in (
        (sheets, '"Secret"'),
        (row_hidden, "Row 3"),
        (column_hidden, "Column C"),
    ):
        fault = the_fault(refusal(tmp_path, "xlsx", saved(book)), "hidden")
        assert words in fault.message


def test_empty_hidden_rows_and_columns_are_fine(tmp_path: Path) -> None:
    book = workbook(rows())
    sheet_of(book).row_dimensions[9].hidden = True
    sheet_of(book).column_dimensions["J"].hidden = True
    assert len(read(tmp_path, "xlsx", saved(book)).requests) == 3


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"quantity": "5 "}, "type"),  # 45
        ({"quantity": True}, "type"),
        ({"received_on": datetime.fromisoformat("2026-03-01T18:30")}, "type"),  # 46
        ({"received_on": 46000}, "type"),
        ({"value_usd": "#N/A"}, "type"),
        ({"request_id": 7}, "type"),
        ({"system": True}, "type"),
        ({"value_usd": date(2026, 3, 1)}, "type"),
    ],
)
def test_45_46_a_cell_of_a_wrong_type_is_refused(
    tmp_path: Path, changes: dict[str, Any], code: str
) -> None:
    (column,) = changes
    fault = refusal(tmp_path, "xlsx", as_xlsx(rows(**changes))).faults[0]
    assert (fault.row, fault.column, fault.code) == (3, column, code)


def test_an_error_in_a_cell_is_refused(tmp_path: Path) -> None:
    content = repacked(
        as_xlsx(rows(quantity=12)),
        sheet1=lambda text: text.replace('t="n"><v>12</v>', 't="e"><v>#DIV/0!</v>'),
    )
    fault = the_fault(refusal(tmp_path, "xlsx", content), "type")
    assert "#DIV/0!" in fault.message


def test_47_half_a_workbook_is_damaged(tmp_path: Path) -> None:
    content = as_xlsx(rows(40))
    half = content[: len(content) // 2]
    assert refusal(tmp_path, "xlsx", half).faults[0].code == "damaged"


def test_a_blank_row_between_rows_is_refused(tmp_path: Path) -> None:
    book = workbook(rows(4))
    sheet = sheet_of(book)
    for cell in sheet[3]:
        cell.value = None
    fault = the_fault(refusal(tmp_path, "xlsx", saved(book)), "field_count")
    assert fault.row == 3


def test_12_rows_above_the_limit_are_refused(tmp_path: Path) -> None:
    limits = Limits(max_rows=2)
    fault = refusal(tmp_path, "xlsx", as_xlsx(rows()), limits=limits).faults[0]
    assert fault.code == "row_limit"


def test_g6_dates_blanks_and_booleans_of_a_good_workbook(tmp_path: Path) -> None:
    table = [row(1, needed_by=date(2027, 3, 1), technology_review=True, force=None)]
    book = workbook(table)
    for cell in sheet_of(book)[2]:
        if cell.is_date:
            cell.number_format = "dd.mm.yy"
    request = read(tmp_path, "xlsx", saved(book)).requests[0]
    assert request.needed_by == date(2027, 3, 1)
    assert (request.force, request.technology_review) == (None, True)


def test_dates_keep_their_day_in_workbooks_from_1904(tmp_path: Path) -> None:
    book = workbook([])
    book.epoch = CALENDAR_MAC_1904
    sheet = sheet_of(book)
    table = [row(1, needed_by=date(2027, 3, 1))]
    sheet.delete_rows(1)
    for place, name in enumerate(table[0], start=1):
        sheet.cell(1, place, name)
        value = table[0][name]
        sheet.cell(2, place, float(value) if name == "value_usd" else value)
    request = read(tmp_path, "xlsx", saved(book)).requests[0]
    assert request.needed_by == date(2027, 3, 1)
    assert request.received_on == table[0]["received_on"]


def test_amounts_are_read_by_their_shortest_decimal(tmp_path: Path) -> None:
    content = as_xlsx([row(1, value_usd=77), row(2, value_usd=88)])
    written = {"<v>77</v>": "<v>1234567.1000000001</v>", "<v>88</v>": "<v>1.5E+6</v>"}

    def changed(text: str) -> str:
        for old, new in written.items():
            text = text.replace(old, new)
        return text

    # 1234567.1000000001 is the number nearest to 1234567.1, written with 17 digits.
    assert float("1234567.1000000001") == 1234567.1
    requests = read(tmp_path, "xlsx", repacked(content, sheet1=changed)).requests
    assert [r.value_cents for r in requests] == [123456710, 150000000]
    written["<v>88</v>"] = "<v>0.30000000000000004</v>"
    refused = refusal(tmp_path, "xlsx", repacked(content, sheet1=changed))
    assert [fault.row for fault in refused.faults] == [3]


def test_workbooks_that_share_their_texts_are_read_alike(tmp_path: Path) -> None:
    table = rows(remarks="x", needed_by=date(2027, 3, 1), technology_review=False)
    shared = read(tmp_path, "xlsx", as_shared_xlsx(table))
    assert shared == read(tmp_path, "csv", as_csv(table))


def test_escaped_characters_of_a_string_are_what_they_stand_for(
    tmp_path: Path,
) -> None:
    table = [row(1, remarks="a_x0041_b"), row(2, remarks="a_x0000_b")]
    fault = the_fault(refusal(tmp_path, "xlsx", as_xlsx(table)), "character")
    assert fault.row == 3
    assert read(tmp_path, "xlsx", as_xlsx(table[:1])).requests[0].remarks == "aAb"

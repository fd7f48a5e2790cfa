"""The sample files: found where they are, and as their README describes them."""

import csv
import json
import re
from datetime import date, datetime
from pathlib import Path
from zipfile import ZipFile

import pytest
from openpyxl import load_workbook

from app.catalogue import load_catalogue
from app.errors import InputRefused, WrongUsage
from app.intake.read import read_precedents, read_requests
from app.samples import sample_names, sample_path, samples_folder

BALTIC = "baltic-rocket-artillery"


def rows(name: str) -> list[dict[str, str]]:
    with sample_path(name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def without_blanks(row: dict[str, str]) -> dict[str, str]:
    return {column: value for column, value in row.items() if value}


def test_every_sample_is_described_in_the_readme() -> None:
    readme = (samples_folder() / "README.md").read_text(encoding="utf-8")

    for name in sample_names():
        stem = Path(name).stem
        assert f"`{name}`" in readme or f"`{stem}.json`, `.xlsx`" in readme, name


def test_unknown_sample_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(WrongUsage, match=r"'batlic\.csv'.*baltic-rocket-artillery"):
        sample_path("batlic.csv")


@pytest.mark.parametrize("name", ["announced-2022-2026.csv", f"{BALTIC}.csv"])
def test_requests_have_unique_ids_and_known_names(name: str) -> None:
    catalogue = load_catalogue()
    requests = rows(name)
    ids = [row["request_id"] for row in requests]

    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[A-Z0-9][A-Z0-9._/-]{0,63}", i) for i in ids)
    assert {row["customer"] for row in requests} <= set(catalogue.customers)
    assert {row["system"] for row in requests} <= set(catalogue.systems)


def test_announced_requests_fall_in_their_window_and_have_a_value() -> None:
    requests = rows("announced-2022-2026.csv")

    assert len(requests) == 153  # as the README says
    assert min(row["received_on"] for row in requests) >= "2022-01-01"
    assert max(row["received_on"] for row in requests) < "2027-01-01"
    assert all(int(row["value_usd"]) > 0 for row in requests)


def test_precedents_lie_before_the_batch_they_serve() -> None:
    precedents = rows("precedents.csv")
    catalogue = load_catalogue()
    first = min(row["received_on"] for row in rows("announced-2022-2026.csv"))

    assert len(precedents) == 54  # as the README says
    assert all(date.fromisoformat(row["approved_on"]) for row in precedents)
    assert max(row["approved_on"] for row in precedents) < first
    assert {row["customer"] for row in precedents} <= set(catalogue.customers)
    assert {row["system"] for row in precedents} <= set(catalogue.systems)


def test_some_requests_of_both_batches_have_a_precedent() -> None:
    known = {(row["customer"], row["system"]) for row in rows("precedents.csv")}

    for name in ("announced-2022-2026.csv", f"{BALTIC}.csv"):
        served = [r for r in rows(name) if (r["customer"], r["system"]) in known]
        assert served, name


def test_json_form_holds_the_same_requests() -> None:
    document = json.loads(sample_path(f"{BALTIC}.json").read_text(encoding="utf-8"))

    as_text = [{key: str(value) for key, value in row.items()} for row in document]
    assert as_text == [without_blanks(row) for row in rows(f"{BALTIC}.csv")]


def test_workbook_form_holds_the_same_requests() -> None:
    sheet = load_workbook(sample_path(f"{BALTIC}.xlsx")).active
    assert sheet is not None
    header, *body = sheet.iter_rows(values_only=True)

    found = [
        {
            str(column): f"{value:%Y-%m-%d}"
            if isinstance(value, datetime)
            else str(value)
            for column, value in zip(header, cells, strict=True)
            if value is not None
        }
        for cells in body
    ]
    assert found == [without_blanks(row) for row in rows(f"{BALTIC}.csv")]


def test_workbook_names_no_author() -> None:
    with ZipFile(sample_path(f"{BALTIC}.xlsx")) as archive:
        core = archive.read("docProps/core.xml").decode()

    assert "<dc:creator/>" in core or "<dc:creator></dc:creator>" in core


def test_rulings_name_requests_of_the_baltic_batch() -> None:
    rulings = json.loads(sample_path("rulings.json").read_text(encoding="utf-8"))
    ids = {row["request_id"] for row in rows(f"{BALTIC}.csv")}

    assert sorted(ruling["kind"] for ruling in rulings) == [
        "apart",
        "fixed",
        "together",
    ]
    assert {i for ruling in rulings for i in ruling["request_ids"]} <= ids


def test_samples_are_read_whole() -> None:
    announced = read_requests([str(sample_path("announced-2022-2026.csv"))])

    assert len(announced.requests) == 153
    assert len(read_precedents(str(sample_path("precedents.csv")))) == 54


def test_the_three_forms_of_the_baltic_batch_are_read_alike() -> None:
    csv_form, json_form, workbook = (
        read_requests([str(sample_path(BALTIC + suffix))]).requests
        for suffix in (".csv", ".json", ".xlsx")
    )
    assert len(csv_form) == 12
    assert csv_form == json_form == workbook


def test_each_faulty_row_is_refused_for_the_column_its_remark_names() -> None:
    with pytest.raises(InputRefused) as refused:
        read_requests([str(sample_path("faulty.csv"))])

    faults: dict[int, list[str]] = {}
    for fault in refused.value.faults:
        assert fault.row is not None
        faults.setdefault(fault.row, []).append(fault.column or "")
    named = {
        row: [record["remarks"].split()[0]]
        for row, record in enumerate(rows("faulty.csv"), start=2)
    }
    *_, last = named
    named[last] = ["customer", "received_on", "quantity"]  # "three faults in one row"
    assert refused.value.good_rows == 0
    assert faults == named


def test_each_faulty_row_says_what_is_wrong_with_it() -> None:
    faulty = rows("faulty.csv")

    assert len(faulty) == 38  # as the README says
    remarks = [row["remarks"] for row in faulty]
    assert all(remarks)
    assert len(set(remarks)) == len(remarks)

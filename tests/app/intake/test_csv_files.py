"""CSV files with one defect each, and odd CSV files that are good."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.errors import InputRefused
from app.intake import Limits, read_requests
from app.intake.records import REQUESTS
from tests.app.intake.builders import as_csv, read, refusal, row, rows, the_fault

DATA = Path(__file__).parents[2] / "data" / "csv"

# (file of tests/data/csv, code, row, words of the message)
DEFECTS = [
    ("01-utf-16.csv", "encoding", None, "save as UTF-8"),
    ("03-nul-in-remarks-of-row-4.csv", "character", 4, "NUL"),
    ("04-semicolons.csv", "delimiter", 1, "comma separated"),
    ("05-one-field-too-many-in-row-3.csv", "field_count", 3, "7 fields, header has 6"),
    ("06-quote-never-closed-in-row-4.csv", "quote", 4, "never closed"),
    ("07-quantity-twice.csv", "duplicate_column", 1, "quantity"),
    ("08-no-value.csv", "missing_column", 1, "value_usd"),
    ("09-header-alone.csv", "empty", None, "no requests"),
    ("10-bare-cr.csv", "line_end", 1, "carriage return"),
    ("empty.csv", "empty", None, "no requests"),
    ("latin-1.csv", "encoding", None, "save as UTF-8"),
    ("text-after-closing-quote-in-row-2.csv", "quote", 2, "closing quote"),
    ("quote-inside-a-field-in-row-2.csv", "quote", 2, "unquoted field"),
    ("blank-line-in-row-3.csv", "field_count", 3, "blank"),
    ("wrong-case-of-a-column.csv", "unknown_column", 1, "quantity"),
]


@pytest.mark.parametrize(("name", "code", "row_at", "words"), DEFECTS)
def test_a_file_with_one_defect_has_one_fault(
    name: str, code: str, row_at: int | None, words: str
) -> None:
    with pytest.raises(InputRefused) as caught:
        read_requests([str(DATA / name)])
    assert len(caught.value.faults) == 1, caught.value
    fault = caught.value.faults[0]
    assert (fault.code, fault.row) == (code, row_at)
    assert words in fault.message
    assert str(fault).startswith(f"{DATA / name}:")


def test_every_defect_on_file_is_tested() -> None:
    assert {path.name for path in DATA.iterdir()} == {name for name, *_ in DEFECTS}


def test_05_the_message_counts_fields_against_the_header(tmp_path: Path) -> None:
    header = ",".join(REQUESTS.fields)
    line = "A-1,POL,HIMARS,2026-01-05,5" + "," * 13 + ",a, b"
    fault = refusal(tmp_path, "csv", f"{header}\n{line}\n".encode()).faults[0]
    assert "20 fields, header has 19" in fault.message


def test_06_rows_after_an_open_quote_are_still_judged(tmp_path: Path) -> None:
    text = as_csv(rows(6, at=6, priority="soon")).decode()
    lines = text.splitlines()
    lines[3] = lines[3].replace("POL,", '"POL,')
    refused = refusal(tmp_path, "csv", "\n".join(lines).encode())
    assert {(f.row, f.code) for f in refused.faults} == {(4, "quote"), (7, "choice")}
    assert refused.bad_rows == 2


def test_06_many_open_quotes_end_soon(tmp_path: Path) -> None:
    content = as_csv(rows()) + b'a"\n' * 200_001
    refused = refusal(tmp_path, "csv", content)
    assert refused.faults[0].code == "quote"
    assert len(refused.faults) <= 101


def test_11_a_cell_of_ten_mebibytes_is_refused_at_its_place(tmp_path: Path) -> None:
    content = as_csv(rows(remarks="x" * (10 << 20)))
    fault = refusal(tmp_path, "csv", content).faults[0]
    assert (fault.row, fault.column, fault.code) == (3, "remarks", "cell_limit")
    assert len(fault.value or "") == 64


def test_12_a_row_above_the_limit_refuses_the_file(tmp_path: Path) -> None:
    content = as_csv(rows(3))
    refused = refusal(tmp_path, "csv", content, limits=Limits(max_rows=2))
    assert "row limit of 2" in the_fault(refused, "row_limit").message
    assert len(read(tmp_path, "csv", content, limits=Limits(max_rows=3)).requests) == 3


def test_a_file_above_the_size_limit_is_not_read(tmp_path: Path) -> None:
    refused = refusal(tmp_path, "csv", as_csv(rows()), limits=Limits(max_bytes=20))
    assert "size limit" in the_fault(refused, "size_limit").message


def test_too_many_columns_are_refused(tmp_path: Path) -> None:
    content = as_csv([row(**{f"c{n}": "x" for n in range(60)})])
    options = {"keep_extra_columns": True, "limits": Limits()}
    assert refusal(tmp_path, "csv", content, **options).faults[0].code == "column_limit"


def test_a_large_file_under_limits_is_read_in_a_process_apart(tmp_path: Path) -> None:
    table = [row(1, request_id=f"A-{n}", remarks="x" * 4000) for n in range(1200)]
    content = as_csv(table)
    assert len(content) > 4 << 20
    apart = read(tmp_path, "csv", content, limits=Limits())
    assert apart == read(tmp_path, "csv", content)


def test_g1_g2_the_odd_shapes_of_a_good_csv(tmp_path: Path) -> None:
    text = (
        "\ufeffvalue_usd,remarks, request_id ,received_on,system,customer\r\n"
        '1500000.5,"a, ""b""\r\nc",POL-26-0001,2026-03-01,HIMARS,POL\r\n'
        "1500000.50,,POL-26-0002,2026-03-02,HIMARS,POL"
    )
    requests = read(tmp_path, "csv", text.encode()).requests
    assert requests[0].remarks == 'a, "b"\r\nc'
    plain = read(tmp_path, "csv", as_csv([row(1), row(2)])).requests
    assert requests[1] == plain[1]
    assert requests[0].request_id == plain[0].request_id


def test_a_record_of_many_lines_counts_as_one_row(tmp_path: Path) -> None:
    table = [row(1, remarks="a\n\nb"), row(2, priority="soon")]
    assert refusal(tmp_path, "csv", as_csv(table)).faults[0].row == 3


def test_g10_kept_columns_change_nothing_else(tmp_path: Path) -> None:
    content = as_csv([row(1, case_officer="=A", note="")])
    request = read(tmp_path, "csv", content, keep_extra_columns=True).requests[0]
    assert request.extra == (("case_officer", "=A"),)
    assert (
        request
        == read(
            tmp_path,
            "csv",
            as_csv([row(1, case_officer="=A")]),
            keep_extra_columns=True,
        ).requests[0]
    )


def test_g11_the_locale_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "batch.csv"
    path.write_bytes(as_csv([row(1, customer="T\u00fcrkiye", remarks="\u00e9\u00e8")]))
    code = (
        "import sys; from app.intake import read_requests, requests_sha256;"
        "print(requests_sha256(read_requests([sys.argv[1]]).requests))"
    )
    answers = {
        subprocess.run(
            [sys.executable, "-c", code, str(path)],
            env={
                **os.environ,
                "LC_ALL": locale,
                "PYTHONPATH": os.pathsep.join(sys.path),
            },
            check=True,
            capture_output=True,
        ).stdout
        for locale in ("C", "C.UTF-8")
    }
    assert len(answers) == 1


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("batch.xls", "legacy_format"),
        ("batch.xlsm", "macros"),
        ("batch.txt", "file_type"),
        ("batch", "file_type"),
    ],
)
def test_files_of_no_known_type_are_refused(
    tmp_path: Path, name: str, code: str
) -> None:
    path = tmp_path / name
    path.write_bytes(as_csv(rows()))
    with pytest.raises(InputRefused) as caught:
        read_requests([str(path)])
    fault = caught.value.faults[0]
    assert (fault.code, ".csv" in fault.message) == (code, True)


def test_78_what_is_not_a_readable_file_is_named(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    paths = [str(tmp_path / "none.csv"), str(tmp_path), str(pipe), "a\0b.csv"]
    with pytest.raises(InputRefused) as caught:
        read_requests(paths)
    assert [fault.code for fault in caught.value.faults] == ["unreadable"] * 4
    assert [fault.file for fault in caught.value.faults] == paths

"""JSON and NDJSON files with one defect each, and odd ones that are good."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.intake import Limits
from tests.app.intake.builders import (
    as_json,
    as_ndjson,
    read,
    refusal,
    row,
    rows,
    the_fault,
)


def with_value(field: str, literal: str) -> bytes:
    """Return a list of one request, a field of it as a literal piece of JSON."""
    content = as_json([row(1, **{field: "<here>"})]).decode()
    return content.replace('"<here>"', literal).encode("utf-8", "surrogatepass")


@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"a":['])
def test_48_deep_nesting_is_refused(tmp_path: Path, opening: str) -> None:
    refused = refusal(tmp_path, "json", opening.encode() * 100_000)
    assert the_fault(refused, "depth_limit")
    assert len(str(refused)) < 1000


def test_brackets_within_text_do_not_nest(tmp_path: Path) -> None:
    content = as_json([row(1, remarks="[" * 100 + '\\"{')])
    assert read(tmp_path, "json", content).requests[0].remarks.startswith("[[")


@pytest.mark.parametrize("again", ["request_id", "\\u0072equest_id", "REQUEST_ID "])
@pytest.mark.parametrize("kind", ["json", "ndjson"])
def test_49_a_repeated_key_is_refused(tmp_path: Path, kind: str, again: str) -> None:
    line = as_ndjson([row(1)]).decode().strip()
    line = line.replace("{", f'{{"{again}":"B",', 1)
    content = f"[{line}]" if kind == "json" else line
    fault = the_fault(refusal(tmp_path, kind, content.encode()), "repeated_key")
    assert (fault.row, "twice" in fault.message) == (1, True)


@pytest.mark.parametrize(
    ("field", "literal", "code"),
    [
        ("value_usd", "NaN", "type"),  # 50
        ("value_usd", "-Infinity", "type"),
        ("value_usd", "1e400", "amount"),
        ("value_usd", '"1500000"', "type"),  # 53
        ("value_usd", "true", "type"),
        ("quantity", '"5"', "type"),
        ("quantity", "12.0", "type"),
        ("quantity", "true", "type"),
        ("quantity", "9" * 5000, "cell_limit"),
        ("system", r'"\ud800"', "character"),  # 52
        ("system", r'"HIM\u0000ARS"', "character"),
        ("system", "5", "type"),
        ("system", "[]", "type"),
        ("customer", "null", "missing_value"),  # 54
        ("technology_review", "1", "type"),
        ("technology_review", '"yes"', "type"),
        ("remarks", "5", "type"),
        ("received_on", "20260301", "type"),
    ],
)
def test_types_are_exact(tmp_path: Path, field: str, literal: str, code: str) -> None:
    refused = refusal(tmp_path, "json", with_value(field, literal))
    fault = refused.faults[0]
    assert (fault.row, fault.column, fault.code) == (1, field, code)
    # The answer can itself be written as JSON and UTF-8.
    json.dumps([fault.value, fault.message], allow_nan=False).encode()
    f"{fault}".encode()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'[{"request_id": "A",}]', "line 1"),
        (b"// comment\n[]", "line 1, column 1"),
        (b"[]\n[]", "after its end"),
        (b'[{"request_id": "A"', "column"),
    ],
)
def test_51_what_is_not_one_document_is_refused_with_its_position(
    tmp_path: Path, content: bytes, words: str
) -> None:
    fault = the_fault(refusal(tmp_path, "json", content), "syntax")
    assert words in fault.message


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (b"[]", "empty"),
        (b'{"requests": []}', "empty"),
        (b"5", "type"),
        (b'{"rows": []}', "type"),
        (b'{"requests": [], "more": 1}', "unknown_column"),
        (b"[[]]", "type"),
        (b"[null]", "type"),
    ],
)
def test_54_documents_of_another_shape_are_refused(
    tmp_path: Path, content: bytes, code: str
) -> None:
    assert refusal(tmp_path, "json", content).faults[0].code == code


@pytest.mark.parametrize("kind", ["json", "ndjson"])
def test_55_fields_of_the_system_are_refused_even_when_others_are_kept(
    tmp_path: Path, kind: str
) -> None:
    write = {"json": as_json, "ndjson": as_ndjson}[kind]
    role, status = write([row(1, role="admin")]), write([row(1, status="done")])
    assert refusal(tmp_path, kind, role).faults[0].code == "unknown_column"
    kept = read(tmp_path, kind, role, keep_extra_columns=True)
    assert kept.requests[0].extra == (("role", "admin"),)
    for keep in (False, True):
        refused = refusal(tmp_path, kind, status, keep_extra_columns=keep)
        assert refused.faults[0].code == "system_field"


def test_kept_fields_are_text_numbers_or_truth(tmp_path: Path) -> None:
    kept: dict[str, Any] = {"a": "x", "b": 1.50, "c": True, "d": None}
    intake = read(tmp_path, "json", as_json([row(1, **kept)]), keep_extra_columns=True)
    assert intake.requests[0].extra == (("a", "x"), ("b", "1.5"), ("c", "true"))
    nested = as_json([row(1, a={"b": 1})])
    assert refusal(tmp_path, "json", nested, keep_extra_columns=True).faults[0]


@pytest.mark.parametrize("kind", ["json", "ndjson"])
def test_56_too_many_requests_are_refused(tmp_path: Path, kind: str) -> None:
    content = {"json": as_json, "ndjson": as_ndjson}[kind](rows(3))
    refused = refusal(tmp_path, kind, content, limits=Limits(max_rows=2))
    assert the_fault(refused, "row_limit")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_57_other_encodings_are_refused(tmp_path: Path, encoding: str) -> None:
    content = as_json(rows()).decode().encode(encoding)
    assert refusal(tmp_path, "json", content).faults[0].code == "encoding"


def test_58_a_cut_line_is_refused_at_its_row(tmp_path: Path) -> None:
    lines = as_ndjson(rows(4)).splitlines()
    lines[2] = lines[2][:40]
    refused = refusal(tmp_path, "ndjson", b"\n".join(lines))
    assert [(f.row, f.code) for f in refused.faults] == [(3, "syntax")]


@pytest.mark.parametrize("line", [b"", b"[]", b"{} {}", b"[" * 1000])
def test_each_line_is_one_object(tmp_path: Path, line: bytes) -> None:
    content = b"\n".join([as_ndjson([row(1)]).strip(), line, as_ndjson([row(2)])])
    assert [f.row for f in refusal(tmp_path, "ndjson", content).faults] == [2]


def test_g5_amounts_are_exact_and_null_is_a_blank(tmp_path: Path) -> None:
    content = as_json([row(1, value_usd=1234567.89, needed_by=None)])
    request = read(tmp_path, "json", content).requests[0]
    assert (request.value_cents, request.needed_by) == (123456789, None)
    wrapped = b'{"requests": ' + content + b"}"
    assert read(tmp_path, "json", wrapped).requests[0] == request


def test_g13_line_ends_and_key_order_do_not_matter(tmp_path: Path) -> None:
    lines = as_ndjson([row(1), dict(reversed(row(2).items()))]).splitlines()
    odd = read(tmp_path, "ndjson", b"\xef\xbb\xbf" + b"\r\n".join(lines))
    assert odd == read(tmp_path, "ndjson", as_ndjson([row(1), row(2)]))


def test_missing_keys_are_named_for_each_row(tmp_path: Path) -> None:
    refused = refusal(tmp_path, "json", b'[{"request_id": "A"}]')
    missing = {"customer", "system", "received_on", "value_usd"}
    assert {fault.column for fault in refused.faults} == missing

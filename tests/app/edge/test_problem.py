"""Problem details: one shape, bounded, safe, valid JSON whatever is put in."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.edge.problem import MOST_BYTES, Problem, error, status_of
from app.errors import Fault, FaultCode, InputRefused

ANYTHING = st.text(st.characters(codec=None, categories=None), max_size=200)


def read(problem: Problem) -> dict[str, Any]:
    """Return the body as a strict reader of JSON sees it."""
    body = problem.body()
    assert len(body) <= MOST_BYTES
    body.decode("utf-8").encode("utf-8")

    def refuse(name: str) -> None:
        raise AssertionError(name)

    document = json.loads(body, parse_constant=refuse)
    assert isinstance(document, dict)
    return document


def fault(row: int | None, code: str = FaultCode.DATE, value: str = "x") -> Fault:
    return Fault(
        file="f.csv", row=row, column="c", code=code, message="No.", value=value
    )


def test_a_problem_has_the_members_of_the_standard() -> None:
    assert read(Problem(409, "Conflict", "It is decided.", extra={"version": 3})) == {
        "type": "/problems/conflict",
        "title": "Conflict",
        "status": 409,
        "detail": "It is decided.",
        "version": 3,
    }


def test_a_member_of_the_standard_cannot_be_replaced() -> None:
    assert read(Problem.of(404, "No.", headers={})) == read(
        Problem(404, "Not there", "No.", extra={"status": 200, "type": "x"})
    )


@given(detail=ANYTHING, column=ANYTHING, value=ANYTHING, key=ANYTHING)
def test_whatever_is_put_in_comes_out_as_valid_json(
    detail: str, column: str, value: str, key: str
) -> None:
    document = read(
        Problem(
            422,
            "Not acceptable",
            detail,
            errors=[error(detail, column=column, value=value)],
            extra={"more": {key: [float("nan"), value, {"deep": float("inf")}]}},
        )
    )

    shown = json.dumps(document, ensure_ascii=False)
    shown.encode("utf-8")  # no half a character is left
    assert all(char.isprintable() for char in shown)
    assert len(document["errors"][0]["value"]) <= 64


def test_a_long_value_is_cut_to_64_characters() -> None:
    problem = Problem(
        422, "Not acceptable", "No.", errors=[error("No.", value="v" * 999)]
    )

    assert read(problem)["errors"][0]["value"] == "v" * 63 + "…"


def test_a_hundred_rows_are_listed_and_the_rest_counted() -> None:
    refused = InputRefused([fault(row) for row in range(2, 152)], 7, 150)

    document = read(Problem.of_input(refused))

    assert [entry["row"] for entry in document["errors"]] == list(range(2, 102))
    assert document["unlisted_errors"] == 50
    assert (document["bad_rows"], document["good_rows"]) == (150, 7)
    assert document["unlisted_rows"] == 50
    assert document["detail"] == "150 rows were refused; see errors."


def test_all_faults_of_a_listed_row_are_listed() -> None:
    faults = [fault(row) for row in range(1, 101) for _ in range(3)]

    document = read(Problem.of_input(InputRefused(faults, 0, 100)))

    assert len(document["errors"]) == 300
    assert "unlisted_errors" not in document


def test_an_answer_stays_within_64_kib() -> None:
    entries = [error("é" * 999, row=n, column="c" * 200) for n in range(90)]

    document = read(Problem(422, "Not acceptable", "No.", errors=entries))

    assert 0 < len(document["errors"]) < 90
    assert len(document["errors"]) + document["unlisted_errors"] == 90


def test_a_problem_of_huge_members_stays_within_64_kib() -> None:
    extra = {f"k{n}": ["é" * 9999] * 9999 for n in range(99)}

    document = read(
        Problem(422, "Not acceptable", "é" * 99999, extra={**extra, "current": 3})
    )

    assert document["current"] == 3


def test_the_name_of_the_file_is_not_in_the_answer() -> None:
    refused = InputRefused(
        [Fault(file="/srv/secret.csv", code="syntax", message="No.")]
    )

    assert b"secret" not in Problem.of_input(refused).body()


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (FaultCode.SYNTAX, 400),
        (FaultCode.DEPTH_LIMIT, 400),
        (FaultCode.ENCODING, 415),
        (FaultCode.MACROS, 415),
        (FaultCode.ROW_LIMIT, 413),
        (FaultCode.SIZE_LIMIT, 413),
        (FaultCode.DAMAGED, 422),
        (FaultCode.EMPTY, 422),
    ],
)
def test_a_fault_of_the_file_gives_its_status(code: FaultCode, status: int) -> None:
    assert status_of([fault(None, code)]) == status


def test_faults_of_rows_are_422_whatever_they_are() -> None:
    assert status_of([fault(3, FaultCode.SYNTAX), fault(4)]) == 422

"""Bodies: exactly one JSON document, exactly typed; everything else has its status."""

import json
from datetime import date
from enum import StrEnum
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from app.edge.body import parsed, strict_json
from app.edge.handlers import install_handlers
from app.edge.problem import Problem
from tests.app.edge.calling import call, post_json


class Kind(StrEnum):
    """A closed vocabulary."""

    ACCEPT = "accept"
    REJECT = "reject"


class Order(BaseModel):
    """A body of every sort of field."""

    model_config = ConfigDict(extra="forbid")
    kind: Kind
    count: int
    day: date | None = None
    sure: bool = False
    share: float = 0.0
    ids: tuple[str, ...] = ()


@pytest.fixture
def app() -> FastAPI:
    app = FastAPI()
    install_handlers(app)

    @app.post("/orders")
    def order(body: Annotated[Order, Depends(parsed(Order))]) -> dict[str, Any]:
        return body.model_dump(mode="json")

    return app


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b" \n", 400),
        (b"[" * 100_000, 400),
        (b'{"a":' * 17 + b"1" + b"}" * 17, 400),
        (b"[1,]", 400),
        (b"[1] // one", 400),
        (b"[1][2]", 400),
        (b"{'a': 1}", 400),
        (b'"\x00"', 400),
        (b'"\n"', 400),
        (b"\xef\xbb\xbf[]", 400),
        ("[1]".encode("utf-16"), 400),
        (b'"\xff"', 400),
        (b'"\xed\xa0\x80"', 400),
        (b"[NaN]", 422),
        (b"[-Infinity]", 422),
        (b"[1e999]", 422),
        (b"[1234567890123456789]", 422),
        (b"[" + b"9" * 5000 + b"]", 422),
        (b'{"a": 1, "a": 2}', 422),
        (b'{"a": 1, "\\u0061": 2}', 422),
        (b'{"a": 1, "A": 2}', 422),
        (b'{"a": 1, " a": 2}', 422),
        (b'{"%s": 1}' % (b"k" * 65), 422),
        (b'"\\ud800"', 422),
        (b'"\\u0000"', 422),
        (b'"\\u001b[2J"', 422),
        (b'{"\\u0000": 1}', 422),
        (b'"\x7f"', 422),
        ('"\u0085"'.encode(), 422),
    ],
)
def test_what_is_no_strict_json_has_its_status(body: bytes, status: int) -> None:
    with pytest.raises(Problem) as refused:
        strict_json(body)

    assert refused.value.status == status
    assert refused.value.errors


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]", json.loads("[" * 16 + "1" + "]" * 16)),
        (b'"[[[[[[[[[[[[[[[[[[[["', "[" * 20),
        (b'"\\"[[[[[[[[[[[[[[[[[[[["', '"' + "[" * 20),
        (b'"\\ud83d\\ude00"', "\U0001f600"),
        (b'"line\\nline\\ttab"', "line\nline\ttab"),
        (b"[123456789012345678, -1.5e3]", [123456789012345678, -1500.0]),
        ('{"Türkiye": null}'.encode(), {"Türkiye": None}),
    ],
)
def test_odd_but_good_json_is_read_as_it_stands(body: bytes, value: object) -> None:
    assert strict_json(body) == value


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(10**17), 10**17)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(st.characters(exclude_categories=("Cc", "Cs"))),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["a", "b", "long key"]), inner, max_size=3
            )
        ),
        max_leaves=10,
    )
)
def test_every_plain_document_is_read_as_any_reader_reads_it(document: Any) -> None:
    for escaped in (True, False):
        assert (
            strict_json(json.dumps(document, ensure_ascii=escaped).encode()) == document
        )


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    problem = None
    try:
        document = strict_json(body)
    except Problem as refused:
        problem = refused
    if problem is None:
        assert document == json.loads(body)
    else:
        assert problem.status in {400, 422}
        json.loads(problem.body())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("count", '"5"'),
        ("count", "true"),
        ("count", "12.0"),
        ("count", "null"),
        ("kind", '"ACCEPT"'),
        ("kind", '"approve!"'),
        ("day", '"20260101"'),
        ("day", "1"),
        ("sure", "1"),
        ("sure", '"true"'),
        ("share", '"0.5"'),
        ("ids", '"abc"'),
        ("ids", "[1]"),
        ("role", '"admin"'),
    ],
)
def test_types_are_exact(app: FastAPI, field: str, value: str) -> None:
    fields = {"kind": '"accept"', "count": "1", field: value}
    body = "{" + ", ".join(f'"{name}": {text}' for name, text in fields.items()) + "}"

    answer = post_json(app, "/orders", body)

    assert answer.status_code == 422
    assert [error["column"].split(".")[0] for error in answer.json()["errors"]] == [
        field
    ]


def test_a_choice_that_is_none_is_told_the_choices(app: FastAPI) -> None:
    answer = post_json(app, "/orders", '{"kind": "approve!", "count": 1}')

    assert answer.json()["detail"] == "\"kind\" must be 'accept' or 'reject'."


def test_a_good_body_arrives_typed(app: FastAPI) -> None:
    body = (
        '{"kind": "accept", "count": 2, "day": "2026-02-28", "ids": ["a"], "share": 1}'
    )

    assert post_json(app, "/orders", body).json() == {
        "kind": "accept",
        "count": 2,
        "day": "2026-02-28",
        "sure": False,
        "share": 1.0,
        "ids": ["a"],
    }


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "", "application/jsonx", "application/json; charset=utf-16"],
)
def test_another_type_of_body_is_415(app: FastAPI, content_type: str) -> None:
    headers = {"content-type": content_type}
    answer = call(
        app,
        "POST",
        "/orders",
        content='{"kind": "accept", "count": 1}',
        headers=headers,
    )

    assert answer.status_code == 415


def test_the_type_may_name_utf_8(app: FastAPI) -> None:
    headers = {"content-type": 'Application/JSON; charset="UTF-8"'}
    answer = call(
        app,
        "POST",
        "/orders",
        content='{"kind": "accept", "count": 1}',
        headers=headers,
    )

    assert answer.status_code == 200

"""Problems in front of the application: a page for people, JSON for programs."""

import json
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from app.edge.front import Front
from app.edge.handlers import install_handlers
from app.edge.problem import MEDIA_TYPE, Problem
from app.edge.problem_page import page_of
from app.settings import read_settings
from tests.app.edge.calling import call

BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


def front(**settings: Any) -> Front:
    app = FastAPI()
    install_handlers(app)

    @app.get("/")
    def home() -> str:
        return "here"

    return Front(app, read_settings(**settings))


type Cause = Callable[[dict[str, str]], httpx2.Response]


def too_many(headers: dict[str, str]) -> httpx2.Response:
    one = front(rate_per_address="1/hour")
    call(one, "GET", "/", headers=headers)
    return call(one, "GET", "/", headers=headers)


def too_large(headers: dict[str, str]) -> httpx2.Response:
    form = {"content-type": "application/x-www-form-urlencoded"}
    one = front(body_bytes=1024, import_bytes=2048)
    return call(one, "POST", "/", content=b"x" * 2000, headers=headers | form)


CAUSES: dict[int, Cause] = {
    413: too_large,
    414: lambda h: call(front(), "GET", "/" + "x" * 9000, headers=h),
    415: lambda h: call(
        front(), "POST", "/", content=b"x", headers=h | {"content-type": "image/png"}
    ),
    421: lambda h: call(front(), "GET", "/", headers=h, host="elsewhere.example"),
    429: too_many,
    431: lambda h: call(front(), "GET", "/", headers=h | {"x-long": "x" * 40_000}),
}


@pytest.mark.parametrize("status", CAUSES)
def test_a_person_is_told_on_a_page_and_a_program_in_json(status: int) -> None:
    page = CAUSES[status](BROWSER)
    told = CAUSES[status]({"accept": "application/json"})
    assert page.status_code == told.status_code == status
    assert told.headers["content-type"] == MEDIA_TYPE
    said = told.json()
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert f"<h1>{said['title']}</h1>" in page.text
    assert page.headers["x-request-id"] in page.text
    assert page.headers.get("retry-after") == told.headers.get("retry-after")
    for name in ("content-security-policy", "cache-control", "x-content-type-options"):
        assert page.headers[name] == told.headers[name]
    for inline in ("<style", "<script", "style=", " on"):
        assert inline not in page.text.replace(" on a", "").replace(" once", "")


@pytest.mark.parametrize("path", ["/v1/batches", "/v1/nothing"])
def test_the_api_answers_in_json_whoever_asks(path: str) -> None:
    answer = call(front(), "GET", path, headers=BROWSER, host="elsewhere.example")
    assert answer.status_code == 421
    assert answer.headers["content-type"] == MEDIA_TYPE


def test_without_a_wish_the_answer_is_json() -> None:
    answer = call(front(), "GET", "/", headers={"accept": "*/*"}, host="x.example")
    assert json.loads(answer.content)["status"] == 421


def test_what_a_page_quotes_cannot_become_part_of_it() -> None:
    problem = Problem(421, "<i>Title</i>", "<script>alert(1)</script> & \x1b[31m")
    page = page_of(problem, "<b>").decode()
    assert "<script" not in page
    assert "<i>" not in page
    assert "<b>" not in page
    assert "&lt;script&gt;" in page
    assert "\x1b" not in page

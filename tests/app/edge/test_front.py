"""The front: what every call has to be, and what every answer carries."""

import json
import logging
import re
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import structlog
from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import Response

from app.edge.front import Front, note
from app.edge.handlers import install_handlers
from app.edge.logs import Sink, set_up_logs
from app.settings import read_settings
from tests.app.edge.calling import call, post_json

HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; "
    "style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
    "vary": "Authorization, Cookie",
}

type Build = Callable[..., Front]


def _application() -> FastAPI:
    app = FastAPI()
    install_handlers(app)
    things = APIRouter(prefix="/v1")

    @things.get("/things/{thing}")
    def thing(thing: str, request: Request) -> dict[str, str]:
        note(request, account="a-1")
        return {"thing": thing}

    @things.post("/things")
    @things.post("/batches")
    async def body(request: Request) -> dict[str, int]:
        return {"bytes": len(await request.body())}

    @things.post("/deaf")
    async def deaf(request: Request) -> dict[str, int]:
        try:
            return {"bytes": len(await request.body())}
        except Exception:
            return {"bytes": -1}

    @app.get("/healthz")
    def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/style.css")
    def style() -> Response:
        headers = {"Cache-Control": "max-age=60", "Vary": "Accept"}
        return Response("b{}", media_type="text/css", headers=headers)

    @app.get("/broken")
    def broken() -> None:
        raise RuntimeError("Poland")

    app.include_router(things)
    return app


@pytest.fixture
def build() -> Build:
    return lambda **settings: Front(_application(), read_settings(**settings))


@pytest.fixture
def front(build: Build) -> Front:
    return build()


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    """Give the file that calls are logged to while a test runs.

    Nothing may write to its descriptor later: by then it is that of something else.
    """
    root = logging.getLogger()
    before = root.handlers, root.level
    with (tmp_path / "log").open("wb") as stream:
        set_up_logs(read_settings(), Sink(stream.fileno()))
        yield tmp_path / "log"
        root.handlers, root.level = before
    structlog.reset_defaults()


# --- what every answer carries ------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "host", "status"),
    [
        ("GET", "/v1/things/a", "localhost", 200),
        ("GET", "/nothing", "localhost", 404),
        ("PUT", "/v1/things/a", "localhost", 405),
        ("GET", "/broken", "localhost", 500),
        ("GET", "/v1/things/a", "elsewhere.example", 421),
    ],
)
def test_every_answer_carries_the_headers(
    front: Front, method: str, path: str, host: str, status: int
) -> None:
    answer = call(front, method, path, host=host)

    assert answer.status_code == status
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["x-request-id"])
    assert "server" not in answer.headers
    assert "strict-transport-security" not in answer.headers


def test_every_call_has_its_own_id(front: Front) -> None:
    ids = {call(front, "GET", "/healthz").headers["x-request-id"] for _ in range(3)}

    assert len(ids) == 3


def test_an_id_that_a_client_sends_is_not_taken(front: Front) -> None:
    answer = call(front, "GET", "/healthz", headers={"x-request-id": "mine"})

    assert answer.headers.get_list("x-request-id") != ["mine"]


def test_what_a_call_says_itself_holds(front: Front) -> None:
    answer = call(front, "GET", "/style.css")

    assert answer.headers.get_list("cache-control") == ["max-age=60"]
    assert answer.headers.get_list("vary") == ["Accept", "Authorization, Cookie"]


def test_over_tls_browsers_are_told_to_stay_there(build: Build) -> None:
    front = build(public_url="https://bins.example")

    answer = call(front, "GET", "/healthz", host="bins.example")

    assert answer.headers["strict-transport-security"] == "max-age=31536000"


# --- what a call has to be ----------------------------------------------------------


@pytest.mark.parametrize(
    "host", ["localhost", "LocalHost:8000", "127.0.0.1:1", "[::1]:8000"]
)
def test_names_of_the_service_are_let_in(front: Front, host: str) -> None:
    assert call(front, "GET", "/healthz", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "elsewhere.example",
        "localhost.elsewhere.example",
        "localhost@elsewhere.example",
        "localhost/x",
        "localhost:8000:9000",
        "127.0.0.1.nip.io",
        "",
    ],
)
def test_other_names_are_not(front: Front, host: str) -> None:
    answer = call(front, "GET", "/healthz", headers={"host": host})

    assert answer.status_code == 421
    assert answer.headers["content-type"] == "application/problem+json"


def test_two_names_are_none(front: Front) -> None:
    headers = [("host", "localhost"), ("host", "elsewhere.example")]

    assert call(front, "GET", "/healthz", headers=headers).status_code == 400


def test_long_addresses_and_large_headers_are_refused(front: Front) -> None:
    many = [(f"x-{number}", "1") for number in range(200)]

    assert call(front, "GET", "/v1/things/" + "a" * 8000).status_code == 200
    assert call(front, "GET", "/v1/things/" + "a" * 8200).status_code == 414
    assert call(front, "GET", "/v1/things/a?q=" + "a" * 8200).status_code == 414
    large = {"x-large": "a" * 33_000}
    assert call(front, "GET", "/healthz", headers=large).status_code == 431
    assert call(front, "GET", "/healthz", headers=many).status_code == 431


@pytest.mark.parametrize("encoding", ["gzip", "br", "identity, gzip", "GZIP"])
def test_encoded_bodies_are_refused(front: Front, encoding: str) -> None:
    headers = {"content-encoding": encoding, "content-type": "application/json"}
    answer = call(front, "POST", "/v1/things", content=b"{}", headers=headers)

    assert answer.status_code == 415
    headers["content-encoding"] = "Identity"
    answer = call(front, "POST", "/v1/things", content=b"{}", headers=headers)
    assert answer.status_code == 200


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "application/jsonx"])
def test_types_that_no_call_takes_are_refused(front: Front, kind: str) -> None:
    headers = {"content-type": kind}
    answer = call(front, "POST", "/v1/things", content=b"{}", headers=headers)

    assert answer.status_code == 415


def test_a_body_without_a_type_is_refused_and_none_needs_none(front: Front) -> None:
    assert call(front, "POST", "/v1/things", content=b"{}").status_code == 415
    assert call(front, "POST", "/v1/things").json() == {"bytes": 0}


def test_a_length_given_in_two_ways_is_refused(front: Front) -> None:
    headers = {
        "content-length": "2",
        "transfer-encoding": "chunked",
        "content-type": "application/json",
    }
    answer = call(front, "POST", "/v1/things", content=b"{}", headers=headers)

    assert answer.status_code == 400


# --- how large ----------------------------------------------------------------------


def test_a_body_may_be_as_large_as_the_limit(build: Build) -> None:
    front = build(body_bytes=2048, import_bytes=4096)

    assert post_json(front, "/v1/things", b"x" * 2048).json() == {"bytes": 2048}
    too_large = post_json(front, "/v1/things", b"x" * 2049)
    assert too_large.status_code == 413
    assert too_large.json()["detail"].endswith("size limit of 2,048 bytes.")
    assert post_json(front, "/v1/batches", b"x" * 4096).status_code == 200
    assert post_json(front, "/v1/batches", b"x" * 80_000).status_code == 413


@pytest.mark.parametrize("path", ["/v1/things", "/v1/deaf"])
def test_a_body_in_chunks_is_counted_as_it_comes(build: Build, path: str) -> None:
    front = build(body_bytes=2048)
    sent = 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(1000):
            sent += 1024
            yield b"x" * 1024

    headers = {"content-type": "application/json"}
    answer = call(front, "POST", path, content=chunks(), headers=headers)  # type: ignore[arg-type]

    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"


def test_a_small_body_in_chunks_arrives(front: Front) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"x" * 10
        yield b"x" * 5

    headers = {"content-type": "application/json"}
    answer = call(front, "POST", "/v1/things", content=chunks(), headers=headers)  # type: ignore[arg-type]

    assert answer.json() == {"bytes": 15}


# --- how often ----------------------------------------------------------------------


def test_a_credential_that_calls_too_often_does_not_touch_others(build: Build) -> None:
    front = build(rate_per_key="3/hour")

    def statuses(key: str, count: int) -> list[int]:
        headers = {"authorization": f"Bearer {key}"}
        found = [
            call(front, "GET", "/v1/things/a", headers=headers) for _ in range(count)
        ]
        return [answer.status_code for answer in found]

    assert statuses("one", 30) == [200] * 3 + [429] * 27
    assert statuses("two", 3) == [200] * 3
    answer = call(front, "GET", "/v1/things/a", headers={"authorization": "Bearer one"})
    assert 3590 < int(answer.headers["retry-after"]) <= 3600


def test_an_address_that_calls_too_often_does_not_touch_others(build: Build) -> None:
    front = build(rate_per_address="2/hour")

    def status(address: str) -> int:
        return call(front, "GET", "/v1/things/a", address=address).status_code

    assert [status("192.0.2.1") for _ in range(4)] == [200, 200, 429, 429]
    assert status("192.0.2.2") == 200


def test_whether_the_service_is_alive_may_always_be_asked(build: Build) -> None:
    front = build(rate_per_address="1/hour")

    assert [call(front, "GET", "/healthz").status_code for _ in range(3)] == [200] * 3


# --- from where ---------------------------------------------------------------------


def _change(front: Front, **headers: str) -> int:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return call(front, "POST", "/v1/things", headers=given).status_code


def test_a_browser_with_a_session_changes_things_from_our_pages_only(
    front: Front,
) -> None:
    session = "theme=dark; allybin=abc"

    assert _change(front, cookie=session, sec_fetch_site="same-origin") == 200
    assert _change(front, cookie=session, sec_fetch_site="same-site") == 403
    assert _change(front, cookie=session, sec_fetch_site="cross-site") == 403
    assert _change(front, cookie=session, sec_fetch_site="none") == 403
    assert _change(front, cookie=session, origin="http://localhost") == 200
    assert _change(front, cookie=session, origin="http://localhost:81") == 403
    assert _change(front, cookie=session, origin="https://localhost") == 403
    assert _change(front, cookie=session, origin="http://elsewhere.example") == 403
    assert _change(front, cookie=session, origin="null") == 403


def test_a_program_with_a_key_is_not_asked_where_it_comes_from(front: Front) -> None:
    assert _change(front, authorization="Bearer x", sec_fetch_site="cross-site") == 200
    assert _change(front, cookie="allybin=abc") == 200


def test_reading_is_not_asked_where_it_comes_from(front: Front) -> None:
    headers = {"cookie": "allybin=abc", "sec-fetch-site": "cross-site"}

    assert call(front, "GET", "/v1/things/a", headers=headers).status_code == 200


def test_behind_tls_the_origin_is_the_public_one(build: Build) -> None:
    front = build(public_url="https://bins.example")

    def status(origin: str) -> int:
        headers = {"cookie": "__Host-allybin=abc", "origin": origin}
        answer = call(front, "POST", "/v1/things", headers=headers, host="bins.example")
        return answer.status_code

    assert status("https://bins.example") == 200
    assert status("http://bins.example") == 403


# --- what is told about calls -------------------------------------------------------


def _lines(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text("utf-8").splitlines()]


def test_a_call_is_logged_by_ids_and_route_and_nothing_it_holds(
    front: Front, log: Path
) -> None:
    answer = call(
        front,
        "GET",
        "/v1/things/Poland?reason=launchers",
        headers={"authorization": "Bearer fms_0123456789ab_" + "A" * 43},
    )

    (line,) = _lines(log)
    assert isinstance(line.pop("ms"), float)
    assert line.pop("at")
    assert line == {
        "event": "call",
        "level": "info",
        "request_id": answer.headers["x-request-id"],
        "method": "GET",
        "route": "/v1/things/{thing}",
        "status": 200,
        "client": "127.0.0.1",
        "account": "a-1",
    }


def test_a_fault_of_ours_is_logged_without_its_words(front: Front, log: Path) -> None:
    answer = call(front, "GET", "/broken")

    fault, line = _lines(log)
    assert (fault["event"], fault["exception"]) == ("failed", "RuntimeError")
    assert fault["request_id"] == line["request_id"] == answer.headers["x-request-id"]
    assert line["status"] == 500
    assert "Poland" not in log.read_text("utf-8")


def test_a_refused_call_is_logged_too(front: Front, log: Path) -> None:
    call(front, "GET", "/healthz", host="elsewhere.example")

    (line,) = _lines(log)
    assert (line["status"], line["route"]) == (421, None)


def test_calls_are_counted_by_route_and_never_by_what_they_name(front: Front) -> None:
    for name in ("a", "b"):
        call(front, "GET", f"/v1/things/{name}")
    call(front, "GET", "/nothing/at/all")
    call(front, "BREW", "/v1/things/a")

    text = front.metrics.text().decode()
    route = 'method="GET",route="/v1/things/{thing}",status="200"'
    assert f"allybin_calls_total{{{route}}} 2.0" in text
    assert 'method="GET",route="none",status="404"} 1.0' in text
    assert 'method="OTHER"' in text
    assert "BREW" not in text
    assert 'allybin_call_seconds_count{route="/v1/things/{thing}"}' in text
    assert "allybin_calls_under_way 0.0" in text


def test_an_application_that_raises_is_answered_once(front: Front) -> None:
    answer = call(front, "GET", "/broken")

    assert isinstance(answer, httpx2.Response)
    assert answer.json()["status"] == 500

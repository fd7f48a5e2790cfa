"""Slow, greedy and broken clients lose their connection; nobody else notices."""

import json
import select
import socket
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.faults.plain_service import LARGE
from tests.faults.serving import (
    PATIENCE,
    Running,
    answer_on,
    get,
    post,
    read_until_closed,
    running,
    status,
)

DEADLINES = {"header_seconds": 1, "request_seconds": 2, "answer_seconds": 1}


@pytest.fixture(scope="module")
def service() -> Iterator[Running]:
    """A service that has little patience."""
    with running(**DEADLINES, max_connections=100) as service:
        yield service


def wait_until_at_rest(service: Running) -> None:
    """Return when the service holds no connection."""
    give_up = time.monotonic() + PATIENCE
    while service.open_sockets > service.sockets_at_rest:
        assert time.monotonic() < give_up, service.open_sockets
        time.sleep(0.05)


def drip(connection: socket.socket, text: bytes) -> bytes:
    """Send a byte at a time until the other side answers or closes; return all."""
    for byte in text:
        readable, _, _ = select.select([connection], [], [], 0.02)
        if readable:
            break
        connection.sendall(bytes([byte]))
    return read_until_closed(connection)


# --- slow ---------------------------------------------------------------------------


def test_a_connection_that_asks_nothing_is_closed(service: Running) -> None:
    with service.connect() as connection:
        assert read_until_closed(connection) == b""


def test_headers_sent_slowly_are_refused(service: Running) -> None:
    with service.connect() as connection:
        assert status(drip(connection, get("/" + "x" * 9999))) == 408


def test_the_headers_of_a_second_call_have_the_same_time(service: Running) -> None:
    with service.connect() as connection:
        connection.sendall(get("/healthz"))
        assert answer_on(connection)[0] == 200
        assert status(drip(connection, get("/" + "x" * 9999))) == 408


def test_a_body_sent_slowly_is_refused(service: Running) -> None:
    with service.connect() as connection:
        connection.sendall(post("/v1/things", "Content-Length: 9999"))
        assert status(drip(connection, b"x" * 9999)) == 408


BROWSER = "Accept: text/html,*/*;q=0.8"


@pytest.mark.parametrize(
    ("begun", "page"),
    [
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\nX: ", True),
        (b"GET /v1/x HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\nX: ", False),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\nX: ", False),
        (post("/things", "Content-Length: 9999", BROWSER) + b"x", True),
        (post("/v1/things", "Content-Length: 9999", BROWSER) + b"x", False),
    ],
)
def test_a_slow_browser_is_told_on_a_page(
    service: Running, begun: bytes, page: bool
) -> None:
    with service.connect() as connection:
        connection.sendall(begun)
        answer = read_until_closed(connection)
    if not page:
        assert status(answer) == 408
        return
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408 ")
    assert b"content-type: text/html; charset=utf-8" in head
    assert b"did not arrive in time." in body
    assert body.endswith(b"</html>\n")


def test_a_body_that_stops_is_refused(service: Running) -> None:
    with service.connect() as connection:
        connection.sendall(post("/v1/things", "Content-Length: 9999") + b"x" * 99)
        assert status(read_until_closed(connection)) == 408


@pytest.mark.parametrize("path", ["/large", "/whole"])
def test_an_answer_that_nobody_reads_is_given_up(service: Running, path: str) -> None:
    with service.connect(received_bytes=4096) as connection:
        connection.sendall(get(path))
        assert service.get("/healthz") == 200
        assert service.open_sockets > service.sockets_at_rest
        wait_until_at_rest(service)


def test_many_answers_that_nobody_reads_are_given_up(service: Running) -> None:
    with service.connect(received_bytes=4096) as connection:
        connection.settimeout(0.2)
        with suppress(TimeoutError):
            while True:  # until the service reads no more either
                connection.sendall(get("/healthz") * 1000)
        wait_until_at_rest(service)


@pytest.mark.parametrize("pause", [0.05, 0.2])
def test_an_answer_that_is_read_slowly_arrives_whole(
    service: Running, pause: float
) -> None:
    """Also where the system holds more of it than is read before it may lie unread."""
    with service.connect(received_bytes=1 << 16) as connection:
        connection.sendall(get("/whole"))
        received = len(connection.recv(65536))
        until = time.monotonic() + 3  # three times as long as it may lie unread
        while time.monotonic() < until:
            time.sleep(pause)
            received += len(connection.recv(1 << 16))
        while more := connection.recv(1 << 20):
            received += len(more)
            if received >= LARGE:
                break
        assert received >= LARGE  # it was not given up


def test_an_answer_that_takes_long_to_make_is_waited_for(service: Running) -> None:
    assert service.get("/slow/3") == 200


# --- greedy -------------------------------------------------------------------------


def _hostile(service: Running, number: int) -> socket.socket:
    """Open a connection of one of four kinds of hostile clients."""
    connection = service.connect(received_bytes=4096)
    begun = (
        b"",
        b"GET /heal",
        post("/v1/things", "Content-Length: 9999") + b"x",
        get("/large"),
    )[number % 4]
    connection.sendall(begun)
    return connection


def test_three_hundred_hostile_clients_starve_nobody(service: Running) -> None:
    hostile = [_hostile(service, number) for number in range(300)]

    answers = [service.get("/healthz") for _ in range(100)]

    assert answers == [200] * 100
    wait_until_at_rest(service)
    for connection in hostile:
        connection.close()


def _attack(service: Running, stop: threading.Event) -> None:
    """Hold three hundred hostile connections, a new one for each that is closed."""
    held: deque[socket.socket] = deque()
    number = 0
    while not stop.is_set():
        if len(held) == 300:
            held.popleft().close()
        number += 1
        with suppress(OSError):  # it was closed at once: there were too many
            held.append(_hostile(service, number))
    for connection in held:
        connection.close()


def test_hostile_clients_that_come_back_starve_nobody() -> None:
    stop = threading.Event()
    with running(**DEADLINES, max_connections=400) as service:
        attackers = [
            threading.Thread(target=_attack, args=(service, stop)) for _ in range(2)
        ]
        for attacker in attackers:
            attacker.start()
        try:
            answers = [service.get("/healthz") for _ in range(10)]
        finally:
            stop.set()
            for attacker in attackers:
                attacker.join()

    assert answers == [200] * 10


def test_idle_connections_make_room_for_new_ones(service: Running) -> None:
    idle = []
    for _ in range(150):
        connection = service.connect()
        connection.sendall(get("/healthz"))
        assert answer_on(connection)[0] == 200
        idle.append(connection)

    assert service.get("/healthz") == 200
    for connection in idle:
        connection.close()


def test_when_all_connections_are_at_work_a_new_one_is_told() -> None:
    with running(max_connections=10, **DEADLINES) as service:
        busy = [service.connect() for _ in range(10)]
        for connection in busy:
            connection.sendall(get("/slow/2"))
        time.sleep(0.5)  # until all are being answered

        found, headers, body = service.ask()

        assert found == json.loads(body)["status"] == 503
        assert headers["retry-after"] == "5"
        assert [answer_on(connection)[0] for connection in busy] == [200] * 10
        for connection in busy:
            connection.close()


@pytest.mark.parametrize(
    "sent",
    [
        post("/v1/things", "Content-Length: 1048577"),
        post("/v1/things", "Content-Length: 9999999999999"),
        post("/v1/things", "Content-Length: 1100000") + b"x" * 1_100_000,
        post("/v1/things", "Transfer-Encoding: chunked")
        + (b"10000\r\n" + b"x" * 65536 + b"\r\n") * 20
        + b"0\r\n\r\n",
        post("/v1/batches", "Content-Length: 21100000") + b"x" * 21_100_000,
    ],
    ids=["said", "absurd", "sent", "chunks", "import"],
)
def test_a_body_over_the_limit_is_413(service: Running, sent: bytes) -> None:
    found, headers, body = service.ask(sent)

    assert found == json.loads(body)["status"] == 413
    assert headers["content-type"] == "application/problem+json"


def test_what_is_sent_without_end_after_the_answer_is_cut_off(service: Running) -> None:
    with service.connect() as connection:
        connection.sendall(post("/v1/things", "Content-Length: 9999999999"))
        assert answer_on(connection)[0] == 413
        sent = 0
        with suppress(ConnectionResetError, BrokenPipeError):
            while sent < 9_999_999_999:
                sent += connection.send(b"x" * 65536)
        assert sent < 200 << 20


def test_the_connection_goes_on_after_a_body_that_was_refused(service: Running) -> None:
    with service.connect() as connection:
        length = "Content-Length: 1100000"
        connection.sendall(post("/v1/things", length) + b"x" * 1_100_000)
        assert answer_on(connection)[0] == 413
        connection.sendall(get("/healthz"))
        assert answer_on(connection)[0] == 200


# --- broken -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (
            get("/healthz").replace(
                b"\r\n\r\n", b"\r\nX: " + b"x" * 65536 + b"\r\n\r\n"
            ),
            431,
        ),
        (get("/healthz").replace(b"\r\n\r\n", b"\r\nX: 1" * 10_000 + b"\r\n\r\n"), 431),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 200_000, 431),
        (get("/" + "x" * 9000), 414),
        (get("/" + "x" * 100_000), 414),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (b"hello\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (get("/", "localhost\r\nHost: elsewhere.example"), 400),
        (get("/", "elsewhere.example"), 421),
        (get("/nothing", "elsewhere.example"), 421),
        (post("/v1/things", "Content-Length: 2", "Content-Length: 3") + b"{}", 400),
        (post("/v1/things", "Content-Length: -1"), 400),
        (post("/v1/things", "Content-Length: 1e3"), 400),
        (
            post("/v1/things", "Content-Length: 2", "Transfer-Encoding: chunked")
            + b"2\r\n{}\r\n0\r\n\r\n",
            400,
        ),
        (post("/v1/things", "Transfer-Encoding: gzip, chunked"), 501),
        (post("/v1/things", "Transfer-Encoding: chunked") + b"zz\r\n", 400),
    ],
)
def test_what_is_no_proper_call_has_its_status(
    service: Running, sent: bytes, expected: int
) -> None:
    found, headers, body = service.ask(sent)

    assert headers["content-type"] == "application/problem+json"
    assert found == json.loads(body)["status"]
    assert found in ({400, 501} if expected == 501 else {expected})


def test_a_client_that_leaves_in_its_body_is_no_fault_of_ours() -> None:
    with running(**DEADLINES) as service:
        for _ in range(20):
            with service.connect() as connection:
                connection.sendall(post("/v1/things", "Content-Length: 100000"))
                connection.sendall(b"0123456789")
        assert service.get("/healthz") == 200
        service.stop()

        lines = [json.loads(line) for line in service.lines if line.startswith("{")]
    calls = [line["status"] for line in lines if line["event"] == "call"]
    assert sorted(calls) == [200] + [400] * 20
    assert {line["level"] for line in lines} == {"info"}


def test_a_client_that_leaves_in_its_answer_is_no_fault_of_ours() -> None:
    with running(**DEADLINES) as service:
        for _ in range(20):
            with service.connect(received_bytes=4096) as connection:
                connection.sendall(get("/large"))
                connection.recv(10)
        assert service.get("/healthz") == 200
        service.stop()

        lines = [json.loads(line) for line in service.lines if line.startswith("{")]
    assert {line["level"] for line in lines} == {"info"}


def test_calls_that_are_no_http_fill_no_log() -> None:
    with running(**DEADLINES) as service:
        for _ in range(50):
            assert service.ask(b"hello\r\n\r\n")[0] == 400
        service.stop()

    assert len(service.lines) < 20


# --- proxies ------------------------------------------------------------------------


FORWARDED = (
    b"GET /client HTTP/1.1\r\nHost: localhost\r\n"
    b"X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\n\r\n"
)


def test_nobody_may_say_for_whom_they_call(service: Running) -> None:
    assert json.loads(service.ask(FORWARDED)[2]) == {
        "client": "127.0.0.1",
        "scheme": "http",
    }


def test_a_proxy_that_is_named_may() -> None:
    with running(forwarded_allow_ips="127.0.0.1", **DEADLINES) as service:
        assert json.loads(service.ask(FORWARDED)[2]) == {
            "client": "192.0.2.7",
            "scheme": "https",
        }

"""A service that is told to stop ends in time, and what nobody reads stops nothing."""

import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from tests.documents import ROOT
from tests.faults.serving import (
    PATIENCE,
    answer_on,
    get,
    post,
    read_until_closed,
    running,
    status,
)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_call_under_way_is_answered_before_the_end(number: int) -> None:
    with running() as service, service.connect() as connection:
        connection.sendall(get("/slow/1.5"))
        time.sleep(0.5)  # until it is being answered
        service.process.send_signal(number)

        assert answer_on(connection)[0] == 200
        assert service.ended() == 0
        with pytest.raises(ConnectionRefusedError):
            service.connect()
    assert service.lines[-1] == "ended"
    assert "left in order" in service.lines


def test_a_long_answer_is_told_to_end() -> None:
    with running() as service, service.connect() as connection:
        connection.sendall(get("/events"))
        assert b"data: on" in connection.recv(65536) + connection.recv(65536)
        service.process.send_signal(signal.SIGTERM)

        assert b"data: off" in read_until_closed(connection)
        assert service.ended() == 0


def test_half_a_request_is_not_waited_for() -> None:
    with running() as service, service.connect() as connection:
        connection.sendall(post("/v1/things", "Content-Length: 9999") + b"x")
        service.get("/healthz")
        service.process.send_signal(signal.SIGTERM)

        assert status(read_until_closed(connection)) == 503
        assert service.ended() == 0


def test_clients_that_ask_nothing_are_not_waited_for() -> None:
    with running() as service:
        silent = [service.connect() for _ in range(5)]
        silent[0].sendall(b"GET /")
        service.get("/healthz")

        assert service.stop() == 0
        assert [read_until_closed(connection) for connection in silent] == [b""] * 5
        for connection in silent:
            connection.close()


def test_a_call_that_never_ends_does_not_keep_the_service_alive() -> None:
    with running(stop_seconds=1) as service, service.connect() as connection:
        connection.sendall(get("/forever"))
        time.sleep(0.5)  # until it is being answered

        assert service.stop() == 1


def _start(shell: str, output: int) -> subprocess.Popen[bytes]:
    folder = os.path.dirname(sys.executable)
    path = {"PATH": f"{folder}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        ["sh", "-c", shell],
        cwd=ROOT,
        env=os.environ | path,
        stdout=output,
        stderr=output,
    )


def _when_open(port: int) -> socket.socket:
    give_up = time.monotonic() + PATIENCE
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), PATIENCE)
        except ConnectionRefusedError:
            assert time.monotonic() < give_up
            time.sleep(0.1)


# --- what nobody reads --------------------------------------------------------------


@pytest.mark.parametrize("target", ["/dev/full", "closed", "a pipe that is closed"])
def test_logs_that_cannot_be_written_stop_nothing(target: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    closing = {"/dev/full": "exec >/dev/full 2>&1", "closed": "exec >&- 2>&-"}.get(
        target
    )
    shell = f"{closing or 'exec'}; exec python -m tests.faults.plain_service {port}"
    reader, writer = os.pipe()
    process = _start(shell, writer)
    os.close(writer)
    os.close(reader)
    try:
        for _ in range(3):
            with _when_open(port) as connection:
                connection.sendall(get("/healthz"))
                assert answer_on(connection)[0] == 200
        process.terminate()
        assert process.wait(PATIENCE) == 0
    finally:
        process.kill()
        process.wait()


def test_an_address_in_use_is_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        reader, writer = os.pipe()
        process = _start(f"exec python -m tests.faults.plain_service {port}", writer)
        os.close(writer)
        with os.fdopen(reader) as said:
            text = said.read()
        process.wait(PATIENCE)

    assert f'"127.0.0.1:{port}" cannot be listened on: Address already in use.' in text

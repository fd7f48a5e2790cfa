"""A service in a process of its own, and raw connections to it."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from tests.documents import ROOT

PATIENCE: Final = 60.0
"""Seconds after which a test gives up; no measure of anything."""

_READY: Final = re.compile(r"serves at http://([^:]+):(\d+)")


class Running:
    """A running service: its address, its process, what it said on standard error."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[str] = []
        self.address = ("", 0)
        self.sockets_at_rest = 0
        self._ready = threading.Event()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line.rstrip("\n"))
            found = _READY.search(line)
            if found:
                self.address = (found[1], int(found[2]))
                self._ready.set()
        self._ready.set()

    def wait_until_ready(self) -> None:
        """Return when calls are answered."""
        assert self._ready.wait(PATIENCE)
        assert self.address[1], self.lines
        self.sockets_at_rest = self.open_sockets

    def connect(self, received_bytes: int | None = None) -> socket.socket:
        """Return a new connection."""
        connection = socket.socket()
        if received_bytes is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, received_bytes)
        connection.settimeout(PATIENCE)
        try:
            connection.connect(self.address)
        except OSError:
            connection.close()
            raise
        return connection

    def ask(self, *sent: bytes) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers and body of the answer to what is sent, whole."""
        with self.connect() as connection:
            for piece in sent:
                connection.sendall(piece)
            return answer_on(connection)

    def get(self, path: str, host: str = "localhost") -> int:
        """Return the status of a plain call."""
        return self.ask(get(path, host))[0]

    @property
    def open_sockets(self) -> int:
        """How many sockets the process holds."""
        folder = f"/proc/{self.process.pid}/fd"
        count = 0
        for name in os.listdir(folder):
            try:
                count += os.readlink(f"{folder}/{name}").startswith("socket:")
            except FileNotFoundError:
                continue
        return count

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal, and return the status the process ends with."""
        self.process.send_signal(number)
        return self.ended()

    def ended(self) -> int:
        """Return the status the process ends with."""
        status = self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        return status


@contextmanager
def running(
    module: str = "tests.faults.plain_service",
    arguments: Sequence[str] = (),
    **settings: object,
) -> Iterator[Running]:
    """Run a service with some settings while a test runs."""
    own = {key: text for key, text in os.environ.items() if "ALLYBIN" not in key}
    given = {f"ALLYBIN_{name.upper()}": str(value) for name, value in settings.items()}
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-m", module, *arguments],
        cwd=ROOT,
        env=own | given,
        stderr=subprocess.PIPE,
        text=True,
    )
    service = Running(process)
    try:
        service.wait_until_ready()
        yield service
    finally:
        if process.poll() is None:
            process.kill()
        service.ended()
        assert process.stderr is not None
        process.stderr.close()


def get(path: str, host: str = "localhost") -> bytes:
    """Return a plain call as bytes."""
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()


def post(path: str, *headers: str) -> bytes:
    """Return the head of a call with a JSON body as bytes."""
    lines = ["Host: localhost", "Content-Type: application/json", *headers]
    return "\r\n".join([f"POST {path} HTTP/1.1", *lines, "", ""]).encode()


def answer_on(connection: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """Read one answer that says its length."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        assert more, f"closed after {data!r}"
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {
        name.lower(): value
        for name, _, value in (line.partition(": ") for line in lines)
    }
    while len(body) < int(headers["content-length"]):
        more = connection.recv(65536)
        assert more, f"closed after {body!r}"
        body += more
    return int(first.split()[1]), headers, body


def read_until_closed(connection: socket.socket) -> bytes:
    """Return all that comes until the other side closes."""
    data = b""
    while True:
        try:
            more = connection.recv(65536)
        except ConnectionResetError:
            return data
        if not more:
            return data
        data += more


def status(answer: bytes) -> int:
    """Return the status of an answer as bytes, and check that it is a problem."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head
    found = int(head.split()[1])
    assert json.loads(body)["status"] == found
    return found

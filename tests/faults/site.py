"""The whole service where it can be killed: its processes, and clients with patience.

Run as a program this is the command ``allybin``.
"""

import json
import os
import random
import signal
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Final, Self
from uuid import uuid4

from pydantic import SecretStr

from app.server.main import prepare
from app.settings import Settings, read_settings
from tests.faults.serving import PATIENCE, Running, running

AS_OF: Final = "2026-01-05"
FINISHED: Final = frozenset({"done", "failed", "cancelled"})

_CUSTOMERS: Final = ("EST", "NLD", "GRC", "NOR", "ROU", "DNK", "LVA", "POL")
_SYSTEMS: Final = (
    *("HIMARS", "Javelin", "Patriot", "F-35", "Stinger", "NASAMS"),
    *("ATACMS", "AMRAAM", "HARM", "Harpoon", "JAGM", "C-130J"),
)

PLANNED: Final = 72
"""Requests of the proposal that is decided: more than twenty bins."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call was answered with."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def said(self) -> Any:
        """What the body says."""
        return json.loads(self.body)


class Patient:
    """A client that asks again, with the same key, until it has an answer.

    Parameters
    ----------
    ports
        Of the servers it knows; it goes to the next one when one does not answer.
    """

    def __init__(self, key: str, ports: Sequence[int]) -> None:
        self.key = key
        self.tries = 0
        self._ports = [*ports]
        self._line: HTTPConnection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._hang_up()

    def ask(
        self, method: str, path: str, body: object = None, **headers: str
    ) -> Answer:
        """Make a call of the API; underscores in names of headers are hyphens."""
        given = {
            "Authorization": f"Bearer {self.key}",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        sent = body
        if body is not None and not isinstance(body, bytes):
            given["Content-Type"] = "application/json"
            sent = json.dumps(body).encode()
        give_up = time.monotonic() + 2 * PATIENCE
        while True:
            answer = self._once(method, f"/v1{path}", sent, given)
            if answer is not None and not _come_again(answer):
                return answer
            assert time.monotonic() < give_up, answer
            time.sleep(random.uniform(0.01, 0.05))

    def change(
        self, method: str, path: str, body: object = None, **headers: str
    ) -> Answer:
        """Make a call that has to be carried out, with a key of its own."""
        key = headers.pop("Idempotency_Key", None) or str(uuid4())
        answer = self.ask(method, path, body, Idempotency_Key=key, **headers)
        assert answer.status in (200, 201, 202), (answer.status, answer.body[:2000])
        return answer

    def read(self, path: str) -> Any:
        """Return what a call that reads says."""
        answer = self.ask("GET", path)
        assert answer.status == 200, (answer.status, answer.body[:2000])
        return answer.said

    def decide(
        self,
        proposal_id: str,
        bin_id: str,
        version: int,
        *,
        key: str,
        reason: str = "Not as it stands.",
    ) -> Answer:
        """Return a bin to its analyst, in the version that was seen."""
        return self.ask(
            "POST",
            f"/proposals/{proposal_id}/bins/{bin_id}/decisions",
            {"decision": "return", "reason": reason},
            If_Match=f'"{version}"',
            Idempotency_Key=key,
        )

    def finished(self, proposal_id: str) -> Any:
        """Return a proposal once it is finished."""
        give_up = time.monotonic() + 4 * PATIENCE
        while True:
            said = self.read(f"/proposals/{proposal_id}?bins=false")
            if said["state"] in FINISHED:
                return said
            assert time.monotonic() < give_up, said
            time.sleep(0.1)

    def _once(
        self, method: str, path: str, body: Any, headers: Mapping[str, str]
    ) -> Answer | None:
        """Ask one server once; None where there was no whole answer."""
        self.tries += 1
        try:
            if self._line is None:
                self._line = HTTPConnection("127.0.0.1", self._ports[0], PATIENCE)
            self._line.request(method, path, body, dict(headers))
            found = self._line.getresponse()
            told = {name.lower(): value for name, value in found.getheaders()}
            return Answer(found.status, told, found.read())
        except (OSError, HTTPException):
            self._hang_up()
            self._ports.append(self._ports.pop(0))
            return None

    def _hang_up(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None


def _come_again(answer: Answer) -> bool:
    """Tell whether the same call is to be made again: nothing was done, or not yet."""
    if answer.status in (429, 503):
        return True
    return answer.status == 409 and b"still being carried out" in answer.body


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A database, a data folder and a port: where servers of a service are started."""

    address: str
    folder: Path
    port: int
    key: str

    @classmethod
    def of(cls, address: str, folder: Path) -> "Site":
        """Put in what a first start needs; the key is of one person with every role."""
        settings = _settings(address, folder)
        service, key = prepare(settings)
        service.database.close()
        assert key is not None
        return cls(address=address, folder=folder, port=free_port(), key=key)

    @property
    def settings(self) -> Settings:
        """The settings that its servers have."""
        return _settings(self.address, self.folder)

    @contextmanager
    def serving(self, port: int | None = None, **settings: object) -> Iterator[Running]:
        """Run a server; ``key`` and port stay the same over all of them."""
        with running(
            "tests.faults.site",
            ["serve", "--port", str(port or self.port)],
            **{
                "data_dir": self.folder,
                "database_url": self.address,
                "log_level": "warning",
                **settings,
            },
        ) as server:
            yield server

    def client(self, *ports: int) -> Patient:
        """Return a client with the key of the first start."""
        return Patient(self.key, ports or [self.port])

    def processes(self) -> list[int]:
        """Return the processes of its servers, and of whatever these have begun."""
        mark = f"ALLYBIN_DATA_DIR={self.folder}\0".encode()
        return [pid for pid in _pids() if mark in _environment(pid)]

    def wait_until_empty(self) -> float:
        """Return after how many seconds nothing of a killed server was left."""
        began = time.monotonic()
        while left := self.processes():
            waited = time.monotonic() - began
            assert waited < PATIENCE, [_command(pid) for pid in left]
            time.sleep(0.02)
        return time.monotonic() - began

    def wait_until_ready(self) -> None:
        """Return when ``readyz`` says yes; a port that is shut is waited for."""
        with self.client() as client:
            assert client.ask("GET", "/readyz").status == 200


@dataclass(frozen=True, slots=True)
class Plan:
    """A finished proposal and its bins."""

    proposal_id: str
    bins: tuple[str, ...]


def planned(client: Patient) -> Plan:
    """Return a proposal of some requests of several countries."""
    client.change("POST", "/batches", [*some_requests(PLANNED)])
    asked = client.change(
        "POST", "/proposals", {"all_open": True, "policy": "nato-all", "as_of": AS_OF}
    )
    proposal_id = asked.said["proposal_id"]
    assert client.finished(proposal_id)["state"] == "done"
    items = client.read(f"/proposals/{proposal_id}/bins?limit=1000")["items"]
    return Plan(proposal_id, tuple(one["bin_id"] for one in items))


def some_requests(count: int, name: str = "A") -> Iterator[dict[str, object]]:
    """Yield requests of several countries and systems."""
    for number in range(count):
        yield {
            "request_id": f"{name}-{number:06}",
            "customer": _CUSTOMERS[number // len(_SYSTEMS) % len(_CUSTOMERS)],
            "system": _SYSTEMS[number % len(_SYSTEMS)],
            "received_on": AS_OF,
            "value_usd": 1_000_000 + number,
        }


def as_csv(rows: Iterator[dict[str, object]]) -> bytes:
    """Return requests as a CSV file."""
    lines = [",".join(map(str, row.values())) for row in rows]
    head = "request_id,customer,system,received_on,value_usd"
    return "\n".join([head, *lines, ""]).encode()


def until(true: Callable[[], bool]) -> None:
    """Return when something is true."""
    give_up = time.monotonic() + 4 * PATIENCE
    while not true():
        assert time.monotonic() < give_up
        time.sleep(0.01)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def kill_one_of(pids: Sequence[int]) -> None:
    """Kill one process of several, if it is still there."""
    if pids:
        with suppress(ProcessLookupError):
            os.kill(random.choice(pids), signal.SIGKILL)


def _settings(address: str, folder: Path) -> Settings:
    return read_settings(data_dir=folder, database_url=SecretStr(address))


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _environment(pid: int) -> bytes:
    """Return the environment of a process that lives; nothing for any other."""
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return b""


def _command(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8")
    return ""


if __name__ == "__main__":
    from app.cli import main

    main()

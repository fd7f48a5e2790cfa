"""Calls that put a batch and a proposal into a service that is to be measured."""

import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from io import StringIO
from typing import Any
from uuid import uuid4

from app.generate import generate
from tests.faults.site import Plan, Site
from tests.postgres import PostgresServer

AS_OF = "2026-01-05"


@dataclass(frozen=True, slots=True)
class Calls:
    """Calls of the API, with all the time they take."""

    site: Site

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> Any:
        """Make one call that has to succeed."""
        line = HTTPConnection("127.0.0.1", self.site.port, timeout=900)
        given = {
            "Authorization": f"Bearer {self.site.key}",
            "Content-Type": "application/json",
            "Idempotency-Key": str(uuid4()),
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        sent = body
        if body is not None and not isinstance(body, bytes):
            sent = json.dumps(body).encode()
        line.request(method, f"/v1{path}", sent, given)
        answer = line.getresponse()
        read = answer.read()
        line.close()
        if answer.status >= 300:
            raise SystemExit(f"{method} {path}: {answer.status} {read[:500]!r}")
        return json.loads(read)

    def send(self, requests: int, seed: int, days: int = 365) -> str:
        """Send a generated batch as CSV; return its id."""
        body = batch_of(requests, seed, days)
        said = self.ask("POST", "/batches", body, Content_Type="text/csv")
        return str(said["batch_id"])

    def propose(
        self,
        batch_id: str,
        seconds: int,
        gap: float = 0.0,
        policy: str = "nato-all",
    ) -> str:
        """Ask for a proposal; return its id."""
        said = self.ask(
            "POST",
            "/proposals",
            {
                "batch_ids": [batch_id],
                "policy": policy,
                "as_of": AS_OF,
                "time_limit_s": seconds,
                "gap": gap,
            },
        )
        return str(said["proposal_id"])

    def finished(self, proposal_id: str) -> Any:
        """Wait for a proposal."""
        while True:
            said = self.ask("GET", f"/proposals/{proposal_id}?bins=false")
            if said["state"] in ("done", "failed", "cancelled"):
                return said
            time.sleep(0.2)

    def bins(self, proposal_id: str) -> list[Any]:
        """Return the bins of a proposal, all of them."""
        found: list[Any] = []
        path = f"/proposals/{proposal_id}/bins?limit=1000"
        cursor: str | None = ""
        while cursor is not None:
            said = self.ask("GET", path + (f"&cursor={cursor}" if cursor else ""))
            found += said["items"]
            cursor = said["next"]
        return found

    def plan(self, proposal_id: str) -> Plan:
        """Return a proposal with the ids of its bins."""
        found = self.bins(proposal_id)
        return Plan(proposal_id, tuple(one["bin_id"] for one in found))


def batch_of(requests: int, seed: int, days: int) -> bytes:
    """Return a generated batch as CSV, with ids that no other seed has."""
    names = ("customer", "system", "received_on", "value_usd", "priority", "needed_by")
    text = StringIO(newline="")
    text.write(",".join(("request_id", *names)) + "\n")
    for row in generate(requests, seed, days):
        cells = (f"S{seed}-{row['request_id']}", *(row[name] for name in names))
        text.write(",".join(cells) + "\n")
    return text.getvalue().encode()


@contextmanager
def database(kind: str) -> Iterator[str]:
    """Give the address of an empty database of a kind."""
    if kind == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            yield f"sqlite:///{folder}/allybin.db"
        return
    with PostgresServer() as server:
        yield server.create_owned("allybin")

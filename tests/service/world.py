"""A whole service in this process: a real store, real solves, calls over the API.

What runs a job here is a thread; everything else is as it is when served. A world
notes every fault that a call or a job met, and says so when it is closed.
"""

import threading
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import structlog
from httpx2 import Response
from pydantic import SecretStr
from sqlalchemy import Connection
from starlette.testclient import TestClient

from app.edge.problem import MEDIA_TYPE
from app.jobs.desk import Desk
from app.server.checkup import ON_SITE
from app.server.main import Built, build, prepare
from app.settings import read_settings
from app.storage.database import Database
from app.storage.reach import ALL
from app.use_cases import granting
from app.use_cases.run import run
from app.use_cases.service import Call, body_hash
from tests.databases import of_service

type Json = Any

FINISHED: Final = frozenset({"done", "failed", "cancelled"})
AS_OF: Final = "2026-01-05"
HOST: Final = "testserver"

ABSENT: Final = "00000000-0000-4000-8000-000000000000"
"""An id that nothing has."""


def row(request_id: str, customer: str = "EST", **changes: Json) -> dict[str, Json]:
    """Return a request as JSON: a Baltic country's HIMARS, unless it says otherwise."""
    return {
        "request_id": request_id,
        "customer": customer,
        "system": "HIMARS",
        "received_on": AS_OF,
        "value_usd": 1_500_000,
        **changes,
    }


BALTIC: Final = (
    row("EST-26-1", "EST"),
    row("LVA-26-1", "LVA"),
    row("LTU-26-1", "LTU", received_on="2026-01-12"),
    row("EST-26-2", "EST", system="Javelin", value_usd=900_000),
    row("LVA-26-2", "LVA", system="Javelin", value_usd=700_000.5),
    row("LTU-26-2", "LTU", system="Javelin", priority="priority"),
    row("POL-26-1", "POL", system="Patriot", value_usd=9_000_000),
    row("NLD-26-1", "NLD", system="F-35", value_usd=8_000_000),
)
"""Eight requests: two kinds that three Baltic countries share, and two apart."""


def problem_of(answer: Response) -> dict[str, Json]:
    """Return the problem an answer holds, after checking that it is one, and small."""
    assert 400 <= answer.status_code < 500, (answer.status_code, answer.text[:500])
    return shape_of(answer)


def shape_of(answer: Response) -> dict[str, Json]:
    """Return the problem an answer holds, whatever its status."""
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert len(answer.content) <= 64 << 10
    said: dict[str, Json] = answer.json()
    assert said["status"] == answer.status_code
    assert said["type"].startswith("/problems/")
    assert said["title"]
    assert said["detail"].endswith((".", "…", "?"))
    for error in said.get("errors", ()):
        assert error["code"]
        assert error["message"]
        assert len(error.get("value") or "") <= 64
    return said


@contextmanager
def changed_by_its_owner(world: "World") -> Iterator[Connection]:
    """Yield a connection that may do to a world's store what its service may not."""
    database = Database.open(world.address)
    with database.writing(ALL) as connection:
        yield connection
    database.close()


@dataclass(frozen=True, slots=True)
class Threads:
    """Solves each proposal in a thread of its own, as soon as it is asked for."""

    world: "World"

    def start(self) -> None:
        """There is nothing to begin."""

    def stop(self) -> None:
        """Let what is under way come to its end."""
        self.world.join()

    def enqueue(self, proposal_id: str) -> None:
        """Solve a proposal."""
        thread = threading.Thread(target=self.world.run, args=(proposal_id,))
        self.world.jobs.append(thread)
        thread.start()


class World:
    """A service with its store, asked over the API.

    Calls are made with the key that the first start gave, of all roles but those of
    customers, unless a key is named.
    """

    def __init__(
        self,
        address: str,
        folder: Path,
        desk: Desk,
        *,
        first_key: str | None = None,
        worker: Any = None,
        **settings: Json,
    ) -> None:
        self.desk = desk
        self.jobs: list[threading.Thread] = []
        self.faults: list[str] = []
        self.address = address
        self.settings = read_settings(
            data_dir=folder,
            database_url=SecretStr(of_service(address)),
            allowed_hosts=(HOST,),
            **settings,
        )
        self._logs = structlog.testing.capture_logs()
        self.log = self._logs.__enter__()
        self.service, made = prepare(self.settings)
        self.first = first_key or made or ""
        worker = worker or Threads(self)
        self.built: Built = build(self.settings, self.service, worker, desk)
        self.client = TestClient(self.built.app, raise_server_exceptions=False)
        self.client.__enter__()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()
        if raised[0] is None and self.faults:
            raise AssertionError("\n".join(self.faults))

    def close(self) -> None:
        """Stop the service, and note the faults it logged."""
        self.client.__exit__(None, None, None)
        self.join()
        self.service.database.close()
        self._logs.__exit__(None, None, None)
        failed = [line for line in self.log if line["event"] == "failed"]
        for line in failed:
            self.faults.append("".join(traceback.format_exception(line["exc_info"])))

    def run(self, proposal_id: str) -> None:
        """Solve a proposal in this thread."""
        try:
            run(self.service.within(ALL), self.desk, proposal_id, 1)
        except Exception as fault:
            self.faults.append(repr(fault))

    def join(self) -> None:
        """Wait for every job that was begun."""
        for thread in [*self.jobs]:
            thread.join()

    # Calls ---------------------------------------------------------------------------

    def call(
        self,
        method: str,
        path: str,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
        version: int | None = None,
        **more: Json,
    ) -> Response:
        """Make a call; ``version`` goes into If-Match; an empty ``key`` is none."""
        given = dict(headers or {})
        credential = self.first if key is None else key
        if credential:
            given.setdefault("Authorization", f"Bearer {credential}")
        if version is not None:
            given["If-Match"] = f'"{version}"'
        answer = self.client.request(method, f"/v1{path}", headers=given, **more)
        assert answer.headers["x-request-id"]
        return answer

    def get(self, path: str, **more: Json) -> Response:
        """Read."""
        return self.call("GET", path, **more)

    def post(self, path: str, json: Json = None, **more: Json) -> Response:
        """Send JSON."""
        return self.call("POST", path, json=json, **more)

    def read(self, path: str, **more: Json) -> Json:
        """Return what a call that has to succeed says."""
        answer = self.get(path, **more)
        assert answer.status_code == 200, answer.text[:2000]
        return answer.json()

    def done(self, path: str, json: Json = None, **more: Json) -> Json:
        """Return what a change that has to succeed is answered with."""
        answer = self.post(path, json, **more)
        assert answer.status_code in (200, 201, 202), answer.text[:2000]
        return answer.json()

    # What is there -------------------------------------------------------------------

    def key(
        self, role: str, customers: Sequence[str] | None = None, name: str = "someone"
    ) -> str:
        """Return a new key of a role."""
        wanted = {"name": name, "role": role}
        if customers is not None:
            wanted["customers"] = [*customers]
        return self.confirmed(self.done("/keys", wanted))

    def confirmed(self, made: Json) -> str:
        """Return a key that was made, once somebody at the machine confirmed its role.

        A second admin with an account would be one more of them in every test.
        """
        if made["grant_id"] is not None:
            call = Call(caller=ON_SITE, what="keys confirm", body=body_hash(b""))
            granting.confirm(self.service, call, made["grant_id"])
        return str(made["key"])

    def send(self, rows: Sequence[Json] = BALTIC, **more: Json) -> Response:
        """Send requests as a JSON list."""
        return self.post("/batches", [*rows], **more)

    def stored(self, rows: Sequence[Json] = BALTIC, **more: Json) -> str:
        """Return the id of a batch that has to be taken whole."""
        answer = self.send(rows, **more)
        assert answer.status_code == 201, answer.text
        batch_id: str = answer.json()["batch_id"]
        return batch_id

    def uids(self, **more: Json) -> dict[str, str]:
        """Return the address of each request by its id."""
        items = self.read("/requests?limit=1000", **more)["items"]
        return {one["request_id"]: one["uid"] for one in items}

    def propose(self, *, key: str | None = None, **wanted: Json) -> Json:
        """Return a finished proposal, of all that is open unless batches are named."""
        if "batch_ids" not in wanted:
            wanted.setdefault("all_open", True)
        wanted = {"policy": "nato-all", "as_of": AS_OF, **wanted}
        headers = {"Prefer": "wait=60"}
        return self.finished(
            self.post("/proposals", wanted, headers=headers, key=key), key=key
        )

    def resolve(self, proposal_id: str, *, key: str | None = None) -> Json:
        """Return the finished proposal that takes another's place."""
        path = f"/proposals/{proposal_id}/resolve"
        answer = self.post(path, {}, headers={"Prefer": "wait=60"}, key=key)
        return self.finished(answer, key=key)

    def finished(self, answer: Response, *, key: str | None = None) -> Json:
        """Return a proposal that was asked for, once it is finished."""
        assert answer.status_code in (200, 202), answer.text
        proposal_id = answer.json()["proposal_id"]
        for _ in range(1200):
            said = self.read(f"/proposals/{proposal_id}", key=key)
            if said["state"] in FINISHED:
                return said
            time.sleep(0.05)
        raise AssertionError(f"{proposal_id} did not come to an end: {self.faults}")

    def bins(self, proposal_id: str) -> dict[str, tuple[str, ...]]:
        """Return the requests of each live bin."""
        said = self.read(f"/proposals/{proposal_id}")["bins"]
        return {one["bin_id"]: tuple(one["request_ids"]) for one in said}

    def decide(
        self, proposal_id: str, bin_id: str, decision: str, version: int, **more: Json
    ) -> Response:
        """Decide a bin."""
        body = {"decision": decision}
        if decision != "accept":
            body["reason"] = "Not as it stands."
        path = f"/proposals/{proposal_id}/bins/{bin_id}/decisions"
        return self.post(
            path, {**body, **more.pop("said", {})}, version=version, **more
        )

    def edit(
        self, proposal_id: str, version: int, *edits: Json, **more: Json
    ) -> Response:
        """Save edits."""
        path = f"/proposals/{proposal_id}/edits"
        return self.post(path, {"edits": [*edits]}, version=version, **more)

    def records(self, **filters: str) -> list[Json]:
        """Return the records of the trail, first to last."""
        found: list[Json] = []
        cursor: str | None = None
        while True:
            params = {"limit": 1000, **filters}
            if cursor is not None:
                params["cursor"] = cursor
            page = self.read("/audit", params=params)
            found += page["items"]
            cursor = page["next"]
            if cursor is None:
                return found[::-1]

    def rows(self) -> dict[str, int]:
        """Return how many rows each table holds, but of the trail and of answers."""
        from sqlalchemy import func, select

        from app.storage.schema import metadata

        apart = {"audit", "audit_texts", "audit_head", "idempotency"}
        with self.service.within(ALL).reading() as connection:
            return {
                table.name: connection.execute(
                    select(func.count()).select_from(table)
                ).scalar_one()
                for table in metadata.sorted_tables
                if table.name not in apart
            }

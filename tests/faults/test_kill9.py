"""Servers and solvers are killed at work: what was acknowledged is kept (P1)."""

import random
import statistics
import threading
import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Connection, func, select

from app.server.checkup import verified_trail
from app.storage import schema
from app.storage.database import Database
from tests.faults.figures import Tell
from tests.faults.serving import Running
from tests.faults.site import (
    AS_OF,
    PLANNED,
    Answer,
    Plan,
    Site,
    as_csv,
    kill_one_of,
    planned,
    some_requests,
    until,
)

CLIENTS = 4
A_LIFE = 134
"""Answers of decisions, on average, between two kills: 20,000 over 150."""

IMPORTED = 600
"""More than are stored without being put aside first."""


@dataclass(slots=True)
class Load:
    """Clients that work while servers are killed, and every answer they had."""

    site: Site
    plan: Plan
    stop: threading.Event = field(default_factory=threading.Event)
    work: list[Future[None]] = field(default_factory=list)
    decided: list[tuple[str, str, int, Answer]] = field(default_factory=list)
    imported: list[tuple[str, Answer]] = field(default_factory=list)
    proposed: list[str] = field(default_factory=list)
    importing: bool = False
    solving: bool = False
    tries: int = 0

    @property
    def broken(self) -> bool:
        """Whether a client gave up."""
        return any(each.done() for each in self.work)

    def decide(self, number: int) -> None:
        """Decide bins of one's own, over and over."""
        versions = dict.fromkeys(self.plan.bins[number::CLIENTS], 1)
        with self.site.client() as client:
            while not self.stop.is_set():
                bin_id = random.choice([*versions])
                key, version = str(uuid4()), versions[bin_id]
                answer = client.decide(
                    self.plan.proposal_id, bin_id, version, key=key, reason=key
                )
                assert answer.status == 201, (version, answer)
                self.decided.append((key, bin_id, version, answer))
                versions[bin_id] += 1
            self.tries += client.tries

    def send(self) -> None:
        """Send files, over and over."""
        with self.site.client() as client:
            while not self.stop.is_set():
                key = str(uuid4())
                self.importing = True
                answer = client.change(
                    "POST",
                    "/batches",
                    as_csv(some_requests(IMPORTED, key[:8].upper())),
                    Content_Type="text/csv",
                    Idempotency_Key=key,
                )
                self.importing = False
                self.imported.append((key, answer))
                self.stop.wait(0.3)

    def propose(self, batch_id: str) -> None:
        """Ask for proposals, one after the other."""
        with self.site.client() as client:
            while not self.stop.is_set():
                wanted = {"batch_ids": [batch_id], "policy": "nato-all", "as_of": AS_OF}
                answer = client.change(
                    "POST", "/proposals", {**wanted, "time_limit_s": 5}
                )
                self.proposed.append(answer.said["proposal_id"])
                self.solving = True
                client.finished(self.proposed[-1])
                self.solving = False


@dataclass(slots=True)
class Killed:
    """What the kills hit, and how long it took to come back."""

    ready: list[float] = field(default_factory=list)
    hit: Counter[str] = field(default_factory=Counter)

    def kill(self, load: Load, server: Running) -> None:
        """Let the load work for a while, and kill the server, or a child first."""
        wanted = len(load.decided) + random.randint(1, 2 * A_LIFE)
        until(lambda: len(load.decided) >= wanted or load.broken)
        time.sleep(random.uniform(0, 0.1))
        if random.random() < 0.5:
            others = [pid for pid in load.site.processes() if pid != server.process.pid]
            kill_one_of(others)
            self.hit["a child"] += bool(others)
            time.sleep(random.uniform(0, 0.2))
        self.hit["an import"] += load.importing
        self.hit["a solve"] += load.solving
        server.process.kill()
        server.ended()


def test_nothing_acknowledged_is_lost_doubled_or_altered(
    address: str, tmp_path: Path, pytestconfig: pytest.Config, tell: Tell
) -> None:
    """P1, and the invariants I1 to I7 after every kill."""
    kills: int = pytestconfig.getoption("--kills")
    site = Site.of(address, tmp_path)
    with site.serving(), site.client() as client:
        plan = planned(client)
        batch_id = client.change("POST", "/batches", [*some_requests(300, "S")]).said[
            "batch_id"
        ]
    load, killed = Load(site, plan), Killed()
    with ThreadPoolExecutor(CLIENTS + 2) as clients:
        load.work += [clients.submit(load.decide, each) for each in range(CLIENTS)]
        load.work += [clients.submit(load.send), clients.submit(load.propose, batch_id)]
        try:
            for number in range(kills + 1):
                site.wait_until_empty()  # I5: nothing of the last life is left
                began = time.monotonic()
                with site.serving() as server:
                    site.wait_until_ready()
                    killed.ready.append(time.monotonic() - began)
                    if number < kills:
                        killed.kill(load, server)
                        continue
                    load.stop.set()
                    for each in load.work:
                        each.result()
                    _finish(load, server)
                if load.broken:
                    break  # a client gave up: its words come below
        finally:
            load.stop.set()
    for each in load.work:
        each.result()
    site.wait_until_empty()
    again = _check(load)
    tell(
        "P1",
        f"{kills} kills (a child killed before {killed.hit['a child']}; an import was "
        f"under way at {killed.hit['an import']}, a solve at {killed.hit['a solve']}): "
        f"of {len(load.decided):,} decisions, {len(load.imported):,} files and "
        f"{len(load.proposed)} proposals acknowledged over {load.tries:,} tries, "
        f"0 lost, 0 doubled, 0 altered; {again} asked again, answered the same; ready "
        f"again in {statistics.median(killed.ready):.1f} s "
        f"(most {max(killed.ready):.1f} s)",
    )


def _finish(load: Load, server: Running) -> None:
    """Let every proposal come to its end, ask some calls again, and stop."""
    with load.site.client() as client:
        for proposal_id in load.proposed:
            client.finished(proposal_id)
        for key, bin_id, version, first in _some(load.decided):
            again = client.decide(
                load.plan.proposal_id, bin_id, version, key=key, reason=key
            )
            assert (again.status, again.body) == (first.status, first.body)
            assert again.headers["etag"] == first.headers["etag"]
    assert server.stop() == 0


def _some(decided: list[Any]) -> list[Any]:
    return random.sample(decided, min(len(decided), 500))


def _check(load: Load) -> int:
    """Compare every answer with what is stored, and what is stored with the answers."""
    database = Database.open(load.site.address)
    try:
        with database.reading() as connection:
            _check_decisions(connection, load)
            _check_versions(connection, load.plan)
            _check_files(connection, load)
            _check_proposals(connection, load)
    finally:
        database.close()
    found = verified_trail(load.site.settings, None, None)
    assert found.findings == ()
    assert found.records >= len(load.decided) + len(load.imported)
    return len(_some(load.decided))


def _check_decisions(connection: Connection, load: Load) -> None:
    """Every decision that was answered is stored as it was said, once, and no other."""
    stored = {
        row.decision_id: dict(row._mapping)
        for row in connection.execute(select(schema.decisions))
    }
    first = {
        row.key: (row.status, row.body)
        for row in connection.execute(select(schema.idempotency))
    }
    for key, bin_id, version, answer in load.decided:
        said = answer.said
        row = stored.pop(said["decision_id"])  # so that none can be told twice
        assert {**row, "by": row["account_id"]}.items() >= {
            name: value for name, value in said.items() if name != "state"
        }.items()
        assert (said["bin_id"], said["version"]) == (bin_id, version + 1)
        assert said["reason"] == key
        assert first[key] == (201, answer.body.decode())
    assert stored == {}


def _check_versions(connection: Connection, plan: Plan) -> None:
    """Versions of each bin are 1..n; each but the first is one decision's."""
    versions, bins = schema.bin_versions.c, schema.bins.c
    for bin_id in plan.bins:
        this = (versions.proposal_id == plan.proposal_id, versions.bin_id == bin_id)
        found = connection.execute(
            select(versions.version).where(*this).order_by(versions.version)
        )
        chain = found.scalars().all()
        assert chain == [*range(1, len(chain) + 1)]
        now = select(bins.version).where(
            bins.proposal_id == plan.proposal_id, bins.bin_id == bin_id
        )
        assert connection.execute(now).scalar_one() == len(chain)


def _check_files(connection: Connection, load: Load) -> None:
    """Every file that was answered is wholly there, and no part of another."""
    count = select(func.count()).select_from(schema.batches)
    assert connection.execute(count).scalar_one() == len(load.imported) + 2
    members = schema.batch_requests.c
    each = select(members.batch_id, func.count()).group_by(members.batch_id)
    held = dict(iter(connection.execute(each)))
    for _, answer in load.imported:
        assert held.pop(answer.said["batch_id"]) == IMPORTED
    assert sorted(held.values()) == [PLANNED, 300]


def _check_proposals(connection: Connection, load: Load) -> None:
    """Every proposal ended once: with a result, or with a reason why it has none."""
    of = schema.proposals.c
    rows = connection.execute(select(of.proposal_id, of.state, of.failure)).all()
    assert {row.proposal_id for row in rows} == {load.plan.proposal_id, *load.proposed}
    with_result = {*connection.execute(
        select(schema.proposal_results.c.proposal_id)
    ).scalars()}  # fmt: skip
    for row in rows:
        assert row.state in ("done", "failed")
        assert (row.proposal_id in with_result) == (row.state == "done")
        assert row.state == "done" or row.failure

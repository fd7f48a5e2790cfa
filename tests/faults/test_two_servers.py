"""Two servers on one database: none overwrites another, jobs end once (P6, P13)."""

import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Connection, func, select

from app.server.checkup import verified_trail
from app.storage import schema
from app.storage.database import Database
from tests.faults.figures import Tell
from tests.faults.site import (
    AS_OF,
    PLANNED,
    Plan,
    Site,
    free_port,
    planned,
    some_requests,
)

CLIENTS = 16
BINS = 20


@dataclass(slots=True)
class Attempts:
    """What clients tried on the same bins, and what each was answered."""

    site: Site
    plan: Plan
    ports: tuple[int, ...]
    each: int
    done: list[tuple[str, int, str]] = field(default_factory=list)
    refused: Counter[int] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def make(self, number: int) -> None:
        """Decide bins that others decide as well, in the version that was last seen."""
        seen = dict.fromkeys(self.plan.bins[:BINS], 1)
        ports = random.sample(self.ports, len(self.ports))
        with self.site.client(*ports) as client:
            for _ in range(self.each):
                bin_id = random.choice([*seen])
                answer = client.decide(
                    self.plan.proposal_id,
                    bin_id,
                    seen[bin_id],
                    key=str(uuid4()),
                    reason=f"client {number}",
                )
                if answer.status == 201:
                    seen[bin_id] = answer.said["version"]
                    with self.lock:
                        self.done.append(
                            (bin_id, answer.said["version"], answer.said["decision_id"])
                        )
                    continue
                assert answer.status == 412, (answer.status, answer.body)
                assert answer.said["current_version"] > seen[bin_id]
                seen[bin_id] = answer.said["current_version"]
                with self.lock:
                    self.refused[answer.status] += 1


def test_sixteen_clients_of_two_servers_never_overwrite_each_other(
    address: str, tmp_path: Path, pytestconfig: pytest.Config, tell: Tell
) -> None:
    """P6 over the wire: the history of each bin is 1..n, each step one client's."""
    attempts: int = pytestconfig.getoption("--attempts")
    site = Site.of(address, tmp_path)
    ports = (site.port, free_port())
    with ExitStack() as servers:
        for port in ports:
            servers.enter_context(site.serving(port))
        with site.client() as client:
            plan = planned(client)
        assert len(plan.bins) >= BINS
        tried = Attempts(site, plan, ports, each=attempts // CLIENTS)
        with ThreadPoolExecutor(CLIENTS) as clients:
            for each in [clients.submit(tried.make, n) for n in range(CLIENTS)]:
                each.result()
    database = Database.open(address)
    with database.reading() as connection:
        _check_history(connection, tried)
    database.close()
    found = verified_trail(site.settings, None, None)
    assert found.findings == ()
    # Every attempt left one record, whether it was carried out or not.
    assert found.records >= len(tried.done) + tried.refused.total()
    tell(
        "P6",
        f"{CLIENTS} clients, {BINS} bins, {attempts:,} attempts, two servers: "
        f"{len(tried.done):,} accepted, {tried.refused.total():,} told 412 with the "
        "version there is; every history is 1..n, every request is in one bin",
    )


def _check_history(connection: Connection, tried: Attempts) -> None:
    versions, plan = schema.bin_versions.c, tried.plan
    told = {(bin_id, version): decision for bin_id, version, decision in tried.done}
    assert len(told) == len(tried.done)  # no version was given to two
    stored = schema.decisions.c
    kept = connection.execute(
        select(stored.bin_id, stored.version, stored.decision_id)
    ).all()
    assert {(b, version): decision for b, version, decision in kept} == told
    for bin_id in plan.bins:
        rows = connection.execute(
            select(versions.version, versions.previous)
            .where(versions.bin_id == bin_id)
            .order_by(versions.version)
        ).all()
        assert [row.version for row in rows] == [*range(1, len(rows) + 1)]
        assert all(row.previous == row.version - 1 for row in rows[1:])
        ends = sum(one == bin_id for one, _, _ in tried.done)
        assert len(rows) == 1 + ends
    homes = connection.execute(
        select(schema.bin_members.c.label, schema.bin_members.c.bin_id)
    ).all()
    assert len(homes) == len({label for label, _ in homes}) == PLANNED


def test_two_servers_end_each_job_once(
    address: str, tmp_path: Path, pytestconfig: pytest.Config, tell: Tell
) -> None:
    """P13: both take work up, one is killed in the middle, every job ends once."""
    rounds = max(1, pytestconfig.getoption("--restarts") // 3)
    site = Site.of(address, tmp_path)
    other = free_port()
    asked: list[str] = []
    with site.serving(), site.client() as client:
        batch = client.change("POST", "/batches", [*some_requests(200)])
        wanted = {
            "batch_ids": [batch.said["batch_id"]],
            "policy": "nato-all",
            "as_of": AS_OF,
            "time_limit_s": 5,
        }
        for _ in range(rounds):
            with site.serving(other) as second, site.client(other) as elsewhere:
                for ask in (client, elsewhere, client, elsewhere):
                    answer = ask.change("POST", "/proposals", wanted)
                    asked.append(answer.said["proposal_id"])
                second.process.kill()
                second.ended()
            with site.serving(other):  # takes up what the killed one has left
                for proposal_id in asked:
                    client.finished(proposal_id)
    database = Database.open(address)
    with database.reading() as connection:
        results = schema.proposal_results.c.proposal_id
        ended = dict(
            iter(connection.execute(select(results, func.count()).group_by(results)))
        )
        records = connection.execute(
            select(schema.audit.c.object, func.count())
            .where(schema.audit.c.action.in_(("proposal.done", "proposal.failed")))
            .group_by(schema.audit.c.object)
        )
        said = dict(iter(records))
        states = [*connection.execute(select(schema.proposals.c.state)).scalars()]
    database.close()
    assert {*asked} == {*ended}
    assert said == {f"proposal/{proposal_id}": 1 for proposal_id in asked}
    assert {*states} == {"done"}
    assert verified_trail(site.settings, None, None).findings == ()
    tell(
        "P13",
        f"two servers, one killed {rounds} times while both solve: {len(asked)} jobs, "
        "each ended once, none lost",
    )

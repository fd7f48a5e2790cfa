"""PostgreSQL loses its power under load, again and again (P13)."""

import random
import statistics
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import select

from app.server.checkup import verified_trail
from app.storage import schema
from app.storage.database import Database
from app.storage.reach import ALL
from tests.faults.figures import Tell
from tests.faults.site import AS_OF, Answer, Site, planned, some_requests
from tests.postgres import NoPostgres, PostgresServer

CLIENTS = 4


def test_a_database_that_falls_over_loses_nothing_that_was_acknowledged(
    tmp_path: Path, pytestconfig: pytest.Config, tell: Tell
) -> None:
    """P13: no manual step, connections heal by themselves, each job ends once."""
    if pytestconfig.getoption("--db") == "sqlite":
        pytest.skip("--db sqlite")
    try:
        server = PostgresServer()  # its own: others must not fall over with it
    except NoPostgres as error:
        pytest.skip(str(error))
    with server:
        _fall_over(server, tmp_path, pytestconfig.getoption("--restarts"), tell)


def _fall_over(server: PostgresServer, folder: Path, restarts: int, tell: Tell) -> None:
    site = Site.of(server.create_owned("allybin"), folder)
    decided: list[Answer] = []
    proposed: list[str] = []
    stop = threading.Event()

    def decide(number: int) -> None:
        versions = dict.fromkeys(plan.bins[number::CLIENTS], 1)
        with site.client() as client:
            while not stop.is_set():
                bin_id = random.choice([*versions])
                key = str(uuid4())
                answer = client.decide(
                    plan.proposal_id, bin_id, versions[bin_id], key=key, reason=key
                )
                assert answer.status == 201, answer
                decided.append(answer)
                versions[bin_id] += 1

    def propose() -> None:
        wanted = {"batch_ids": [batch_id], "policy": "nato-all", "as_of": AS_OF}
        with site.client() as client:
            while not stop.is_set():
                asked = client.change(
                    "POST", "/proposals", {**wanted, "time_limit_s": 5}
                )
                proposed.append(asked.said["proposal_id"])
                client.finished(proposed[-1])

    with site.serving() as served, site.client() as client:
        plan = planned(client)
        sent = client.change("POST", "/batches", [*some_requests(150, "S")])
        batch_id = sent.said["batch_id"]
        healed: list[float] = []
        with ThreadPoolExecutor(CLIENTS + 1) as clients:
            work = [clients.submit(decide, number) for number in range(CLIENTS)]
            work.append(clients.submit(propose))
            try:
                for _ in range(restarts):
                    time.sleep(random.uniform(0.5, 2.0))
                    server.crash()
                    server.start()
                    healed.append(_until_decided(decided, work))
            finally:
                stop.set()
            for each in work:
                each.result()
        for proposal_id in proposed:
            assert client.finished(proposal_id)["state"] == "done"
        assert served.stop() == 0
    database = Database.open(site.address)
    with database.reading(ALL) as connection:
        stored = connection.execute(
            select(schema.decisions.c.decision_id, schema.decisions.c.reason)
        ).all()
        results = connection.execute(select(schema.proposal_results.c.proposal_id))
        assert {*results.scalars()} == {plan.proposal_id, *proposed}
    database.close()
    said = sorted((one.said["decision_id"], one.said["reason"]) for one in decided)
    assert sorted((row.decision_id, row.reason) for row in stored) == said
    assert verified_trail(site.settings, None, None).findings == ()
    tell(
        "P13",
        f"{restarts} immediate restarts of PostgreSQL: {len(decided):,} decisions and "
        f"{len(proposed)} proposals acknowledged, 0 lost, 0 doubled, each job ended "
        f"once; decided again {statistics.median(healed):.1f} s (most "
        f"{max(healed):.1f} s) after it was back",
    )


def _until_decided(decided: list[Answer], work: list[Future[None]]) -> float:
    """Return after how many seconds the next decision was answered."""
    began, count = time.monotonic(), len(decided)
    while len(decided) <= count + CLIENTS:
        assert not any(each.done() for each in work)
        assert time.monotonic() - began < 120
        time.sleep(0.01)
    return time.monotonic() - began

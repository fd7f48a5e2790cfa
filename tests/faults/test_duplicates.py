"""A call sent many times acts once, and is answered the same every time (P5)."""

import random
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from app.server.checkup import verified_trail
from app.storage import schema
from app.storage.database import Database
from tests.faults.figures import Tell
from tests.faults.site import Plan, Site, free_port, planned, until

AT_ONCE = 16
MOST = 20


@dataclass(frozen=True, slots=True)
class Wanted:
    """A decision that is sent several times."""

    bin_id: str
    version: int
    key: str


@dataclass(slots=True)
class Sent:
    """What every sending of every decision was answered."""

    site: Site
    plan: Plan
    ports: Sequence[int]
    answers: dict[str, list[tuple[int, str | None, bytes]]] = field(
        default_factory=dict
    )
    count: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def send(self, each: Wanted) -> None:
        """Send a decision once more."""
        with self.site.client(*random.sample(self.ports, len(self.ports))) as client:
            answer = client.decide(
                self.plan.proposal_id,
                each.bin_id,
                each.version,
                key=each.key,
                reason=each.key,
            )
        with self.lock:
            self.count += 1
            said = (answer.status, answer.headers.get("etag"), answer.body)
            self.answers.setdefault(each.key, []).append(said)

    def other(self, each: Wanted) -> None:
        """Send another decision with a key that was used."""
        with self.site.client() as client:
            answer = client.decide(
                self.plan.proposal_id,
                each.bin_id,
                each.version,
                key=each.key,
                reason="another",
            )
        assert answer.status in (409, 422), answer


def test_decisions_sent_up_to_twenty_times_are_made_once(
    address: str, kind: str, tmp_path: Path, pytestconfig: pytest.Config, tell: Tell
) -> None:
    """P5: shuffled, sixteen at a time, and servers are killed meanwhile."""
    wanted: int = pytestconfig.getoption("--repeated")
    kills = max(1, wanted // 200)
    site = Site.of(address, tmp_path)
    ports = [site.port] if kind == "sqlite" else [site.port, free_port()]
    with site.serving(), site.client() as client:
        plan = planned(client)
    sent = Sent(site, plan, ports)
    made = 0
    with ExitStack() as servers, ThreadPoolExecutor(AT_ONCE) as clients:
        running = [servers.enter_context(site.serving(port)) for port in ports]
        while made < wanted:
            # One version of every bin at a time: the next one needs the last.
            version = made // len(plan.bins) + 1
            these = plan.bins[: wanted - made]
            made += len(these)
            many = _shuffled(these, version)
            half = sent.count + len(many) // 2
            waiting = [clients.submit(sent.send, each) for each in many]
            if version <= kills:
                until(lambda half=half: sent.count >= half)
                running[-1].process.kill()
                running[-1].ended()
                running.append(servers.enter_context(site.serving(ports[-1])))
            for one in waiting:
                one.result()
        for each in random.sample(many, 10):
            sent.other(each)
    _check(sent, wanted)
    tell(
        "P5",
        f"{wanted:,} decisions sent {sent.count:,} times, {AT_ONCE} at a time, "
        f"{kills} kills meanwhile: {wanted:,} records, every answer to one key the "
        "same to the byte; another body with a used key always refused",
    )


def _shuffled(bins: Sequence[str], version: int) -> list[Wanted]:
    each = [Wanted(bin_id, version, str(uuid4())) for bin_id in bins]
    many = [one for one in each for _ in range(random.randint(1, MOST))]
    random.shuffle(many)
    return many


def _check(sent: Sent, wanted: int) -> None:
    assert len(sent.answers) == wanted
    for said in sent.answers.values():
        assert said[0][0] == 201
        assert {*said} == {said[0]}
    database = Database.open(sent.site.address)
    with database.reading() as connection:
        count = select(func.count()).select_from(schema.decisions)
        assert connection.execute(count).scalar_one() == wanted
        reasons = connection.execute(select(schema.decisions.c.reason)).scalars()
        assert {*reasons} == {*sent.answers}
        records = select(func.count()).where(schema.audit.c.action == "bin.return")
        done = records.where(schema.audit.c.result == "done")
        assert connection.execute(done).scalar_one() == wanted
    database.close()
    assert verified_trail(sent.site.settings, None, None).findings == ()

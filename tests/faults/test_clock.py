"""The clock jumps by months while decisions are made: only labels change (P19)."""

from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import select

from app.server.checkup import verified_trail
from app.storage import schema
from app.storage.database import Database
from tests.faults.figures import Tell
from tests.faults.site import Site, planned

LIBRARY = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
JUMPS = ("+400d", "-400d", "+0", "+29d", "-1h", "-2h", "-1d", "-2d", "+1d", "-3d")
EACH = 10


@pytest.mark.skipif(
    LIBRARY is None, reason="libfaketime is not here: apt-get install libfaketime"
)
def test_a_clock_that_jumps_loses_and_reorders_nothing(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tell: Tell
) -> None:
    """P19: order is by number, work goes on, and the trail still verifies."""
    clock = tmp_path / "clock"
    clock.write_text("+0", encoding="ascii")
    site = Site.of(address, tmp_path)
    for name, value in {
        "LD_PRELOAD": str(LIBRARY),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }.items():
        monkeypatch.setenv(name, value)
    answers = []
    with site.serving() as server, site.client() as client:
        for name in ("LD_PRELOAD", "FAKETIME_TIMESTAMP_FILE"):
            monkeypatch.delenv(name)
        plan = planned(client)
        for jump in JUMPS:
            clock.write_text(jump, encoding="ascii")
            for bin_id in plan.bins[:EACH]:
                version = 1 + len(answers) // EACH
                answer = client.decide(
                    plan.proposal_id, bin_id, version, key=str(uuid4())
                )
                assert answer.status == 201, answer
                answers.append(answer.said)
        server.process.kill()  # under libfaketime waits end late; not what is tried
    times = [one["at"] for one in answers]
    assert times != sorted(times)  # the clock did jump
    database = Database.open(address)
    with database.reading() as connection:
        records = connection.execute(
            select(schema.audit.c.object, schema.audit.c.version_after)
            .where(schema.audit.c.action == "bin.return")
            .order_by(schema.audit.c.seq)
        ).all()
    database.close()
    assert [(row.object, row.version_after) for row in records] == [
        (f"bin/{plan.proposal_id}/{one['bin_id']}", one["version"]) for one in answers
    ]
    found = verified_trail(site.settings, None, None)
    assert found.findings == ()
    tell(
        "P19",
        f"{len(JUMPS)} jumps of up to 400 days in both directions: {len(answers)} "
        "decisions, all kept in their order, the trail verifies",
    )

"""The audit trail, verified by a process of its own."""

import threading
from pathlib import Path

import pytest

from app.audit.checkpoints import write
from app.jobs.desk import Desk, DeskFailed
from app.jobs.trail import TrailOrder
from app.storage.database import Database
from tests.app.audit.world import fill


@pytest.fixture(scope="module")
def desk():  # type: ignore[no-untyped-def]
    with Desk() as desk:
        yield desk


def test_a_process_finds_what_a_walk_here_finds(
    database: Database, address: str, tmp_path: Path, desk: Desk
) -> None:
    fill(database)
    order = TrailOrder(url=address, checkpoints=tmp_path)
    found = desk.verify_trail(order, seconds=60)
    assert found["ok"], found["findings"]
    assert (found["checkpoints"], found["last_checkpoint"]) == (0, None)
    assert found["rows"] > 0
    made = write(tmp_path, size=found["records"], digest=found["head"])
    signed = desk.verify_trail(order, seconds=60)
    assert signed["covered"] == found["records"] == signed["last_checkpoint"]["size"]
    assert signed["last_checkpoint"]["key_id"] == made.key_id
    wrong = write(tmp_path, size=found["records"] + 1, digest="0" * 64)
    cut = desk.verify_trail(order, seconds=60)
    assert not cut["ok"]
    assert "were cut off" in cut["findings"][0]
    assert cut["finding_records"] == [wrong.size]


def test_a_trail_that_takes_too_long_is_given_up_with_a_sentence(
    address: str, tmp_path: Path, desk: Desk
) -> None:
    order = TrailOrder(url=address, checkpoints=tmp_path)
    desk.verify_trail(order, seconds=60)  # what it needs is loaded by now
    with pytest.raises(DeskFailed, match=r"not verified within 1e-06 seconds"):
        desk.verify_trail(order, seconds=1e-6)


def test_a_store_that_is_not_there_is_said_and_names_no_password(
    tmp_path: Path, desk: Desk
) -> None:
    url = f"sqlite:///{tmp_path}/no/such/folder/allybin.db"
    order = TrailOrder(url=url, checkpoints=tmp_path)
    with pytest.raises(DeskFailed):
        desk.verify_trail(order, seconds=60)
    assert "secret" not in repr(TrailOrder(url="x://secret", checkpoints=tmp_path))


def test_one_walk_at_a_time_is_enough(
    database: Database, address: str, tmp_path: Path, desk: Desk
) -> None:
    fill(database)
    order = TrailOrder(url=address, checkpoints=tmp_path)
    told: list[str] = []
    begin = threading.Barrier(6)

    def walk() -> None:
        begin.wait(60)
        try:
            told.append(str(desk.verify_trail(order, seconds=60)["ok"]))
        except DeskFailed as failed:
            told.append(str(failed))

    walks = [threading.Thread(target=walk) for _ in range(6)]
    for one in walks:
        one.start()
    for one in walks:
        one.join()
    assert len(told) == 6
    assert set(told) <= {"True", "The trail is being verified already; wait for that."}
    assert "True" in told

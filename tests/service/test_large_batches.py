"""Large batches are put aside first: nobody sees their rows, and nobody waits."""

from collections.abc import Callable
from typing import Any

import pytest

from app.audit.verify import verify
from app.storage import schema
from app.storage.errors import StoreUnavailable
from app.storage.packs import Packs
from app.storage.reach import ALL
from app.use_cases import send
from tests.service.world import BALTIC, World, problem_of, row


@pytest.fixture(autouse=True)
def _large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.use_cases.send.AT_ONCE", 2)


def meanwhile(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> list[str]:
    """Have something done once the rows of a batch are ready and not stored yet.

    Returns what is noted: each time that a batch is compared with what is stored.
    """
    noted: list[str] = []
    ready, compare = send._Batch.pack, send._Batch._compare

    def pack(batch: Any) -> Any:
        found = ready(batch)
        if "ready" not in noted:
            noted.append("ready")
            act()
        return found

    def compared(batch: Any, connection: Any) -> None:
        noted.append("compared")
        compare(batch, connection)

    monkeypatch.setattr(send._Batch, "pack", pack)
    monkeypatch.setattr(send._Batch, "_compare", compared)
    return noted


def aside(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Have something done once a table of rows was put aside."""
    put = Packs.put_aside

    def put_aside(packs: Packs, connection: Any) -> None:
        put(packs, connection)
        act()

    monkeypatch.setattr(Packs, "put_aside", put_aside)


def whole(world: World) -> bool:
    """Tell whether the trail and what is stored agree."""
    with world.service.database.reading(ALL) as connection:
        return verify(connection).findings == ()


def test_a_large_batch_is_stored_as_any_other(world: World) -> None:
    batch_id = world.stored()
    listed = world.read(f"/batches/{batch_id}/requests")["items"]
    assert [one["request_id"] for one in listed] == [
        one["request_id"] for one in BALTIC
    ]
    assert world.send().json()["unchanged"] == len(BALTIC)
    more = [row(f"EST-27-{number}") for number in range(5)]
    assert world.send([*BALTIC, *more]).json()["stored"] == 5
    assert whole(world)


def test_rows_put_aside_are_seen_by_nobody_and_keep_nobody_waiting(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []

    def look() -> None:
        seen.append((world.read("/requests")["items"], world.read("/batches")["items"]))
        seen.append(world.service.database.at_once)
        world.done("/keys", {"name": f"made meanwhile {len(seen)}", "role": "analyst"})

    aside(monkeypatch, look)
    world.stored()
    if world.service.database.kind == "sqlite":  # elsewhere nobody waits for writers
        assert seen == [([], []), True] * 3
    assert len(world.read("/requests")["items"]) == len(BALTIC)
    assert whole(world)


def test_what_others_send_meanwhile_does_not_have_a_batch_compared_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted = meanwhile(
        monkeypatch, lambda: world.stored([row("POL-27-1", "POL")]) and None
    )
    assert world.send().json()["stored"] == len(BALTIC)
    assert noted == ["compared", "ready", "compared"]  # one each
    assert whole(world)


def test_a_request_that_someone_sends_meanwhile_is_unchanged(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    meanwhile(monkeypatch, lambda: world.stored(BALTIC[:1]))
    said = world.send().json()
    assert (said["stored"], said["unchanged"]) == (len(BALTIC) - 1, 1)
    assert len(world.read("/requests")["items"]) == len(BALTIC)
    assert whole(world)


def test_a_request_that_someone_sends_otherwise_meanwhile_is_a_conflict(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = {**BALTIC[3], "quantity": 9}
    meanwhile(monkeypatch, lambda: world.stored([other]))
    refused = problem_of(world.send())
    assert refused["status"] == 409
    assert [one["value"] for one in refused["errors"]] == [other["request_id"]]
    assert [one["request_id"] for one in world.read("/requests")["items"]] == [
        other["request_id"]
    ]
    assert whole(world)


def test_what_breaks_off_in_the_middle_leaves_nothing_and_can_be_sent_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, store = world.rows(), Packs.store

    def breaks(packs: Packs, connection: Any) -> None:
        store(packs, connection)
        if packs._table is schema.requests:
            raise StoreUnavailable("The store went away.")

    headers = {"Idempotency-Key": "the-same-key-twice"}
    with monkeypatch.context() as broken:
        broken.setattr(Packs, "store", breaks)
        assert world.send(headers=headers).status_code == 503
    assert world.rows() == before
    assert world.send(headers=headers).json()["stored"] == len(BALTIC)
    assert whole(world)

"""Who fails to sign in is on record, and counted for all servers."""

import json
from itertools import count

import pytest
from sqlalchemy import text

from app.api import sessions
from app.storage.database import Database
from app.use_cases.access import hash_of
from tests.app.api.door import Door
from tests.app.api.test_sessions import door

__all__ = ["door"]


def failed(door: Door) -> list[tuple[str, str, str]]:
    """Return object, actor and result of every attempt that is on record."""
    with door.database.reading() as connection:
        rows = connection.execute(
            text(
                "SELECT object, actor, result FROM audit "
                "WHERE result LIKE 'refused%' ORDER BY seq"
            )
        )
        return [(row.object, row.actor, row.result) for row in rows]


@pytest.mark.parametrize("form", ["key=fms_wrong", "code=wrong", "key=", ""])
def test_an_attempt_that_fails_is_on_record_without_what_was_given(
    door: Door, form: str
) -> None:
    assert door.post("/sign-in", form).status_code == 401
    said = json.dumps({"key": "fms_000000000000_wrong"})
    assert door.post("/sign-in", said, "application/json").status_code == 401
    once = ("sign-in/127.0.0.1", "unknown", "refused: 401 not_known")
    key_meant = (f"sign-in-for/{hash_of('0' * 12)[:12]}", *once[1:])
    assert failed(door) == [once, once, key_meant]
    with door.database.reading() as connection:
        whole = connection.execute(text("SELECT * FROM audit")).all()
    assert "wrong" not in str(whole)


def test_attempts_that_failed_at_another_server_count_here(database: Database) -> None:
    one, other = (Door(database, rate_sign_in="3/minute") for _ in range(2))
    other.key = one.key
    for _ in range(3):
        assert one.post("/sign-in", "key=fms_wrong").status_code == 401
    answer = other.post("/sign-in", f"key={one.key}")
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "60"
    assert len(failed(one)) == 3  # what is refused unseen fills no trail


def wrong(door: Door) -> str:
    """Return the key of the door with another secret."""
    prefix, key_id, _ = door.key.split("_", 2)
    return f"{prefix}_{key_id}_{'A' * 43}"


def from_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every call come from an address of its own."""
    numbers = count(1)
    monkeypatch.setattr(sessions, "_client", lambda _: f"10.0.0.{next(numbers)}")


@pytest.mark.parametrize("known", [True, False])
def test_attempts_for_one_key_count_from_wherever_they_come(
    database: Database, monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    door = Door(database, rate_sign_in="3/minute")
    key = wrong(door) if known else f"fms_{'0' * 12}_{'A' * 43}"
    from_elsewhere(monkeypatch)
    codes = [door.post("/sign-in", f"key={key}").status_code for _ in range(5)]
    assert codes == [401, 401, 401, 429, 429]  # alike, whether there is such a key
    assert door.post("/sign-in", f"key={door.key}").status_code == (
        429 if known else 303
    )
    places = {place for place, _, _ in failed(door) if "-for/" in place}
    assert len(places) == 1
    assert key.split("_")[1] not in str(places)


def test_who_tries_a_key_elsewhere_does_not_lock_its_holder_out(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = Door(database, rate_sign_in="3/minute")
    door.sign_in()
    with monkeypatch.context() as elsewhere:
        from_elsewhere(elsewhere)
        for _ in range(4):
            door.post("/sign-in", f"key={wrong(door)}")
        assert door.post("/sign-in", f"key={door.key}").status_code == 429
    door.sign_in()


def test_attempts_that_succeed_are_no_failures(door: Door) -> None:
    door.sign_in()
    assert failed(door) == []

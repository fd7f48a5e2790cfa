"""Who fails to sign in is on record, and counted for all servers."""

import json

import pytest
from sqlalchemy import text

from app.storage.database import Database
from tests.app.api.test_sessions import Door, door

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
    assert failed(door) == [once, once]
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


def test_attempts_that_succeed_are_no_failures(door: Door) -> None:
    door.sign_in()
    assert failed(door) == []

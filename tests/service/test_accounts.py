"""Keys and accounts: made by an admin, ended at once, secrets never kept."""

from uuid import uuid4

import pytest
from sqlalchemy import text

from tests.service.world import World

PERSON = {
    "name": "A. Approver",
    "role": "approver",
    "issuer": "https://login.example.org",
    "subject": "person-7",
}


def test_a_key_is_kept_nowhere_even_when_its_call_may_be_repeated(
    world: World,
) -> None:
    made = world.post(
        "/keys",
        {"name": "feed", "role": "submitter", "customers": ["POL"]},
        headers={"Idempotency-Key": str(uuid4())},
    )
    assert made.status_code == 201
    secret = made.json()["key"].split("_", 2)[2]
    with world.service.reading() as connection:
        tables = connection.execute(text(_TABLES[connection.dialect.name])).scalars()
        kept = [
            str(row)
            for name in tables.all()
            for row in connection.execute(text(f'SELECT * FROM "{name}"'))
        ]
    assert kept
    assert not any(secret in row for row in kept)


_TABLES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table'",
    "postgresql": "SELECT tablename FROM pg_tables WHERE schemaname = 'public'",
}


def test_a_revoked_key_lets_nobody_in_from_the_next_call_on(world: World) -> None:
    made = world.post("/keys", {"name": "x", "role": "analyst"}).json()
    assert world.get("/requests", key=made["key"]).status_code == 200

    ended = world.call("DELETE", f"/keys/{made['key_id']}")

    assert ended.status_code == 200
    assert world.get("/requests", key=made["key"]).status_code == 401


def test_a_person_of_a_provider_has_one_account(world: World) -> None:
    made = world.post("/accounts", PERSON)
    again = world.post("/accounts", PERSON)

    assert made.status_code == 201
    assert again.status_code == 422
    listed = world.read("/accounts")["items"]
    assert [one["name"] for one in listed if one["openid"]] == ["A. Approver"]
    record = next(r for r in world.records() if r["action"] == "account.make")
    assert record["after"]["account_id"] == made.json()["account_id"]


def test_a_disabled_account_is_let_in_no_more(world: World) -> None:
    made = world.post("/keys", {"name": "x", "role": "auditor"}).json()

    ended = world.call("DELETE", f"/accounts/{made['account_id']}")

    assert ended.json()["disabled_at"] is not None
    assert world.get("/audit", key=made["key"]).status_code == 401
    assert world.call("DELETE", f"/accounts/{uuid4()}").status_code == 404


@pytest.mark.parametrize(
    ("role", "customers"), [("submitter", None), ("auditor", ["POL"])]
)
def test_customers_go_with_roles_that_have_them(
    world: World, role: str, customers: list[str] | None
) -> None:
    wanted = {**PERSON, "role": role, "customers": customers}
    assert world.post("/accounts", wanted).status_code == 422

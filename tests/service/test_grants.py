"""Roles are changed by an admin; who decides or audits, two admins say."""

import pytest

from app.use_cases.access import Role
from app.use_cases.granting import CONFIRMED
from tests.service.world import ABSENT, World, problem_of

APPROVER = {"name": "Paul", "role": "approver"}


@pytest.fixture
def two(world: World) -> tuple[World, str]:
    """Return a service with two reviewers and two admins, and the second's key."""
    world.key("analyst")
    return world, world.key("admin", name="Otto")


def test_alone_a_first_start_makes_its_approver_at_once(world: World) -> None:
    assert world.read("/../readyz")["single_user"]
    made = world.done("/keys", APPROVER)
    assert made["grant_id"] is None
    assert world.get("/proposals", key=made["key"]).status_code == 200


@pytest.mark.parametrize("role", sorted(CONFIRMED))
def test_an_only_admin_gives_every_role_at_once(world: World, role: Role) -> None:
    """Nobody could confirm it: whoever asked for it may not."""
    world.key("analyst")
    assert not world.read("/../readyz")["single_user"]
    otto = world.done("/keys", {"name": "Otto", "role": "admin"})
    world.call("DELETE", f"/accounts/{otto['account_id']}")

    made = world.done("/keys", {"name": "Paul", "role": role})

    assert made["grant_id"] is None
    assert world.get("/proposals", key=made["key"]).status_code == 200


@pytest.mark.parametrize("role", sorted(CONFIRMED))
def test_a_role_that_decides_or_audits_waits_for_a_second_admin(
    two: tuple[World, str], role: Role
) -> None:
    world, second = two
    made = world.done("/keys", {"name": "Paul", "role": role})
    key, grant = made["key"], f"/grants/{made['grant_id']}"

    for call in ("/requests", "/proposals", "/audit", "/policies"):
        said = problem_of(world.get(call, key=key))
        assert (said["status"], "no role yet" in said["detail"]) == (403, True)
    (waits,) = world.read("/grants")["items"]
    assert (waits["name"], waits["role"]) == ("Paul", role)
    asker = problem_of(world.post(f"{grant}/confirm"))
    assert (asker["status"], "another admin" in asker["detail"]) == (403, True)

    given = world.done(f"{grant}/confirm", key=second)

    assert given["role"] == role
    assert world.get("/proposals", key=key).status_code == 200
    assert world.read("/grants")["items"] == []
    assert problem_of(world.post(f"{grant}/confirm", key=second))["status"] == 409
    assert problem_of(world.post(f"{grant}/refuse"))["status"] == 409
    record = next(
        one
        for one in world.records(action="role.confirm")
        if one["result"] == "done" and one["object"] == f"account/{given['account_id']}"
    )
    assert (record["before"]["role"], record["after"]["role"]) == ("", role)
    assert world.read("/audit/verify")["ok"]


def test_nobody_confirms_what_is_for_themselves(two: tuple[World, str]) -> None:
    world, second = two
    otto = next(a for a in world.read("/accounts")["items"] if a["name"] == "Otto")
    asked = world.call(
        "PUT", f"/accounts/{otto['account_id']}/role", json={"role": "approver"}
    )
    assert asked.status_code == 202
    grant = f"/grants/{asked.json()['grant_id']}"
    assert problem_of(world.post(f"{grant}/confirm", key=second))["status"] == 403
    assert problem_of(world.post(f"{grant}/confirm"))["status"] == 403


def test_a_refused_role_is_not_given(two: tuple[World, str]) -> None:
    world, second = two
    made = world.done("/keys", APPROVER)
    world.done(f"/grants/{made['grant_id']}/refuse", key=second)
    assert world.get("/proposals", key=made["key"]).status_code == 403
    assert world.read("/grants")["items"] == []


def test_a_first_admin_makes_another_alone(world: World) -> None:
    world.key("analyst")
    made = world.done("/keys", {"name": "Otto", "role": "admin"})
    assert made["grant_id"] is None
    assert world.get("/accounts", key=made["key"]).status_code == 200


def test_a_role_is_changed_from_the_next_call_on(two: tuple[World, str]) -> None:
    world, second = two
    made = world.done("/keys", {"name": "Nora", "role": "analyst"})
    path = f"/accounts/{made['account_id']}/role"

    def put(**wanted: object) -> int:
        return world.call("PUT", path, json=wanted).status_code

    assert world.get("/requests", key=made["key"]).status_code == 200
    assert put(role="submitter", customers=["POL"]) == 200
    assert world.get("/proposals", key=made["key"]).status_code == 403
    assert put(role="approver", customers=["POL", "EST"]) == 202
    assert world.get("/proposals", key=made["key"]).status_code == 403
    assert put(role="approver") == 202  # instead of the one before
    (waits,) = world.read("/grants")["items"]
    world.done(f"/grants/{waits['grant_id']}/confirm", key=second)
    assert world.get("/proposals", key=made["key"]).status_code == 200
    assert put(role="approver", customers=["POL"]) == 200  # it is less
    assert put(role="approver", customers=["POL", "EST"]) == 202  # it is more
    listed = {one["name"]: one for one in world.read("/accounts")["items"]}
    assert listed["Nora"]["customers"] == ["POL"]
    assert listed["Nora"]["grant_id"] == world.read("/grants")["items"][0]["grant_id"]
    assert world.read("/audit/verify")["ok"]


def test_what_is_not_there_or_has_ended_is_given_nothing(
    two: tuple[World, str],
) -> None:
    world, second = two
    put = world.call("PUT", f"/accounts/{ABSENT}/role", json={"role": "admin"})
    assert problem_of(put)["status"] == 404
    for way in ("confirm", "refuse"):
        assert problem_of(world.post(f"/grants/{ABSENT}/{way}"))["status"] == 404
    made = world.done("/keys", APPROVER)
    world.call("DELETE", f"/accounts/{made['account_id']}")
    late = world.post(f"/grants/{made['grant_id']}/confirm", key=second)
    assert problem_of(late)["status"] == 409
    path = f"/accounts/{made['account_id']}/role"
    ended = world.call("PUT", path, json={"role": "admin"})
    assert problem_of(ended)["status"] == 409

"""Analysts and approvers who are limited to some customers, or to a region."""

from typing import Any

import pytest

from tests.service.world import BALTIC, World, problem_of

BALTIC_CODES = ["EST", "LTU", "LVA"]


@pytest.fixture
def keys(world: World) -> dict[str, str]:
    """Return the keys of an analyst and an approver of the Baltic region."""
    return {
        role: world.confirmed(
            world.done("/keys", {"name": role, "role": role, "regions": ["Baltic"]})
        )
        for role in ("analyst", "approver")
    }


def test_a_region_stands_for_its_customers(world: World) -> None:
    wanted = {"name": "A", "role": "approver", "regions": ["baltic"]}
    made = world.done("/keys", {**wanted, "customers": ["POL"]})
    assert made["customers"] == [*BALTIC_CODES, "POL"]


@pytest.mark.parametrize(
    ("wanted", "hint"),
    [
        ({"role": "analyst", "regions": ["Mordor"]}, "There is no region"),
        ({"role": "auditor", "regions": ["Baltic"]}, "names no customers"),
        ({"role": "admin", "customers": ["EST"]}, "names no customers"),
        ({"role": "submitter", "regions": ["Baltic"]}, "one customer"),
    ],
)
def test_a_limit_that_a_role_cannot_have_is_refused(
    world: World, wanted: dict[str, Any], hint: str
) -> None:
    said = problem_of(world.post("/keys", {"name": "A", **wanted}))
    assert said["status"] == 422
    assert hint in said["detail"]


def test_a_limited_analyst_sends_and_proposes_for_its_customers_alone(
    world: World, keys: dict[str, str]
) -> None:
    refused = problem_of(world.send(key=keys["analyst"]))
    assert "sends requests of EST, LTU, LVA only" in refused["detail"]
    world.stored()  # by somebody else, for all

    plan = world.propose(key=keys["analyst"])

    asked = {name for one in plan["bins"] for name in one["request_ids"]}
    own = {one["request_id"] for one in BALTIC if one["customer"] in BALTIC_CODES}
    assert asked == own
    listed = world.read("/requests", key=keys["analyst"])["items"]
    assert {one["customer"] for one in listed} == {*BALTIC_CODES}


def test_a_plan_with_one_request_of_another_is_not_there_for_a_limited_approver(
    world: World, keys: dict[str, str]
) -> None:
    world.stored()
    whole = world.propose(key=world.key("analyst"))
    path, bin_id = f"/proposals/{whole['proposal_id']}", whole["bins"][0]["bin_id"]

    assert world.get(path, key=keys["approver"]).status_code == 404
    refused = world.decide(
        whole["proposal_id"], bin_id, "accept", 1, key=keys["approver"]
    )
    assert refused.status_code == 404
    assert world.read("/proposals", key=keys["approver"])["items"] == []
    seen = world.read("/requests", key=keys["approver"])["items"]
    one = world.read(f"/requests/{seen[0]['uid']}", key=keys["approver"])
    assert one["bins"] == []


def test_limited_people_take_a_plan_from_its_requests_to_its_decisions(
    world: World, keys: dict[str, str]
) -> None:
    analyst, approver = keys["analyst"], keys["approver"]
    own = [one for one in BALTIC if one["customer"] in BALTIC_CODES]
    world.stored(own, key=analyst)
    plan = world.propose(key=analyst)
    proposal_id = plan["proposal_id"]
    first, second = (one for one in plan["bins"] if len(one["request_ids"]) > 1)
    apart = {"op": "take_out", "request_id": first["request_ids"][0]}
    edited = world.edit(proposal_id, 1, apart, key=analyst)
    assert edited.status_code == 201, edited.text
    path = f"/proposals/{proposal_id}/bins/{second['bin_id']}/releases"
    told = world.post(path, {"level": 1}, version=1, key=approver)
    assert told.status_code == 201, told.text
    for decision, version in (("accept", 1), ("reopen", 2), ("return", 3)):
        decided = world.decide(
            proposal_id, second["bin_id"], decision, version, key=approver
        )
        assert decided.status_code == 201, decided.text
    uid = world.uids(key=analyst)[second["request_ids"][0]]
    gone = world.call("DELETE", f"/requests/{uid}", version=1, key=analyst)
    assert gone.status_code == 200, gone.text
    again = world.read("/reviews", key=approver)["items"]
    assert [one["bin_id"] for one in again] == [second["bin_id"]]
    later = world.resolve(proposal_id, key=analyst)
    assert later["state"] == "done"
    assert world.read("/audit/verify")["ok"]

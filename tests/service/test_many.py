"""Many bins decided by one call: the effect first, then bin by bin, acting once."""

from typing import Any

import pytest

from tests.service.conftest import Planned
from tests.service.world import problem_of

WORDS = "Not before the configurations are known."


def body(names: list[str], **more: Any) -> dict[str, Any]:
    """Return a decision to return bins in the version they are proposed in."""
    bins = [{"bin_id": name, "version": 1} for name in names]
    return {"decision": "return", "reason": WORDS, "bins": bins, **more}


def states(plan: Planned) -> dict[str, tuple[str, int]]:
    """Return state and version of each bin."""
    bins = plan.world.read(plan.path)["bins"]
    return {one["bin_id"]: (one["state"], one["version"]) for one in bins}


def test_what_a_dry_run_says_is_then_done_and_recorded(plan: Planned) -> None:
    names, left = [*plan.combined, plan.alone[0]], plan.alone[1]
    path, sent = f"{plan.path}/decisions", body(names)
    records, before = plan.world.records(), states(plan)
    said = plan.world.post(f"{path}?dry_run=true", sent, key=plan.approver)
    assert said.status_code == 200
    expected = {
        "proposal_id": plan.proposal_id,
        "decision": "return",
        "state": "returned",
        "would": [{"bin_id": name, "version": 1} for name in sorted(names)],
        "waits": [],
        "waits_for": None,
        "aside": [],
    }
    assert {**said.json(), "would": _sorted(said.json()["would"])} == expected
    assert (plan.world.records(), states(plan)) == (records, before)

    made = plan.world.post(path, sent, key=plan.approver)
    assert made.status_code == 201
    done = [{"bin_id": name, "version": 2} for name in sorted(names)]
    assert _sorted(made.json()["done"]) == done
    assert made.json()["aside"] == []
    assert states(plan) == {**dict.fromkeys(names, ("returned", 2)), left: ("open", 1)}
    decisions = plan.world.read(path)["items"]
    assert {(one["bin_id"], one["reason"]) for one in decisions} == {
        (name, WORDS) for name in names
    }
    new = plan.world.records()[len(records) :]
    assert sorted(one["action"] for one in new) == [
        *["bin.return"] * len(names),
        "bins.return",
    ]
    assert {one["reason"] for one in new if one["action"] == "bin.return"} == {WORDS}
    assert plan.world.read("/audit/verify")["ok"]


def test_one_key_decides_once_whatever_happened_meanwhile(plan: Planned) -> None:
    path, sent = f"{plan.path}/decisions", body(plan.combined)
    keyed = {"headers": {"Idempotency-Key": "once"}, "key": plan.approver}
    first = plan.world.post(path, sent, **keyed)
    again = plan.world.post(path, sent, **keyed)
    assert (again.status_code, again.content) == (201, first.content)
    assert {version for _, version in states(plan).values()} == {1, 2}
    other = plan.world.post(path, body(plan.alone), **keyed)
    assert problem_of(other)["status"] in (409, 422)


def test_what_cannot_be_decided_is_set_aside_and_holds_back_no_other(
    plan: Planned,
) -> None:
    one, other = plan.combined[:2]
    plan.world.decide(plan.proposal_id, one, "accept", 1, key=plan.approver)
    sent = body([one, other, "B999"])
    made = plan.world.post(f"{plan.path}/decisions", sent, key=plan.approver).json()
    assert made["done"] == [{"bin_id": other, "version": 2}]
    aside = {at["bin_id"]: at["code"] for at in made["aside"]}
    assert aside == {one: "changed", "B999": "gone"}


def test_who_ran_a_plan_is_told_and_decides_none_of_it(plan: Planned) -> None:
    world = plan.world
    proposal = world.propose()  # by the first key, which has the role of approvers too
    name = proposal["bins"][0]["bin_id"]
    path = f"/proposals/{proposal['proposal_id']}/decisions"
    sent = body([name])
    said = world.post(f"{path}?dry_run=true", sent).json()
    assert said["would"] == []
    assert [one["bin_id"] for one in said["waits"]] == [name]
    assert said["waits_for"]
    assert problem_of(world.post(path, sent))["status"] == 403


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"bins": []}, "bins"),
        ({"bins": [{"bin_id": "B001", "version": 1}] * 2}, "more than once"),
        ({"bins": [{"bin_id": "B001"}]}, "version"),
        ({"reason": None}, "give a reason"),
        ({"reason": "   \u200b "}, "visible characters"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_decided(
    plan: Planned, change: dict[str, Any], words: str
) -> None:
    before = states(plan)
    sent = body(plan.combined, **change)
    answer = plan.world.post(f"{plan.path}/decisions", sent, key=plan.approver)
    problem = problem_of(answer)
    assert problem["status"] == 422
    assert words in str(problem)
    assert states(plan) == before


def _sorted(bins: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(bins, key=lambda one: str(one["bin_id"]))

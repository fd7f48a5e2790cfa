"""What else could be done with a bin, and what it trades: as edits are priced."""

from typing import Any

import pytest

from tests.service.conftest import Planned
from tests.service.world import ABSENT, problem_of


def asked(plan: Planned, bin_id: str, **more: Any) -> Any:
    """Return the alternatives for a bin."""
    return plan.world.read(f"{plan.path}/bins/{bin_id}/alternatives", **more)


def test_each_alternative_costs_what_its_edits_are_priced_at(plan: Planned) -> None:
    looked = 0
    for bin_id, ids in plan.bins.items():
        said = asked(plan, bin_id)
        assert said["request_ids"] == sorted(ids)
        assert said["in_time"] is True
        changes = [one["change"] for one in said["alternatives"]]
        assert changes == sorted(changes)
        assert all(change >= 0 for change in changes), "the plan is the best there is"
        for one in said["alternatives"]:
            looked += 1
            assert one["is_proven"]
            assert one["bound_change"] == one["change"]
            held = sorted(r for old in one["gone"] for r in old["request_ids"])
            assert held == sorted(r for new in one["new"] for r in new["request_ids"])
            assert held == sorted(moved["request_id"] for moved in one["requests"])
            assert {*ids} <= {*held}, "the bin is not there as it was"
            parts = one["effort_change"] + one["wait_cost_change"]
            assert parts == pytest.approx(one["change"], abs=1e-9)
            priced = plan.world.done(
                f"{plan.path}/preview", {"edits": one["edits"]}, key=plan.analyst
            )
            assert priced["change"] == one["change"]
            assert priced["may_be_saved"]
            after = {tuple(sorted(made["request_ids"])) for made in priced["bins"]} - {
                tuple(sorted(bin_)) for bin_ in plan.bins.values()
            }
            wanted = {tuple(sorted(new["request_ids"])) for new in one["new"]}
            assert after == wanted
    assert looked


def test_days_of_each_request_are_those_of_its_bins(plan: Planned) -> None:
    bin_id = plan.combined[0]
    shown = plan.world.read(f"{plan.path}/bins/{bin_id}")
    one = asked(plan, bin_id)["alternatives"][0]
    for moved in one["requests"]:
        if moved["from_bin"] == bin_id:
            assert moved["forecast_before"] == shown["forecast_on"]
            name = moved["request_id"]
            assert moved["wait_days_before"] == shown["wait_days"][name]
        new = next(n for n in one["new"] if moved["request_id"] in n["request_ids"])
        assert moved["forecast_after"] == new["forecast_on"]
        assert (moved["days_later"] > 0) == (
            moved["forecast_after"] > moved["forecast_before"]
        )
    waits = sum(m["wait_days_after"] - m["wait_days_before"] for m in one["requests"])
    assert waits == one["wait_days_change"]


def test_a_plan_that_was_changed_by_hand_has_its_best_way_back_first(
    plan: Planned,
) -> None:
    bin_id = plan.combined[0]
    out = plan.bins[bin_id][0]
    edit = {"op": "take_out", "request_id": out}
    assert plan.world.edit(plan.proposal_id, 1, edit).status_code == 201
    home = next(name for name, ids in plan.bins.items() if ids == (out,))
    said = asked(plan, home)
    for one in said["alternatives"]:
        # The ruling that the change left holds in all of them.
        assert not any(
            {out, *plan.bins[bin_id]} <= {*new["request_ids"]} for new in one["new"]
        )


def test_an_accepted_bin_has_no_alternative_until_it_is_open_again(
    plan: Planned,
) -> None:
    bin_id = plan.combined[0]
    path = f"{plan.path}/bins/{bin_id}/alternatives"
    plan.world.decide(plan.proposal_id, bin_id, "accept", 1, key=plan.approver)
    assert problem_of(plan.world.get(path))["status"] == 409
    others = [name for name in plan.bins if name != bin_id]
    held = {*plan.bins[bin_id]}
    for name in others:
        for one in asked(plan, name)["alternatives"]:
            assert all(held.isdisjoint(new["request_ids"]) for new in one["new"])
    plan.world.decide(plan.proposal_id, bin_id, "reopen", 2, key=plan.approver)
    assert asked(plan, bin_id)["alternatives"]
    twin = plan.world.propose(key=plan.analyst)
    plan.world.decide(plan.proposal_id, bin_id, "accept", 3, key=plan.approver)
    home = next(one["bin_id"] for one in twin["bins"] if held & {*one["request_ids"]})
    there = f"/proposals/{twin['proposal_id']}/bins/{home}/alternatives"
    said = problem_of(plan.world.get(there))
    assert "accepted bin of another proposal" in said["detail"]


def test_who_may_not_see_the_proposal_sees_no_alternative(plan: Planned) -> None:
    path = f"{plan.path}/bins/{plan.combined[0]}/alternatives"
    batch = plan.world.key("batch", ["EST"])
    assert problem_of(plan.world.get(path, key=batch))["status"] == 404
    submitter = plan.world.key("submitter", ["EST"])
    assert problem_of(plan.world.get(path, key=submitter))["status"] == 403
    for absent in (
        f"{plan.path}/bins/B999/alternatives",
        f"/proposals/{ABSENT}/bins/B001/alternatives",
    ):
        assert problem_of(plan.world.get(absent))["status"] == 404

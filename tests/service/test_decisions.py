"""Decisions: who may, on which version, with which reason, and what they fix."""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from app.jobs.desk import Desk
from tests.service.conftest import Planned
from tests.service.world import ABSENT, AS_OF, BALTIC, World, problem_of

WAYS = {"accept": "accepted", "return": "returned", "reject": "rejected"}


def bin_of(plan: Planned, name: str) -> Any:
    """Return a bin as it is now."""
    return plan.world.read(f"{plan.path}/bins/{name}")


@pytest.mark.parametrize("decision", WAYS)
def test_a_decision_is_a_version_of_its_bin_and_a_record(
    plan: Planned, decision: str
) -> None:
    name = plan.combined[0]
    said = {
        "reason_code": "same-quarter",
        "reason": "Same configuration, same quarter.",
        "releasable_reason": "Reviewed.",
    }
    answer = plan.world.decide(
        plan.proposal_id, name, decision, 1, said=said, key=plan.approver
    )
    assert answer.status_code == 201
    assert answer.headers["etag"] == '"2"'
    decided = answer.json()
    assert {**decided, **said, "decision": decision, "version": 2} == decided
    assert decided["state"] == WAYS[decision]
    shown = bin_of(plan, name)
    assert (shown["state"], shown["version"]) == (WAYS[decision], 2)
    assert shown["fixed"] is (decision == "accept")
    assert shown["decision"] == plan.world.read(f"{plan.path}/decisions")["items"][0]
    assert shown["decision"].items() <= decided.items()
    assert [one["change"] for one in shown["history"]] == ["proposed", "decided"]
    record = plan.world.records()[-1]
    assert record["action"] == f"bin.{decision}"
    assert record["object"] == f"bin/{plan.proposal_id}/{name}"
    assert (record["version_before"], record["version_after"]) == (1, 2)
    assert record["before"] == {"state": "open"}
    assert record["after"]["state"] == WAYS[decision]
    assert record["reason"] == said["reason"]
    assert record["releasable_reason"] == said["releasable_reason"]
    assert record["role"] == "approver"
    listed = plan.world.read(f"{plan.path}/bins?state={WAYS[decision]}")["items"]
    assert [one["bin_id"] for one in listed] == [name]


def test_every_decision_is_kept_and_the_last_stands(plan: Planned) -> None:
    name = plan.combined[0]
    for version, decision in enumerate(("accept", "return", "accept", "reject"), 1):
        answer = plan.world.decide(
            plan.proposal_id, name, decision, version, key=plan.approver
        )
        assert answer.status_code == 201, answer.text
    listed = plan.world.read(f"{plan.path}/decisions")["items"]
    assert [(one["version"], one["decision"]) for one in listed] == [
        (2, "accept"),
        (3, "return"),
        (4, "accept"),
        (5, "reject"),
    ]
    assert bin_of(plan, name)["state"] == "rejected"


def test_a_decision_names_the_version_it_was_made_on(plan: Planned) -> None:
    name = plan.combined[0]
    before = plan.world.rows()
    path = f"{plan.path}/bins/{name}/decisions"
    without = plan.world.post(path, {"decision": "accept"}, key=plan.approver)
    assert problem_of(without)["status"] == 428
    for version in (0, 2):
        late = problem_of(
            plan.world.decide(
                plan.proposal_id, name, "accept", version, key=plan.approver
            )
        )
        assert (late["status"], late["current_version"]) == (412, 1)
    assert plan.world.rows() == before


NO_DECISIONS: Final[tuple[Any, ...]] = (
    {"decision": "approve!"},
    {"decision": "ACCEPT"},
    {"decision": None},
    {},
    {"decision": "reject"},
    {"decision": "return", "reason": "no"},
    {"decision": "return", "reason": "   "},
    {"decision": "return", "reason": "a\u200b\u200bb"},
    {"decision": "return", "reason": "x" * 2001},
    {"decision": "accept", "reason": ""},
    {"decision": "accept", "releasable_reason": "."},
    {"decision": "accept", "reason_code": "Not A Code"},
    {"decision": "accept", "decided_by": "someone else"},
    {"decision": "accept", "reason": "half \ud800"},
)


def test_what_is_no_decision_is_refused(plan: Planned) -> None:
    name = plan.combined[0]
    before = plan.world.rows()
    for said in NO_DECISIONS:
        answer = plan.world.call(
            "POST",
            f"{plan.path}/bins/{name}/decisions",
            content=json.dumps(said).encode(),
            headers={"Content-Type": "application/json"},
            version=1,
            key=plan.approver,
        )
        assert problem_of(answer)["status"] == 422, said
    assert plan.world.rows() == before


def test_what_is_not_there_cannot_be_decided(plan: Planned) -> None:
    for proposal_id, name in ((plan.proposal_id, "B999"), (ABSENT, "B001")):
        answer = plan.world.decide(proposal_id, name, "accept", 1, key=plan.approver)
        assert problem_of(answer)["status"] == 404
    gone, other = plan.combined
    merge = {"op": "merge", "bin_ids": [other, gone]}
    assert plan.world.edit(plan.proposal_id, 1, merge).status_code == 201
    answer = plan.world.decide(plan.proposal_id, gone, "accept", 2, key=plan.approver)
    assert problem_of(answer)["status"] == 404


def test_only_an_approver_decides(plan: Planned) -> None:
    name = plan.combined[0]
    for key in (
        plan.analyst,
        plan.world.key("auditor"),
        plan.world.key("admin"),
        plan.world.key("batch"),
        plan.world.key("submitter", ["EST"]),
    ):
        answer = plan.world.decide(plan.proposal_id, name, "accept", 1, key=key)
        assert problem_of(answer)["status"] in (403, 404)
    assert bin_of(plan, name)["state"] == "open"


def test_one_person_alone_may_do_all_until_there_is_a_second(world: World) -> None:
    """The two-person rule is off for one reviewer only: the first start's."""
    assert world.read("/readyz", key="")["single_user"] is True
    world.stored()
    proposal = world.propose()
    first, second, third = [one["bin_id"] for one in proposal["bins"]][:3]
    alone = world.decide(proposal["proposal_id"], first, "accept", 1)
    assert alone.status_code == 201
    world.key("auditor")
    world.key("submitter", ["EST"])
    assert world.decide(proposal["proposal_id"], second, "accept", 1).status_code == 201
    approver = world.key("approver")
    assert world.read("/readyz", key="")["single_user"] is False
    refused = world.decide(proposal["proposal_id"], third, "accept", 1)
    assert problem_of(refused)["status"] == 403
    assert "two-person" in refused.json()["detail"]
    other = world.decide(proposal["proposal_id"], third, "accept", 1, key=approver)
    assert other.status_code == 201


def test_the_rule_can_be_on_from_the_first_start(
    address: str, tmp_path: Path, desk: Desk
) -> None:
    with World(address, tmp_path, desk, two_person="on") as world:
        world.stored()
        proposal = world.propose(policy="by-country")
        name = proposal["bins"][0]["bin_id"]
        refused = world.decide(proposal["proposal_id"], name, "accept", 1)
        assert problem_of(refused)["status"] == 403


def test_whoever_edited_a_proposal_does_not_decide_it(plan: Planned) -> None:
    """The account of the first start is an analyst and an approver at once."""
    world, name = plan.world, plan.combined[0]
    accepted = world.decide(plan.proposal_id, name, "accept", 1)
    assert accepted.status_code == 201  # it ran nothing and edited nothing
    edit = {"op": "take_out", "request_id": plan.bins[plan.combined[1]][0]}
    assert world.edit(plan.proposal_id, 1, edit).status_code == 201
    for decision, version in (("return", 2), ("accept", 2)):
        refused = world.decide(plan.proposal_id, name, decision, version)
        assert problem_of(refused)["status"] == 403
    assert world.edit(plan.proposal_id, 2, {"op": "undo"}).status_code == 201
    refused = world.decide(plan.proposal_id, name, "return", 2)
    assert problem_of(refused)["status"] == 403  # it had a hand in it all the same
    other = world.decide(plan.proposal_id, name, "return", 2, key=plan.approver)
    assert other.status_code == 201


def test_a_request_is_accepted_in_one_proposal_only(plan: Planned) -> None:
    world = plan.world
    second = world.propose(key=plan.analyst)
    name = plan.combined[0]
    accepted = world.decide(plan.proposal_id, name, "accept", 1, key=plan.approver)
    assert accepted.status_code == 201
    members = plan.bins[name]
    twin = next(
        one["bin_id"]
        for one in second["bins"]
        if set(one["request_ids"]) == set(members)
    )
    refused = world.decide(second["proposal_id"], twin, "accept", 1, key=plan.approver)
    assert problem_of(refused)["status"] == 409
    assert members[0] in refused.json()["detail"]
    freed = world.decide(plan.proposal_id, name, "return", 2, key=plan.approver)
    assert freed.status_code == 201
    taken = world.decide(second["proposal_id"], twin, "accept", 1, key=plan.approver)
    assert taken.status_code == 201
    again = world.decide(plan.proposal_id, name, "accept", 3, key=plan.approver)
    assert problem_of(again)["status"] == 409


def test_a_returned_bin_frees_only_its_own_acceptance(plan: Planned) -> None:
    """To return a bin that was not accepted leaves acceptances elsewhere alone."""
    world = plan.world
    second = world.propose(key=plan.analyst)
    name = plan.combined[0]
    members = set(plan.bins[name])
    twin = next(
        one["bin_id"] for one in second["bins"] if set(one["request_ids"]) == members
    )
    assert (
        world.decide(plan.proposal_id, name, "accept", 1, key=plan.approver).status_code
        == 201
    )
    returned = world.decide(second["proposal_id"], twin, "return", 1, key=plan.approver)
    assert returned.status_code == 201
    third = world.propose(key=plan.analyst)
    states = {frozenset(one["request_ids"]): one["state"] for one in third["bins"]}
    assert states[frozenset(members)] == "accepted"


def test_a_superseded_proposal_is_decided_no_more(plan: Planned) -> None:
    world = plan.world
    solved = world.resolve(plan.proposal_id, key=plan.analyst)
    for name in plan.combined:
        late = world.decide(plan.proposal_id, name, "accept", 1, key=plan.approver)
        said = problem_of(late)
        assert said["status"] == 409
        assert said["superseded_by"] == solved["proposal_id"]


def test_a_proposal_that_is_not_finished_is_decided_not_yet(
    address: str, tmp_path: Path, desk: Desk
) -> None:
    class Never:
        def start(self) -> None: ...
        def stop(self) -> None: ...
        def enqueue(self, proposal_id: str) -> None: ...

    with World(address, tmp_path, desk, worker=Never()) as world:
        world.stored()
        wanted = {"all_open": True, "policy": "nato-all", "as_of": AS_OF}
        proposal_id = world.done("/proposals", wanted)["proposal_id"]
        early = problem_of(world.decide(proposal_id, "B001", "accept", 1))
        assert early["status"] in (404, 409)


def test_levels_of_disclosure_need_what_keeps_others_from_being_told(
    plan: Planned,
) -> None:
    world, name = plan.world, plan.combined[0]
    path = f"{plan.path}/bins/{name}/releases"

    def release(level: int, **more: Any) -> Any:
        return world.post(path, {"level": level, **more}, version=1, key=plan.approver)

    single = f"{plan.path}/bins/{plan.alone[0]}/releases"
    refused = world.post(single, {"level": 2}, version=1, key=plan.approver)
    assert problem_of(refused)["status"] == 422
    assert problem_of(release(3, consents={"EST": "letter 7"}))["status"] == 422
    assert problem_of(release(4))["status"] == 422
    for level, more in (
        (1, {}),
        (2, {}),
        (3, {"consents": dict.fromkeys(("EST", "LVA", "LTU"), "letter 7")}),
        (0, {}),
    ):
        answer = release(level, **more)
        assert answer.status_code == 201, answer.text
        assert bin_of(plan, name)["disclosure_level"] == level
    assert (
        problem_of(world.post(path, {"level": 1}, version=1, key=plan.analyst))[
            "status"
        ]
        == 403
    )


def test_a_submitter_learns_of_its_own_decision_and_no_more(plan: Planned) -> None:
    world = plan.world
    est = world.key("submitter", ["EST"])
    uid = world.uids()["EST-26-1"]
    waiting = world.read(f"/requests/{uid}", key=est)
    assert waiting["review"] == {"state": "in review"}
    name = next(n for n, ids in plan.bins.items() if "EST-26-1" in ids)
    said = {"reason": "Poland is not ready.", "releasable_reason": "Taken together."}
    world.decide(plan.proposal_id, name, "accept", 1, said=said, key=plan.approver)
    decided = world.get(f"/requests/{uid}", key=est)
    review = decided.json()["review"]
    assert (review["state"], review["decision"]) == ("decided", "accept")
    assert review["reason"] == "Taken together."
    for secret in ("Poland", "LVA", name, plan.proposal_id, "bin"):
        assert secret not in decided.text
    assert BALTIC[0]["request_id"] in decided.text


def test_whoever_had_part_in_what_it_came_from_does_not_decide_it(
    plan: Planned,
) -> None:
    """To have it solved again by someone else does not make it another's."""
    world = plan.world
    edit = {"op": "keep_apart", "request_ids": [*plan.bins[plan.combined[0]][:2]]}
    assert world.edit(plan.proposal_id, 1, edit).status_code == 201
    solved = world.resolve(plan.proposal_id, key=plan.other_analyst)
    again = world.resolve(solved["proposal_id"], key=plan.other_analyst)
    name = again["bins"][0]["bin_id"]

    refused = world.decide(again["proposal_id"], name, "accept", 1)

    assert problem_of(refused)["status"] == 403
    decided = world.decide(again["proposal_id"], name, "accept", 1, key=plan.approver)
    assert decided.status_code == 201

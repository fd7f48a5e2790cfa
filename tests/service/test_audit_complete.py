"""No change without a record, and no record, no change (P15)."""

from typing import Any, Final

import pytest
from sqlalchemy import text

from app.server.main import described
from app.use_cases.export import MEDIA_TYPES
from tests.service.conftest import Planned
from tests.service.test_isolation import BODIES, own_ids
from tests.service.world import (
    BALTIC,
    World,
    changed_by_its_owner,
    problem_of,
    row,
    shape_of,
)
from tests.sheets import moved

READ_ONLY: Final = frozenset({"POST /v1/proposals/{proposal_id}/preview"})
"""Calls that change nothing, though they have a body."""

MANY: Final = "POST /v1/proposals/{proposal_id}/decisions"
"""Leaves a record of each bin beside its own: see tests/service/test_many.py."""

ACTIONS: Final = {
    "POST /v1/batches": "batch.send",
    "PUT /v1/requests/{uid}": "request.change",
    "DELETE /v1/requests/{uid}": "request.withdraw",
    "POST /v1/proposals": "proposal.ask",
    "DELETE /v1/proposals/{proposal_id}/run": "proposal.stop",
    "POST /v1/proposals/{proposal_id}/resolve": "proposal.resolve",
    "POST /v1/proposals/{proposal_id}/edits": "proposal.edit",
    "POST /v1/proposals/{proposal_id}/sheet": "proposal.edit",
    "POST /v1/proposals/{proposal_id}/bins/{bin_id}/decisions": "bin.accept",
    MANY: "bins.accept",
    "POST /v1/proposals/{proposal_id}/bins/{bin_id}/releases": "bin.release",
    "PUT /v1/policies/{name}": "policy.put",
    "POST /v1/keys": "key.make",
    "DELETE /v1/keys/{key_id}": "key.revoke",
    "POST /v1/accounts": "account.make",
    "DELETE /v1/accounts/{account_id}": "account.disable",
    "PUT /v1/accounts/{account_id}/role": "role.ask",
    "POST /v1/grants/{grant_id}/confirm": "role.confirm",
    "POST /v1/grants/{grant_id}/refuse": "role.refuse",
}

VERSIONED: Final = frozenset(
    {
        "request.change",
        "request.withdraw",
        "proposal.edit",
        "bin.accept",
        "policy.put",
    }
)
NEW: Final = frozenset({"batch.send", "key.make", "account.make", "proposal.ask"})
"""Actions before which there was nothing."""


def changing(world: World) -> set[str]:
    """Return the calls of the description that change something."""
    document = described(world.built.api)
    return {
        f"{method.upper()} {path}"
        for path, calls in document["paths"].items()
        for method in calls
        if method not in ("get", "head")
    } - READ_ONLY


def test_every_changing_call_has_a_case_here(shared: World) -> None:
    assert changing(shared) == set(ACTIONS)


class Trail:
    """The records a world gained since it was last looked at."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.seen = len(world.records())

    def new(self) -> list[Any]:
        """Return the new records, without those of the service's own jobs."""
        self.world.join()
        records = self.world.records()
        found, self.seen = records[self.seen :], len(records)
        return [one for one in found if one["actor"] != "service"]


def make_each_change(plan: Planned) -> Any:
    """Yield each changing call and its answer, one that is carried out."""
    world = plan.world
    uid = world.uids()["NLD-26-1"]
    rows = [row("EST-26-50"), row("LVA-26-50", "LVA")]
    yield "POST /v1/batches", world.send(rows)
    for method, body in (("PUT", {**BALTIC[7], "lines": 3}), ("DELETE", None)):
        yield (
            f"{method} /v1/requests/{{uid}}",
            world.call(
                method, f"/requests/{uid}", json=body, version=2 - (method == "PUT")
            ),
        )
    edit = {"op": "take_out", "request_id": plan.bins[plan.combined[0]][0]}
    yield (
        "POST /v1/proposals/{proposal_id}/edits",
        world.post(
            f"{plan.path}/edits",
            {"edits": [edit], "reason": "Not ready yet."},
            version=1,
            key=plan.analyst,
        ),
    )
    sheet = world.get(f"{plan.path}/sheet").content
    yield (
        "POST /v1/proposals/{proposal_id}/sheet",
        world.call(
            "POST",
            f"{plan.path}/sheet?reason=Not ready yet.",
            content=moved(sheet, POL_26_1="both", NLD_26_1="both"),
            headers={"Content-Type": MEDIA_TYPES["xlsx"]},
            key=plan.analyst,
        ),
    )
    said = {"reason": "Same quarter.", "releasable_reason": "Taken together."}
    name = plan.combined[-1]
    yield (
        "POST /v1/proposals/{proposal_id}/bins/{bin_id}/decisions",
        world.decide(plan.proposal_id, name, "accept", 1, said=said, key=plan.approver),
    )
    yield (
        "POST /v1/proposals/{proposal_id}/bins/{bin_id}/releases",
        world.post(
            f"{plan.path}/bins/{name}/releases",
            {"level": 1},
            version=2,
            key=plan.approver,
        ),
    )
    yield (
        "POST /v1/proposals/{proposal_id}/resolve",
        world.post(f"{plan.path}/resolve", {}, key=plan.analyst),
    )
    world.join()
    table = world.read("/policies/by-country")["policy"]
    put = world.call(
        "PUT", "/policies/by-country", json={**table, "title": "Other"}, version=1
    )
    yield "PUT /v1/policies/{name}", put
    made = world.post("/keys", {"name": "one", "role": "auditor"})
    yield "POST /v1/keys", made
    second = world.post("/keys", {"name": "two", "role": "admin"})
    yield "POST /v1/keys", second
    for way in ("confirm", "refuse"):
        role = {"role": "approver"}
        account = f"/accounts/{made.json()['account_id']}/role"
        asked = world.call("PUT", account, json=role)
        yield "PUT /v1/accounts/{account_id}/role", asked
        grant = f"/grants/{asked.json()['grant_id']}/{way}"
        settled = world.post(grant, key=second.json()["key"])
        yield f"POST /v1/grants/{{grant_id}}/{way}", settled
        back = world.call("PUT", account, json={"role": "analyst"})
        assert back.status_code == 200
        yield "PUT back", back
    key_id = made.json()["key_id"]
    yield "DELETE /v1/keys/{key_id}", world.call("DELETE", f"/keys/{key_id}")
    account = world.post("/accounts", BODIES["POST /v1/accounts"])
    yield "POST /v1/accounts", account
    account_id = account.json()["account_id"]
    yield (
        "DELETE /v1/accounts/{account_id}",
        world.call("DELETE", f"/accounts/{account_id}"),
    )
    asked = world.post("/proposals", BODIES["POST /v1/proposals"])
    yield "POST /v1/proposals", asked
    world.join()


def test_every_change_leaves_one_record_that_says_all_of_it(plan: Planned) -> None:
    world = plan.world
    trail = Trail(world)
    made = set()
    for route, answer in make_each_change(plan):
        assert answer.status_code in (200, 201, 202), (route, answer.text)
        (record,) = trail.new()
        if route == "PUT back":
            assert record["action"] == "role.change"
            continue
        action = ACTIONS[route]
        made.add(route)
        assert record["action"] == action
        assert record["result"] == "done"
        assert record["actor"], "who"
        assert record["role"]
        assert record["scope"] == "*"
        assert record["at"]
        assert record["client"] == "testclient"
        assert "/" in record["object"], "what"
        assert record["after"], "after"
        assert record["before"] or action in NEW | {"proposal.resolve"}, route
        if action in VERSIONED:
            assert record["version_after"] == record["version_before"] + 1
        if "Not ready yet." in str(answer.request.content):
            assert record["reason"] == "Not ready yet."
    elsewhere = {"DELETE /v1/proposals/{proposal_id}/run", MANY}
    assert made == set(ACTIONS) - elsewhere
    verified = world.read("/audit/verify")
    assert verified["ok"], verified


def test_a_stopped_solve_is_on_record(plan: Planned) -> None:
    class Never:
        def start(self) -> None: ...
        def stop(self) -> None: ...
        def enqueue(self, proposal_id: str) -> None: ...

    world = plan.world
    world.built.api.state.enqueue = Never().enqueue
    queued = world.done("/proposals", BODIES["POST /v1/proposals"])["proposal_id"]
    trail = Trail(world)
    assert world.call("DELETE", f"/proposals/{queued}/run").status_code == 202
    (record,) = trail.new()
    assert (record["action"], record["result"]) == ("proposal.stop", "done")
    assert record["before"] == {"state": "queued"}


def test_what_is_refused_is_on_record_as_refused(plan: Planned) -> None:
    world, ids = plan.world, own_ids(plan)
    trail = Trail(world)
    auditor = world.key("auditor")
    est = world.key("submitter", ["EST"])
    trail.new()
    edit = {"op": "take_out", "request_id": "EST-26-1"}
    name = plan.combined[0]
    for wanted, answer in (
        (409, world.send([{**BALTIC[0], "lines": 9}])),
        (422, world.send([row("POL-26-9", "POL")], key=est)),
        (412, world.edit(plan.proposal_id, 7, edit)),
        (412, world.decide(plan.proposal_id, name, "accept", 7)),
        (404, world.decide(plan.proposal_id, "B999", "accept", 1)),
        (403, world.decide(plan.proposal_id, name, "accept", 1, key=plan.analyst)),
        (403, world.edit(plan.proposal_id, 1, edit, key=plan.approver)),
        (403, world.send(BALTIC, key=auditor)),
        (403, world.post("/keys", {"name": "x", "role": "admin"}, key=est)),
        (404, world.call("DELETE", f"/requests/{ids.uid}", version=1,
                         key=world.key("batch", ["POL"]))),
    ):  # fmt: skip
        assert problem_of(answer)["status"] == wanted
    records = [one for one in trail.new() if one["action"] != "key.make"]
    refused = [one["result"] for one in records]
    assert [one.split()[1] for one in refused] == [
        "409", "422", "412", "412", "404", "403", "403", "403", "403", "404",
    ]  # fmt: skip
    for one in records:
        assert one["actor"]
        assert one["object"]
        assert one["before"] is None
        assert one["after"] is None
    assert world.read("/audit/verify")["ok"]


def test_a_call_that_only_looks_leaves_no_record(plan: Planned) -> None:
    world = plan.world
    trail = Trail(world)
    world.read(plan.path)
    world.read("/requests")
    edit = {"edits": [{"op": "take_out", "request_id": "EST-26-1"}]}
    assert world.post(f"{plan.path}/preview", edit).status_code == 200
    assert world.post("/batches?dry_run=true", [row("EST-26-9")]).status_code == 200
    assert trail.new() == []


UNWRITABLE: Final = {
    "sqlite": (
        "CREATE TRIGGER no_more BEFORE INSERT ON audit "
        "BEGIN SELECT RAISE(ABORT, 'the trail is not to be written'); END",
    ),
    "postgresql": (
        "CREATE FUNCTION no_more() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the trail is not to be written'; END $$",
        "CREATE TRIGGER no_more BEFORE INSERT ON audit "
        "FOR EACH ROW EXECUTE FUNCTION no_more()",
    ),
}


@pytest.mark.parametrize("way", ["trigger", "no table"])
def test_nothing_is_changed_where_the_trail_cannot_be_written(
    plan: Planned, kind: str, way: str
) -> None:
    world = plan.world
    ids = own_ids(plan)
    name = plan.combined[0]
    statements = (
        UNWRITABLE[kind]
        if way == "trigger"
        else ("ALTER TABLE audit RENAME TO audit_gone",)
    )
    with changed_by_its_owner(world) as connection:
        for statement in statements:
            connection.execute(text(statement))
    before = world.rows()
    edit = {"op": "take_out", "request_id": "EST-26-1"}
    calls = (
        lambda: world.send([row("EST-26-77")]),
        lambda: world.send([row("EST-26-77")], headers={"Idempotency-Key": "k"}),
        lambda: world.call("DELETE", f"/requests/{ids.uid}", version=1),
        lambda: world.edit(plan.proposal_id, 1, edit),
        lambda: world.decide(plan.proposal_id, name, "accept", 1, key=plan.approver),
        lambda: world.decide(plan.proposal_id, name, "accept", 9, key=plan.approver),
        lambda: world.post("/keys", {"name": "x", "role": "admin"}),
        lambda: world.post("/proposals", BODIES["POST /v1/proposals"]),
        lambda: world.send(BALTIC, key=plan.approver),  # 403, which is on record too
    )
    for number, call in enumerate(calls):
        answer = call()
        assert answer.status_code in (500, 503), (number, answer.text)
        said = shape_of(answer)
        assert "audit" not in said["detail"]
        assert "trigger" not in answer.text.lower()
        assert "not to be written" not in answer.text
        assert world.rows() == before, number
    assert world.read(plan.path)["version"] == 1
    assert world.read(f"{plan.path}/bins/{name}")["state"] == "open"
    world.faults.clear()
    world.log.clear()  # each of them is a fault in the log, as it should be

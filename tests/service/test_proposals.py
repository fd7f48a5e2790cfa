"""Proposals: asked for, followed, stopped, exported, questioned."""

import csv
import io
import json
import threading
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from app.commands.bound import BoundCheck
from app.export.document import verify_document
from app.jobs.desk import Desk
from app.storage import figures
from optimizer.propose import propose
from tests.service import judging
from tests.service.conftest import Planned
from tests.service.world import ABSENT, AS_OF, BALTIC, World, problem_of

WANTED = {"all_open": True, "policy": "nato-all", "as_of": AS_OF}


class Held:
    """A worker that begins a job when told to: what is queued stays so until then."""

    def __init__(self) -> None:
        self.queued: list[str] = []

    def start(self) -> None:
        """There is nothing to begin."""

    def stop(self) -> None:
        """There is nothing to end."""

    def enqueue(self, proposal_id: str) -> None:
        """Note a proposal."""
        self.queued.append(proposal_id)


def events(text: str) -> list[tuple[str, Any]]:
    """Return the events of a stream: their names and data."""
    found = []
    for block in text.split("\n\n"):
        fields = dict(
            line.split(": ", 1) for line in block.splitlines() if ": " in line
        )
        if "event" in fields:
            found.append((fields["event"], json.loads(fields["data"])))
    return found


def test_a_proposal_is_queued_then_solved_apart_from_the_call(
    address: str, tmp_path: Path, desk: Desk
) -> None:
    worker = Held()
    with World(address, tmp_path, desk, worker=worker) as world:
        batch_id = world.stored()
        wanted = {**WANTED, "batch_ids": [batch_id]}
        del wanted["all_open"]
        asked = world.post("/proposals", wanted)
        assert asked.status_code == 202
        proposal_id = asked.json()["proposal_id"]
        assert asked.headers["location"] == f"/v1/proposals/{proposal_id}"
        assert asked.json()["state"] == "queued"
        assert worker.queued == [proposal_id]
        path = f"/proposals/{proposal_id}"
        assert problem_of(world.get(f"{path}/export"))["status"] in (404, 409)
        nothing = {"edits": [{"op": "take_out", "request_id": "EST-26-1"}]}
        assert problem_of(world.post(f"{path}/preview", nothing))["status"] == 409
        assert problem_of(world.post(f"{path}/resolve", {}))["status"] == 409
        assert world.read(f"{path}/bins")["items"] == []
        world.run(proposal_id)
        done = world.read(path)
        assert (done["state"], done["requests"]) == ("done", len(BALTIC))
        assert done["batch_ids"] == [batch_id]
        again = world.get(path)
        assert again.headers["etag"] == '"1"'
        world.run(proposal_id)  # a job begun twice leaves one result
        assert world.get(path).content == again.content


def test_whoever_prefers_to_wait_has_the_finished_proposal(world: World) -> None:
    world.stored()
    answer = world.post("/proposals", WANTED, headers={"Prefer": "wait=60"})
    assert answer.status_code == 200
    assert answer.headers["preference-applied"] == "wait=60"
    assert answer.json()["state"] == "done"
    assert answer.json() == world.read(f"/proposals/{answer.json()['proposal_id']}")


def test_whoever_waits_is_told_and_need_not_look_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.api.proposals.LOOK_S", 600.0)
    world.stored()
    answer = world.post("/proposals", WANTED, headers={"Prefer": "wait=300"})
    assert (answer.status_code, answer.json()["state"]) == (200, "done")


def test_a_result_is_put_in_order_before_others_wait_to_write(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    free: list[bool] = []

    def of_bin(row: Any) -> str:
        store = world.service.database
        free.append(store.at_once or store.kind != "sqlite")
        return figures.of_bin(row)

    monkeypatch.setattr("app.use_cases.run.of_bin", of_bin)
    world.stored()
    assert len(world.propose()["bins"]) == len(free)
    assert all(free)


def test_the_bins_are_those_that_a_local_solve_has(plan: Planned) -> None:
    asked = judging.problem()
    local = propose(asked)
    bins = {frozenset(one.request_ids) for one in local.bins}
    assert {frozenset(ids) for ids in plan.bins.values()} == bins
    assert plan.proposal["objective"]["total"] == local.total / 1000
    assert plan.proposal["objective"]["total"] == judging.least(asked)
    assert plan.proposal["lower_bound"] == judging.least(asked)
    assert plan.proposal["status"] == "optimal"


def test_events_tell_of_progress_and_end_with_done(plan: Planned) -> None:
    world = plan.world
    answer = world.get(f"{plan.path}/events")
    assert answer.headers["content-type"].startswith("text/event-stream")
    told = events(answer.text)
    assert {name for name, _ in told[:-1]} <= {"progress"}
    name, last = told[-1]
    assert (name, last["state"]) == ("done", "done")
    assert last["incumbent"] == plan.proposal["objective"]["total"]
    assert last["bound"] == plan.proposal["lower_bound"]
    later = world.get(f"{plan.path}/events", headers={"Last-Event-ID": "999999"})
    assert [name for name, _ in events(later.text)] == ["done"]
    bad = world.get(f"{plan.path}/events", headers={"Last-Event-ID": "x"})
    assert problem_of(bad)["status"] == 422


def test_events_of_a_solve_under_way_end_when_it_ends(
    address: str, tmp_path: Path, desk: Desk
) -> None:
    worker = Held()
    with World(address, tmp_path, desk, worker=worker) as world:
        world.stored()
        proposal_id = world.done("/proposals", WANTED)["proposal_id"]
        told: list[tuple[str, Any]] = []

        def follow() -> None:
            told.extend(events(world.get(f"/proposals/{proposal_id}/events").text))

        follower = threading.Thread(target=follow)
        follower.start()
        world.run(proposal_id)
        follower.join(30)
        assert not follower.is_alive()
        assert told[-1][0] == "done"
        assert told[-1][1]["state"] == "done"


def test_a_solve_that_is_stopped_keeps_the_best_plan_so_far(
    address: str, tmp_path: Path, desk: Desk
) -> None:
    worker = Held()
    with World(address, tmp_path, desk, worker=worker) as world:
        world.stored()
        proposal_id = world.done("/proposals", WANTED)["proposal_id"]
        path = f"/proposals/{proposal_id}"
        stopped = world.call("DELETE", f"{path}/run")
        assert stopped.status_code == 202
        assert (
            world.call("DELETE", f"{path}/run").status_code == 202
        )  # twice is as good
        world.run(proposal_id)
        said = world.read(path)
        assert said["state"] == "cancelled"
        named = sorted(name for one in said["bins"] for name in one["request_ids"])
        assert named == sorted(one["request_id"] for one in BALTIC)
        document = world.read(f"{path}/export?format=json")
        assert judging.faults(document) == []
        assert problem_of(world.call("DELETE", f"{path}/run"))["status"] == 409


def test_a_solve_that_fails_offers_a_plan_without_the_solver_and_says_why(
    address: str, tmp_path: Path
) -> None:
    with (
        Desk(solver_command=["false"]) as broken,
        World(address, tmp_path, broken) as world,
    ):
        world.stored()
        said = world.propose()
        assert said["state"] == "done"
        assert said["made_without_solver"] is True
        assert said["failure"]
        assert said["failure_code"] == "solver"
        assert (
            judging.faults(world.read(f"/proposals/{said['proposal_id']}/export")) == []
        )


def test_a_solve_without_any_plan_fails_with_a_reason(world: World) -> None:
    """Two rulings join what is over a limit once requests have grown."""
    world.stored()
    first = world.propose()
    path = f"/proposals/{first['proposal_id']}"
    name = next(
        one["bin_id"] for one in first["bins"] if "EST-26-1" in one["request_ids"]
    )
    assert (
        world.edit(
            first["proposal_id"],
            1,
            {"op": "keep_together", "request_ids": ["EST-26-1", "LVA-26-1"]},
        ).status_code
        == 201
    )
    assert name
    uids = world.uids()
    for sent in BALTIC[:2]:
        grown = {**sent, "value_usd": 15_000_000_000}
        answer = world.call(
            "PUT", f"/requests/{uids[sent['request_id']]}", json=grown, version=1
        )
        assert answer.status_code == 200
    again = world.resolve(first["proposal_id"])
    assert again["state"] == "failed"
    assert "EST-26-1" in again["failure"]
    assert again["failure_code"] == "no_plan"
    assert again["incumbent"] is None
    assert world.read(path)["superseded_by"] is None  # the earlier plan stands
    assert world.records()[-1]["action"] == "proposal.failed"


def test_what_is_asked_for_is_checked_before_anything_is_queued(world: World) -> None:
    other = world.key("batch")
    batch_id = world.stored()
    before = world.rows()
    for wanted, status in (
        ({**WANTED, "policy": "nobody"}, 422),
        ({**WANTED, "policy_version": 9}, 422),
        ({"batch_ids": [ABSENT], "policy": "nato-all"}, 404),
        ({"batch_ids": [batch_id, batch_id]}, 422),
    ):
        assert problem_of(world.post("/proposals", wanted))["status"] == status
    foreign = {"batch_ids": [batch_id], "policy": "nato-all"}
    answer = problem_of(world.post("/proposals", foreign, key=other))
    absent = {"batch_ids": [ABSENT], "policy": "nato-all"}
    assert answer == problem_of(world.post("/proposals", absent, key=other))
    assert answer["status"] == 404
    assert world.rows() == before


def test_a_proposal_names_and_keeps_the_version_of_its_policy(world: World) -> None:
    world.stored()
    table = world.read("/policies/by-country")["policy"]
    first = world.propose(policy="by-country")
    table["title"] = "Changed"
    put = world.call("PUT", "/policies/by-country", json=table, version=1)
    assert put.status_code == 200, put.text
    second = world.propose(policy="by-country")
    pinned = world.propose(policy="by-country", policy_version=1)
    kept = world.read(f"/proposals/{first['proposal_id']}")
    versions = [one["policy"]["version"] for one in (kept, second, pinned)]
    assert versions == [1, 2, 1]
    assert kept["policy"]["sha256"] == pinned["policy"]["sha256"]
    assert second["policy"]["title"] == "Changed"


def test_more_may_wait_than_there_is_room_for_and_the_answer_says_so(
    address: str, tmp_path: Path, desk: Desk
) -> None:
    settings = {"queue_length": 2, "worker": Held()}
    with World(address, tmp_path, desk, **settings) as world:
        world.stored()
        for _ in range(2):
            assert world.post("/proposals", WANTED).status_code == 202
        full = world.post("/proposals", WANTED)
        assert full.status_code == 503
        assert int(full.headers["retry-after"]) > 0
        assert len(world.read("/proposals")["items"]) == 2


def test_pages_and_states_of_proposals(world: World) -> None:
    world.stored()
    ids = [world.propose(policy="by-country")["proposal_id"] for _ in range(3)]
    first = world.read("/proposals?limit=2")
    rest = world.read(f"/proposals?limit=2&cursor={first['next']}")
    found = [one["proposal_id"] for one in (*first["items"], *rest["items"])]
    assert found == ids[::-1]
    assert world.read("/proposals?state=failed")["items"] == []
    assert "bins" not in first["items"][0] or first["items"][0]["bins"] is None


def test_bins_are_found_by_what_is_in_them(plan: Planned) -> None:
    world, path = plan.world, f"{plan.path}/bins"
    whole = world.read(path)["items"]
    assert [one["bin_id"] for one in whole] == [*plan.bins]

    def found(query: str) -> list[str]:
        return [one["bin_id"] for one in world.read(f"{path}?{query}")["items"]]

    for query, field, value in (
        ("system=HIMARS", "systems", "HIMARS"),
        ("customer=POL", "customers", "POL"),
        ("region=Baltic", "regions", "Baltic"),
    ):
        wanted = [one["bin_id"] for one in whole if value in one[field]]
        assert wanted
        assert found(query) == wanted
    assert found("state=accepted") == []
    assert found("system=HIMAR") == []
    assert found("system=%25") == []
    first = world.read(f"{path}?limit=3")
    rest = world.read(f"{path}?limit=3&cursor={first['next']}")
    assert [*first["items"], *rest["items"]] == whole
    assert problem_of(world.get(f"{path}/B999"))["status"] == 404


@pytest.mark.parametrize("edited", [False, True])
def test_what_is_exported_holds_and_opens(plan: Planned, edited: bool) -> None:
    world = plan.world
    if edited:
        assert (
            plan.world.edit(
                plan.proposal_id, 1, {"op": "take_out", "request_id": "EST-26-1"}
            ).status_code
            == 201
        )
    document = world.read(f"{plan.path}/export?format=json")
    if edited:
        assert judging.faults(document) == []
    else:
        asked = judging.problem()
        bound = BoundCheck(document, asked)
        assert verify_document(document, asked, certificate_check=bound) == ()
        assert "proven" in bound.summary
    sheet = world.get(f"{plan.path}/export?format=csv")
    assert sheet.headers["content-type"].startswith("text/csv")
    rows = [*csv.DictReader(io.StringIO(sheet.text))]
    assert sorted(one["request_id"] for one in rows) == sorted(
        one["request_id"] for one in BALTIC
    )
    book = world.get(f"{plan.path}/export?format=xlsx")
    opened = openpyxl.load_workbook(io.BytesIO(book.content))
    cells = [cell for page in opened for line in page.iter_rows() for cell in line]
    assert len(cells) > 100
    assert not [cell for cell in cells if cell.data_type == "f"]
    pdf = world.get(f"{plan.path}/export?format=pdf")
    assert pdf.content.startswith(b"%PDF")
    name = f"proposal-{plan.proposal_id[:8]}.pdf"
    assert pdf.headers["content-disposition"] == f'attachment; filename="{name}"'
    assert problem_of(world.get(f"{plan.path}/export?format=exe"))["status"] == 422


def test_formulas_of_customers_stay_text_in_every_export(world: World) -> None:
    evil = '=HYPERLINK("http://x","open")'
    rows = [{**one, "remarks": evil} for one in BALTIC[:2]]
    query = "?extra_columns=keep"
    sent = world.post(f"/batches{query}", [{**one, "note": "@sum"} for one in rows])
    assert sent.status_code == 201
    path = f"/proposals/{world.propose()['proposal_id']}/export"
    book = world.get(f"{path}?format=xlsx").content
    opened = openpyxl.load_workbook(io.BytesIO(book))
    cells = [cell for page in opened for line in page.iter_rows() for cell in line]
    assert not [cell for cell in cells if cell.data_type == "f"]
    assert "'@sum" in {cell.value for cell in cells}
    text = world.get(f"{path}?format=csv").text
    for line in csv.reader(io.StringIO(text)):
        assert not [cell for cell in line if cell.startswith(("=", "+", "@", "\t"))]


def test_why_answers_for_any_two_requests(plan: Planned) -> None:
    world, path = plan.world, f"{plan.path}/why"
    together = world.read(f"{path}?r=EST-26-1&s=LVA-26-1")
    assert (together["may_share"], together["together_now"]) == (True, True)
    apart = world.read(f"{path}?r=EST-26-1&s=NLD-26-1")
    assert apart["may_share"] is False
    assert {one["code"] for one in apart["blocks"]} >= {"system"}
    dearer = world.read(f"{path}?r=EST-26-1&s=POL-26-1")
    assert dearer["together_now"] is False
    assert dearer["texts"]
    for query in ("r=EST-26-1&s=EST-26-1", "r=EST-26-1&s=NOBODY-1", "r=EST-26-1", ""):
        assert problem_of(world.get(f"{path}?{query}"))["status"] == 422
    assert problem_of(world.get(f"/proposals/{ABSENT}/why?r=A&s=B"))["status"] == 404


def test_two_customers_requests_of_one_id_are_told_apart(world: World) -> None:
    rows = [{**BALTIC[0], "request_id": "SAME"}, {**BALTIC[1], "request_id": "SAME"}]
    for one in rows:
        world.stored([one])
    said = world.propose()
    named = {name for one in said["bins"] for name in one["request_ids"]}
    assert named == {"EST/SAME", "LVA/SAME"}
    path = f"/proposals/{said['proposal_id']}"
    assert world.read(f"{path}/why?r=EST/SAME&s=LVA/SAME")["may_share"] is True
    renamed = [{**one, "request_id": f"{one['customer']}/SAME"} for one in rows]
    assert judging.faults(world.read(f"{path}/export"), renamed) == []

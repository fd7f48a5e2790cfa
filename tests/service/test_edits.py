"""Edits: priced exactly, saved as priced, taken back exactly, kept by later solves."""

from typing import Any, Final

import pytest

from tests.service import judging
from tests.service.conftest import Planned
from tests.service.world import BALTIC, problem_of

HIMARS: Final = ("EST-26-1", "LTU-26-1", "LVA-26-1")
JAVELIN: Final = ("EST-26-2", "LTU-26-2", "LVA-26-2")


def home(plan: Planned, request_id: str) -> str:
    """Return the bin a request is in now."""
    return next(name for name, ids in plan.bins.items() if request_id in ids)


def edits_of(plan: Planned) -> dict[str, list[Any]]:
    """Return a list of edits of each kind that the plan can take."""
    himars, javelin = home(plan, "EST-26-1"), home(plan, "EST-26-2")
    return {
        "move": [{"op": "move", "request_id": "POL-26-1", "to_bin": himars}],
        "take_out": [{"op": "take_out", "request_id": "LTU-26-1"}],
        "split": [{"op": "split", "bin_id": himars, "request_ids": [*HIMARS[:2]]}],
        "merge": [{"op": "merge", "bin_ids": [javelin, himars]}],
        "keep_together": [
            {"op": "keep_together", "request_ids": ["NLD-26-1", "POL-26-1"]}
        ],
        "keep_apart": [{"op": "keep_apart", "request_ids": [*HIMARS]}],
        "keep what is": [{"op": "keep_together", "request_ids": [*HIMARS]}],
        "several": [
            {"op": "take_out", "request_id": "LTU-26-1"},
            {"op": "move", "request_id": "LTU-26-2", "to_bin": himars},
            {"op": "merge", "bin_ids": [himars, javelin]},
        ],
    }


def preview(plan: Planned, *edits: Any, **more: Any) -> Any:
    """Return the answer to a preview."""
    return plan.world.post(f"{plan.path}/preview", {"edits": [*edits]}, **more)


def save(plan: Planned, *edits: Any, version: int | None = None) -> Any:
    """Save edits that have to be taken, on the version the plan is in."""
    answer = plan.world.edit(plan.proposal_id, version or plan.version, *edits)
    assert answer.status_code == 201, answer.text
    assert answer.headers["etag"] == f'"{plan.version}"'
    return answer.json()


def standing(plan: Planned) -> list[Any]:
    """Return the rulings the plan states, in one order."""
    stated = plan.world.read(plan.path)["rulings"]
    return sorted(stated, key=str)


def snapshot(plan: Planned) -> Any:
    """Return all of a plan that an undo has to give back."""
    said = plan.world.read(plan.path)
    for one in said["bins"]:
        del one["version"]
    return {name: value for name, value in said.items() if name != "version"}


def export(plan: Planned) -> Any:
    """Return the proposal as its document."""
    return plan.world.read(f"{plan.path}/export?format=json")


def test_every_edit_is_saved_as_it_was_priced_and_undone_exactly(
    plan: Planned,
) -> None:
    world = plan.world
    before = snapshot(plan)
    cost_before = before["objective"]["total"]
    for name, edits in edits_of(plan).items():
        version, rows = plan.version, world.rows()
        answer = preview(plan, *edits)
        assert answer.status_code == 200, answer.text
        assert answer.headers["etag"] == f'"{version}"'
        priced = answer.json()
        assert world.rows() == rows, name  # nothing is saved
        assert priced["may_be_saved"] is True
        saved = save(plan, *edits)
        for field in ("cost_before", "cost_after", "change", "bins", "objective"):
            assert saved[field] == priced[field], (name, field)
        now = world.read(plan.path)
        bins = plan.bins
        recomputed = judging.cost(bins.values(), judging.problem())
        assert now["objective"]["total"] == recomputed == priced["cost_after"], name
        assert priced["cost_before"] == cost_before
        assert priced["change"] == pytest.approx(recomputed - cost_before, abs=1e-9)
        named = sorted(one for ids in bins.values() for one in ids)
        assert named == sorted(one["request_id"] for one in BALTIC)
        document = export(plan)
        assert judging.faults(document) == [], name
        least = judging.least(judging.problem(BALTIC, document["rulings"]))
        assert document["lower_bound"] <= least + 1e-9, name
        assert least <= document["objective"]["total"] + 1e-9, name
        undone = save(plan, {"op": "undo"})
        assert undone["change"] == pytest.approx(-priced["change"], abs=1e-9)
        assert snapshot(plan) == before, name
        assert plan.version == version + 2
    assert judging.faults(export(plan)) == []


def test_a_preview_finds_the_best_plan_that_honours_the_edit(plan: Planned) -> None:
    edit = {"op": "take_out", "request_id": "LTU-26-1"}
    best = preview(plan, edit).json()["best"]
    rulings = save(plan, edit)["rulings"]
    least = judging.least(judging.problem(BALTIC, rulings))
    assert best["finished"] is True
    assert best["cost"] == best["bound"] == least


def test_rules_an_edit_breaks_are_named_and_those_of_reviewers_hold(
    plan: Planned,
) -> None:
    move = {"op": "move", "request_id": "NLD-26-1", "to_bin": home(plan, "EST-26-1")}
    priced = preview(plan, move).json()
    assert {rule["code"] for rule in priced["broken"]} >= {"system", "region"}
    assert all(rule["lifted_by_the_edit"] for rule in priced["broken"])
    assert all("NLD-26-1" in rule["request_ids"] for rule in priced["broken"])
    save(plan, {"op": "take_out", "request_id": "LTU-26-1"})
    back = {"op": "move", "request_id": "LTU-26-1", "to_bin": home(plan, "EST-26-1")}
    priced = preview(plan, back).json()
    assert priced["may_be_saved"] is False
    assert priced["contradictions"]
    version = plan.version
    refused = plan.world.edit(plan.proposal_id, version, back)
    assert problem_of(refused)["status"] == 422
    assert plan.version == version


NO_SENSE: Final = (
    {"op": "move", "request_id": "EST-26-1", "to_bin": "B999"},
    {"op": "move", "request_id": "NOBODY", "to_bin": "B001"},
    {"op": "take_out", "request_id": "NLD-26-1"},  # it is alone already
    {"op": "split", "bin_id": "B001", "request_ids": [*JAVELIN]},
    {"op": "split", "bin_id": "B001", "request_ids": ["NLD-26-1"]},
    {"op": "merge", "bin_ids": ["B001", "B001"]},
    {"op": "merge", "bin_ids": ["B001", "B999"]},
    {"op": "keep_apart", "request_ids": ["EST-26-1", "EST-26-1"]},
    {"op": "keep_together", "request_ids": ["EST-26-1", "NOBODY"]},
)


def test_an_edit_that_makes_no_sense_is_refused(plan: Planned) -> None:
    before = plan.world.rows()
    for edit in NO_SENSE:
        refused = problem_of(preview(plan, edit))
        assert refused["status"] == 422
        assert refused["errors"][0]["row"] == 1
        again = problem_of(plan.world.edit(plan.proposal_id, 1, edit))
        assert again["status"] == 422
    assert plan.version == 1
    assert plan.world.rows() == before


def test_edits_are_saved_all_or_none(plan: Planned) -> None:
    before = snapshot(plan)
    edits = (
        {"op": "take_out", "request_id": "EST-26-1"},
        {"op": "take_out", "request_id": "NLD-26-1"},
    )
    refused = problem_of(plan.world.edit(plan.proposal_id, 1, *edits))
    assert [error["row"] for error in refused["errors"]] == [2]
    assert snapshot(plan) == before


def test_an_edit_names_the_version_it_was_made_on(plan: Planned) -> None:
    world, edit = plan.world, {"op": "take_out", "request_id": "EST-26-1"}
    body = {"edits": [edit]}
    without = world.post(f"{plan.path}/edits", body)
    assert problem_of(without)["status"] == 428
    save(plan, edit)
    late = problem_of(world.edit(plan.proposal_id, 1, edit))
    assert (late["status"], late["current_version"]) == (412, 2)
    undo = problem_of(world.edit(plan.proposal_id, 1, {"op": "undo"}))
    assert undo["status"] == 412
    mixed = problem_of(world.edit(plan.proposal_id, 2, {"op": "undo"}, edit))
    assert mixed["status"] == 422


def test_undo_goes_back_step_by_step_and_then_says_there_is_no_more(
    plan: Planned,
) -> None:
    shots = [snapshot(plan)]
    save(plan, {"op": "take_out", "request_id": "EST-26-1"})
    shots.append(snapshot(plan))
    save(plan, {"op": "merge", "bin_ids": [*plan.alone[:2]]})
    shown = preview(plan, {"op": "undo"})
    assert shown.status_code == 200
    assert shown.json()["undoes"] == 2
    save(plan, {"op": "undo"})
    assert snapshot(plan) == shots.pop()
    save(plan, {"op": "undo"})
    assert snapshot(plan) == shots.pop()
    last = problem_of(plan.world.edit(plan.proposal_id, plan.version, {"op": "undo"}))
    assert last["status"] == 409
    listed = plan.world.read(f"{plan.path}/edits")["items"]
    assert [(one["undoes"], one["undone"]) for one in listed] == [
        (None, True),
        (None, True),
        (2, False),
        (1, False),
    ]


def test_an_undo_gives_back_what_had_been_decided_of_a_bin(plan: Planned) -> None:
    name = home(plan, "EST-26-1")
    plan.world.decide(plan.proposal_id, name, "return", 1, key=plan.approver)
    before = snapshot(plan)
    save(plan, {"op": "take_out", "request_id": "EST-26-1"})
    assert plan.world.read(f"{plan.path}/bins/{name}")["state"] == "open"
    save(plan, {"op": "undo"})
    assert snapshot(plan) == before


def test_rulings_and_decisions_outlive_a_new_solve(plan: Planned) -> None:
    world = plan.world
    apart = {"op": "take_out", "request_id": "LTU-26-1"}
    together = {"op": "keep_together", "request_ids": ["NLD-26-1", "POL-26-1"]}
    save(plan, apart, together)
    accepted, returned = home(plan, "EST-26-1"), home(plan, "EST-26-2")
    fixed = set(plan.bins[accepted])
    for name, decision in ((accepted, "accept"), (returned, "return")):
        version = world.read(f"{plan.path}/bins/{name}")["version"]
        answer = world.decide(
            plan.proposal_id, name, decision, version, key=plan.approver
        )
        assert answer.status_code == 201, answer.text
    world.stored([{**BALTIC[0], "request_id": "EST-26-7"}])
    solved = world.resolve(plan.proposal_id)
    assert solved["state"] == "done", solved["failure"]
    assert solved["parent_id"] == plan.proposal_id
    bins = {frozenset(one["request_ids"]): one for one in solved["bins"]}
    assert bins[frozenset(fixed)]["state"] == "accepted"
    assert bins[frozenset(fixed)]["fixed"] is True
    assert bins[frozenset(JAVELIN)]["state"] == "returned"
    assert any({"NLD-26-1", "POL-26-1"} <= ids for ids in bins)
    assert not any(
        {"LTU-26-1"} < ids and ids & {*HIMARS[:1], "LVA-26-1"} for ids in bins
    )
    assert solved["changes"]["requests_added"] == ["EST EST-26-7"]
    path = f"/proposals/{solved['proposal_id']}"
    rows = [*BALTIC, {**BALTIC[0], "request_id": "EST-26-7"}]
    assert judging.faults(world.read(f"{path}/export"), rows) == []
    least = judging.least(judging.problem(rows, solved["rulings"]))
    assert solved["objective"]["total"] == least == solved["lower_bound"]
    assert world.read(plan.path)["superseded_by"] == solved["proposal_id"]
    late = problem_of(world.edit(plan.proposal_id, plan.version, apart))
    assert late["status"] == 409
    assert late["superseded_by"] == solved["proposal_id"]
    late = problem_of(preview(plan, apart))
    assert late["status"] == 409
    late = problem_of(world.post(f"{plan.path}/resolve", {}))
    assert late["status"] == 409


def test_an_accepted_bin_stays_as_it_is(plan: Planned) -> None:
    world = plan.world
    himars, javelin = home(plan, "EST-26-1"), home(plan, "EST-26-2")
    assert (
        world.decide(
            plan.proposal_id, himars, "accept", 1, key=plan.approver
        ).status_code
        == 201
    )
    for edit in (
        {"op": "take_out", "request_id": "EST-26-1"},
        {"op": "move", "request_id": "POL-26-1", "to_bin": himars},
        {"op": "merge", "bin_ids": [himars, javelin]},
        {"op": "merge", "bin_ids": [javelin, himars]},
        {"op": "split", "bin_id": himars, "request_ids": ["EST-26-1"]},
        {"op": "keep_apart", "request_ids": [*HIMARS]},
        {"op": "keep_together", "request_ids": ["EST-26-1", "POL-26-1"]},
    ):
        refused = problem_of(world.edit(plan.proposal_id, 1, edit))
        assert refused["status"] in (409, 422), edit
    assert plan.version == 1
    assert set(plan.bins[himars]) == set(HIMARS)


def test_what_is_exported_holds_while_bins_are_accepted_and_others_edited(
    plan: Planned,
) -> None:
    world = plan.world
    himars = home(plan, "EST-26-1")
    accepted = world.decide(plan.proposal_id, himars, "accept", 1, key=plan.approver)
    assert accepted.status_code == 201
    assert judging.faults(export(plan)) == []
    save(plan, {"op": "take_out", "request_id": "LTU-26-2"})
    assert judging.faults(export(plan)) == []
    save(plan, {"op": "undo"})
    assert judging.faults(export(plan)) == []
    again = world.decide(plan.proposal_id, himars, "return", 2, key=plan.approver)
    assert again.status_code == 201
    assert judging.faults(export(plan)) == []


def test_an_edit_is_not_undone_under_a_decision_made_since(plan: Planned) -> None:
    world = plan.world
    save(plan, {"op": "take_out", "request_id": "LTU-26-1"})
    for name in (home(plan, "LTU-26-1"),):
        version = world.read(f"{plan.path}/bins/{name}")["version"]
        decided = world.decide(
            plan.proposal_id, name, "accept", version, key=plan.approver
        )
        assert decided.status_code == 201
    before = snapshot(plan)
    refused = world.edit(plan.proposal_id, plan.version, {"op": "undo"})
    assert problem_of(refused)["status"] == 409
    assert snapshot(plan) == before


def test_only_bins_that_an_edit_touches_have_a_new_version(plan: Planned) -> None:
    names = [*plan.bins]
    touched = home(plan, "LTU-26-1")
    save(plan, {"op": "take_out", "request_id": "LTU-26-1"})
    versions = {
        one["bin_id"]: one["version"] for one in plan.world.read(plan.path)["bins"]
    }
    new = home(plan, "LTU-26-1")
    assert versions == {**dict.fromkeys(names, 1), touched: 2, new: 1}
    history = plan.world.read(f"{plan.path}/bins/{touched}")["history"]
    assert [(one["version"], one["change"]) for one in history] == [
        (1, "proposed"),
        (2, "edited"),
    ]
    record = plan.world.records()[-1]
    assert record["action"] == "proposal.edit"
    assert record["before"].keys() == {touched}
    assert record["after"].keys() - {"rows"} >= {touched, new}

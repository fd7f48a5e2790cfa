"""Decisions, edits, undos and new solves in any order, against a model of a plan (P6).

After every step each request is in exactly one live bin, the versions of each bin are
1, 2, 3 ... without gap, and the plan is what the model says it is.
"""

from contextlib import ExitStack
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.service import judging
from tests.service.conftest import Copies, Planned
from tests.service.world import BALTIC

PLACES: Final = st.integers(0, 99)
STATES: Final = {"accept": "accepted", "return": "returned", "reject": "rejected"}

type Plan = frozenset[frozenset[str]]


class PlanMachine(RuleBasedStateMachine):
    """One analyst and one approver at work on a plan."""

    copies: Copies

    def __init__(self) -> None:
        super().__init__()
        self._stack = ExitStack()
        self.plan: Planned = self._stack.enter_context(type(self).copies())
        self.world = self.plan.world
        self.proposal_id = self.plan.proposal_id
        self.version = 1
        self.bins = {name: frozenset(ids) for name, ids in self.plan.bins.items()}
        self.states = dict.fromkeys(self.bins, "open")
        self.undoable: list[Plan] = []
        self.requests = frozenset(one["request_id"] for one in BALTIC)
        self.withdrawn: set[str] = set()

    def teardown(self) -> None:
        self._stack.close()

    # What is expected ----------------------------------------------------------------

    @property
    def path(self) -> str:
        return f"/proposals/{self.proposal_id}"

    @property
    def partition(self) -> Plan:
        return frozenset(self.bins.values())

    def name(self, place: int) -> str:
        """Return a bin, by a number."""
        names = sorted(self.bins)
        return names[place % len(names)]

    def read(self) -> list[Any]:
        """Take over the bins as they are shown; return them."""
        said = self.world.read(self.path)
        assert said["version"] == self.version
        shown = said["bins"]
        self.bins = {one["bin_id"]: frozenset(one["request_ids"]) for one in shown}
        return shown

    def edit(self, edit: Any, wanted: Plan) -> None:
        """Make an edit; it gives the plan that is wanted, or is refused."""
        before = self.partition
        answer = self.world.edit(self.proposal_id, self.version, edit)
        if answer.status_code != 201:
            assert answer.status_code in (409, 422), answer.text
            self.read()
            assert self.partition == before
            return
        self.version += 1
        self.undoable.append(before)
        states = {self.bins[name]: state for name, state in self.states.items()}
        self.read()
        assert self.partition == wanted
        # A bin keeps what was decided of it only where the edit left it as it was.
        self.states = {name: states.get(ids, "open") for name, ids in self.bins.items()}
        self.check_rulings()

    def check_rulings(self) -> None:
        """Hold the bound against every plan there is under the rulings stated."""
        document = self.world.read(f"{self.path}/export")
        rows = [one for one in BALTIC if one["request_id"] in self.requests]
        assert judging.faults(document, rows) == []
        least = judging.least(judging.problem(rows, document["rulings"]))
        assert document["lower_bound"] <= least + 1e-9

    # What people do ------------------------------------------------------------------

    @rule(place=PLACES, which=PLACES)
    def take_out(self, place: int, which: int) -> None:
        name = self.name(place)
        label = sorted(self.bins[name])[which % len(self.bins[name])]
        rest = self.bins[name] - {label}
        if not rest:
            return
        others = self.partition - {self.bins[name]}
        self.edit(
            {"op": "take_out", "request_id": label},
            others | {rest, frozenset({label})},
        )

    @rule(place=PLACES, other=PLACES)
    def merge(self, place: int, other: int) -> None:
        first, second = self.name(place), self.name(other)
        if first == second:
            return
        joined = self.bins[first] | self.bins[second]
        others = self.partition - {self.bins[first], self.bins[second]}
        self.edit({"op": "merge", "bin_ids": [first, second]}, others | {joined})

    @rule(place=PLACES, other=PLACES, which=PLACES)
    def move(self, place: int, other: int, which: int) -> None:
        source, target = self.name(place), self.name(other)
        if source == target:
            return
        label = sorted(self.bins[source])[which % len(self.bins[source])]
        rest = self.bins[source] - {label}
        others = self.partition - {self.bins[source], self.bins[target]}
        after = others | {self.bins[target] | {label}} | ({rest} if rest else set())
        self.edit({"op": "move", "request_id": label, "to_bin": target}, after)

    @rule(place=PLACES)
    def keep_apart(self, place: int) -> None:
        ids = self.bins[self.name(place)]
        if len(ids) < 2:
            return
        others = self.partition - {ids}
        alone = {frozenset({one}) for one in ids}
        self.edit({"op": "keep_apart", "request_ids": sorted(ids)}, others | alone)

    @rule()
    def undo(self) -> None:
        answer = self.world.edit(self.proposal_id, self.version, {"op": "undo"})
        if answer.status_code != 201:
            assert answer.status_code == 409, answer.text
            return
        self.version += 1
        shown = self.read()
        assert self.partition == self.undoable.pop()
        self.states = {one["bin_id"]: one["state"] for one in shown}

    @rule(place=PLACES, decision=st.sampled_from(sorted(STATES)))
    def decide(self, place: int, decision: str) -> None:
        name = self.name(place)
        version = self.world.read(f"{self.path}/bins/{name}")["version"]
        approver = self.plan.approver
        answer = self.world.decide(
            self.proposal_id, name, decision, version, key=approver
        )
        gone = self.withdrawn & self.bins[name]
        if decision == "accept" and gone and self.states[name] != "accepted":
            assert answer.status_code == 409, answer.text
            return
        assert answer.status_code == 201, answer.text
        self.states[name] = STATES[decision]
        late = self.world.decide(
            self.proposal_id, name, decision, version, key=approver
        )
        assert late.status_code == 412

    @precondition(lambda self: len(self.withdrawn) < 2)
    @rule(which=PLACES)
    def withdraw(self, which: int) -> None:
        label = sorted(self.requests)[which % len(self.requests)]
        uid = self.world.uids()[label]
        answer = self.world.call("DELETE", f"/requests/{uid}", version=1)
        if label in self.withdrawn:
            assert answer.status_code == 412
            return
        assert answer.status_code == 200
        self.withdrawn.add(label)

    @rule()
    def resolve(self) -> None:
        accepted = {
            self.bins[name]
            for name, state in self.states.items()
            if state == "accepted"
        }
        solved = self.world.resolve(self.proposal_id)
        assert solved["state"] == "done", solved["failure"]
        self.proposal_id, self.version, self.undoable = solved["proposal_id"], 1, []
        self.requests -= self.withdrawn
        shown = self.read()
        self.states = {one["bin_id"]: one["state"] for one in shown}
        for ids in accepted:  # whole, but for what was withdrawn
            left = ids - self.withdrawn
            assert not left or left in self.partition
        self.withdrawn = set()
        self.check_rulings()

    # What always holds ---------------------------------------------------------------

    @invariant()
    def each_request_is_in_one_live_bin(self) -> None:
        named = [one for ids in self.bins.values() for one in ids]
        assert sorted(named) == sorted(self.requests)
        shown = self.world.read(f"{self.path}/bins?limit=1000")["items"]
        assert {one["bin_id"]: frozenset(one["request_ids"]) for one in shown} == (
            self.bins
        )
        assert {one["bin_id"]: one["state"] for one in shown} == self.states

    @invariant()
    def versions_have_no_gap_or_fork(self) -> None:
        for name in self.bins:
            one = self.world.read(f"{self.path}/bins/{name}")
            versions = [entry["version"] for entry in one["history"]]
            assert versions == [*range(1, one["version"] + 1)]
            assert one["history"][-1]["state"] == one["state"]
            assert sorted(one["history"][-1]["request_ids"]) == sorted(self.bins[name])

    @invariant()
    def the_cost_is_that_of_the_bins(self) -> None:
        said = self.world.read(f"{self.path}?bins=false")
        cost = judging.cost(self.partition, judging.problem())
        assert said["objective"]["total"] == pytest.approx(cost, abs=1e-9)


def test_people_at_work_leave_a_whole_plan(
    copies: Copies, kind: str, request: pytest.FixtureRequest
) -> None:
    machine = type("Machine", (PlanMachine,), {"copies": staticmethod(copies)})
    examples = 3 if kind == "sqlite" else 1
    long = request.config.getoption("--plans")
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=long or examples,
            stateful_step_count=12,
            deadline=None,
            derandomize=not long,
            database=None,
            suppress_health_check=[*HealthCheck],
        ),
    )

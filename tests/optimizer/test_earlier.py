"""Re-solves after edits: as good as a solve from nothing, and only what has changed."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.certify.checking import check
from optimizer.certify.kept import plain_earlier, read_earlier
from optimizer.certify.reading import Malformed, plain
from optimizer.certify.tree import proven_by
from optimizer.changes import changes, outline
from optimizer.earlier import Earlier, Keys
from optimizer.instance import Instance
from optimizer.known import Known
from optimizer.problem import Problem
from optimizer.propose import Plan, Serial, TaskReport, plan_bins, propose
from optimizer.reshape import join, keep_apart
from optimizer.selection.outcome import Selection
from tests.editing import EDITS, edited
from tests.oracle import best_partition
from tests.proving import searched
from tests.solving import (
    CASES,
    candidate_pairs,
    instances,
    problem_of,
    some_instances,
)

quick = settings(max_examples=25, deadline=None)
CASE = {"seed": st.integers(0, 10_000), "kind": st.integers(0, len(CASES) - 1)}
SOME_EDITS = st.lists(st.sampled_from(EDITS), min_size=1, max_size=3)


@dataclass
class Counting:
    """Solves in this process and remembers which requests it was given."""

    tasks: list[tuple[str, ...]] = field(default_factory=list)
    problem: Problem | None = None

    def __call__(
        self, tasks: Sequence[Instance], *, gap: float, report: TaskReport
    ) -> Sequence[Selection]:
        given = tuple(tasks)
        assert self.problem is not None
        self.tasks = [ids_of(self.problem, task) for task in given]
        return Serial()(given, gap=gap, report=report)


def ids_of(problem: Problem, task: Instance) -> tuple[str, ...]:
    positions = sorted(p for item in task.items for p in item)
    return tuple(problem.requests[p].request_id for p in positions)


def optimum(problem: Problem) -> int:
    return best_partition(
        problem.batch,
        problem.policy,
        problem.catalogue,
        problem.as_of,
        problem.rulings,
    )[0]


def proven(problem: Problem, plan: Plan) -> int:
    """Return what the certificates of a plan prove, checked from nothing."""
    assert plan.certificates is not None
    ids = [r.request_id for r in problem.requests]
    checked = check(problem, plain(plan.certificates, ids))
    assert checked.findings == ()
    return checked.bound


def looks(problem: Problem) -> dict[tuple[str, ...], object]:
    """Return what each part of two items or more looks like, spelled out."""
    found: dict[tuple[str, ...], object] = {}
    for part in instances(problem):
        if len(part) == 1:
            continue
        ids = ids_of(problem, part)
        found[ids] = (
            problem.as_of,
            [problem.batch[name] for name in ids],
            [problem.has_precedent[problem.batch.position(name)] for name in ids],
            [s for s in problem.rulings.together if {*s} & {*ids}],
            sorted(pair for pair in problem.rulings.apart if {*pair} <= {*ids}),
        )
    return found


@quick
@given(edits=SOME_EDITS, draw=st.randoms(use_true_random=False), **CASE)
def test_a_resolve_is_as_cheap_as_trying_every_plan(
    seed: int, kind: int, edits: list[str], draw: Random
) -> None:
    problem = problem_of(CASES[kind](seed, 8))
    kept = plan_bins(problem, earlier=Earlier()).kept
    for edit in edits:
        changed = edited(problem, edit, draw)
        engine = Counting(problem=changed)

        plan = plan_bins(changed, engine=engine, earlier=kept)

        assert plan.cost == plan.bound == optimum(changed)
        assert proven(changed, plan) == plan.bound
        assert sorted(i for b in plan.bins for i in b) == [*range(len(changed))]
        before, after = looks(problem), looks(changed)
        assert {*engine.tasks} == {
            ids for ids, look in after.items() if before.get(ids) != look
        }
        assert plan.solved == len(engine.tasks)
        assert plan.solved + plan.taken_over == len(after)
        problem, kept = changed, plan.kept


@settings(max_examples=20, deadline=None)
@given(edit=st.sampled_from(EDITS[:-1]), draw=st.randoms(use_true_random=False), **CASE)
def test_a_resolve_of_more_requests_ends_where_a_solve_from_nothing_does(
    seed: int, kind: int, edit: str, draw: Random
) -> None:
    problem = problem_of(CASES[kind](seed, 24))
    kept = plan_bins(problem, earlier=Earlier()).kept
    changed = edited(problem, edit, draw)

    plan = plan_bins(changed, earlier=kept)

    cold = plan_bins(changed)
    assert (plan.cost, plan.bound) == (cold.cost, cold.bound)
    assert proven(changed, plan) == plan.bound


@quick
@given(draw=st.randoms(use_true_random=False), gap=st.floats(0, 0.2), **CASE)
def test_a_gap_asked_for_is_a_gap_reached(
    seed: int, kind: int, gap: float, draw: Random
) -> None:
    problem = problem_of(CASES[kind](seed, 8))
    kept = plan_bins(problem, gap=gap, earlier=Earlier()).kept
    changed = edited(problem, "apart", draw)

    exact = plan_bins(changed, earlier=kept)

    assert exact.cost == exact.bound == optimum(changed)


def test_nothing_is_solved_where_nothing_has_changed() -> None:
    problem = problem_of(CASES[1](3, 20))
    first = plan_bins(problem, earlier=Earlier())
    engine = Counting(problem=problem)

    again = plan_bins(replace(problem), engine=engine, earlier=first.kept)

    assert first.solved > 0 == first.taken_over
    assert engine.tasks == []
    assert (again.solved, again.taken_over) == (0, first.solved)
    assert (again.bins, again.cost, again.bound) == (
        first.bins,
        first.cost,
        first.bound,
    )
    assert again.certificates == first.certificates
    assert again.kept == first.kept


def test_a_part_left_open_is_solved_on_unless_only_changes_are() -> None:
    problem = problem_of(CASES[1](3, 20))
    open_ = plan_bins(problem, gap=1.0, earlier=Earlier())
    assert open_.bound < open_.cost

    left = plan_bins(problem, earlier=open_.kept, only_changed=True)
    ended = plan_bins(problem, earlier=open_.kept)

    assert (left.solved, left.cost, left.bound) == (0, open_.cost, open_.bound)
    assert ended.solved > 0
    assert ended.cost == ended.bound == plan_bins(problem).cost


def test_a_proposal_keeps_what_it_is_asked_to_keep() -> None:
    problem = problem_of(CASES[1](3, 12))

    kept = propose(problem, earlier=Earlier()).kept

    assert propose(problem).kept is None
    assert kept is not None
    assert kept.parts == plan_bins(problem, earlier=Earlier()).kept.parts


@quick
@given(number=st.integers(0, 9), draw=st.randoms(use_true_random=False))
def test_hints_that_are_wrong_cost_time_alone(number: int, draw: Random) -> None:
    part = [*some_instances(9, number + 1, least=4)][number]
    found = plan_of(part)
    positions = [p for item in part.items for p in item]
    others = draw.sample(positions, len(positions))
    moved = dict(zip(positions, others, strict=True))
    assert found.certificate is not None
    known = Known(
        bins=tuple(tuple(sorted(moved[p] for p in bin_)) for bin_ in found.bins),
        columns=(tuple(positions),),
        certificate=replace(found.certificate, positions=tuple(others)),
    )

    again = plan_of(replace(part, known=known))

    assert (again.cost, again.bound) == (found.cost, found.bound)


@quick
@given(number=st.integers(0, 9), draw=st.randoms(use_true_random=False))
def test_branchings_that_are_made_again_leave_no_plan_out(
    number: int, draw: Random
) -> None:
    part = [*some_instances(9, number + 1, least=4)][number]
    found = plan_of(part)
    tree = searched(part, draw).certificate()
    i, k = draw.choice(sorted(candidate_pairs(part)))
    for changed in (part, join(part, i, k), keep_apart(part, i, k)):
        known = Known(bins=found.bins, certificate=tree)

        again = plan_of(replace(changed, known=known))

        cold = plan_of(changed)
        assert (again.cost, again.bound) == (cold.cost, cold.bound)
        proof = again.certificate
        if proof is not None:
            assert proven_by(proof, changed, None, str, lambda: None) == again.bound


def plan_of(part: Instance) -> Selection:
    return Serial()([part], gap=0.0, report=lambda *_: None)[0]


@pytest.mark.parametrize("change", [{"remarks": "x"}, {"quantity": 7}])
def test_a_field_without_effect_leaves_every_part_alone(
    change: dict[str, object],
) -> None:
    problem = problem_of(CASES[1](3, 20))
    kept = plan_bins(problem, earlier=Earlier()).kept
    noted = tuple(replace(r, **change) for r in problem.batch.requests)
    changed = replace(problem, batch=replace(problem.batch, requests=noted))

    plan = plan_bins(changed, earlier=kept)

    assert plan.solved == 0 < plan.taken_over


def test_another_policy_or_catalogue_leaves_nothing_alone() -> None:
    problem = problem_of(CASES[1](3, 20))
    kept = plan_bins(problem, earlier=Earlier()).kept
    limits = replace(problem.policy.limits, max_requests=2)
    other = replace(problem, policy=replace(problem.policy, limits=limits))
    lawless = replace(problem, catalogue=replace(problem.catalogue, thresholds=()))

    for changed in (other, lawless):
        plan = plan_bins(changed, earlier=kept)
        assert plan.taken_over == 0 < plan.solved
        assert plan.cost == plan.bound == plan_bins(changed).cost


def test_keys_do_not_change_with_the_rest_of_the_batch() -> None:
    problem = problem_of(CASES[1](3, 20))
    parts = [part for part in instances(problem) if len(part) > 1]
    inside = {p for item in parts[0].items for p in item}
    rest = tuple(problem.requests[p] for p in sorted(inside))
    fewer = replace(problem, batch=replace(problem.batch, requests=rest))
    moved = [
        tuple(fewer.batch.position(problem.requests[p].request_id) for p in item)
        for item in parts[0].items
    ]

    assert Keys(fewer).of(moved) == Keys(problem).of(parts[0].items)
    assert len({Keys(problem).of(part.items) for part in parts}) == len(parts)


@quick
@given(edit=st.sampled_from(EDITS), draw=st.randoms(use_true_random=False), **CASE)
def test_changes_are_the_bins_and_figures_of_two_plans(
    seed: int, kind: int, edit: str, draw: Random
) -> None:
    problem = problem_of(CASES[kind](seed, 8))
    changed = edited(problem, edit, draw)
    first = plan_bins(problem, earlier=Earlier())
    second = plan_bins(changed, earlier=first.kept)

    found = changes(outline(problem, first), outline(changed, second))

    assert sorted((*found.gone, *found.kept)) == named(problem, first)
    assert sorted((*found.new, *found.kept)) == named(changed, second)
    assert {*found.new}.isdisjoint(found.gone)
    assert found.cost == optimum(changed) - optimum(problem) == found.bound


def named(problem: Problem, plan: Plan) -> list[tuple[str, ...]]:
    return sorted(
        tuple(sorted(problem.requests[p].request_id for p in members))
        for members in plan.bins
    )


@quick
@given(**CASE)
def test_what_is_kept_goes_through_json_unchanged(seed: int, kind: int) -> None:
    problem = problem_of(CASES[kind](seed, 10))
    kept = plan_bins(problem, earlier=Earlier()).kept
    assert kept is not None

    again = read_earlier(json.loads(json.dumps(plain_earlier(kept))))

    assert again == kept
    assert plan_bins(problem, earlier=again).solved == 0


@pytest.mark.parametrize(
    "change",
    [
        {"key": 3},
        {"bins": [[0, 0]]},
        {"bins": [[-1]]},
        {"columns": [["0"]]},
        {"cost": True},
        {"request_ids": None},
        {"proof": {}},
    ],
)
def test_what_is_kept_is_read_whole_or_refused(change: dict[str, object]) -> None:
    kept = plan_bins(problem_of(CASES[1](3, 10)), earlier=Earlier()).kept
    assert kept is not None
    stated = plain_earlier(kept)
    stated["parts"][0] |= change

    with pytest.raises(Malformed):
        read_earlier(stated)


@pytest.mark.parametrize("stated", [None, [], {}, {"parts": 3}, {"parts": [None]}])
def test_what_was_never_kept_is_refused(stated: object) -> None:
    with pytest.raises(Malformed):
        read_earlier(stated)

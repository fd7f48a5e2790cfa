"""Taking over a written proposal: only what holds, whatever is done to the file."""

import json
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.certify.earlier import earlier_of
from optimizer.earlier import Earlier
from optimizer.problem import Problem
from optimizer.propose import plan_bins, propose
from tests.editing import EDITS, edited
from tests.optimizer.problems import document_of
from tests.oracle import best_partition
from tests.solving import CASES, problem_of

type Document = dict[str, Any]

quick = settings(max_examples=25, deadline=None)
CASE = {"seed": st.integers(0, 10_000), "kind": st.integers(0, len(CASES) - 1)}


def written(problem: Problem, *, gap: float = 0.0) -> Document:
    document = document_of(propose(problem, gap=gap))
    found: Document = json.loads(json.dumps(document))
    return found


def optimum(problem: Problem) -> int:
    return best_partition(
        problem.batch,
        problem.policy,
        problem.catalogue,
        problem.as_of,
        problem.rulings,
    )[0]


@quick
@given(**CASE)
def test_a_proposal_is_taken_over_whole(seed: int, kind: int) -> None:
    problem = problem_of(CASES[kind](seed, 9))
    first = plan_bins(problem, earlier=Earlier())

    again = plan_bins(problem, earlier=earlier_of(problem, written(problem)))

    assert (again.solved, again.taken_over) == (0, first.solved)
    assert (again.bins, again.cost, again.bound) == (
        first.bins,
        first.cost,
        first.bound,
    )
    assert again.certificates == first.certificates


@quick
@given(edit=st.sampled_from(EDITS), draw=st.randoms(use_true_random=False), **CASE)
def test_after_an_edit_the_rest_is_an_optimum(
    seed: int, kind: int, edit: str, draw: Random
) -> None:
    problem = problem_of(CASES[kind](seed, 8))
    changed = edited(problem, edit, draw)

    plan = plan_bins(changed, earlier=earlier_of(changed, written(problem)))

    assert plan.cost == plan.bound == optimum(changed)


def _steps(document: Document) -> list[Document]:
    return [step for part in document["certificate"] for step in part["steps"]]


def _raise_duals(document: Document, _: Random) -> None:
    for step in _steps(document):
        step["duals"] = [dual * 2 + 1 for dual in step.get("duals", [])]


def _raise_tau(document: Document, draw: Random) -> None:
    for step in _steps(document):
        step["tau"] = 10 ** draw.randint(3, 30)


def _forget_steps(document: Document, _: Random) -> None:
    for part in document["certificate"]:
        part["steps"] = part["steps"][1:]


def _shuffle_requests(document: Document, draw: Random) -> None:
    for part in document["certificate"]:
        draw.shuffle(part["request_ids"])


def _mix_bins(document: Document, draw: Random) -> None:
    ids = [name for bin_ in document["bins"] for name in bin_["request_ids"]]
    draw.shuffle(ids)
    for bin_ in document["bins"]:
        size = len(bin_["request_ids"])
        bin_["request_ids"], ids = ids[:size], ids[size:]


def _one_bin(document: Document, _: Random) -> None:
    ids = [name for bin_ in document["bins"] for name in bin_["request_ids"]]
    document["bins"] = [{"request_ids": ids}]


def _doubled(document: Document, _: Random) -> None:
    document["bins"] *= 2
    document["certificate"] *= 2


def _nonsense(document: Document, _: Random) -> None:
    document["bins"] = [7, {"request_ids": [1, None]}, {"request_ids": "R001"}, {}]
    document["certificate"] = [None, {"request_ids": [], "steps": 3}, "x"]


def _cheap(document: Document, _: Random) -> None:
    for bin_ in document["bins"]:
        bin_["effort_days"] = bin_["wait_cost"] = 0
    document["lower_bound"] = document["objective"]["total"] = 0


def _other_ids(document: Document, _: Random) -> None:
    for part in document["certificate"]:
        part["request_ids"] = [f"X{name}" for name in part["request_ids"]]


TAMPERINGS: tuple[Callable[[Document, Random], None], ...] = (
    _raise_duals,
    _raise_tau,
    _forget_steps,
    _shuffle_requests,
    _mix_bins,
    _one_bin,
    _doubled,
    _nonsense,
    _cheap,
    _other_ids,
)


@pytest.mark.parametrize("tamper", TAMPERINGS)
@settings(max_examples=10, deadline=None)
@given(draw=st.randoms(use_true_random=False), **CASE)
def test_no_tampering_leads_to_a_wrong_figure(
    seed: int, kind: int, draw: Random, tamper: Callable[[Document, Random], None]
) -> None:
    problem = problem_of(CASES[kind](seed, 8))
    document = written(problem)
    tamper(document, draw)

    plan = plan_bins(problem, earlier=earlier_of(problem, document))

    assert plan.cost == plan.bound == optimum(problem)


@pytest.mark.parametrize("key", ["bins", "certificate"])
@pytest.mark.parametrize("value", [None, 3, "x", {}, [[]], [{"request_ids": [[]]}]])
def test_a_document_of_any_shape_is_judged(key: str, value: object) -> None:
    problem = problem_of(CASES[1](3, 8))
    document = written(problem) | {key: value}

    plan = plan_bins(problem, earlier=earlier_of(problem, document))

    assert plan.cost == plan.bound == optimum(problem)


def test_raised_duals_are_solved_again() -> None:
    problem = problem_of(CASES[1](3, 8))
    document = written(problem)
    assert plan_bins(problem, earlier=earlier_of(problem, document)).solved == 0
    _raise_duals(document, Random(1))

    assert plan_bins(problem, earlier=earlier_of(problem, document)).solved > 0


def test_what_is_not_checked_in_time_is_a_hint() -> None:
    problem = problem_of(CASES[1](3, 8))

    found = earlier_of(problem, written(problem), stop=lambda: True)

    plan = plan_bins(problem, earlier=found)
    assert found.parts
    assert plan.taken_over == 0
    assert plan.cost == plan.bound == optimum(problem)

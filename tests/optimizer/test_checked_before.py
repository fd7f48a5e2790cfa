"""What was checked before is not priced again, and nothing else is believed."""

import json
from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.certify.earlier import Parts, earlier_of
from optimizer.certify.reading import plain
from optimizer.earlier import Earlier
from optimizer.problem import Problem
from optimizer.propose import Plan, plan_bins
from tests.editing import EDITS, edited
from tests.solving import CASES, problem_of

quick = settings(max_examples=25, deadline=None)
CASE = {"seed": st.integers(0, 10_000), "kind": st.integers(0, len(CASES) - 1)}


def written(problem: Problem, plan: Plan) -> dict[str, Any]:
    """Return what of a proposal's document such a check reads."""
    ids = [r.request_id for r in problem.requests]
    bins: Sequence[dict[str, Any]] = [
        {"request_ids": [ids[p] for p in members]} for members in plan.bins
    ]
    said = {"bins": bins, "certificate": plain(plan.certificates or (), ids)}
    return dict(json.loads(json.dumps(said)))


@quick
@given(edit=st.sampled_from(EDITS), draw=st.randoms(use_true_random=False), **CASE)
def test_the_same_is_found_as_when_all_is_priced_again(
    seed: int, kind: int, edit: str, draw: Random
) -> None:
    problem = problem_of(CASES[kind](seed, 12))
    before = plan_bins(problem, earlier=Earlier())
    checked = earlier_of(problem, written(problem, before))
    changed = edited(problem, edit, draw)
    document = written(changed, plan_bins(changed, earlier=checked))

    found = earlier_of(changed, document, checked=checked)

    assert found == earlier_of(changed, document)
    assert found == earlier_of(changed, document, parts=Parts(changed))


@quick
@given(**CASE)
def test_a_proof_that_says_more_than_was_checked_is_not_believed(
    seed: int, kind: int
) -> None:
    problem = problem_of(CASES[kind](seed, 12))
    plan = plan_bins(problem, earlier=Earlier())
    honest = written(problem, plan)
    checked = earlier_of(problem, honest)
    lying = json.loads(json.dumps(honest))
    for part in lying["certificate"]:
        for step in part["steps"]:
            if "duals" in step:
                step["duals"] = [one + 1000 * step["scale"] for one in step["duals"]]

    found = earlier_of(problem, lying, checked=checked)

    honestly = {part.key: part.bound for part in checked.parts}
    assert all(part.bound <= honestly.get(part.key, 0) for part in found.parts)


@quick
@given(**CASE)
def test_a_part_of_another_problem_is_priced_again(seed: int, kind: int) -> None:
    problem = problem_of(CASES[kind](seed, 12))
    document = written(problem, plan_bins(problem, earlier=Earlier()))
    checked = earlier_of(problem, document)
    others = Earlier(
        parts=tuple(
            replace(part, key=f"other {part.key}", bound=part.bound + 1)
            for part in checked.parts
        )
    )

    assert earlier_of(problem, document, checked=others) == checked

"""The evaluator of every method judges plans as the model's definitions do."""

from itertools import combinations

import pytest

from benchmarks.evaluate import evaluate, setting_of
from tests import oracle
from tests.factories import dense_case, random_case, request
from tests.solving import problem, problem_of, without_rulings

SEEDS = range(12)


@pytest.mark.parametrize("make", [random_case, dense_case])
@pytest.mark.parametrize("seed", SEEDS)
def test_cost_and_broken_rules_are_those_of_the_definitions(make, seed) -> None:
    case = without_rulings(make(seed, 9))
    given, rules, world, as_of, rulings = case
    ids = [r.request_id for r in given.requests]
    plan = [ids[:2], ids[2:5], ids[5:8], ids[8:]]

    verdict = evaluate(setting_of(problem_of(case)), plan)

    allowed = set(map(frozenset, oracle.feasible_bins(*case)))
    assert verdict.cost == sum(
        oracle.bin_cost(members, given, rules, world, as_of) for members in plan
    )
    assert verdict.broken_bins == sum(frozenset(b) not in allowed for b in plan)
    assert (verdict.bins, verdict.missing, verdict.requests_in_bins) == (4, 0, 8)
    assert verdict.allowed == (verdict.broken_bins == 0)
    blocked = {
        frozenset((r.request_id, s.request_id))
        for r, s in combinations(given.requests, 2)
        if oracle.blocks(r, s, rules, world, as_of, rulings)
    }
    assert verdict.broken_bins >= sum(
        any(frozenset(pair) in blocked for pair in combinations(b, 2)) for b in plan
    )


def test_requests_left_out_or_doubled_are_counted_and_make_no_plan() -> None:
    asked = problem(request("A"), request("B"), request("C"))

    verdict = evaluate(setting_of(asked), [["A"], ["A", "B"]])

    assert verdict.missing == 2  # A is in two bins, C in none
    assert not verdict.allowed

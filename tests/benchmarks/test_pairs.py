"""What peers are given is the problem: who may share, and what a bin costs."""

from itertools import combinations

import pytest

from benchmarks.peers.pairs import build_pairs, neighbours, split_to_obey
from optimizer.compatibility import may_share
from tests import oracle
from tests.factories import dense_case, random_case
from tests.solving import problem_of, without_rulings

SEEDS = range(15)


@pytest.mark.parametrize("make", [random_case, dense_case])
@pytest.mark.parametrize("seed", SEEDS)
def test_pairs_costs_and_limits_are_those_of_the_problem(make, seed) -> None:
    case = without_rulings(make(seed, 10))
    asked = problem_of(case)
    given, rules, world, as_of, _ = case
    pairs = build_pairs(asked)

    found = {(int(i), k) for k, row in enumerate(pairs.candidates) for i in row}
    everyone = range(len(asked))
    assert found == {
        (i, k) for i, k in combinations(everyone, 2) if may_share(asked, i, k)
    }

    allowed = set(map(frozenset, oracle.feasible_bins(*case)))
    groups = [g for size in (1, 2, 3) for g in combinations(everyone, size)]
    for group in groups:
        ids = [pairs.ids[i] for i in group]
        assert pairs.cost(group) == oracle.bin_cost(ids, given, rules, world, as_of)
        clique = all(pair in found for pair in combinations(group, 2))
        assert (clique and pairs.fits(group)) == (frozenset(ids) in allowed)
    for i, k in found:
        apart = pairs.cost([i]) + pairs.cost([k])
        assert pairs.saving(i, k) == pairs.saving(k, i) == apart - pairs.cost([i, k])


@pytest.mark.parametrize("make", [random_case, dense_case])
@pytest.mark.parametrize("seed", SEEDS)
def test_any_groups_are_split_into_allowed_bins(make, seed) -> None:
    case = without_rulings(make(seed, 10))
    pairs = build_pairs(problem_of(case))

    bins = split_to_obey(pairs, [range(0, 10, 2), range(1, 10, 2)], neighbours(pairs))

    allowed = set(map(frozenset, oracle.feasible_bins(*case)))
    assert sorted(i for members in bins for i in members) == [*range(10)]
    assert all(frozenset(ids) in allowed for ids in pairs.plan(bins))
    assert all(len({i % 2 for i in members}) == 1 for members in bins)

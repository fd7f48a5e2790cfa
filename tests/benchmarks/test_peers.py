"""The peers answer plans that are allowed, and the exact ones the optimum."""

import time

import numpy as np
import pytest

from benchmarks.evaluate import evaluate, setting_of
from benchmarks.peers.answer import Clock
from benchmarks.peers.compact import build_compact, edge_cliques
from benchmarks.peers.grouping import groups, repaired
from benchmarks.peers.integer_programs import with_highs
from benchmarks.peers.pairs import build_pairs
from benchmarks.peers.savings import by_savings
from tests import oracle
from tests.factories import dense_case, random_case
from tests.solving import problem_of, without_rulings

SEEDS = range(10)
CASES = [
    pytest.param(make, seed, id=f"{make.__name__}-{seed}")
    for make in (random_case, dense_case)
    for seed in SEEDS
]


@pytest.mark.parametrize(("make", "seed"), CASES)
def test_the_compact_model_has_the_optimum_of_exhaustive_search(make, seed) -> None:
    case = without_rulings(make(seed, 9))
    asked = problem_of(case)
    pairs = build_pairs(asked)
    best, _ = oracle.best_partition(*case)

    answer = with_highs(pairs, Clock(600, time.monotonic()), threads=1)

    assert answer.bins is not None
    verdict = evaluate(setting_of(asked), pairs.plan(answer.bins))
    assert verdict.allowed
    assert verdict.cost == best
    assert answer.bound == pytest.approx(best, abs=0.5)


@pytest.mark.parametrize(("make", "seed"), CASES)
def test_heuristics_give_allowed_plans_no_cheaper_than_the_optimum(make, seed) -> None:
    case = without_rulings(make(seed, 9))
    asked = problem_of(case)
    pairs, setting = build_pairs(asked), setting_of(asked)
    best, _ = oracle.best_partition(*case)
    alone = sum(pairs.cost([i]) for i in range(len(pairs)))

    by_group = evaluate(setting, pairs.plan(repaired(asked, pairs)))
    merged = evaluate(setting, pairs.plan(by_savings(pairs)))

    assert by_group.allowed
    assert merged.allowed
    assert best <= by_group.cost
    assert best <= merged.cost <= alone


@pytest.mark.parametrize("seed", SEEDS)
def test_group_by_holds_one_system_and_region_a_group(seed) -> None:
    asked = problem_of(without_rulings(random_case(seed, 12)))

    found = groups(asked)

    kinds = [
        {(asked.requests[i].system, asked.requests[i].region) for i in g} for g in found
    ]
    assert all(len(kind) == 1 for kind in kinds)
    assert len(set.union(*kinds)) == len(found)
    assert sorted(i for g in found for i in g) == [*range(12)]


def test_a_clock_that_is_over_leaves_no_time_to_solve() -> None:
    pairs = build_pairs(problem_of(without_rulings(dense_case(1, 6))))

    answer = with_highs(pairs, Clock(0, time.monotonic()))

    assert answer.bins is None
    assert "limit was over" in answer.note


def test_cliques_hold_every_pair_of_the_relation_and_no_other() -> None:
    drawn = np.random.default_rng(5).random((14, 14)) < 0.5
    relation = np.triu(drawn, 1) | np.triu(drawn, 1).T

    cliques = list(edge_cliques(relation))

    covered = np.zeros_like(relation)
    for clique in cliques:
        inside = relation[np.ix_(clique, clique)]
        assert (inside | np.eye(len(clique), dtype=bool)).all()
        covered[np.ix_(clique, clique)] = True
    np.fill_diagonal(covered, val=False)
    assert (covered == relation).all()


def test_the_compact_model_has_one_column_a_request_and_allowed_pair() -> None:
    pairs = build_pairs(problem_of(without_rulings(dense_case(3, 10))))

    model = build_compact(pairs)

    fitting = {
        (int(i), k)
        for k, row in enumerate(pairs.candidates)
        for i in row
        if pairs.fits([int(i), k])
    }
    assert set(model.place.values()) == fitting | {(k, k) for k in range(10)}

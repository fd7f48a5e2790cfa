"""Instances: costs, candidates and classes equal what the rules and costs say."""

from datetime import timedelta
from itertools import combinations
from math import gcd
from random import Random
from typing import Any

import numpy as np
import pytest

from optimizer import cost, sharing
from optimizer.builder import Builder, build_instance
from optimizer.clusters import find_clusters
from optimizer.compatibility import may_share
from optimizer.errors import FiguresTooLarge
from optimizer.instance import Instance
from optimizer.problem import Problem
from optimizer.reshape import join, keep_apart, restrict, split
from tests.factories import DAY, request, stage, waits
from tests.solving import (
    CASES,
    all_bins,
    candidate_pairs,
    positions,
    problem,
    problem_of,
    some_instances,
    whole_instances,
)

SEEDS = range(12)


def check_costs(asked: Problem, instance: Instance) -> None:
    """Require the cost of every set of up to four items, allowed or not."""
    for size in range(1, 5):
        for members in combinations(range(len(instance)), size):
            assert instance.cost(members) == cost.cost(
                asked, positions(instance, members)
            )


def check_classes(instance: Instance) -> None:
    """Require what pricing rests on: classes alone decide between two candidates."""
    pairs = candidate_pairs(instance)
    for k in range(len(instance)):
        for i, j in combinations([int(c) for c in instance.candidates_of(k)], 2):
            allowed = bool(instance.cls_ok[instance.cls[i], instance.cls[j]])
            assert allowed is ((i, j) in pairs)


def check_facts(asked: Problem, instance: Instance) -> None:
    """Require sizes, values, customers, days and order of items, from the requests."""
    assert list(instance.ready) == sorted(instance.ready)
    seen: dict[str, int] = {}
    for i, item in enumerate(instance.items):
        requests = [asked.requests[p] for p in item]
        assert instance.size[i] == len(item)
        assert instance.value[i] == sum(r.value_cents for r in requests)
        assert instance.ready[i] == max(asked.ready[p] for p in item)
        numbers = [int(c) for c in instance.customers_of(i)]
        assert numbers == sorted(set(numbers))
        assert len(numbers) == len({r.customer for r in requests})
        if len(item) == 1:
            assert seen.setdefault(requests[0].customer, numbers[0]) == numbers[0]
    assert len({*seen.values()}) == len(seen)


@pytest.mark.parametrize("make", CASES)
@pytest.mark.parametrize("seed", SEEDS)
def test_instance_says_what_the_problem_says(make: Any, seed: int) -> None:
    asked = problem_of(make(seed, 10))
    for instance in whole_instances(asked):
        check_facts(asked, instance)
        check_costs(asked, instance)
        check_classes(instance)
        assert candidate_pairs(instance) == {
            (a, b)
            for a, b in combinations(range(len(instance)), 2)
            if all(
                may_share(asked, i, j)
                for i in instance.items[a]
                for j in instance.items[b]
            )
        }


@pytest.mark.parametrize("as_of", [0, 7, 25])
@pytest.mark.parametrize(("window", "wait"), [(20, 99), (99, 20), (20, 20), (0, 0)])
def test_candidates_reach_to_the_last_day_of_window_and_wait(
    as_of: int, window: int, wait: int
) -> None:
    """A request a day, so that every distance up to 40 days occurs."""
    asked = problem(
        *(request(f"R{day:02}", received_on=DAY + timedelta(day)) for day in range(41)),
        as_of=DAY + timedelta(as_of),
        window_days=window,
        max_wait_days=waits(wait, wait, wait),
    )
    shared = {
        tuple(instance.items[i][0] for i in pair)
        for instance in whole_instances(asked)
        for pair in candidate_pairs(instance)
    }
    assert shared == {
        (i, j)
        for i, j in combinations(range(41), 2)
        if j - i <= window and max(j, as_of) - max(i, as_of) <= wait
    }


@pytest.mark.parametrize("make", CASES)
@pytest.mark.parametrize("seed", SEEDS)
def test_part_of_an_instance_says_the_same(make: Any, seed: int) -> None:
    asked = problem_of(make(seed, 12))
    parts = [(whole, part) for whole in whole_instances(asked) for part in split(whole)]
    for whole, part in parts:
        instance = restrict(whole, part)
        assert instance.items == tuple(whole.items[i] for i in part)
        pairs = candidate_pairs(whole)
        assert candidate_pairs(instance) == {
            (a, b)
            for a, b in combinations(range(len(part)), 2)
            if (part[a], part[b]) in pairs
        }
        check_facts(asked, instance)
        check_costs(asked, instance)
        check_classes(instance)


@pytest.mark.parametrize("make", CASES)
@pytest.mark.parametrize("seed", SEEDS)
def test_split_gives_the_connected_parts(make: Any, seed: int) -> None:
    for instance in whole_instances(problem_of(make(seed, 16))):
        parts = split(instance)
        assert sorted(i for part in parts for i in part) == [*range(len(instance))]
        home = {i: n for n, part in enumerate(parts) for i in part}
        pairs = candidate_pairs(instance)
        assert all(home[i] == home[j] for i, j in pairs)
        for part in parts:  # and none could be split further
            reached, edge = {part[0]}, [part[0]]
            while edge:
                at = edge.pop()
                near = {i if j == at else j for i, j in pairs if at in (i, j)}
                edge += near - reached
                reached |= near
            assert reached == {*part}


@pytest.mark.parametrize("make", CASES)
@pytest.mark.parametrize("seed", SEEDS)
def test_branchings_say_what_they_decide_and_nothing_else(make: Any, seed: int) -> None:
    """A walk of random branchings beside plain sets of positions and pairs."""
    asked = problem_of(make(seed, 11))
    draw = Random(seed)
    for instance in whole_instances(asked):
        items = [*instance.items]
        allowed = {
            frozenset((items[a], items[b])) for a, b in candidate_pairs(instance)
        }
        for _ in range(5):
            pairs = sorted(candidate_pairs(instance))
            if not pairs:
                break
            first, second = draw.choice(pairs)
            one, two = items[first], items[second]
            if draw.random() < 0.5:
                instance = keep_apart(instance, second, first)
                allowed.remove(frozenset((one, two)))
            else:
                instance = join(instance, second, first)
                both = tuple(sorted((*one, *two)))
                items[second] = both
                del items[first]
                rest = {pair for pair in allowed if one not in pair and two not in pair}
                allowed = rest | {
                    frozenset((both, other))
                    for other in items
                    if {frozenset((one, other)), frozenset((two, other))} <= allowed
                }
            assert instance.items == tuple(items)
            assert {
                frozenset((items[a], items[b])) for a, b in candidate_pairs(instance)
            } == allowed
            check_facts(asked, instance)
            check_costs(asked, instance)
            check_classes(instance)


def test_joining_and_parting_leave_the_instance_they_came_from_alone() -> None:
    (instance,) = some_instances(9, 1, least=5)
    first, second = min(candidate_pairs(instance))
    before = {
        name: value.copy() if isinstance(value, np.ndarray) else value
        for name, value in vars(instance).items()
    }
    join(instance, first, second)
    keep_apart(instance, first, second)
    restrict(instance, range(len(instance)))
    for name, value in before.items():
        assert np.array_equal(getattr(instance, name), value), name


def test_grain_divides_the_cost_of_every_bin() -> None:
    for instance in some_instances(9, 30):
        for members in all_bins(instance):
            assert instance.cost(members) % instance.grain == 0


def test_grain_is_as_coarse_as_the_policy() -> None:
    """Rates in quarters of a staff-day and waits of 50 thousandths give 50."""
    rules: dict[str, Any] = {
        "stages": (stage("S", "all", {"bin": 1250, "request": 750}),),
        "coordination": (3000, 1000),
        "wait_cost": waits(50, 150, 500),
    }
    same_day = problem(request("A"), request("B", customer="LVA"), **rules)
    assert whole_instances(same_day)[0].grain == gcd(1250, 750, 1000)
    (instance,) = whole_instances(
        problem(request("A"), request("B", received_on=DAY + timedelta(1)), **rules)
    )
    assert instance.grain == 50


def test_everything_free_has_a_grain_of_one() -> None:
    asked = problem(
        request("A"), request("B"), stages=(), coordination=(0, 0),
        wait_cost=waits(0, 0, 0),
    )  # fmt: skip
    (instance,) = whole_instances(asked)
    assert instance.grain == 1


def test_scale_keeps_every_sum_within_64_bits() -> None:
    for rate in (1, 10**6, 10**10, 10**14):
        asked = problem(
            request("A"), request("B"), stages=(stage("S", "all", {"bin": rate}),)
        )
        (instance,) = whole_instances(asked)
        scale = instance.scale
        assert scale & (scale - 1) == 0
        assert instance.cost((0, 1)) * scale < 2**62


def test_rates_beyond_exact_sums_are_refused() -> None:
    """Two requests at 10^18 thousandths each, and once more together, are too much."""
    asked = problem(
        request("A"), request("B"), stages=(stage("S", "all", {"request": 10**18}),)
    )
    with pytest.raises(FiguresTooLarge, match=r"a cluster of 2 requests could cost"):
        whole_instances(asked)


def test_figures_beyond_an_integer_of_64_bits_are_refused() -> None:
    asked = problem(
        request("A"), request("B"), stages=(stage("S", "all", {"request": 10**19}),)
    )
    (cluster,) = find_clusters(asked)
    with pytest.raises(FiguresTooLarge, match=f"A figure of {10**19} "):
        build_instance(asked, cluster)


@pytest.mark.parametrize("make", CASES)
@pytest.mark.parametrize("seed", SEEDS)
def test_parts_found_without_candidates_are_those_of_the_candidates(
    make: Any, seed: int
) -> None:
    asked = problem_of(make(seed, 30))
    builder = Builder(asked)
    for cluster in find_clusters(asked):
        instance = builder.build(cluster.items)
        assert builder.split(cluster.items) == [
            tuple(cluster.items[i] for i in part) for part in split(instance)
        ]


def test_far_parts_of_a_long_cluster_are_found_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With one item looked at first, joining goes by the rest of the window."""
    monkeypatch.setattr(sharing, "CLOSE", 1)
    monkeypatch.setattr(sharing, "AT_ONCE", 3)
    for make in CASES:
        for seed in SEEDS:
            asked = problem_of(make(seed, 40))
            for whole in whole_instances(asked):
                assert Builder(asked).split(whole.items) == [
                    tuple(whole.items[i] for i in part) for part in split(whole)
                ]

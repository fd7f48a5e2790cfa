"""Clusters: nothing allowed crosses two, rulings are kept whole, limits are named."""

from datetime import timedelta
from itertools import combinations
from typing import Any

import pytest

from optimizer.builder import Builder
from optimizer.clusters import find_clusters
from optimizer.compatibility import may_share
from optimizer.earlier import Keys
from optimizer.errors import NoPlan
from optimizer.problem import Problem
from optimizer.rulings import Ruling, RulingKind, Rulings
from tests.factories import DAY, request
from tests.solving import CASES, problem, problem_of


def together(*ids: str) -> Ruling:
    return Ruling(kind=RulingKind.TOGETHER, request_ids=ids)


def fixed(*ids: str) -> Ruling:
    return Ruling(kind=RulingKind.FIXED, request_ids=ids)


def later(days: int) -> Any:
    return DAY + timedelta(days=days)


@pytest.mark.parametrize("make", CASES)
@pytest.mark.parametrize("seed", range(20))
def test_clusters_part_the_free_requests_and_no_allowed_pair(
    make: Any, seed: int
) -> None:
    asked = problem_of(make(seed, 14))
    clusters = find_clusters(asked)
    gone = {asked.batch.position(r) for ids in asked.rulings.fixed for r in ids}
    home = {i: n for n, cluster in enumerate(clusters) for i in cluster.positions}
    items = [item for cluster in clusters for item in cluster.items]
    assert sorted(i for item in items for i in item) == sorted(home)
    assert home.keys() == {*range(len(asked))} - gone
    for i, j in combinations(sorted(home), 2):
        if may_share(asked, i, j):
            assert home[i] == home[j]
    wanted = [
        tuple(sorted(asked.batch.position(r) for r in ids))
        for ids in asked.rulings.together
    ]
    assert sorted(item for item in items if len(item) > 1) == sorted(wanted)
    firsts = [min(cluster.items) for cluster in clusters]
    assert firsts == sorted(firsts)
    for cluster in clusters:
        lasts = [item[-1] for item in cluster.items]
        assert lasts == sorted(lasts)


@pytest.mark.parametrize("make", CASES)
@pytest.mark.parametrize("seed", range(20))
def test_what_is_known_without_rulings_changes_nothing_under_them(
    make: Any, seed: int
) -> None:
    known = problem_of(make(seed, 14))
    find_clusters(known.under(Rulings()))
    assert find_clusters(known) == find_clusters(problem_of(make(seed, 14)))


@pytest.mark.parametrize("make", CASES)
@pytest.mark.parametrize("seed", range(20))
def test_parts_and_keys_without_rulings_change_nothing_under_them(
    make: Any, seed: int
) -> None:
    known = problem_of(make(seed, 14))
    parts_and_keys(known.under(Rulings()))
    assert parts_and_keys(known) == parts_and_keys(problem_of(make(seed, 14)))


def parts_and_keys(asked: Problem) -> list[tuple[Any, str]]:
    builder, keys = Builder(asked), Keys(asked)
    return [
        (part, keys.of(part))
        for cluster in find_clusters(asked)
        for part in builder.split(cluster.items)
    ]


def test_random_cases_have_rulings_and_several_clusters() -> None:
    """Else the test above would say little."""
    asked = [problem_of(make(seed, 14)) for make in CASES for seed in range(20)]
    assert sum(bool(one.rulings.together) for one in asked) >= 5
    assert sum(bool(one.rulings.fixed) for one in asked) >= 5
    assert sum(len(find_clusters(one)) > 1 for one in asked) >= 20


def test_cell_is_cut_where_nothing_arrives_for_longer_than_the_window() -> None:
    """Each of three is a window after the last; the fourth comes a day later still."""
    days = {"A": 0, "B": 30, "C": 60, "D": 91}
    asked = problem(
        *(request(name, received_on=later(day)) for name, day in days.items()),
        window_days=30,
    )
    assert [c.items for c in find_clusters(asked)] == [((0,), (1,), (2,)), ((3,),)]


def test_set_ruled_together_bridges_the_window_and_two_cells() -> None:
    """B and C are for systems and days that nothing else joins."""
    asked = problem(
        request("A"),
        request("B", received_on=later(10)),
        request("C", system="Javelin", received_on=later(300)),
        request("D", system="Javelin", received_on=later(310)),
        window_days=30,
        rulings=[together("B", "C")],
    )
    assert [c.items for c in find_clusters(asked)] == [((0,), (1, 2), (3,))]


def test_customer_of_no_category_is_a_cluster_alone_unless_ruled_together() -> None:
    asked = [request("A"), request("B", customer="SAU"), request("C", customer="MAR")]
    apart = find_clusters(problem(*asked))
    assert [c.items for c in apart] == [((0,),), ((1,),), ((2,),)]
    joined = find_clusters(problem(*asked, rulings=[together("A", "B")]))
    assert [c.items for c in joined] == [((0, 1),), ((2,),)]


def test_accepted_bins_leave_the_problem_even_when_nothing_else_is_left() -> None:
    asked = problem(request("A"), request("B"), rulings=[fixed("A", "B")])
    assert find_clusters(asked) == ()


def test_accepted_bin_no_longer_joins_its_neighbours() -> None:
    """B lay between A and C; without it they are two clusters."""
    asked = [
        request("A"),
        request("B", customer="POL"),
        request("C", customer="GRC"),
    ]
    assert len(find_clusters(problem(*asked))) == 1
    assert len(find_clusters(problem(*asked, rulings=[fixed("B")]))) == 2


@pytest.mark.parametrize(
    ("rules", "sentence"),
    [
        (
            {"max_requests": 2},
            "The requests ruled together {A, B, C} come to 3; limits.max_requests is "
            "2.",
        ),
        (
            {"max_customers": 1},
            "The requests ruled together {A, B, C} come to 2; limits.max_customers is "
            "1.",
        ),
        (
            {"max_value_usd": 29_999_999},
            "The requests ruled together {A, B, C} are worth 30,000,000.00 USD; "
            "limits.max_value_usd is 29,999,999.00.",
        ),
    ],
)
def test_set_ruled_together_over_a_limit_is_refused_by_name(
    rules: dict[str, Any], sentence: str
) -> None:
    """Three requests of 10 M US dollars each, two of them Estonia's."""
    asked = problem(
        request("A"),
        request("B"),
        request("C", customer="LVA"),
        rulings=[together("A", "B"), together("C", "B")],
        **rules,
    )
    with pytest.raises(NoPlan) as refused:
        find_clusters(asked)
    assert refused.value.faults == (sentence,)


def test_all_broken_limits_of_all_sets_are_named_at_once() -> None:
    asked = problem(
        *(request(name) for name in "ACD"),
        request("B", customer="LVA"),
        rulings=[together("A", "B"), together("C", "D")],
        max_requests=1,
        max_customers=1,
    )
    with pytest.raises(NoPlan) as refused:
        find_clusters(asked)
    assert [fault.split(";")[1] for fault in refused.value.faults] == [
        " limits.max_requests is 1.",
        " limits.max_customers is 1.",
        " limits.max_requests is 1.",
    ]


@pytest.mark.parametrize(
    "rules",
    [{"max_requests": 3}, {"max_customers": 2}, {"max_value_usd": 30_000_000}],
)
def test_set_ruled_together_may_reach_a_limit_exactly(rules: dict[str, Any]) -> None:
    asked = problem(
        request("A"),
        request("B"),
        request("C", customer="LVA"),
        rulings=[together("A", "B", "C")],
        **rules,
    )
    assert [c.items for c in find_clusters(asked)] == [((0, 1, 2),)]


def test_limits_do_not_bind_accepted_bins() -> None:
    asked = problem(
        *(request(name) for name in "ABC"), rulings=[fixed(*"ABC")], max_requests=1
    )
    assert find_clusters(asked) == ()

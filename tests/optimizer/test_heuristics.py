"""Plans by local search: allowed, never dearer than the start, always the same."""

from dataclasses import replace
from itertools import combinations, groupby
from random import Random

import numpy as np
import pytest

from optimizer.heuristics import (
    MOST_ROUNDS,
    bins_of,
    improve,
    like_after_like,
    rounds_for,
)
from optimizer.instance import Bin, Instance
from optimizer.kernels import moves
from tests.factories import request
from tests.solving import (
    candidate_pairs,
    instances,
    is_partition,
    obeys_limits,
    problem,
    some_instances,
)

KNOWN = [*some_instances(14, 40, least=4)]
SEEDS = range(len(KNOWN))


def total(instance: Instance, bins: tuple[Bin, ...]) -> int:
    return sum(instance.cost(members) for members in bins)


def random_plan(instance: Instance, seed: int) -> tuple[Bin, ...]:
    """Put items in random order into the first bin that takes them, or not at all."""
    draw = Random(f"plan {seed}")
    pairs = candidate_pairs(instance)
    bins: list[list[int]] = []
    for i in draw.sample(range(len(instance)), len(instance)):
        for members in bins:
            larger = tuple(sorted((*members, i)))
            fits = all(pair in pairs for pair in combinations(larger, 2))
            if fits and obeys_limits(instance, larger) and draw.random() < 0.7:
                members.append(i)
                break
        else:
            bins.append([i])
    return tuple(tuple(sorted(members)) for members in bins)


@pytest.mark.parametrize("seed", SEEDS)
def test_insertion_gives_an_allowed_plan_no_dearer_than_everyone_alone(
    seed: int,
) -> None:
    instance = KNOWN[seed]
    bins = improve(instance)
    assert is_partition(instance, bins)
    assert list(bins) == sorted(tuple(sorted(members)) for members in bins)
    assert total(instance, bins) <= sum(map(int, instance.alone))
    assert improve(instance) == bins


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("rounds", [0, 1, 300])
def test_improving_a_plan_never_makes_it_dearer(seed: int, rounds: int) -> None:
    instance = KNOWN[seed]
    start = random_plan(instance, seed)
    assert is_partition(instance, start)
    better = improve(instance, start, rounds=rounds)
    assert is_partition(instance, better)
    assert total(instance, better) <= total(instance, start)
    assert improve(instance, start, rounds=rounds) == better


@pytest.mark.parametrize("seed", SEEDS)
def test_items_left_out_of_the_start_are_put_in(seed: int) -> None:
    instance = KNOWN[seed]
    start = random_plan(instance, seed)
    half = start[: len(start) // 2]
    assert is_partition(instance, improve(instance, half))


@pytest.mark.parametrize("seed", SEEDS)
def test_no_single_move_improves_the_result(seed: int) -> None:
    """Every relocation of an item to where it may share, by brute force."""
    instance = KNOWN[seed]
    pairs = candidate_pairs(instance)
    bins = improve(instance)
    reached = total(instance, bins)

    def cost_if(*changed: tuple[Bin, Bin]) -> int | None:
        """Return the total with some bins replaced, None where one is not allowed."""
        result = reached
        for old, new in changed:
            result -= instance.cost(old) if old else 0
            if not new:
                continue
            allowed = all(pair in pairs for pair in combinations(new, 2))
            if not allowed or not obeys_limits(instance, new):
                return None
            result += instance.cost(new)
        return result

    def less(members: Bin, *gone: int) -> Bin:
        return tuple(i for i in members if i not in gone)

    def more(members: Bin, *new: int) -> Bin:
        return tuple(sorted((*members, *new)))

    tried = [
        cost_if((one, less(one, i)), (other, more(other, i)))
        for one in bins
        for i in one
        for other in (*bins, ())
        if other != one
    ]
    assert all(cost is None or cost >= reached for cost in tried)


def test_ruin_and_recreate_finds_what_single_moves_do_not() -> None:
    """Else it would be of no use: somewhere it must beat insertion and moves."""
    better = sum(
        total(instance, improve(instance, rounds=300))
        < total(instance, improve(instance))
        for instance in KNOWN
    )
    assert better >= 1


def test_it_stops_when_told() -> None:
    instance = KNOWN[0]
    start = random_plan(instance, 0)
    assert improve(instance, start, rounds=10**9, stop=lambda: True) == tuple(
        sorted(start)
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_what_a_plan_notes_of_its_bins_is_what_they_cost(seed: int) -> None:
    """Whatever was put in, taken out and undone on the way."""
    instance = KNOWN[seed]
    n = len(instance)
    neighbours = instance.neighbours
    plan = moves.new_plan(n, n, max(len(instance.weight), 1), n, np.uint64(seed + 1))
    moves.build(instance.arrays, plan, neighbours, np.arange(n))
    home = plan.home.copy()
    least = moves.ruin_and_recreate(
        instance.arrays, plan, neighbours, 200, 5000, 0, home, plan.total[0]
    )
    bins = bins_of(plan.home)
    assert is_partition(instance, bins)
    assert total(instance, bins) == plan.total[0]
    assert total(instance, bins_of(home)) == least
    for members in bins:
        assert plan.bins[plan.home[members[0]], moves.COST] == instance.cost(members)


def test_with_few_to_look_at_plans_are_allowed_and_exactly_priced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Bins hold others than those an item saves most with."""
    monkeypatch.setattr("optimizer.instance.CLOSEST", 2)
    for known in KNOWN:
        instance = replace(known)
        closest_at = instance.neighbours.closest_at
        assert (np.diff(closest_at) <= 2).all()
        bins = improve(instance, rounds=200)
        pairs = candidate_pairs(instance)
        assert is_partition(instance, bins)
        for members in bins:
            assert all(pair in pairs for pair in combinations(members, 2))
            assert len(members) == 1 or obeys_limits(instance, members)
        assert total(instance, bins) <= int(instance.alone.sum())


def test_near_lists_both_sides_of_every_candidate() -> None:
    for instance in KNOWN:
        at, near = instance.near
        found = {
            (i, int(k)) for i in range(len(instance)) for k in near[at[i] : at[i + 1]]
        }
        pairs = candidate_pairs(instance)
        assert found == pairs | {(j, i) for i, j in pairs}


def test_like_goes_with_like_though_anything_may_share_and_arrives_mixed() -> None:
    """Any two share some work, so that items put in as they come fill bins unlike."""
    kinds = [f"kind {number}" for number in range(6)]
    asked = [
        request(f"R{place:02}", configuration=kinds[place % len(kinds)], value_usd=1)
        for place in range(24)
    ]
    (instance,) = instances(problem(*asked, max_requests=4))
    order = like_after_like(instance).tolist()
    configurations = [asked[i].configuration for i in order]
    assert [kind for kind, _ in groupby(configurations)] == sorted(
        set(configurations), key=configurations.index
    )
    bins = improve(instance, stop=lambda: True)  # insertion alone
    assert {len({asked[i].configuration for i in members}) for members in bins} == {1}
    assert len(bins) == len(kinds)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_early_plan_is_that_of_insertion_and_moves(seed: int) -> None:
    instance = KNOWN[seed]
    heard: list[tuple[Bin, ...]] = []
    improve(instance, rounds=50, early=heard.append)
    assert heard == [improve(instance)]


def test_very_many_items_mean_fewer_rounds_of_each() -> None:
    few = KNOWN[0]
    assert rounds_for(few, 20) == 20 * len(few)
    many = replace(few, items=tuple((i,) for i in range(MOST_ROUNDS // 10)))
    assert rounds_for(many, 20) == MOST_ROUNDS

"""Plans by local search: allowed, never dearer than the start, always the same."""

from itertools import combinations
from random import Random

import pytest

from optimizer.heuristics import improve, reverse, shake
from optimizer.instance import Bin, Instance
from optimizer.kernels.moves import shares
from tests.solving import (
    candidate_pairs,
    is_partition,
    obeys_limits,
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
@pytest.mark.parametrize("passes", [0, 1, 30])
def test_improving_a_plan_never_makes_it_dearer(seed: int, passes: int) -> None:
    instance = KNOWN[seed]
    start = random_plan(instance, seed)
    assert is_partition(instance, start)
    better = improve(instance, start, passes=passes)
    assert is_partition(instance, better)
    assert total(instance, better) <= total(instance, start)
    if passes == 0:
        assert sorted(better) == sorted(start)


@pytest.mark.parametrize("seed", SEEDS)
def test_items_left_out_of_the_start_are_put_in(seed: int) -> None:
    instance = KNOWN[seed]
    start = random_plan(instance, seed)
    half = start[: len(start) // 2]
    assert is_partition(instance, improve(instance, half))


@pytest.mark.parametrize("seed", SEEDS)
def test_no_single_move_improves_the_result(seed: int) -> None:
    """Every relocation, merger and swap of items that may share, by brute force."""
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
    for one, other in combinations(bins, 2):
        tried.append(cost_if((one, more(one, *other)), (other, ())))
        tried += [
            cost_if((one, more(less(one, i), j)), (other, more(less(other, j), i)))
            for i in one
            for j in other
            if tuple(sorted((i, j))) in pairs
        ]
    assert all(cost is None or cost >= reached for cost in tried)


@pytest.mark.parametrize("seed", SEEDS)
def test_shaking_keeps_a_plan_allowed_and_never_dearer(seed: int) -> None:
    instance = KNOWN[seed]
    start = random_plan(instance, seed)
    shaken = shake(instance, start, rounds=15)
    assert is_partition(instance, shaken)
    assert total(instance, shaken) <= total(instance, start)
    assert shake(instance, start, rounds=15) == shaken


def test_shaking_finds_what_single_moves_do_not() -> None:
    """Else it would be of no use: somewhere it must beat insertion and moves."""
    better = sum(
        total(instance, shake(instance, improve(instance), rounds=60))
        < total(instance, improve(instance))
        for instance in KNOWN
    )
    assert better >= 1


def test_shaking_stops_when_told() -> None:
    instance = KNOWN[0]
    start = random_plan(instance, 0)
    assert shake(instance, start, rounds=50, stop=lambda: True) == start


def test_reverse_lists_the_later_items_of_every_candidate() -> None:
    for instance in KNOWN:
        at, later = reverse(instance)
        found = {
            (i, int(k)) for i in range(len(instance)) for k in later[at[i] : at[i + 1]]
        }
        assert found == candidate_pairs(instance)


def test_shares_agrees_with_the_lists_in_either_order() -> None:
    for instance in KNOWN:
        pairs = candidate_pairs(instance)
        for i, j in combinations(range(len(instance)), 2):
            expected = (i, j) in pairs
            for one, other in ((i, j), (j, i)):
                told = shares(one, other, instance.candidate_at, instance.candidates)
                assert bool(told) is expected

"""Whom an item may share with, and those it saves most with: against all pairs."""

import numpy as np
import pytest

from optimizer.instance import Instance
from optimizer.kernels import neighbours as kernels
from optimizer.kernels.neighbours import find_closest, find_neighbours, may_share
from tests.solving import candidate_pairs, some_instances

KNOWN = [*some_instances(14, 40, least=4)]


def saved(instance: Instance, i: int, j: int) -> int:
    """What both touch, less what the earlier waits: by sets, not by the kernel."""
    shared = {*instance.features_of(i).tolist()} & {*instance.features_of(j).tolist()}
    first, last = min(i, j), max(i, j)
    waits = int(instance.ready[last] - instance.ready[first])
    return int(sum(instance.weight[f] for f in shared)) - waits * int(
        instance.slope[first]
    )


@pytest.mark.parametrize("bits", [64, 1, 0])
def test_two_may_share_as_their_pair_says_by_bits_and_by_search(
    bits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With so many bits for each, all items, some and none have any."""
    monkeypatch.setattr(kernels, "BITS_FOR_EACH", bits)
    find = find_neighbours.py_func
    told = set()
    for instance in KNOWN:
        near, _, _, rows, flags = find(instance.arrays, *instance.near, 3)
        pairs = candidate_pairs(instance)
        told |= {bool(row[kernels.BITS] >= 0) for row in rows if row[kernels.END]}
        for i, row in enumerate(rows):
            for j in range(len(instance)):
                allowed = (min(i, j), max(i, j)) in pairs
                assert may_share(row, flags, near, j) == allowed
    assert told == {64: {True}, 1: {True, False}, 0: {False}}[bits]


@pytest.mark.parametrize("most", [1, 3, 100])
def test_the_closest_are_those_an_item_saves_most_with(most: int) -> None:
    fewer = 0
    for instance in KNOWN:
        near_at, near = instance.near
        at, closest = find_closest(instance.arrays, near_at, near, most)
        for i in range(len(instance)):
            others = near[near_at[i] : near_at[i + 1]].tolist()
            chosen = closest[at[i] : at[i + 1]].tolist()
            best = sorted(others, key=lambda j: (-saved(instance, i, j), j))[:most]
            assert chosen == sorted(best)
            fewer += len(chosen) < len(others)
    assert (fewer > 0) == (most < 100)


def test_instances_know_their_neighbours_once() -> None:
    for instance in KNOWN:
        neighbours = instance.neighbours
        assert np.array_equal(neighbours.near, instance.near[1])
        assert neighbours is instance.neighbours

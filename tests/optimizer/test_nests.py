"""Features as nests, choices from two forests of them, and sets of kinds."""

from itertools import combinations
from random import Random

import numpy as np
import pytest

from optimizer.instance import Nests
from optimizer.kernels.anchor import price_anchor
from optimizer.kernels.cliques import MOST_CLIQUES, cliques_of
from optimizer.kernels.halves import bound_by_halves, halves_of
from optimizer.kernels.nested import LocalNests, choose_by_nests, room_for_nests
from optimizer.kernels.nesting import DEPTH, SPREAD, find_nests
from optimizer.kernels.partial import FREE
from optimizer.pricing import price
from tests.optimizer.nodes import (
    SEEDS,
    allowed_sets,
    fines_of,
    random_nodes,
    root_of,
    tight,
)
from tests.optimizer.test_pricing import larger, some_duals

NONE = np.zeros(0, np.int64)


# --- finding nests -------------------------------------------------------------------


def drawn_features(draw: Random) -> tuple[int, list[list[int]], list[int]]:
    """Return how many items there are, who touches each feature, and weights."""
    n = draw.randint(2, 14)
    holders = []
    for _ in range(draw.randint(1, 9)):
        first = draw.randrange(n)
        some = range(first, min(n, first + draw.randint(1, n)))
        holders.append(sorted({i for i in some if draw.random() < 0.85} or {first}))
    return n, holders, [draw.choice([0, 1, 2, 3, 5, 9]) for _ in holders]


def found_nests(n: int, holders: list[list[int]], weight: list[int]) -> Nests:
    at = np.cumsum([0, *map(len, holders)])
    flat = np.array([i for row in holders for i in row], dtype=np.int64)
    order = np.argsort([-w for w in weight], kind="stable")
    return Nests(*find_nests(np.array(weight), order, n, at, flat))


def items_in(nests: Nests, n: int) -> list[set[int]]:
    """Return the items of each nest."""
    held: list[set[int]] = [set() for _ in nests.inside]
    for i in range(n):
        v = int(nests.of[i])
        while v >= 0:
            held[v].add(i)
            v = int(nests.inside[v])
    return held


@pytest.mark.parametrize("seed", range(300))
def test_nests_are_a_forest_that_no_feature_leaves(seed: int) -> None:
    n, holders, weight = drawn_features(Random(f"nests {seed}"))
    nests = found_nests(n, holders, weight)
    held = items_in(nests, n)
    assert len(set(nests.feature.tolist())) == len(nests.feature)
    for v, f in enumerate(nests.feature.tolist()):
        assert weight[f] > 0
        assert held[v] >= set(holders[f])
        assert bool(nests.partly[v]) == (held[v] != set(holders[f]))
        assert len(held[v]) <= SPREAD * len(holders[f])
        up = int(nests.inside[v])
        assert up == -1 or up > v
        above = 0
        while up >= 0:
            assert not (nests.partly[v] and nests.partly[up])
            above += 1
            up = int(nests.inside[up])
        assert above < DEPTH
    for one, other in combinations(held, 2):
        assert one <= other or other <= one or not one & other


def test_features_that_hold_one_another_are_all_nests() -> None:
    nests = found_nests(6, [[0, 1, 2, 3], [0, 1], [2, 3], [4, 5]], [5, 9, 1, 2])
    assert sorted(nests.feature.tolist()) == [0, 1, 2, 3]
    assert not nests.partly.any()


def test_a_feature_that_some_do_not_touch_holds_what_it_crosses() -> None:
    """Two configurations of a system; one request of each needs no review."""
    nests = found_nests(6, [[0, 1, 2], [3, 4, 5], [0, 1, 3, 4]], [10, 10, 8])
    assert nests.feature.tolist() == [0, 1, 2]
    assert nests.partly.tolist() == [0, 0, 1]
    assert nests.inside.tolist() == [2, 2, -1]


def test_customers_across_configurations_are_no_nests_beside_them() -> None:
    """Each of three customers asks for each of three configurations."""
    columns = [[0, 3, 6], [1, 4, 7], [2, 5, 8]]
    rows = [[0, 1, 2], [3, 4, 5], [6, 7, 8]]
    nests = found_nests(9, [*rows, *columns], [10, 10, 10, 4, 4, 4])
    assert nests.feature.tolist() == [0, 1, 2]


# --- a choice by nests ---------------------------------------------------------------


@pytest.mark.parametrize("seed", range(400))
def test_a_choice_by_nests_is_the_best_of_all_subsets(seed: int) -> None:
    draw = Random(f"by nests {seed}")
    n, holders, weight = drawn_features(draw)
    n = min(n, 9)
    holders = [[i for i in row if i < n] or [0] for row in holders]
    found = found_nests(n, holders, weight)
    count = len(found.inside)
    within = [-1] * (count + 1)
    for v in range(count - 1, -1, -1):
        within[v] = v if found.partly[v] else within[found.inside[v]]
    of = np.where(found.of < 0, count, found.of)
    nests = LocalNests(
        of=of,
        inside=np.append(np.where(found.inside < 0, count, found.inside), -1),
        feature=np.append(found.feature, -1),
        within=np.array(within),
        marked=np.array(
            [
                within[of[i]] >= 0 and i in holders[found.feature[within[of[i]]]]
                for i in range(n)
            ],
            dtype=np.int64,
        ),
    )
    size = np.array([draw.choice([1, 1, 1, 2, 3]) for _ in range(n)])
    opened = np.array([draw.choice([0, 1, 1, 1]) for _ in weight])
    slots = draw.randint(1, 7)
    width = min(slots, int(size.sum())) + 1
    room = room_for_nests(nests, width, n if draw.random() < 0.9 else 0)
    if len(room.sized) == 0:
        size[:] = 1
    left = sorted((draw.randint(1, 12) for _ in range(n)), reverse=True)
    room.left[:] = left
    room.order[:] = np.arange(n)

    def gain(chosen: tuple[int, ...]) -> int:
        fees = {
            f
            for f in found.feature.tolist()
            if opened[f] and not set(holders[f]).isdisjoint(chosen)
        }
        return sum(left[i] for i in chosen) - sum(weight[f] for f in fees)

    sets = [s for q in range(n + 1) for s in combinations(range(n), q)]

    def best_within(most: int) -> int:
        return max(gain(s) for s in sets if size[list(s)].sum() <= most)

    for _ in range(2):  # what is left of one choice is of no account to the next
        best, less, taken = choose_by_nests(
            nests, room, opened, np.array(weight), size, n, slots
        )
        trial = tuple(room.trial[:taken].tolist())
        assert len(set(trial)) == taken
        assert size[list(trial)].sum() <= slots
        assert best == gain(trial) == best_within(slots)
        assert less == best_within(width - 2 if width > 1 else 0)


# --- both forests, and sets of kinds -------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_halves_bound_every_bin_of_a_node_and_leave_out_none_worth_finding(
    seed: int,
) -> None:
    draw = Random(f"halves {seed}")
    for node in random_nodes(seed):
        local, part, work, _ = node
        bins = list(allowed_sets(node))
        best = max(gain for _, gain in bins)
        target = max(0, best - draw.choice([0, 0, 1, abs(best) // 2]))
        halves = halves_of(local, tight(seed).arrays)
        bound = bound_by_halves(local, part, work, halves, target)
        if best > target:
            assert bound >= best
        for chosen, gain in bins:
            if gain > target:
                assert (part.state[chosen] == FREE).all()


@pytest.mark.parametrize("seed", range(8))
def test_a_search_by_sets_of_kinds_finds_the_best_bin_of_an_anchor(seed: int) -> None:
    """As exhaustive search does; and few nodes leave a bound that is one."""
    instance, bins = larger(seed)
    scale = instance.scale
    draw = Random(f"by kinds {seed}")
    nested = found_some = 0
    for k in range(5, len(instance)):
        given = some_duals(instance, draw)
        repaired = price(instance, given)
        assert repaired is not None
        duals = repaired.duals.copy()  # nobody else's are violated
        duals[k] = min(int(given[k]), int(instance.alone[k]) * scale)
        own = [b for b in bins if b[-1] == k and len(b) > 1]
        best = max(
            (sum(int(duals[i]) for i in b) - instance.cost(b) * scale for b in own),
            default=0,
        )
        node = root_of(instance, k, duals, (), NONE)
        if len(node.local.item) == 0:
            assert best <= 0
            continue
        for node_limit in (1, 2**40):
            found = np.zeros(instance.max_requests + 1, np.int64)
            report = np.zeros(4, np.int64)
            price_anchor(
                k, duals, 0, instance.arrays, fines_of(instance, (), NONE),
                np.full(len(instance.weight), -1), NONE, 0, node_limit, found, report,
            )  # fmt: skip
            if node_limit > 1:
                assert report[0] == report[1] == max(best, 0)
            assert report[1] >= best
            if report[0] > 0:
                members = tuple(sorted(found[: report[2]].tolist()))
                cost = instance.cost(members) * scale
                assert members in own
                assert int(duals[list(members)].sum()) - cost == report[0]
        found_some += best > 0
        nested += len(halves_of(node.local, instance.arrays).nests.inside) > 1
    assert nested > 0
    assert found_some > 0


@pytest.mark.parametrize("seed", range(200))
def test_sets_of_kinds_hold_all_that_may_share(seed: int) -> None:
    draw = Random(f"kinds {seed}")
    kinds = draw.randint(1, 9)
    ok = np.ones((kinds, kinds), np.uint8)
    for a, b in combinations(range(kinds), 2):
        ok[a, b] = ok[b, a] = draw.random() < 0.6
    present = sorted(draw.sample(range(kinds), draw.randint(1, kinds)))
    kind = np.array([draw.choice(present) for _ in range(12)])
    found, count = cliques_of(kind, ok)
    sets = [set(np.flatnonzero(row).tolist()) for row in found[:count]]
    assert sets
    here = sorted(set(kind.tolist()))
    for row in sets:
        assert row <= set(here)
        assert all(ok[a, b] for a, b in combinations(sorted(row), 2))
    for one, other in combinations(sets, 2):
        assert not one <= other
        assert not other <= one
    for q in range(1, len(here) + 1):
        for some in combinations(here, q):
            if all(ok[a, b] for a, b in combinations(some, 2)):
                assert any(set(some) <= row for row in sets)


def test_too_many_sets_of_kinds_are_none() -> None:
    """Fourteen pairs that clash: a set of kinds for every way to choose."""
    ok = np.ones((28, 28), np.uint8)
    for a in range(0, 28, 2):
        ok[a, a + 1] = ok[a + 1, a] = 0
    assert MOST_CLIQUES < 2**14
    assert cliques_of(np.arange(28), ok)[1] == 0

"""Cheap ways to bins: climbing and greedy, which never say more than they hold."""

from functools import cache
from random import Random

import numpy as np
import pytest

from optimizer.instance import Bin, Instance, Ints
from optimizer.kernels.anchor import greedy
from optimizer.kernels.climb import GIVES_WAY, SWAPS
from optimizer.kernels.relaxation import relax
from optimizer.pricing import nearby_bins
from tests.factories import request
from tests.optimizer.nodes import SEEDS, Node, root_of, tight
from tests.optimizer.test_pricing import some_cuts, some_duals, violation
from tests.solving import all_bins, problem, whole_instances


@cache
def bins_of(seed: int) -> list[Bin]:
    return all_bins(tight(seed))


def fair_duals(instance: Instance, draw: Random, tau: int) -> Ints:
    """Draw duals that no bin of one item violates, as those of a relaxation are."""
    return np.minimum(
        some_duals(instance, draw), instance.alone * instance.scale - tau
    ).astype(np.int64)


@pytest.mark.parametrize("seed", SEEDS)
def test_climbing_ends_at_a_bin_that_violates_no_less_than_its_start(
    seed: int,
) -> None:
    instance, bins = tight(seed), bins_of(seed)
    draw = Random(f"climb {seed}")
    for _ in range(4):
        tau = draw.choice([0, int(instance.alone[0]) * instance.scale // 4])
        cuts, sigma = some_cuts(instance, draw)
        duals = fair_duals(instance, draw, tau)
        several = {*bins}
        reached: dict[Bin, None] = {}
        starts = draw.sample(bins, min(len(bins), 40))
        left = duals.copy()
        for start in starts:
            found = nearby_bins(instance, left, cuts, sigma, tau, [start])
            before = violation(instance, start, left, cuts, sigma, tau)
            assert len(found) == 1 or before <= 0
            for members in found:
                assert members in several
                assert len(members) > 1
                after = violation(instance, members, left, cuts, sigma, tau)
                assert after >= max(before, 1)
                assert violation(instance, members, duals, cuts, sigma, tau) >= after
                reached[members] = None
                left[list(members)] -= after // (len(members) * GIVES_WAY)
        # All at once is one after another, each giving way to the next.
        given = duals.copy()
        together = nearby_bins(instance, duals, cuts, sigma, tau, starts)
        assert together == tuple(reached)
        assert np.array_equal(duals, given)


def test_climbing_finds_more_than_it_was_given() -> None:
    """Else it would be of no use: from single items it reaches bins of several."""
    found = 0
    for seed in SEEDS:
        instance = tight(seed)
        duals = fair_duals(instance, Random(f"more {seed}"), 0)
        none = np.zeros(0, np.int64)
        singles = [(i,) for i in range(len(instance))]
        found += len(nearby_bins(instance, duals, (), none, 0, singles))
    assert found >= 20


def test_a_bin_of_many_lets_go_of_those_that_bring_least() -> None:
    """Of more members than are tried, the one whose dual is nothing leaves first."""
    asked = [
        request(f"R{i:02}", configuration=f"kind {i % 5}", value_usd=1)
        for i in range(2 * SWAPS)
    ]
    (instance,) = whole_instances(problem(*asked, max_requests=3 * SWAPS))
    start = tuple(range(len(instance)))
    for idle in (0, SWAPS, len(instance) - 1):
        duals = instance.alone * instance.scale
        duals[idle] = 0
        (found,) = nearby_bins(instance, duals, (), np.zeros(0, np.int64), 0, [start])
        assert found == tuple(i for i in start if i != idle)


def greedy_bin(node: Node, k: int, items: int) -> tuple[Bin, int] | None:
    """Return the bin of an anchor's first node and what it gains, if there is one."""
    local, part, work, kind_ok = node
    count = relax(local, part, work)
    found = np.full(items + 1, -1)
    unset = -(2**62)
    report = np.array([unset, 0, 0, 0])
    greedy(k, local, part, work, kind_ok, count, found, report)
    if report[0] == unset:
        return None
    return tuple(sorted(found[: report[2]].tolist())), int(report[0])


def test_the_greedy_bin_is_allowed_and_gains_what_it_says() -> None:
    kept = 0
    for seed in SEEDS:
        instance, bins = tight(seed), {*bins_of(seed)}
        draw = Random(f"greedy {seed}")
        for k in range(1, len(instance)):
            duals = some_duals(instance, draw)
            duals[k] = min(int(duals[k]), int(instance.alone[k]) * instance.scale)
            cuts, sigma = some_cuts(instance, draw)
            node = root_of(instance, k, duals, cuts, sigma)
            found = greedy_bin(node, k, len(instance)) if len(node.local.item) else None
            if found is None:
                continue
            kept += 1
            members, gain = found
            assert members in bins
            assert members[-1] == k
            assert violation(instance, members, duals, cuts, sigma) == gain
    assert kept >= 100

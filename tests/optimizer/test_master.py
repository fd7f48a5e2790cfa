"""The restricted master and its cuts, held against all bins."""

from collections.abc import Sequence
from itertools import combinations
from random import Random
from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray

from optimizer.instance import Bin, Instance
from optimizer.pricing import Cut
from optimizer.selection.cutting import LEAST_VIOLATION, violated_cuts
from optimizer.selection.master import Master
from optimizer.selection.model import highs, set_partition
from tests.factories import request
from tests.solving import (
    all_bins,
    problem,
    some_instances,
    whole_instances,
)


def brute_relaxation(instance: Instance, bins: Sequence[Bin]) -> float:
    costs = [instance.cost(members) for members in bins]
    model, _ = set_partition(bins, costs, range(len(instance)), integer=False)
    model.solve(highs())
    return 1000 * cast(float, model.objective.value())


def test_master_grows_as_if_built_at_once_and_its_duals_are_its_value() -> None:
    draw = Random("master")
    for instance in some_instances(10, 12, least=5):
        bins = all_bins(instance)
        singles = [(i,) for i in range(len(instance))]
        master = Master(instance, singles)
        more = draw.sample(bins, min(len(bins), 40))
        added = master.add(more)
        assert added == len({*more} - {*singles})
        assert master.add(more) == 0
        assert all(members in master for members in more)
        point = master.solve()
        known = sorted({*singles, *more})
        assert point.value == pytest.approx(brute_relaxation(instance, known), abs=0.01)
        assert (point.duals >= 0).all()
        assert float(point.duals.sum()) == pytest.approx(point.value, abs=0.01)
        by_item = np.zeros(len(instance))
        for members, weight in zip(master.bins, point.weights, strict=True):
            by_item[list(members)] += weight
        assert (by_item >= 1 - 1e-6).all()


def test_cut_rows_and_numbers_of_bins_bind_in_the_master() -> None:
    """Three items, every pair at 2, singles at 3: half of each pair costs 3 in all.

    A cut over the three allows one pair only: 2 + 3. Three bins at least cost 2 + 2 +
    2 with doubled items, as a subset is never dearer; one at most cannot be had.
    """
    asked = problem(
        *(request(name) for name in "ABC"), max_requests=2, coordination=(500, 0)
    )
    (instance,) = whole_instances(asked)
    pairs = [(0, 1), (0, 2), (1, 2)]
    singles = [(0,), (1,), (2,)]
    alone, pair = instance.cost((0,)), instance.cost((0, 1))
    assert pair < 2 * alone
    free = Master(instance, [*singles, *pairs]).solve()
    assert free.value == pytest.approx(1.5 * pair, abs=0.01)
    cut = Cut(items=(0, 1, 2))
    master = Master(instance, singles)
    master.add_cuts([cut])
    master.add(pairs)
    assert master.solve().value == pytest.approx(pair + alone, abs=0.01)
    assert (master.solve().sigma >= 0).all()
    two = Master(instance, [*singles, *pairs], least=2)
    point = two.solve()
    assert float(point.weights.sum()) >= 2 - 1e-6
    assert point.tau >= 0
    few = Master(instance, [*singles, *pairs], most=1).solve()
    assert few.value > 10 * alone  # the shortfall is bought dearly
    assert few.tau <= 0


def thin_weights(draw: Random, bins: Sequence[Bin], items: int) -> NDArray[np.float64]:
    """Draw weights of bins: those that hold an item weigh at most 1 together."""
    weights, room = np.zeros(len(bins)), np.ones(items)
    for number in draw.sample(range(len(bins)), len(bins)):
        held = list(bins[number])
        weights[number] = draw.choice([0.25, 0.5]) * (room[held].min() >= 0.5)
        room[held] -= weights[number]
    return weights


def test_violated_cuts_are_violated_and_the_worst_is_among_them() -> None:
    """By every triple of items: the weight of bins that hold two of them, less one."""
    draw = Random("cuts")
    seen = 0
    for instance in some_instances(9, 30, least=5):
        bins = [members for members in all_bins(instance) if len(members) > 1]
        weights = thin_weights(draw, bins, len(instance))
        excess = {
            triple: sum(
                float(weight)
                for members, weight in zip(bins, weights, strict=True)
                if Cut(items=triple).covers(members)
            )
            - 1
            for triple in combinations(range(len(instance)), 3)
        }
        found = violated_cuts(bins, weights, set())
        for cut in found:
            assert excess[cut.items] > LEAST_VIOLATION
        worst = max(excess.values())
        if worst > LEAST_VIOLATION:
            seen += 1
            assert excess[found[0].items] == pytest.approx(worst)
            assert found[0] not in violated_cuts(bins, weights, {found[0]})
        else:
            assert found == ()
    assert seen >= 10

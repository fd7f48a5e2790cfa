"""The best exchange of a bin, against every bin that is one exchange away."""

from random import Random

import numpy as np
import pytest

from optimizer.instance import Bin, Instance
from optimizer.kernels.climb import enter
from optimizer.kernels.exchange import best_exchange, new_exchange
from optimizer.kernels.moves import new_plan
from tests.optimizer.nodes import SEEDS, fines_of, tight
from tests.optimizer.test_pricing import some_cuts, some_duals, violation
from tests.solving import all_bins


def others(instance: Instance, members: Bin, gone: int, several: set[Bin]) -> list[Bin]:
    """Return what a bin may be once a member is gone: by itself, or with a newcomer."""
    left = tuple(i for i in members if i != gone)
    come = (tuple(sorted((*left, j))) for j in range(len(instance)) if j != gone)
    return [left, *(b for b in come if b in several and len(set(b)) == len(members))]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_best_exchange_is_that_of_all_there_are(seed: int) -> None:
    instance = tight(seed)
    several = {b for b in all_bins(instance) if len(b) > 1}
    draw = Random(f"exchange {seed}")
    near_at, near = instance.near
    n = len(instance)
    gained = 0
    for members in draw.sample(sorted(several), min(len(several), 30)):
        duals = some_duals(instance, draw)
        cuts, sigma = some_cuts(instance, draw)
        fines = fines_of(instance, cuts, sigma)
        features = max(len(instance.weight), 1)
        plan = new_plan(n, 1, features, n + 1, np.uint64(1))
        got = np.zeros(len(sigma), np.int64)
        order = draw.sample(members, len(members))
        for i in order:
            enter(instance.arrays, plan, near_at, near, fines, got, i)
        tried = sorted(draw.sample(range(len(members)), draw.randint(1, len(members))))

        drop, gain = best_exchange(
            instance.arrays, plan, near_at, near, duals, fines, got,
            np.array(tried), new_exchange(n + 1, features),
        )  # fmt: skip

        now = violation(instance, members, duals, cuts, sigma)
        most = {
            order[x]: max(
                violation(instance, b, duals, cuts, sigma) - now
                for b in others(instance, members, order[x], several)
            )
            for x in tried
        }
        assert gain == max(0, *most.values())
        assert drop == -1 if gain == 0 else most[drop] == gain
        assert plan.members[0, : len(order)].tolist() == order
        gained += gain > 0
    assert gained > 0 or len(several) < 10

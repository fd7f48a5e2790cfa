"""Good plans fast: insertion, single moves, then ruin and recreate."""

from collections.abc import Callable, Sequence

import numpy as np

from optimizer.instance import Bin, Instance, Ints
from optimizer.kernels import moves

CHUNK = 500
"""Rounds of ruin and recreate between two looks at ``stop``."""

SEED = 88172645463325252
"""Where the pseudo-random sequence begins: Marsaglia's own example."""


def improve(
    instance: Instance,
    start: Sequence[Bin] = (),
    *,
    rounds: int = 0,
    heat: int = 6,
    stop: Callable[[], bool] = lambda: False,
    notice: Callable[[tuple[Bin, ...]], None] = lambda _: None,
) -> tuple[Bin, ...]:
    """Return bins no move of a single item makes cheaper, or better ones, ascending.

    Parameters
    ----------
    start
        Bins to start from. Items that are in none, by default all, are put in order of
        arrival where each costs least.
    rounds
        How often a part of the plan is ruined and put together again.
    heat
        The first threshold for keeping a dearer plan, as a divisor of what an item
        costs alone on average: the larger, the closer to the start it looks.
    stop
        Asked now and then; when it says so, the best bins so far are returned.

    The order of moves depends on item numbers and a fixed seed alone, so the same
    instance gives the same bins everywhere.
    """
    n = len(instance)
    near_at, near = instance.near
    width = int(min(instance.max_requests, n))
    plan = moves.new_plan(n, n, max(len(instance.weight), 1), width, np.uint64(SEED))
    for number, members in enumerate(start):
        for i in members:
            moves.put(instance.arrays, plan, number, i)
    moves.build(instance.arrays, plan, near_at, near, np.flatnonzero(plan.home < 0))
    if not stop():
        moves.settle(instance.arrays, plan, near_at, near, 30)
    home = plan.home.copy()
    best = int(plan.total[0])
    high = int(instance.alone.mean()) // heat
    done = 0
    while done < rounds and not stop():
        begin = high - high * done // rounds
        more = min(CHUNK, rounds - done)
        finish = high - high * (done + more) // rounds
        best = moves.ruin_and_recreate(
            instance.arrays, plan, near_at, near, more, begin, finish, home, best
        )
        done += more
        notice(bins_of(plan.home))
    return bins_of(home)


def bins_of(home: Ints) -> tuple[Bin, ...]:
    """Return the bins of a plan given by the bin of each item, ascending."""
    order = np.argsort(home, kind="stable")
    cuts = np.flatnonzero(np.diff(home[order])) + 1
    return tuple(
        sorted(tuple(int(i) for i in members) for members in np.split(order, cuts))
    )

"""Good plans fast: insertion, single moves, then ruin and recreate."""

from collections.abc import Callable, Sequence

import numpy as np

from optimizer.instance import Bin, Instance, Ints
from optimizer.kernels import moves

CHUNK = 500
"""Rounds of ruin and recreate between two looks at ``stop``."""

PASSES = 30
"""How often every item is moved by itself, at most."""

MOST_ROUNDS = 2_000_000
"""Rounds of ruin and recreate at a time, at most: some twenty seconds."""

LOOKS = 5_000_000
"""Pairs of items looked at between two looks at ``stop``, about."""

MUCH_CHEAPER = 0.9
"""Part of the cost of putting items in order of arrival below which another order is
begun with: where both cost about the same, what has always been done is."""

HOT = 6
"""The first threshold for keeping a dearer plan, as a divisor of what an item costs
alone on average, where the start is not worth keeping."""

SEED = 88172645463325252
"""Where the pseudo-random sequence begins: Marsaglia's own example."""


def improve(
    instance: Instance,
    start: Sequence[Bin] = (),
    *,
    rounds: int = 0,
    heat: int = HOT,
    stop: Callable[[], bool] = lambda: False,
    notice: Callable[[tuple[Bin, ...]], None] | None = None,
    early: Callable[[tuple[Bin, ...]], None] = lambda _: None,
) -> tuple[Bin, ...]:
    """Return bins no move of a single item makes cheaper, or better ones, ascending.

    Of the bins an item might move to, those of the ``CLOSEST`` are tried.

    Parameters
    ----------
    start
        Bins to start from. Items that are in none are put one by one where each costs
        least, in order of arrival. Where no bins are given, those that touch the same
        features are put one after another if that comes much cheaper.
    rounds
        How often a part of the plan is ruined and put together again.
    heat
        The first threshold for keeping a dearer plan, as a divisor of what an item
        costs alone on average: the larger, the closer to the start it looks.
    stop
        Asked now and then; when it says so, the best bins so far are returned.
    notice
        Receives the bins now and then while parts are ruined and put together.
    early
        Receives the bins before any part is ruined.

    The order of moves depends on item numbers and a fixed seed alone, so the same
    instance gives the same bins everywhere.
    """
    neighbours = instance.neighbours
    plan = _begin(instance)
    for number, members in enumerate(start):
        for i in members:
            moves.put(instance.arrays, plan, number, i)
    rest = np.flatnonzero(plan.home < 0)
    moves.build(instance.arrays, plan, neighbours, rest)
    if not start:
        other = _begin(instance)
        order = like_after_like(instance)
        moves.build(instance.arrays, other, neighbours, order)
        if other.total[0] < plan.total[0] * MUCH_CHEAPER:
            plan = other
    _settle(instance, plan, stop)
    home = plan.home.copy()
    best = int(plan.total[0])
    high = int(instance.alone.mean()) // heat
    done = 0
    if rounds:
        early(bins_of(home))
    while done < rounds and not stop():
        begin = high - high * done // rounds
        more = min(CHUNK, rounds - done)
        finish = high - high * (done + more) // rounds
        best = moves.ruin_and_recreate(
            instance.arrays, plan, neighbours, more, begin, finish, home, best
        )
        done += more
        if notice is not None:
            notice(bins_of(plan.home))
    return bins_of(home)


def _begin(instance: Instance) -> moves.Plan:
    n = len(instance)
    width = int(min(instance.max_requests, n))
    features = max(len(instance.weight), 1)
    plan: moves.Plan = moves.new_plan(n, n, features, width, np.uint64(SEED))
    return plan


def rounds_for(instance: Instance, each: int) -> int:
    """Return how many rounds of ruin and recreate an instance gets, ``each`` an item.

    Fewer where that would take long before anything else is tried.
    """
    return min(each * len(instance), MOST_ROUNDS)


def _settle(instance: Instance, plan: moves.Plan, stop: Callable[[], bool]) -> None:
    """Move single items until none moves, all did often enough, or it must stop."""
    n = len(instance)
    neighbours = instance.neighbours
    step = max(1, LOOKS * n // max(1, len(neighbours.closest)))
    for _ in range(PASSES):
        before = plan.total[0]
        for first in range(0, n, step):
            if stop():
                return
            last = min(first + step, n)
            moves.settle(instance.arrays, plan, neighbours, first, last)
        if plan.total[0] == before:
            return


def like_after_like(instance: Instance) -> Ints:
    """Return the items in an order in which those of the same features are neighbours.

    The dearest feature of an item goes first, and what touches the same is in order of
    arrival: a bin fills with what shares most before anything else is put into it.
    """
    rank = np.empty(len(instance.weight), dtype=np.int64)
    rank[np.argsort(-instance.weight, kind="stable")] = np.arange(len(rank))
    ranks = rank[instance.features].tolist()
    ends = instance.feature_at.tolist()
    keys = [sorted(ranks[ends[i] : ends[i + 1]]) for i in range(len(instance))]
    return np.array(sorted(range(len(keys)), key=keys.__getitem__), dtype=np.int64)


def bins_of(home: Ints) -> tuple[Bin, ...]:
    """Return the bins of a plan given by the bin of each item, ascending."""
    order = np.argsort(home, kind="stable")
    cuts = np.flatnonzero(np.diff(home[order])) + 1
    return tuple(
        sorted(tuple(int(i) for i in members) for members in np.split(order, cuts))
    )

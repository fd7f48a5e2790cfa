"""Good plans fast: arrival-order insertion, then relocate, merge and swap moves."""

import random
from collections.abc import Callable

import numpy as np

from optimizer.instance import Bin, Instance, Ints
from optimizer.kernels import moves


def improve(
    instance: Instance,
    start: tuple[Bin, ...] | None = None,
    *,
    passes: int = 30,
    swap_limit: int = 2_000_000,
    stop: Callable[[], bool] = lambda: False,
) -> tuple[Bin, ...]:
    """Return bins no single move makes cheaper, ascending.

    Parameters
    ----------
    start
        Bins to start from, a partition of the items; by default items are inserted in
        order of arrival, each where it costs least.
    passes
        How often all moves are tried at most.
    swap_limit
        Swaps are tried only while a pass looks at no more pairs than this.
    stop
        Asked between passes; when it says so, the bins so far are returned.

    A move is taken when it lowers the exact cost; the order of moves depends on item
    numbers alone, so the same instance gives the same bins everywhere.
    """
    later = reverse(instance)
    rest = set(range(len(instance))).difference(*(start or ()))
    loose = sorted(rest)
    bins = start or ()
    for _ in range(passes):
        better = _local_search(instance, bins, loose, later, 1, swap_limit)
        if better == bins or stop():
            return better
        bins, loose = better, []
    return bins


def shake(
    instance: Instance,
    start: tuple[Bin, ...],
    *,
    rounds: int,
    stop: Callable[[], bool] = lambda: False,
) -> tuple[Bin, ...]:
    """Return better bins by iterated local search, or ``start``.

    Each round takes a few bins around a random item apart, puts their items back in
    random order where each costs least, and makes every single move that helps; the
    plan is kept when it is no dearer (Lourenço, Martin and Stützle, *Iterated local
    search*, 2003). The generator's seed is fixed: the same instance gives the same
    bins.
    """
    generator = random.Random(0)
    later = reverse(instance)
    best = start
    best_cost = sum(instance.cost(members) for members in best)
    for _ in range(rounds):
        if stop():
            break
        home = {i: number for number, members in enumerate(best) for i in members}
        seed = generator.randrange(len(instance))
        near = [
            *instance.candidates_of(seed),
            *later[1][later[0][seed] : later[0][seed + 1]],
        ]
        chosen = {home[seed]}
        wanted = generator.randint(2, 4)
        generator.shuffle(near)
        for i in near:
            if len(chosen) == wanted:
                break
            chosen.add(home[int(i)])
        kept = tuple(m for number, m in enumerate(best) if number not in chosen)
        loose = [i for number in sorted(chosen) for i in best[number]]
        generator.shuffle(loose)
        bins = _local_search(instance, kept, loose, later, 6, 200_000)
        cost = sum(instance.cost(members) for members in bins)
        if cost <= best_cost:
            best, best_cost = bins, cost
    return best


def _local_search(
    instance: Instance,
    start: tuple[Bin, ...],
    loose: list[int],
    later: tuple[Ints, Ints],
    passes: int,
    swap_limit: int,
) -> tuple[Bin, ...]:
    """Insert loose items in the order given, then move until nothing helps."""
    n = len(instance)
    width = int(min(instance.max_requests, n))
    members = np.zeros((n, width), dtype=np.int64)
    count = np.zeros(n, dtype=np.int64)
    home = np.full(n, -1, dtype=np.int64)
    for number, items in enumerate(start):
        members[number, : len(items)] = items
        count[number] = len(items)
        home[list(items)] = number
    moves.improve(
        members, count, home, np.array(loose, dtype=np.int64), passes, swap_limit,
        instance.size, instance.value, instance.alone, instance.own, instance.slope,
        instance.ready, instance.feature_at, instance.features, instance.weight,
        instance.customer_at, instance.customers, instance.candidate_at,
        instance.candidates, later[0], later[1], instance.pair_fee,
        instance.max_requests, instance.max_customers, instance.max_value,
    )  # fmt: skip
    return tuple(
        sorted(
            tuple(sorted(int(i) for i in members[b, : count[b]]))
            for b in range(n)
            if count[b]
        )
    )


def reverse(instance: Instance) -> tuple[Ints, Ints]:
    """Return, for each item, the later items it is a candidate of (offsets, items)."""
    n = len(instance)
    anchors = np.repeat(np.arange(n), np.diff(instance.candidate_at))
    order = np.argsort(instance.candidates, kind="stable")
    at = np.zeros(n + 1, dtype=np.int64)
    np.cumsum(np.bincount(instance.candidates, minlength=n), out=at[1:])
    return at, anchors[order].astype(np.int64)

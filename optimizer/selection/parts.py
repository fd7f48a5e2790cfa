"""What a search asks of bins, covers and points of the restricted master."""

from collections.abc import Mapping, Sequence

import numpy as np

from optimizer.instance import Bin, Instance, Ints
from optimizer.selection.master import LinearPoint, Master

UNDECIDED = 0.02
"""How far from whole a number of bins must be to branch on it."""


def fewest_bins(instance: Instance) -> int:
    """Return a number of bins no partition goes below, from the limits alone."""
    requests = -(-int(instance.size.sum()) // instance.max_requests)
    customers = -(-len(np.unique(instance.customers)) // instance.max_customers)
    amounts = sum(min(int(v), instance.max_value) for v in instance.value)
    values = -(-amounts // instance.max_value) if instance.max_value > 0 else 0
    return max(requests, customers, values, 1)


def is_bin(instance: Instance, members: Bin) -> bool:
    """Tell whether items may form a bin: every pair may share, limits hold."""
    if len(members) == 1:
        return True
    for place, later in enumerate(members[1:], start=1):
        allowed = instance.candidates_of(later)
        at = np.searchsorted(allowed, members[:place])
        if at[-1] == len(allowed) or (allowed[at] != members[:place]).any():
            return False
    customers = {int(c) for i in members for c in instance.customers_of(i)}
    return (
        int(instance.size[list(members)].sum()) <= instance.max_requests
        and int(instance.value[list(members)].sum()) <= instance.max_value
        and len(customers) <= instance.max_customers
    )


def positions_of(instance: Instance, members: Bin) -> tuple[int, ...]:
    """Return the request positions of a bin, ascending."""
    return tuple(sorted(p for i in members for p in instance.items[i]))


def partition(instance: Instance, cover: Sequence[Bin]) -> tuple[Bin, ...]:
    """Take doubled items out of a cover, each from the bin that saves most by it."""
    bins = [set(members) for members in cover]
    for i in range(len(instance)):
        holders = [b for b, members in enumerate(bins) if i in members]
        while len(holders) > 1:
            saved = []
            for b in holders:
                rest = bins[b] - {i}
                after = instance.cost(tuple(sorted(rest))) if rest else 0
                saved.append(instance.cost(tuple(sorted(bins[b]))) - after)
            drop = holders[saved.index(max(saved))]
            bins[drop].discard(i)
            holders.remove(drop)
    return tuple(sorted(tuple(sorted(members)) for members in bins if members))


def count_undecided(point: LinearPoint) -> bool:
    """Tell whether the number of bins is fractional."""
    bins = float(point.weights.sum())
    return abs(bins - round(bins)) > UNDECIDED


def padded(point: LinearPoint) -> bool:
    """Tell whether a cover takes a bin more than once, to make up their number."""
    return bool(np.any(point.weights > 1 + 1e-6))


def integral(point: LinearPoint) -> bool:
    """Tell whether every bin is taken whole or not at all."""
    whole = np.round(point.weights)
    return bool(np.all(np.abs(point.weights - whole) < 1e-6))


def round_up(value: float, grain: int) -> int:
    """Round a relaxation's value up to the grain, forgiving the solver's tolerance."""
    return -int(-(value - 1e-3) // grain) * grain


def reduced_cost(master: Master, members: Bin, duals: Ints, sigma: Ints) -> int:
    """Return a bin's cost less its duals and cuts, in 1/scale thousandths."""
    instance = master.instance
    total = instance.cost(members) * instance.scale - int(duals[list(members)].sum())
    return total + sum(int(sigma[number]) for number in master.cuts_of(members))


def reduced_costs(master: Master, point: LinearPoint) -> list[float]:
    """Return every column's reduced cost in thousandths."""
    return [
        cost
        - float(point.duals[list(members)].sum())
        - point.tau
        + sum(float(point.sigma[number]) for number in master.cuts_of(members))
        for members, cost in zip(master.bins, master.costs, strict=True)
    ]


def most_undecided(master: Master, point: LinearPoint) -> tuple[int, int]:
    """Return the pair of items whose shared weight is nearest one half."""
    shared: dict[tuple[int, int], float] = {}
    for j in np.flatnonzero((point.weights > 1e-6) & (point.weights < 1 - 1e-6)):
        members = master.bins[j]
        for place, a in enumerate(members):
            for b in members[place + 1 :]:
                shared[a, b] = shared.get((a, b), 0.0) + float(point.weights[j])
    return min(shared, key=lambda pair: (round(abs(shared[pair] - 0.5), 6), pair))


def shares(instance: Instance, bins: Sequence[tuple[int, ...]]) -> Ints:
    """Split the cost of each bin of a plan among its items: first duals to try."""
    home = {p: i for i, item in enumerate(instance.items) for p in item}
    duals = np.zeros(len(instance), dtype=np.int64)
    for positions in bins:
        members = tuple(sorted({home[p] for p in positions}))
        if len(members) == 1:
            duals[members[0]] = instance.alone[members[0]] * instance.scale
            continue
        start = int(instance.ready[members[-1]])
        touched: dict[int, int] = {}
        for i in members:
            for f in instance.features_of(i):
                touched[int(f)] = touched.get(int(f), 0) + 1
        for i in members:
            share = instance.own[i] + instance.slope[i] * (start - instance.ready[i])
            share += instance.pair_fee // len(members)
            share += sum(
                int(instance.weight[f]) // touched[int(f)]
                for f in instance.features_of(i)
            )
            duals[i] = share * instance.scale
    return duals


def lower(duals: Ints, part: float) -> Ints:
    """Return duals times a part of 1, rounded down."""
    lowered: Ints = np.floor(duals * part).astype(np.int64)
    return duals if part == 1.0 else lowered


def home_of(instance: Instance) -> dict[int, int]:
    """Return the item of each request position."""
    return {p: i for i, item in enumerate(instance.items) for p in item}


def bin_in(
    instance: Instance, home: Mapping[int, int], positions: Sequence[int]
) -> Bin | None:
    """Return positions as a bin of an instance, None where its branchings forbid it."""
    members = tuple(sorted({home[p] for p in positions}))
    if sum(len(instance.items[i]) for i in members) != len(positions):
        return None
    return members if is_bin(instance, members) else None


def plan_in(
    instance: Instance, plan: Sequence[Sequence[int]]
) -> tuple[Bin, ...] | None:
    """Return bins of positions as bins of an instance, None where one is forbidden."""
    home = home_of(instance)
    bins = [bin_in(instance, home, positions) for positions in plan]
    return tuple(members for members in bins if members) if all(bins) else None

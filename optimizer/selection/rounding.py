"""Plans out of a relaxation: diving, and integer programs over parts of a plan."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from optimizer.instance import Bin
from optimizer.pricing import Stop, nearby_bins
from optimizer.selection.columns import WIDE, integer_duals, likely_bins
from optimizer.selection.master import LinearPoint, Master, SolverFailed
from optimizer.selection.model import choose
from optimizer.selection.parts import partition, reduced_costs

DIVE_STEPS = 20
"""About how many times a dive fixes bins before all items are in one."""

SURE = 0.95
"""Weight from which a bin is fixed at once, however many there are."""

PART_COLUMNS = 3
"""Columns for each item that a part's program chooses from, at most: those of least
reduced cost."""


TRIES = 10
"""Parts decided anew in vain, one after another, before this is given up."""


def dive(
    master: Master, point: LinearPoint, *, stop: Stop
) -> Iterator[tuple[Bin, ...] | None]:
    """Fix the heaviest bins, find new ones for the rest, and so on to a partition.

    Yields None between steps and the partition at the end, unless stopped.

    Source: Sadykov et al., *Primal heuristics for branch and price: the assets of
    diving methods*, 2019.
    """
    instance = master.instance
    n = len(instance)
    covered = np.zeros(n, dtype=bool)
    fixed: list[int] = []
    try:
        while not covered.all():
            taken = _heaviest(master, point, covered, max(1, n // DIVE_STEPS))
            if not taken:
                break
            master.fix(taken)
            fixed += taken
            for _ in range(1 if len(instance.candidates) > WIDE else 2):
                if covered.all():
                    break
                yield None
                if stop():
                    return
                point = master.solve(central=True)
                duals = integer_duals(master, point)
                master.add(
                    nearby_bins(
                        instance,
                        duals.items,
                        master.cuts,
                        duals.sigma,
                        duals.tau,
                        likely_bins(master, point),
                        stop=stop,
                    )
                )
    except SolverFailed:
        return
    finally:
        master.release(fixed)
    bins = [master.bins[j] for j in fixed]
    bins += [(int(i),) for i in np.flatnonzero(~covered)]
    yield partition(instance, bins)


def disjoint(master: Master, point: LinearPoint) -> list[Bin]:
    """Return disjoint bins that a point puts weight on, heaviest first."""
    n = len(master.instance)
    covered = np.zeros(n, dtype=bool)
    return [master.bins[j] for j in _heaviest(master, point, covered, n)]


def _heaviest(
    master: Master, point: LinearPoint, covered: npt.NDArray[np.bool_], wanted: int
) -> list[int]:
    """Take disjoint bins of items not covered, heaviest first; mark what they cover."""
    order = np.argsort(-point.weights, kind="stable")
    taken: list[int] = []
    items = 0
    for j in order:
        weight = point.weights[j]
        if weight < 1e-6 or (items >= wanted and weight < SURE):
            break
        members = list(master.bins[j])
        if covered[members].any():
            continue
        covered[members] = True
        taken.append(int(j))
        items += len(members)
    return taken


def reoptimise(
    master: Master,
    point: LinearPoint,
    plan: Sequence[Bin],
    *,
    part_items: int,
    node_limit: int,
    seconds: float | None,
    stop: Stop,
) -> Iterator[tuple[Bin, ...] | None]:
    """Decide parts of a plan anew by integer programs; yield each better plan.

    Yields None after a program that found none.

    A part is some bins of the plan with those that the relaxation would rather mix them
    with, up to ``part_items`` items; parts with most to gain come first. Only columns
    whose reduced cost is less than what the part costs above its duals can be in a
    better one.
    """
    reduced = np.array(reduced_costs(master, point))
    order = np.argsort(reduced, kind="stable")
    mixed = [master.bins[j] for j in np.flatnonzero(point.weights > 1e-3)]
    current = list(plan)
    vain = 0
    for seed in _by_excess(master, point, current):
        if stop() or vain == TRIES:
            return
        if seed not in current:
            continue
        part = _around(seed, current, mixed, part_items)
        inside = {i for members in part for i in members}
        before = sum(master.instance.cost(members) for members in part)
        slack = before - float(point.duals[sorted(inside)].sum())
        if slack < master.instance.grain:
            continue
        bins = list(part)
        known = set(part)
        bins += [(i,) for i in sorted(inside) if (i,) not in known]
        known.update(bins)
        for j in order:
            if reduced[j] > slack or len(bins) >= PART_COLUMNS * len(inside):
                break
            members = master.bins[j]
            if members not in known and inside.issuperset(members):
                bins.append(members)
        chosen = choose(
            bins,
            [master.instance.cost(members) for members in bins],
            inside,
            start=range(len(part)),
            node_limit=node_limit,
            time_limit=seconds,
        )
        vain += 1
        if chosen is None:
            yield None
            continue
        better = partition(master.instance, [bins[j] for j in chosen])
        after = sum(master.instance.cost(members) for members in better)
        if after < before:
            vain = 0
            gone = set(part)
            current = [members for members in current if members not in gone]
            current += better
            yield tuple(sorted(current))
        else:
            yield None


def _by_excess(master: Master, point: LinearPoint, plan: Sequence[Bin]) -> list[Bin]:
    """Return the bins of a plan that cost more than their duals, most first."""
    excess = [
        (master.instance.cost(members) - float(point.duals[list(members)].sum()), at)
        for at, members in enumerate(plan)
    ]
    return [
        plan[at]
        for above, at in sorted(excess, key=lambda entry: (-entry[0], entry[1]))
        if above >= master.instance.grain / 2
    ]


def _around(
    seed: Bin, plan: Sequence[Bin], mixed: Sequence[Bin], most: int
) -> list[Bin]:
    """Return bins of a plan around one: those that a relaxation mixes them with."""
    home = {i: at for at, members in enumerate(plan) for i in members}
    touching: dict[int, list[Bin]] = {}
    for members in mixed:
        for i in members:
            touching.setdefault(i, []).append(members)
    part = [home[seed[0]]]
    seen = set(part)
    items = len(seed)
    for at in part:  # grows on the way
        for i in plan[at]:
            for members in touching.get(i, ()):
                for other in members:
                    b = home[other]
                    if b not in seen and items + len(plan[b]) <= most:
                        seen.add(b)
                        part.append(b)
                        items += len(plan[b])
    return [plan[at] for at in sorted(part)]

"""Column generation at one node: bins are added until the relaxation is optimal."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np

from optimizer.instance import Bin, Ints
from optimizer.pricing import Pricing, Stop, glance, nearby_bins, price
from optimizer.selection.master import LinearPoint, Master, SolverFailed
from optimizer.selection.parts import reduced_cost, round_up

NODE_LIMITS = (2_000, 20_000, 100_000, 2**40)
"""Search nodes per anchor: raised when the bound no longer grows without it."""

SPARE = 500
"""Nodes of which an anchor leaves over what it does not need, for later ones: most need
few, and a bound falls short by what the few that need many are cut short."""

WIDE = 100_000
"""Candidates of all anchors together beyond which bounds are proven half as often, as
one pass takes as long as many rounds, and a dive solves its rest once a step."""

RARELY = 10
"""Of how many anchors the node limit may strike at one, at most, for it to be raised as
soon as a bound falls behind the best: the others take no longer then."""

ALL_ITEMS_EVERY = 2
"""Among cheap rounds one in so many also starts from every item by itself."""

PROVE_EVERY = 12
"""Cheap rounds after which a bound is proven even while bins keep coming."""

DENSE = 150
"""Candidates of an anchor, on average, from which its pass takes as long as twice as
many rounds again."""

PLAN_EVERY = 8
"""Rounds after which the point is rounded to a plan."""

FEW = 20
"""Once fewer than one new bin for so many items is found cheaply, anchors are glanced
at where that is much less work than to price them exactly, or are priced."""

GLANCE = 50
"""Search nodes of an anchor that is glanced at."""

HARD = 3
"""How many times as many nodes exact pricing takes where anchors are glanced at."""

MOST_STARTS = 2_500_000
"""Neighbours of all items together from which cheap pricing starts from some of the
items and bins only, others each time: one round would take as long as a proof."""

LIKELY = 0.05
"""Weight of a bin from which cheap pricing starts from it."""


@dataclass(frozen=True, slots=True)
class Duals:
    """Duals of a point of the relaxation as integers, in 1/scale thousandths."""

    items: Ints
    sigma: Ints
    tau: int


def integer_duals(master: Master, point: LinearPoint) -> Duals:
    """Round the duals of a point, items down and fines up.

    A cover without a bound from above on its bins never credits fewer of them: a count
    dual below 0 is the solver's tolerance then.
    """
    scale = master.instance.scale
    tau = round(point.tau * scale)
    return Duals(
        np.floor(point.duals * scale).astype(np.int64),
        np.ceil(point.sigma * scale).astype(np.int64),
        tau if master.most is not None else max(tau, 0),
    )


def generate(
    master: Master,
    *,
    least: int,
    most: int | None,
    bound: int,
    enough: Callable[[LinearPoint, int], bool] = lambda *_: False,
    keep: Callable[[Sequence[Bin]], None],
    prove: Callable[[Pricing, Duals], None],
    plan: Callable[[LinearPoint], Sequence[Bin]] = lambda _: (),
    notice: Callable[[LinearPoint, Duals], None] = lambda *_: None,
    priced: Callable[[LinearPoint, Pricing], None] = lambda *_: None,
    closed: Callable[[int], bool],
    stop: Stop,
) -> Generator[None, None, tuple[LinearPoint | None, int]]:
    """Generate columns until the relaxation is optimal; prove bounds on the way.

    Duals come from inside the optimal face (an interior point without crossover), which
    needs far fewer rounds than those of vertices, where the relaxation is degenerate
    (Gondzio, González-Brevis and Munari, *New developments in the primal-dual column
    generation technique*, 2013); from vertices only when nothing is found any more.
    Bins are looked for near those of the point first, by single changes, and by the
    exact search when that finds few. Ends early when a point and the bound are
    ``enough``, so that the point need not be an optimum. ``notice`` receives the point
    and the duals of every round, and ``priced`` the point whenever all anchors were
    priced, and what that found. Returns the point, None when stopped before it, and the
    bound.
    """
    instance = master.instance
    singles = [(i,) for i in range(len(instance))]
    every = 1 + 2 * len(instance.candidates) // MOST_STARTS
    central = True
    wide = len(instance.candidates) > WIDE
    effort = 0
    hard = len(instance.candidates) > DENSE * len(instance)
    patience = PROVE_EVERY * (2 if wide else 1) * (2 if wide and hard else 1)
    proven = bound
    since = 0
    for turn in count():
        yield
        if stop():
            return None, proven
        try:
            point = master.solve(central=central)
        except SolverFailed:
            return None, proven  # what is proven so far stands
        if central:
            point = master.thin_out(point)
        duals = integer_duals(master, point)
        notice(point, duals)
        starts = likely_bins(master, point)[: len(instance) // every]
        if turn % ALL_ITEMS_EVERY == 0:
            starts += singles[turn // ALL_ITEMS_EVERY % every :: every]
        near = nearby_bins(
            instance, duals.items, master.cuts, duals.sigma, duals.tau, starts,
            stop=stop,
        )  # fmt: skip
        new = _improving(master, near, duals)
        keep(new)
        if turn % PLAN_EVERY == PLAN_EVERY - 1:
            keep(plan(point))
        since += 1
        if hard and len(new) * FEW <= len(instance) and since < patience:
            seen = glance(
                instance, duals.items, master.cuts, duals.sigma, duals.tau, GLANCE,
                stop=stop,
            )  # fmt: skip
            more = _improving(master, seen, duals)
            keep(more)
            new += more
        if len(new) * FEW > len(instance) and since < patience:
            continue
        if stop():
            return None, proven
        since = 0
        found = price(
            instance, duals.items, master.cuts, duals.sigma, duals.tau,
            least=least, most=most or 0, node_limit=NODE_LIMITS[effort],
            spare=SPARE, stop=stop,
        )  # fmt: skip
        if found is None:
            return None, proven
        priced(point, found)
        hard = found.nodes > HARD * GLANCE * len(instance)
        if found.bound > proven:
            proven = found.bound
            prove(found, duals)
        if closed(proven) or enough(point, proven):
            return point, proven
        exact = _improving(master, found.bins, duals)
        keep(exact)
        if found.bound < proven and 0 < found.struck * RARELY <= len(instance):
            effort = max(effort, 1)
        if exact or new:
            continue
        if proven >= round_up(point.value, instance.grain) and not central:
            return point, proven
        if effort + 1 < len(NODE_LIMITS) and found.struck:
            effort += 1
        elif central:
            central = False
        else:
            return point, proven
    raise AssertionError("Counting does not end.")


def likely_bins(master: Master, point: LinearPoint) -> list[Bin]:
    """Return the bins a point puts most weight on, at most one for each item."""
    heavy = np.flatnonzero(point.weights > LIKELY)
    order = heavy[np.argsort(-point.weights[heavy], kind="stable")]
    return [master.bins[j] for j in order[: len(master.instance)]]


def _improving(master: Master, bins: Sequence[Bin], duals: Duals) -> list[Bin]:
    return [
        members
        for members in bins
        if members not in master
        and reduced_cost(master, members, duals.items, duals.sigma) < duals.tau
    ]

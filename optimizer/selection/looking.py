"""Plans of a search: around points of its relaxation, and with parts decided anew."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from optimizer.heuristics import HOT, improve, rounds_for
from optimizer.instance import Bin
from optimizer.selection.master import LinearPoint, Master
from optimizer.selection.parts import plan_in
from optimizer.selection.rounding import disjoint, dive, reoptimise

if TYPE_CHECKING:
    from optimizer.selection.solver import Search

FIRST_ROUNDS = 20
ROOT_ROUNDS = 40
"""Rounds of ruin and recreate for each item: at the start, and around what a dive
found."""

THICK = 20
"""Candidates of an anchor, on average, from which cuts come before branches."""

SLOW = 30
SLOW_ROUNDS = 200
"""Search nodes of an anchor, on average, from which a proof takes far longer than
``ROOT_ROUNDS``: these are made around each point that is priced, and so many before a
dive."""

WARM_ROUNDS = 2
"""Such rounds at the start where an earlier plan is known, and between proofs."""

MILD = 20
COOL = 60
"""How much less than the start plans may be shaken, of a relaxation and the best."""

PARTS = (60, 120, 240)
"""Items of the parts of a plan that integer programs decide anew, one after another."""

MIP_NODES = 30
"""Branch-and-bound nodes of an integer program over columns found, at the root; at
other nodes a tenth."""

EARLY_ITEMS = 100
"""Items from which plans are looked for before the relaxation is solved."""


def look_for_plans(
    search: "Search", master: Master, point: LinearPoint, bound: int, *, root: bool
) -> Iterator[None]:
    """Look for a better plan: dive, improve, then decide parts of it anew.

    Ends as soon as the best plan is good enough for the node's bound.
    """
    instance, stop = master.instance, search.stop
    if root:
        if search.known is None and len(instance) >= EARLY_ITEMS:
            rounded(search, master, point, ROOT_ROUNDS)
            if search.slow:
                rounded(search, master, point, SLOW_ROUNDS, HOT)
            search.looked = True
            yield
        for plan in dive(master, point, stop=stop):
            yield
            if plan is not None:
                search.take(instance, improve(instance, plan, stop=stop))
        if search.known is None and not search.closed(bound):
            look_longer(search)
        yield
    for part_items in PARTS if root else PARTS[:1]:
        start = plan_in(instance, search.best)
        if start is None or search.closed(bound) or stop():
            return
        for plan in reoptimise(
            master,
            point,
            start,
            part_items=part_items,
            node_limit=MIP_NODES if root else MIP_NODES // 10,
            seconds=search.remaining(),
            stop=stop,
        ):
            if plan is not None:
                search.take(instance, plan)
            yield
            if search.closed(bound):
                return
        if part_items >= len(instance):
            break


def rounded(
    search: "Search",
    master: Master,
    point: LinearPoint,
    each: int = WARM_ROUNDS,
    heat: int = MILD,
) -> Sequence[Bin]:
    """Round a point to a plan, improve it and return its bins."""
    instance = master.instance
    start = disjoint(master, point)
    rounds = rounds_for(instance, each)
    better = improve(instance, start, rounds=rounds, heat=heat, stop=search.stop)
    search.take(instance, better)
    return better


def look_longer(search: "Search") -> None:
    """Ruin and recreate parts of the best plan, many times."""
    instance = search.instance
    known = plan_in(instance, search.best) or ()
    rounds = rounds_for(instance, ROOT_ROUNDS)
    better = improve(instance, known, rounds=rounds, heat=COOL, stop=search.stop)
    search.take(instance, better)

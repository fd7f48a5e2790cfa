"""The nearest alternatives to what a plan does with the requests of one bin.

Take the requests of a bin B, and the *part* they are in: all requests that allowed
pairs link to them, directly or through others. What a plan does with B's requests is
the set of bins that hold them, its *answer*; the plan as it is answers {B}. An answer
costs what the cheapest plan of the part with that answer costs. Wanted are the cheapest
answers other than {B}.

A large part is not solved in the time of a question. So bins around B are looked at
first, all others left as they are: what is found there are plans, if not the cheapest,
and each stands in for the plan of its case until the case has a cheaper one.
"""

from collections.abc import Iterable, Sequence

from optimizer.batch import Batch
from optimizer.clusters import find_clusters
from optimizer.compatibility import may_share
from optimizer.earlier import Earlier
from optimizer.excluding import Alternative, Ids, Nearest, Remaining, Search
from optimizer.problem import Problem
from optimizer.rulings import settle
from optimizer.why import as_rulings

__all__ = ["Alternative", "Ids", "Nearest", "nearest"]

AROUND = 28
"""Requests about a bin that are looked at first, where its part has more."""

FIRST = 0.4
"""Share of the time that this may take."""


def nearest(
    problem: Problem,
    bins: Iterable[Sequence[str]],
    members: Sequence[str],
    *,
    count: int = 3,
    remaining: Remaining = lambda: None,
    earlier: Earlier | None = None,
    around: int = AROUND,
) -> Nearest:
    """Return the cheapest alternatives for the requests of one bin of a plan.

    Parameters
    ----------
    bins
        The plan, ``fixed`` bins included or not.
    members
        The requests of the bin.
    remaining
        Seconds that are left; at none the best that is known is returned.
    earlier
        What is kept of an earlier solve, for a warm start.
    around
        Requests about the bin that are looked at first where the part has more.

    Raises
    ------
    ValueError
        When the bin is none of the plan, or a request of it is in a fixed one.
    """
    plan = [tuple(sorted(ids)) for ids in bins]
    asked = tuple(sorted(members))
    if asked not in plan:
        raise ValueError("The requests are no bin of the plan.")
    accepted = {name for ids in problem.rulings.fixed for name in ids}
    if not accepted.isdisjoint(asked):
        raise ValueError("The bin, or a request of it, is accepted: it stays as it is.")
    part, own = _part_of(problem, plan, asked)
    known = earlier or Earlier()
    plans: tuple[tuple[Ids, ...], ...] = ()
    if len(part) > around and remaining() is not None:
        plans = _around(part, own, asked, count, around, remaining)
    return Search(part, asked, remaining, known, plans).found(own, count)


def _around(
    part: Problem,
    own: tuple[Ids, ...],
    asked: Ids,
    count: int,
    most: int,
    remaining: Remaining,
) -> tuple[tuple[Ids, ...], ...]:
    """Return plans of a part that differ from its own about one bin only."""
    place = part.batch.position
    ties = {
        ids: sum(may_share(part, place(a), place(b)) for a in asked for b in ids)
        for ids in own
        if ids != asked
    }
    chosen, size = [asked], len(asked)
    for ids in sorted(ties, key=lambda ids: (-ties[ids] / len(ids), ids)):
        if ties[ids] and size + len(ids) <= most:
            chosen.append(ids)
            size += len(ids)
    inside = {name for ids in chosen for name in ids}
    near = _of_requests(part, inside)
    begun = remaining() or 0.0

    def left() -> float:
        return max(0.0, (remaining() or 0.0) - begun * (1 - FIRST))

    found = Search(near, asked, left, Earlier(), ()).found(tuple(chosen), count)
    rest = tuple(ids for ids in own if ids not in chosen)
    return tuple(tuple(sorted((*one.bins, *rest))) for one in found.alternatives)


def _part_of(
    problem: Problem, plan: Sequence[Ids], asked: Ids
) -> tuple[Problem, tuple[Ids, ...]]:
    """Return the part some requests are in as a problem of its own, and its bins.

    Where a bin of the plan reaches into other parts, they belong to it.
    """
    from optimizer.builder import Builder

    builder = Builder(problem)
    parts = [
        {problem.requests[at].request_id for item in items for at in item}
        for cluster in find_clusters(problem)
        for items in (
            builder.split(cluster.items) if len(cluster.items) > 1 else [cluster.items]
        )
    ]
    accepted = {name for ids in problem.rulings.fixed for name in ids}
    free = [{*ids} - accepted for ids in plan]
    groups = [*parts, *free]
    inside: set[str] = set()
    reached = {*asked}
    while reached - inside:
        inside |= reached
        reached = set().union(*(g for g in groups if not g.isdisjoint(inside)))
    made = _of_requests(problem, inside)
    own = (tuple(sorted(ids)) for ids in free if not inside.isdisjoint(ids))
    return made, tuple(sorted(own))


def _of_requests(problem: Problem, inside: set[str]) -> Problem:
    """Return some requests, under the rulings over them alone, as a problem."""
    requests = tuple(r for r in problem.requests if r.request_id in inside)
    rulings = [
        one for one in as_rulings(problem.rulings) if inside.issuperset(one.request_ids)
    ]
    batch = Batch(requests=requests, precedents=problem.batch.precedents)
    return Problem(
        batch=batch,
        policy=problem.policy,
        catalogue=problem.catalogue,
        as_of=problem.as_of,
        rulings=settle(rulings, batch),
    )

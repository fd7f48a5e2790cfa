"""What one plan changes in another: bins new, gone and kept, and the exact figures."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from optimizer.problem import Problem
from optimizer.propose import Plan

type Ids = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """A plan by request ids; cost and bound in thousandths of a staff-day."""

    bins: frozenset[Ids]
    cost: int
    bound: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """How a plan differs from an earlier one.

    Parameters
    ----------
    new, gone, kept
        Bins in one of the plans or in both, by request ids, in sorted order.
    cost, bound
        By how many thousandths of a staff-day they have risen, exactly; below 0 where
        they have fallen.
    """

    new: tuple[Ids, ...]
    gone: tuple[Ids, ...]
    kept: tuple[Ids, ...]
    cost: int
    bound: int


def outline(problem: Problem, plan: Plan) -> Outline:
    """Return the plan of a problem by request ids."""
    requests = problem.requests
    named = (tuple(requests[p].request_id for p in members) for members in plan.bins)
    return outline_of(named, cost=plan.cost, bound=plan.bound)


def outline_of(bins: Iterable[Sequence[str]], *, cost: int, bound: int) -> Outline:
    """Return a plan given by request ids, in any order."""
    named = frozenset(tuple(sorted(members)) for members in bins)
    return Outline(bins=named, cost=cost, bound=bound)


def changes(before: Outline, after: Outline) -> Changes:
    """Return what the later of two plans changes in the earlier."""
    return Changes(
        new=tuple(sorted(after.bins - before.bins)),
        gone=tuple(sorted(before.bins - after.bins)),
        kept=tuple(sorted(after.bins & before.bins)),
        cost=after.cost - before.cost,
        bound=after.bound - before.bound,
    )

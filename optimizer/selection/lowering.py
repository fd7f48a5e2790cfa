"""Duals lowered before they are priced, for want of time and of search.

The sum that duals prove once what violates them has given way is not the greater the
higher they are: where bins hold many items of which any may stand for another, each
anchor's dual gives way by what all duals of a bin are too high. And the lower they are,
the less search it takes to see that a bin does not violate them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from optimizer.instance import Instance, Ints
from optimizer.pricing import Stop, price
from optimizer.selection.parts import lower
from optimizer.spreading import spread

LOWERED: Final = (0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.94, 0.97, 1.0)
"""How far duals may be lowered before they are priced."""

USUAL = 4
TOP = len(LOWERED) - 1
"""Which of those shares of a plan begin with, and duals that were spread."""

FIRST_NODES = 11
"""Search nodes of an anchor for the first duals: a bound by two forests is the last."""

SAMPLE = 100
SAMPLES = 10
"""Anchors by which it is seen which of some duals prove most and how long all take,
and in how many places those are for the latter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which of some duals, and lowered to which of ``LOWERED``, prove most."""

    which: int
    rung: int


def choose_lowered(
    instance: Instance,
    duals: Ints,
    own: tuple[int, int],
    asked: Sequence[Ints],
    *,
    anchors: tuple[int, int],
    nodes: int,
    rung: int,
    seconds: float | None = None,
    remaining: Callable[[], float | None] = lambda: None,
    stop: Stop = lambda: False,
) -> Choice | None:
    """Find by some anchors which duals prove most in the place of those of own items.

    Parameters
    ----------
    duals, own, asked
        Duals of all items, whose they are to replace (first, one past the last), and by
        which: one array for each choice.
    anchors
        Those by which it is seen: first, one past the last.
    rung
        Of ``LOWERED``, where to begin.
    seconds
        What the anchors may take at most, where there is a limit.

    Returns
    -------
    Choice or None
        None when told to stop, or where duals take longer however low they are.
    """
    best: tuple[int, Choice] | None = None
    first, last = anchors

    def proven(which: int, at: int) -> int | None:
        tried = duals.copy()
        tried[own[0] : own[1]] = lower(asked[which], LOWERED[at])
        begun = remaining()
        found = price(
            instance, tried, node_limit=nodes, spare=nodes, anchors=anchors, stop=stop
        )
        now = remaining()
        if found is None:
            return None
        if seconds is not None and (begun or 0.0) - (now or 0.0) > seconds:
            return None
        return int(found.duals[first:last].sum())

    for which in range(len(asked)):
        at, worth = rung, proven(which, rung)
        for step in (1, -1):
            while not stop() and 0 <= at + step < len(LOWERED):
                other = proven(which, at + step)
                if worth is not None and (other is None or other <= worth):
                    break
                if worth is None and step > 0:
                    break
                at, worth = at + step, other
        if worth is not None and (best is None or worth > best[0]):
            best = worth, Choice(which=which, rung=at)
    return None if best is None else best[1]


def seconds_each(
    instance: Instance,
    duals: Ints,
    remaining: Callable[[], float | None],
    stop: Stop,
    *,
    spread_first: bool = False,
) -> float:
    """Return about how many seconds an anchor takes to price with few search nodes.

    By anchors in several places; 0 where nobody counts. With ``spread_first`` that
    includes to spread what violates.
    """
    n = len(duals)
    each = max(1, min(SAMPLE, n) // SAMPLES)

    def try_at(first: int, last: int) -> None:
        tried, anchors = duals, (first, last)
        if spread_first:
            found = spread(instance, duals, anchors=anchors, stop=stop)
            tried = duals if found is None else found.duals
        price(instance, tried, anchors=anchors, node_limit=FIRST_NODES, stop=stop)

    try_at(0, 1)  # kernels that are loaded now are not counted
    begun = remaining()
    if begun is None:
        return 0.0
    for place in range(SAMPLES):
        first = (n - each) * place // (SAMPLES - 1)
        try_at(first, first + each)
    return (begun - (remaining() or 0.0)) / (each * SAMPLES)

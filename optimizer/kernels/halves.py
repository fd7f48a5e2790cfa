"""A choice with two forests of nests: each item's gain is divided between them.

No bin gains more than the best choice in the first forest, with one part of every
item's gain, and the best choice in the second, with the rest, come to together: the bin
itself is one of the choices on either side. That is Lagrangian decomposition (Guignard
and Kim 1987). Any division is valid. Where the two choices differ, what the first wants
alone is made less dear to it, and what the second wants alone is made dearer.
"""

from typing import Any, NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from optimizer.kernels.nested import (
    LocalNests,
    NestRoom,
    choose_by_nests,
    nests_of,
    room_for_nests,
)
from optimizer.kernels.partial import FREE, GAIN, ROOM, SLOTS, put_out
from optimizer.kernels.relaxation import gaining_first, relax_but, shift
from optimizer.kernels.value import credit, reprice, value_taken

compiled: Any = numba.njit(cache=True, nogil=True)

type Ints = npt.NDArray[np.int64]

ROUNDS = 40
"""How often gains are divided anew, at most."""

STEPS = 16
PATIENCE = 3
"""The first step is Polyak's. Rounds without a better bound after which a step is half
as long, down to one of so many parts, and begins from the best division."""


class Halves(NamedTuple):
    """Two forests of an anchor's features, and room for a choice from each."""

    nests: LocalNests
    others: LocalNests  # among the features that are no nests of the first
    nested: Ints  # 1 where a feature is a nest of either
    given: Ints  # what of each item's gain is the second's
    proven: Ints  # that of the least bound so far
    wanted: Ints  # all 0 but for a moment
    other: Ints  # how many items the second's choice has
    one: NestRoom
    two: NestRoom


@compiled
def halves_of(local, arrays):
    """Return the two forests of an anchor, and room."""
    feature_of = np.full(arrays.weight.shape[0], -1, np.int64)
    nf = local.weight.shape[0]
    for f in range(nf):
        if local.origin[f] >= 0:
            feature_of[local.origin[f]] = f
    nests = nests_of(local, arrays.nests, feature_of)
    others = nests_of(local, arrays.others, feature_of)
    nested = np.zeros(nf, np.int64)
    for f in nests.feature[:-1]:
        nested[f] = 1
    for f in others.feature[:-1]:
        nested[f] = 1
    m = local.item.shape[0]
    width = min(local.slots, local.size.sum()) + 1
    sized = m if local.size.max() > 1 else 0
    return Halves(
        nests, others, nested,
        np.zeros(m, np.int64), np.zeros(m, np.int64), np.zeros(m, np.int64),
        np.zeros(1, np.int64), room_for_nests(nests, width, sized),
        room_for_nests(others, width, sized),
    )  # fmt: skip


@compiled
def divide(local, state, halves):
    """Give the second forest what its features take of an item in equal parts."""
    halves.given[:] = 0
    for f in halves.others.feature[:-1]:
        first, last = local.holder_at[f], local.holder_at[f + 1]
        free = 0
        for e in range(first, last):
            free += state[local.holders[e]] == FREE
        each = local.weight[f] // max(min(free, local.slots), 1)
        for e in range(first, last):
            halves.given[local.holders[e]] += each


@compiled
def choose_in_both(local, part, work, halves, count):
    """Return the best gains of both forests together, with all slots and one less.

    Third: how many items the first forest's choice has, which is the trial.
    """
    one, two = halves.one, halves.two
    left, given, order = work.left, halves.given, work.order
    one.left[:] = 0
    two.left[:] = 0
    for a in range(count):
        j = order[a]
        one.left[j] = left[j] - given[j]
        two.left[j] = given[j]
    some = gaining_first(one.order, one.left, one.after)
    rest = gaining_first(two.order, two.left, two.after)
    slots = part.figures[SLOTS]
    best, less, taken = choose_by_nests(
        halves.nests, one, work.open, local.weight, local.size, some, slots
    )
    more, more_less, halves.other[0] = choose_by_nests(
        halves.others, two, work.open, local.weight, local.size, rest, slots
    )
    work.trial[:taken] = one.trial[:taken]
    return best + more, less + more_less, taken


@compiled
def divide_anew(trial, halves, taken, excess):
    """Move gains to where they are wanted; tell whether any moved.

    The step is Polyak's (1969) for a bound that should be no more than the best bin
    found, ``excess`` lower.
    """
    wanted, given, two = halves.wanted, halves.given, halves.two
    both = 0
    for a in range(taken):
        wanted[trial[a]] = 1
    for a in range(halves.other[0]):
        both += wanted[two.trial[a]]
    differ = taken + halves.other[0] - 2 * both
    step = excess // max(differ, 1)
    for a in range(halves.other[0]):
        j = two.trial[a]
        if wanted[j] == 1:
            wanted[j] = 0
        else:
            given[j] -= step
    for a in range(taken):
        j = trial[a]
        given[j] += wanted[j] * step
        wanted[j] = 0
    return differ > 0 and step > 0


@compiled
def bound_by_halves(local, part, work, halves, target):
    """Return a bound on what bins of the free items gain, at most ``target`` if it can.

    Items that no bin which gains more than that holds are put out. Shares of features
    in neither forest and charges for value are as at any node.
    """
    divide(local, part.state, halves)
    halves.proven[:] = halves.given
    bound = np.int64(2**62)
    step = STEPS
    stale = 0
    floor = np.int64(0)
    tried = 0
    for _ in range(ROUNDS):
        count = relax_but(local, part, work, halves.nested)
        best, one_less, taken = choose_in_both(local, part, work, halves, count)
        sure = part.figures[GAIN] + credit(part, work)
        now = sure + best
        stale += 1
        if now < bound:
            bound = now
            stale = 0
            halves.proven[:] = halves.given
        elif stale == PATIENCE:
            step = max(step // 2, 1)
            stale = 0
            halves.given[:] = halves.proven
        if bound <= target:
            break
        out = 0
        for j in range(local.item.shape[0]):
            if part.state[j] == FREE and sure + one_less + work.left[j] <= target:
                put_out(part, j)
                out += 1
        moved = shift(local, part, work, taken)
        divided = divide_anew(work.trial, halves, taken, (now - target) // STEPS * step)
        if value_taken(local, work, taken) > part.figures[ROOM]:
            floor = work.rate[0]
        repriced = reprice(local, part, work, taken, count, tried, floor)
        tried += repriced
        if out == 0 and not moved and not divided and not repriced:
            break
    work.rate[0] = 0
    return bound

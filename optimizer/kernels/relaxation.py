"""What the bins of a node could gain at most: shares of features, then a choice.

A feature that is not decided yet charges its free items shares of its weight, so that
no bin is charged more than it pays: all its items together where they all fit, and a
K-th of the weight each where at most K do. What is left is a choice of items within
the limits on requests and customers, where a customer's fee is paid once.
"""

from typing import Any, NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from optimizer.kernels.partial import BUYERS, FREE, OUT, ROOM, SLOTS, TRAIL, TRIED

compiled: Any = numba.njit(cache=True, nogil=True)

type Ints = npt.NDArray[np.int64]

PAID, ALONE = -1, -2
"""Groups whose fee is paid, and of a single item that holds several requests."""


class Relaxed(NamedTuple):
    """Room for the relaxation of a node."""

    open: Ints  # 1 where a feature is not paid for yet
    free: Ints  # how many free items a feature charges, 0 where it charges none
    share: Ints  # what each free item is charged for each feature it touches
    more: Ints  # by how much a feature's shares rise
    kept: Ints  # 1 where they rise from what they were, 0 where from nothing
    pool: Ints  # what items give up of a feature
    left: Ints  # gain of each item after its shares and its charge for value
    order: Ints  # items that gain, most first; then the others
    hits: Ints
    trial: Ints
    first: Ints  # of each group: its first item in ``order``
    after: Ints  # of each item: the next of its group
    groups: Ints  # groups in order of their first item
    row: Ints  # best gain by requests taken
    table: npt.NDArray[np.int64]  # best gain by customers and requests taken
    choice: npt.NDArray[np.int32]  # how many items of a group that took
    rate: Ints  # what a unit of value is charged, and how many cents a unit is
    units: Ints  # whole units of value of each item
    dearness: npt.NDArray[np.float64]


@compiled
def relax(local, part, work):
    """Charge free items their shares; return how many still gain, in ``order``.

    The fee of an item's one customer is left to ``best_choice``. Items that cannot
    come in any more are put out.
    """
    return relax_but(local, part, work, local.customers)


@compiled
def relax_but(local, part, work, exact):
    """Do as ``relax``; features of which ``exact`` is not 0 are left to a choice."""
    slots, room, buyers = part.figures[SLOTS], part.figures[ROOM], part.figures[BUYERS]
    state, got, forced, trail = part.state, part.got, part.forced, part.trail
    opened, free, share = work.open, work.free, work.share
    rises, kept, rest = work.more, work.kept, work.hits
    touch_at, touches, customers = local.touch_at, local.touches, local.customers
    weight, need, size, value = local.weight, local.need, local.size, local.value
    trailed = part.figures[TRAIL]
    m = size.shape[0]
    nf = weight.shape[0]
    for f in range(nf):
        free[f] = 0
        rest[f] = weight[f]
        opened[f] = forced[f] == 0 and got[f] < need[f]
    for j in range(m):
        if state[j] != FREE:
            continue
        more = 0
        for e in range(touch_at[j], touch_at[j + 1]):
            more += customers[touches[e]] * opened[touches[e]]
        if size[j] > slots or value[j] > room or more > buyers:
            state[j] = OUT
            trail[trailed] = j
            trailed += 1
            continue
        for e in range(touch_at[j], touch_at[j + 1]):
            free[touches[e]] += 1
            rest[touches[e]] -= share[e]
    part.figures[TRAIL] = trailed
    for f in range(nf):
        if opened[f] == 0 or got[f] + 1 < need[f] or exact[f] > 0:
            free[f] = 0
        if free[f] == 0:
            continue
        kept[f] = free[f] <= slots and rest[f] >= 0
        if kept[f] == 1:
            rises[f] = rest[f] // free[f]
        else:
            rises[f] = weight[f] // min(free[f], slots)
    left, profit = work.left, local.profit
    rate, units = work.rate[0], work.units
    for j in range(m):
        left[j] = 0
        if state[j] != FREE:
            continue
        gain = profit[j] - rate * units[j]
        for e in range(touch_at[j], touch_at[j + 1]):
            f = touches[e]
            if free[f] > 0:
                share[e] = share[e] * kept[f] + rises[f]
                gain -= share[e]
        left[j] = gain
    return gaining_first(work.order, left, work.after)


@compiled
def shift(local, part, work, taken):
    """Charge the trial's items more for what they touch, other items less.

    Items outside the trial take as much off as leaves them outside it.
    """
    slots = part.figures[SLOTS]
    state, left, share, free = part.state, work.left, work.share, work.free
    trial, tried, pool = work.trial, work.hits, work.pool
    touch_at, touches = local.touch_at, local.touches
    least = np.int64(0)
    if 0 < taken == slots:
        least = left[trial[0]]
        for a in range(taken):
            least = min(least, left[trial[a]])
    tried[:] = 0
    pool[:] = 0
    for a in range(taken):
        j = trial[a]
        if state[j] == FREE:
            state[j] = TRIED
            for e in range(touch_at[j], touch_at[j + 1]):
                tried[touches[e]] += free[touches[e]] <= slots
    moved = False
    for j in range(left.shape[0]):
        if state[j] != FREE or left[j] >= least:
            continue
        for e in range(touch_at[j], touch_at[j + 1]):
            f = touches[e]
            if tried[f] > 0 and free[f] > 0:
                off = min(share[e], least - left[j])
                share[e] -= off
                left[j] += off
                pool[f] += off
                moved |= off > 0
    for a in range(taken):
        j = trial[a]
        if state[j] != TRIED:
            continue
        state[j] = FREE
        for e in range(touch_at[j], touch_at[j + 1]):
            f = touches[e]
            if pool[f] > 0:
                share[e] += pool[f] // tried[f]
                left[j] -= pool[f] // tried[f]
    return moved


@compiled
def most_first(order, gain, count):
    """Sort items by gain, the later of equals first; fast where they nearly are."""
    for a in range(1, count):
        j = order[a]
        b = a - 1
        while b >= 0:
            i = order[b]
            if gain[i] > gain[j] or (gain[i] == gain[j] and i > j):
                break
            order[b + 1] = i
            b -= 1
        order[b + 1] = j


@compiled
def gaining_first(order, gain, later):
    """Sort items that gain to the front, most first; return how many.

    ``order`` holds all items, in whatever order they were last; ``later`` is room.
    """
    count = 0
    others = 0
    for a in range(order.shape[0]):
        j = order[a]
        if gain[j] > 0:
            order[count] = j
            count += 1
        else:
            later[others] = j
            others += 1
    order[count:] = later[:others]
    most_first(order, gain, count)
    return count

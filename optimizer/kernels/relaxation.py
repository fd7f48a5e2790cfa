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
    left: Ints  # gain of each item after its shares and its charge for value
    order: Ints  # items that gain, most first
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
    touch_at, touches, customers = local.touch_at, local.touches, local.customers
    holder_at, holders, edges = local.holder_at, local.holders, local.holder_edges
    weight, need, size, value = local.weight, local.need, local.size, local.value
    trailed = part.figures[TRAIL]
    m = size.shape[0]
    nf = weight.shape[0]
    for f in range(nf):
        free[f] = 0
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
    part.figures[TRAIL] = trailed
    for f in range(nf):
        if opened[f] == 0 or got[f] + 1 < need[f] or exact[f] > 0:
            free[f] = 0
        if free[f] == 0:
            continue
        if free[f] > slots:
            each = weight[f] // slots
            for e in range(holder_at[f], holder_at[f + 1]):
                share[edges[e]] = each
            continue
        rest = weight[f]
        for e in range(holder_at[f], holder_at[f + 1]):
            if state[holders[e]] == FREE:
                rest -= share[edges[e]]
        if rest == 0:
            continue
        each = (weight[f] if rest < 0 else rest) // free[f]
        for e in range(holder_at[f], holder_at[f + 1]):
            if state[holders[e]] == FREE:
                share[edges[e]] = each if rest < 0 else share[edges[e]] + each
    return in_order(local, part, work)


@compiled
def shift(local, part, work, taken):
    """Charge the trial's items more for what they touch, other items less.

    Items outside the trial take as much off as leaves them outside it.
    """
    slots = part.figures[SLOTS]
    state, left, share, free = part.state, work.left, work.share, work.free
    trial = work.trial
    holder_at, holders, edges = local.holder_at, local.holders, local.holder_edges
    least = np.int64(0)
    if 0 < taken == slots:
        least = left[trial[0]]
        for a in range(taken):
            least = min(least, left[trial[a]])
    for a in range(taken):
        if state[trial[a]] == FREE:
            state[trial[a]] = TRIED
    moved = False
    for f in range(local.weight.shape[0]):
        if free[f] == 0 or free[f] > slots:
            continue
        tried = 0
        for e in range(holder_at[f], holder_at[f + 1]):
            if state[holders[e]] == TRIED:
                tried += 1
        if tried == 0 or tried == free[f]:
            continue
        pool = np.int64(0)
        for e in range(holder_at[f], holder_at[f + 1]):
            j = holders[e]
            if state[j] == FREE and left[j] < least:
                off = min(share[edges[e]], least - left[j])
                share[edges[e]] -= off
                left[j] += off
                pool += off
        if pool == 0:
            continue
        moved = True
        each = pool // tried
        for e in range(holder_at[f], holder_at[f + 1]):
            j = holders[e]
            if state[j] == TRIED:
                share[edges[e]] += each
                left[j] -= each
    for a in range(taken):
        if state[trial[a]] == TRIED:
            state[trial[a]] = FREE
    return moved


@compiled
def most_first(order, gain, count):
    """Sort items by gain, the later of equals first."""
    gap = count // 2
    while gap > 0:  # Shell's sort; items differ, so the order is one
        for a in range(gap, count):
            j = order[a]
            b = a - gap
            while b >= 0:
                i = order[b]
                if gain[i] > gain[j] or (gain[i] == gain[j] and i > j):
                    break
                order[b + gap] = i
                b -= gap
            order[b + gap] = j
        gap //= 2


@compiled
def in_order(local, part, work):
    """List the free items that gain after their shares, most first; return how many."""
    state, free, share = part.state, work.free, work.share
    left, order, profit = work.left, work.order, local.profit
    touch_at, touches = local.touch_at, local.touches
    rate, units = work.rate[0], work.units
    count = 0
    for j in range(profit.shape[0]):
        if state[j] != FREE:
            continue
        gain = profit[j] - rate * units[j]
        for e in range(touch_at[j], touch_at[j + 1]):
            if free[touches[e]] > 0:
                gain -= share[e]
        left[j] = gain
        if gain > 0:
            order[count] = j
            count += 1
    most_first(order, left, count)
    return count

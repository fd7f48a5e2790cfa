"""The limit on value in the relaxation: value is charged for, and the room refunded.

Items are charged a rate for each whole unit of their value. A bin has no more whole
units than fit its room, so what its items are charged is at most what that room comes
to at the rate; as much is credited to the bound. Any rate from 0 is valid.
"""

from typing import Any

import numba
import numpy as np

from optimizer.kernels.partial import FREE, ROOM

compiled: Any = numba.njit(cache=True, nogil=True)

FINEST = 2**20
"""Most units a bin's room is measured in."""

MOST_CREDIT = 2**61
"""No rate may credit more: sums stay within 64 bits."""


@compiled
def measure(local, work):
    """Measure values in units, as fine as may be, and charge nothing yet."""
    unit = max(local.room // FINEST, 1)
    work.rate[0] = 0
    work.rate[1] = unit
    for j in range(local.value.shape[0]):
        work.units[j] = local.value[j] // unit


@compiled
def credit(part, work):
    """Return what a bin is credited for charges: its room at the rate."""
    return work.rate[0] * (part.figures[ROOM] // work.rate[1])


@compiled
def value_taken(local, work, taken):
    """Return the value of the trial."""
    total = np.int64(0)
    for a in range(taken):
        total += local.value[work.trial[a]]
    return total


@compiled
def fill(part, work):
    """Set the rate at which free items just fill the room, those that gain most first.

    It is the dual of the knapsack with parts of items: best where no other limit binds.
    """
    old = work.rate[0]
    # The groups of the last choice are needed no more: their room serves for sorting.
    order, dearness, left, units = work.after, work.dearness, work.left, work.units
    count = 0
    for j in range(units.shape[0]):
        gain = left[j] + old * units[j]
        if part.state[j] == FREE and gain > 0 and units[j] > 0:
            dearness[j] = gain / units[j]
            order[count] = j
            count += 1
    gap = count // 2
    while gap > 0:
        for a in range(gap, count):
            j = order[a]
            b = a - gap
            while b >= 0 and dearness[order[b]] < dearness[j]:
                order[b + gap] = order[b]
                b -= gap
            order[b + gap] = j
        gap //= 2
    room = part.figures[ROOM] // work.rate[1]
    most = MOST_CREDIT // (room + 1)
    work.rate[0] = 0
    for a in range(count):
        room -= units[order[a]]
        if room < 0:
            work.rate[0] = min(np.int64(dearness[order[a]]), most)
            return


@compiled
def reprice(local, part, work, taken, count, tried, floor):
    """Set another rate for what the trial takes of the room; tell whether it changed.

    ``tried`` tells how often that was done at this node, ``floor`` is a rate at which
    the trial took too much.
    """
    rate = work.rate[0]
    amount = value_taken(local, work, taken)
    if amount == part.figures[ROOM] or (rate == 0 and amount < part.figures[ROOM]):
        return False
    if tried == 0:
        fill(part, work)
    elif amount < part.figures[ROOM] and taken < count:
        work.rate[0] = (floor + rate) // 2
    return work.rate[0] != rate

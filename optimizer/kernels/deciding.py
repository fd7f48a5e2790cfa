"""What a node of an anchor's search is divided by."""

from typing import Any

import numba
import numpy as np

from optimizer.kernels.partial import FREE, ROOM, TRIED, charged

compiled: Any = numba.njit(cache=True, nogil=True)

ON_FEATURE, ON_KIND, ON_ITEM = 0, 1, 2


@compiled
def missed_of(local, work, taken, f):
    """Return what the trial should pay for a feature beyond its shares."""
    missed = local.weight[f]
    for a in range(taken):
        j = work.trial[a]
        for e in range(local.touch_at[j], local.touch_at[j + 1]):
            if local.touches[e] == f:
                if work.free[f] > 0:
                    missed -= work.share[e]
                elif local.group[j] == f and local.size[j] == 1:
                    return np.int64(0)
    return missed


@compiled
def worst_clash(local, work, kind_ok, taken):
    """Return the trial item that clashes with most others, -1 when none does."""
    worst = 0
    worst_item = -1
    for a in range(taken):
        clashes = 0
        row = local.kind[work.trial[a]]
        for b in range(taken):
            if a != b and kind_ok[row, local.kind[work.trial[b]]] == 0:
                clashes += 1
        if clashes > worst:
            worst = clashes
            worst_item = work.trial[a]
    return worst_item


@compiled
def choose_branch(local, part, work, kind_ok, taken, clash, buyers, amount):
    """Return what to branch on so that the trial's bound is no longer possible.

    First a kind of items that clash, then the feature the trial pays least of, then an
    item: the largest where the value is too high, or one of a cut. (-1, -1) when the
    bound is the trial's gain.
    """
    if clash >= 0:
        row = local.kind[clash]
        if kind_ok[row, row] == 1:
            return ON_KIND, row
        return ON_ITEM, clash
    worst = np.int64(0)
    branch = -1
    first_of_customers = local.weight.max() + 1 if buyers < 0 else np.int64(0)
    for f in range(local.weight.shape[0]):
        if work.hits[f] < local.need[f] or charged(local, part, f):
            continue
        if local.need[f] > 1 and part.got[f] == 0:
            continue
        missed = missed_of(local, work, taken, f)
        if local.customers[f] > 0:
            missed += first_of_customers
        if missed > worst:
            worst = missed
            branch = f
    if branch >= 0:
        return ON_FEATURE, branch
    if amount > part.figures[ROOM]:
        largest = work.trial[0]
        for a in range(1, taken):
            if local.value[work.trial[a]] > local.value[largest]:
                largest = work.trial[a]
        return ON_ITEM, largest
    for a in range(taken):
        j = work.trial[a]
        for e in range(local.touch_at[j], local.touch_at[j + 1]):
            f = local.touches[e]
            if (
                local.need[f] > 1
                and part.got[f] == 0
                and work.hits[f] > 1
                and not charged(local, part, f)
            ):
                return ON_ITEM, j
    if work.rate[0] > 0:
        return ON_ITEM, next_in(local, part, work, taken)
    return -1, -1


@compiled
def next_in(local, part, work, taken):
    """Return the free item that is nearest to coming into the trial, or one in it.

    -1 when no item is free: the trial is all there is.
    """
    for a in range(taken):
        part.state[work.trial[a]] = TRIED
    best = -1
    for j in range(local.item.shape[0]):
        if part.state[j] == FREE and (best < 0 or work.left[j] > work.left[best]):
            best = j
    for a in range(taken):
        part.state[work.trial[a]] = FREE
    if best < 0 and taken > 0:
        return work.trial[0]
    return best


@compiled
def replaceable(local, i, j):
    """Tell whether item j may stand for item i in any bin without it, at no loss.

    So it is for twins and for itself. No bin worth finding holds i and leaves out j.
    """
    if (
        local.kind[i] != local.kind[j]
        or local.profit[i] > local.profit[j]
        or local.size[i] < local.size[j]
        or local.value[i] < local.value[j]
    ):
        return False
    first, other = local.touch_at[i], local.touch_at[j]
    count = local.touch_at[i + 1] - first
    if local.touch_at[j + 1] - other != count:
        return False
    for e in range(count):
        if local.touches[first + e] != local.touches[other + e]:
            return False
    return True

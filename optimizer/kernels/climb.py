"""Bins that violate the duals, by single changes to bins that are known.

Nothing is proven here: it is a cheap way to columns, used before the exact search.
"""

from typing import Any

import numba
import numpy as np

from optimizer.kernels.exchange import (
    MEMBERS,
    NEAR_ONE,
    best_exchange,
    fines_once,
    new_exchange,
)
from optimizer.kernels.moves import (
    BUYERS,
    COST,
    COUNT,
    RAW,
    SIZE,
    SLOPE,
    START,
    VALUE,
    new_plan,
    put,
    take_out,
)

compiled: Any = numba.njit(cache=True, nogil=True)

STEPS = 40
"""Changes made to one bin at most."""

SWAPS = 12
"""Members of a larger bin that are tried to leave: those that are worth least in it."""

GIVES_WAY = 2
"""A bin's items give up one in so many parts of its violation for the next starts."""


@compiled
def enter(arrays, plan, near_at, near, cuts, got, i):
    """Put an item into the bin and count whom it is near to."""
    put(arrays, plan, 0, i)
    for e in range(near_at[i], near_at[i + 1]):
        plan.mark[near[e]] += NEAR_ONE + i
    for e in range(cuts.cut_at[i], cuts.cut_at[i + 1]):
        got[cuts.cuts[e]] += 1


@compiled
def leave(arrays, plan, near_at, near, cuts, got, i):
    """Take an item out of the bin."""
    take_out(arrays, plan, i)
    for e in range(near_at[i], near_at[i + 1]):
        plan.mark[near[e]] -= NEAR_ONE + i
    for e in range(cuts.cut_at[i], cuts.cut_at[i + 1]):
        got[cuts.cuts[e]] -= 1


@compiled
def best_entry(arrays, plan, near_at, near, duals, cuts, got):
    """Return the item whose joining gains most, and the gain; -1 when none may."""
    members, mark, home = plan.members[0], plan.mark, plan.home
    figures, touching = plan.bins[0], plan.touching[0]
    feature_at, features, weight = arrays.feature_at, arrays.features, arrays.weight
    per_customer = arrays.per_customer
    count = figures[COUNT]
    size_left = arrays.max_requests - figures[SIZE]
    value_left = arrays.max_value - figures[VALUE]
    buyers_left = arrays.max_customers - figures[BUYERS]
    best = -np.int64(2**62)
    best_item = -1
    if size_left <= 0:
        return best_item, best
    through = members[0]
    for x in range(1, count):
        i = members[x]
        if near_at[i + 1] - near_at[i] < near_at[through + 1] - near_at[through]:
            through = i
    known = figures[RAW] - figures[COST]
    start, rate = figures[START], figures[SLOPE]
    for j in near[near_at[through] : near_at[through + 1]]:
        if mark[j] >> MEMBERS != count or home[j] >= 0 or arrays.size[j] > size_left:
            continue
        if arrays.value[j] > value_left:
            continue
        buyers = 0
        paid = known + arrays.own[j]
        for e in range(feature_at[j], feature_at[j + 1]):
            f = features[e]
            if touching[f] == 0:
                paid += weight[f]
                buyers += per_customer[f]
        if buyers > buyers_left:
            continue
        late = arrays.ready[j] - start
        paid += late * rate if late > 0 else -late * arrays.slope[j]
        gain = duals[j] - arrays.scale * paid
        if gain > best:
            gain -= fines_once(cuts, got, j, 1)
            if gain > best:
                best = gain
                best_item = j
    return best_item, best


@compiled
def may_leave(arrays, plan, duals, worth, places):
    """Write the places of members that are tried to leave, ascending; return how many.

    All of a small bin; of a larger one those that bring least for what they cost.
    """
    count = plan.bins[0, COUNT]
    if count <= SWAPS:
        for x in range(count):
            places[x] = x
        return count
    for x in range(count):
        i = plan.members[0, x]
        delay = plan.bins[0, START] - arrays.ready[i]
        cost = arrays.own[i] + arrays.slope[i] * delay
        for e in range(arrays.feature_at[i], arrays.feature_at[i + 1]):
            if plan.touching[0, arrays.features[e]] == 1:
                cost += arrays.weight[arrays.features[e]]
        worth[x] = duals[i] - arrays.scale * cost
    for _ in range(SWAPS):
        least = -1
        for x in range(count):
            if places[x] >= 0 and (least < 0 or worth[x] < worth[least]):
                least = x
        places[least] = -1
    found = 0
    for x in range(count):
        if places[x] < 0:
            places[found] = x
            found += 1
    return found


@compiled
def climb(arrays, near_at, near, duals, tau, cuts, start_at, starts, columns, lengths):
    """Change each start bin while its violation grows; return nothing.

    ``columns[s]`` receives the bin reached from start s and ``lengths[s]`` its number
    of items, 0 when it does not violate the duals. ``duals`` are lowered where a bin
    gives way.
    """
    n = near_at.shape[0] - 1
    features = max(arrays.weight.shape[0], 1)
    plan = new_plan(n, 1, features, columns.shape[1], np.uint64(1))
    got = np.zeros(cuts.sigma.shape[0], np.int64)
    worth = np.empty(columns.shape[1], np.int64)
    places = np.empty(columns.shape[1], np.int64)
    room = new_exchange(columns.shape[1], features)
    for s in range(lengths.shape[0]):
        gain = tau
        for e in range(start_at[s], start_at[s + 1]):
            gain += duals[starts[e]] - fines_once(cuts, got, starts[e], 1)
            enter(arrays, plan, near_at, near, cuts, got, starts[e])
        gain -= arrays.scale * plan.bins[0, COST]
        for _ in range(STEPS):
            # Join, whenever that helps.
            j, more = best_entry(arrays, plan, near_at, near, duals, cuts, got)
            if j >= 0 and more > 0:
                enter(arrays, plan, near_at, near, cuts, got, j)
                gain += more
                continue
            count = plan.bins[0, COUNT]
            if count == 1:
                if j < 0:
                    break
                # No pair gains by itself; three may.
                enter(arrays, plan, near_at, near, cuts, got, j)
                gain += more
                k, again = best_entry(arrays, plan, near_at, near, duals, cuts, got)
                if k >= 0 and more + again > 0:
                    enter(arrays, plan, near_at, near, cuts, got, k)
                    gain += again
                    continue
                break
            # Leave, or leave for another to join.
            places[:] = 0
            tried = may_leave(arrays, plan, duals, worth, places)
            drop, best = best_exchange(
                arrays, plan, near_at, near, duals, cuts, got, places[:tried], room
            )
            if drop < 0:
                break
            leave(arrays, plan, near_at, near, cuts, got, drop)
            j, more = best_entry(arrays, plan, near_at, near, duals, cuts, got)
            if j >= 0 and more > 0:
                enter(arrays, plan, near_at, near, cuts, got, j)
            gain += best
        count = plan.bins[0, COUNT]
        lengths[s] = count if gain > 0 and count > 1 else 0
        for x in range(count):
            columns[s, x] = plan.members[0, x]
        if lengths[s] > 0:
            # Bins of one round should fit together: the next go for other items.
            for x in range(count):
                duals[plan.members[0, x]] -= gain // (count * GIVES_WAY)
        while plan.bins[0, COUNT] > 0:
            leave(
                arrays, plan, near_at, near, cuts, got,
                plan.members[0, plan.bins[0, COUNT] - 1],
            )  # fmt: skip

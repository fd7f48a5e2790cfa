"""Which member of a bin should leave, and gain most by whoever takes its place."""

from typing import Any, NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from optimizer.kernels.moves import (
    BUYERS,
    COST,
    COUNT,
    FIGURES,
    RAW,
    SIZE,
    SLOPE,
    START,
    VALUE,
    put,
    take_out,
)

compiled: Any = numba.njit(cache=True, nogil=True)

type Ints = npt.NDArray[np.int64]

NOTHING = -(2**62)

MEMBERS = 40
NEAR_ONE = 2**MEMBERS
"""An item is marked by this and the member's number for each member it may share with:
whom of them it may not share with is known once there is only one."""


class Exchange(NamedTuple):
    """Room for what a bin would be without each of its members, by place."""

    without: Ints  # (places, FIGURES)
    less: Ints  # gained by leaving
    more: Ints  # gained by the best who may come then
    paid: Ints  # work of the newcomer's that only this member pays for
    buyers: Ints  # customers of the newcomer's that only this member is of
    payer: Ints  # of each feature only one member touches: its place


@compiled
def new_exchange(width, features):
    """Return room for a bin of ``width`` members."""
    return Exchange(
        np.zeros((width, FIGURES), np.int64),
        np.zeros(width, np.int64),
        np.zeros(width, np.int64),
        np.zeros(width, np.int64),
        np.zeros(width, np.int64),
        np.zeros(features, np.int64),
    )


@compiled
def fines_once(cuts, got, i, before):
    """Return the penalties of an item's cuts that hold ``before`` members."""
    total = np.int64(0)
    for e in range(cuts.cut_at[i], cuts.cut_at[i + 1]):
        if got[cuts.cuts[e]] == before:
            total += cuts.sigma[cuts.cuts[e]]
    return total


@compiled
def fines_instead(cuts, got, j, i):
    """Return the penalties of cuts that count once item j is in instead of item i."""
    total = np.int64(0)
    for e in range(cuts.cut_at[j], cuts.cut_at[j + 1]):
        held = got[cuts.cuts[e]]
        for a in range(cuts.cut_at[i], cuts.cut_at[i + 1]):
            held -= cuts.cuts[a] == cuts.cuts[e]
        if held == 1:
            total += cuts.sigma[cuts.cuts[e]]
    return total


@compiled
def leave_each(arrays, plan, duals, cuts, got, places, room):
    """Note what the bin is without each member that is tried, and what that gains."""
    bins, members = plan.bins, plan.members
    count = bins[0, COUNT]
    for x in places:
        i = members[0, x]
        before = bins[0, COST]
        take_out(arrays, plan, i)
        room.without[x] = bins[0]
        room.less[x] = arrays.scale * (before - bins[0, COST]) - duals[i]
        room.less[x] += fines_once(cuts, got, i, 2)
        room.more[x] = NOTHING
        put(arrays, plan, 0, i)
        members[0, count - 1] = members[0, x]
        members[0, x] = i
    for x in range(count):
        i = members[0, x]
        for e in range(arrays.feature_at[i], arrays.feature_at[i + 1]):
            if plan.touching[0, arrays.features[e]] == 1:
                room.payer[arrays.features[e]] = x


@compiled
def come_instead(arrays, plan, near, duals, cuts, got, places, numbers, new, room):
    """Note what those in ``near`` gain at most in the place of each member tried.

    ``numbers`` is the sum of the members'. Those who may share with all are left out
    where ``new`` says so. The cost of each is put together once, and differs by who
    left only in waiting and in what that member alone paid for.
    """
    members, mark, home = plan.members[0], plan.mark, plan.home
    touching = plan.touching[0]
    without, more, payer = room.without, room.more, room.payer
    only_paid, only_buyers = room.paid, room.buyers
    feature_at, features, weight = arrays.feature_at, arrays.features, arrays.weight
    per_customer = arrays.per_customer
    count = plan.bins[0, COUNT]
    for j in near:
        linked = mark[j] >> MEMBERS
        if home[j] >= 0 or linked < count - 1 or (new and linked == count):
            continue
        missing = numbers - (mark[j] & (NEAR_ONE - 1))  # of one member, where it is one
        for x in range(count):
            only_paid[x] = 0
            only_buyers[x] = 0
        paid = np.int64(0)
        buyers = np.int64(0)
        for e in range(feature_at[j], feature_at[j + 1]):
            f = features[e]
            if touching[f] == 0:
                paid += weight[f]
                buyers += per_customer[f]
            elif touching[f] == 1:
                only_paid[payer[f]] += weight[f]
                only_buyers[payer[f]] += per_customer[f]
        size, value = arrays.size[j], arrays.value[j]
        ready, slope = arrays.ready[j], arrays.slope[j]
        own = arrays.own[j] + paid
        fined = cuts.cut_at[j] < cuts.cut_at[j + 1]
        for x in places:
            if linked < count and members[x] != missing:
                continue
            late = ready - without[x, START]
            wait = late * without[x, SLOPE] if late > 0 else -late * slope
            raw = without[x, RAW] + own + only_paid[x] + wait
            gain = duals[j] - arrays.scale * (raw - without[x, COST])
            if (
                gain <= more[x]
                or without[x, SIZE] + size > arrays.max_requests
                or without[x, VALUE] + value > arrays.max_value
                or without[x, BUYERS] + buyers + only_buyers[x] > arrays.max_customers
            ):
                continue
            if fined:
                gain -= fines_instead(cuts, got, j, members[x])
            more[x] = max(gain, more[x])


@compiled
def best_exchange(arrays, plan, near_at, near, duals, cuts, got, places, room):
    """Return the member whose leaving gains most, by itself or for another to come.

    And the gain. (-1, 0) where none gains. Members at ``places`` are tried.
    """
    members = plan.members
    leave_each(arrays, plan, duals, cuts, got, places, room)
    numbers = np.int64(0)
    through = 0  # the place of the member with fewest neighbours
    for x in range(plan.bins[0, COUNT]):
        i = members[0, x]
        numbers += i
        t = members[0, through]
        if near_at[i + 1] - near_at[i] < near_at[t + 1] - near_at[t]:
            through = x
    # Whoever may share with all but one may share with this one, or comes for it.
    i = members[0, through]
    k = members[0, 1 if through == 0 else 0]
    come_instead(
        arrays, plan, near[near_at[i] : near_at[i + 1]], duals, cuts, got, places,
        numbers, False, room,
    )  # fmt: skip
    for a in range(len(places)):
        if places[a] == through:
            come_instead(
                arrays, plan, near[near_at[k] : near_at[k + 1]], duals, cuts, got,
                places[a : a + 1], numbers, True, room,
            )  # fmt: skip
    best = np.int64(0)
    drop = -1
    for x in places:
        change = room.less[x] + max(room.more[x], 0)
        if change > best:
            best = change
            drop = members[0, x]
    return drop, best

"""Local search on a plan: ruin a part of it, put it together again, keep what pays.

Every bin carries what its cost is made of (how many members touch each feature, the
sum of waiting rates, the start), so that one more or one fewer member is priced in the
time it takes to look at that member's features.
"""

from typing import Any, NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from optimizer.kernels.neighbours import may_share

compiled: Any = numba.njit(cache=True, nogil=True)

type Ints = npt.NDArray[np.int64]

# Figures of a bin, columns of ``Plan.bins``.
COST, RAW, SIZE, VALUE, BUYERS, SLOPE, START, COUNT = range(8)
FIGURES = 8

SHARE_OF_BINS_SPARED = 5
"""One bin in so many loses some of its members, the others are ruined whole."""

BLINK = 64
"""One place in so many is overlooked when an item is put back."""


class Plan(NamedTuple):
    """A plan being changed: which items each bin holds, and what it costs.

    ``bins[b, RAW]`` is what bin b would cost were it always priced as one of two or
    more; ``touching[b, f]`` counts its members that touch feature f.
    """

    members: Ints  # (bins, most items of a bin)
    bins: Ints  # (bins, FIGURES)
    touching: npt.NDArray[np.uint16]  # (bins, features)
    home: Ints  # of each item, -1 while it is in none
    empty: Ints  # empty bins, a stack; its height last
    place: Ints  # of each empty bin: where it is on the stack
    total: Ints  # cost of all bins
    mark: Ints  # of each item, for searches that go by marks
    seen: Ints  # of each bin: the last visit that looked at it
    visit: Ints
    random: npt.NDArray[np.uint64]


@compiled
def new_plan(items, n, features, width, seed):
    """Return a plan of n empty bins, in which every item is in no bin yet."""
    empty = np.empty(n + 1, np.int64)
    for b in range(n):
        empty[b] = n - 1 - b
    empty[n] = n
    place = np.arange(n - 1, -1, -1)
    random = np.empty(1, np.uint64)
    random[0] = seed
    return Plan(
        np.zeros((n, width), np.int64),
        np.zeros((n, FIGURES), np.int64),
        np.zeros((n, features), np.uint16),
        np.full(items, -1, np.int64),
        empty,
        place,
        np.zeros(1, np.int64),
        np.zeros(items, np.int64),
        np.zeros(n, np.int64),
        np.zeros(1, np.int64),
        random,
    )


@compiled
def draw(random, below):
    """Return the next pseudo-random number from 0 to ``below`` - 1 (xorshift64*).

    Source: Marsaglia, *Xorshift RNGs*, 2003. Integers only: the same everywhere.
    """
    x = random[0]
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    random[0] = x
    high = (x * np.uint64(2685821657736338717)) >> np.uint64(33)
    return np.int64(high) % below


@compiled
def put(arrays, plan, b, i):
    """Put item i into bin b."""
    bins, touching = plan.bins, plan.touching
    count = bins[b, COUNT]
    if count == 0:
        bins[b, RAW] = arrays.pair_fee
        bins[b, START] = arrays.ready[i]
        height = plan.empty.shape[0] - 1
        top = plan.empty[plan.empty[height] - 1]
        plan.empty[plan.place[b]] = top
        plan.place[top] = plan.place[b]
        plan.empty[height] -= 1
    more = arrays.own[i]
    for e in range(arrays.feature_at[i], arrays.feature_at[i + 1]):
        f = arrays.features[e]
        if touching[b, f] == 0:
            more += arrays.weight[f]
            bins[b, BUYERS] += arrays.per_customer[f]
        touching[b, f] += 1
    late = arrays.ready[i] - bins[b, START]
    if late > 0:
        more += late * bins[b, SLOPE]
        bins[b, START] = arrays.ready[i]
    else:
        more -= late * arrays.slope[i]
    bins[b, RAW] += more
    bins[b, SLOPE] += arrays.slope[i]
    bins[b, SIZE] += arrays.size[i]
    bins[b, VALUE] += arrays.value[i]
    bins[b, COUNT] = count + 1
    plan.total[0] -= bins[b, COST]
    bins[b, COST] = arrays.alone[i] if count == 0 else bins[b, RAW]
    plan.total[0] += bins[b, COST]
    plan.members[b, count] = i
    plan.home[i] = b


@compiled
def take_out(arrays, plan, i):
    """Take item i out of its bin."""
    bins, touching = plan.bins, plan.touching
    b = plan.home[i]
    count = bins[b, COUNT] - 1
    place = 0
    while plan.members[b, place] != i:
        place += 1
    plan.members[b, place] = plan.members[b, count]
    plan.home[i] = -1
    less = arrays.own[i] + arrays.slope[i] * (bins[b, START] - arrays.ready[i])
    for e in range(arrays.feature_at[i], arrays.feature_at[i + 1]):
        f = arrays.features[e]
        touching[b, f] -= 1
        if touching[b, f] == 0:
            less += arrays.weight[f]
            bins[b, BUYERS] -= arrays.per_customer[f]
    bins[b, SLOPE] -= arrays.slope[i]
    if count > 0 and arrays.ready[i] == bins[b, START]:
        start = arrays.ready[plan.members[b, 0]]
        for x in range(1, count):
            start = max(start, arrays.ready[plan.members[b, x]])
        less += (bins[b, START] - start) * bins[b, SLOPE]
        bins[b, START] = start
    bins[b, RAW] -= less
    bins[b, SIZE] -= arrays.size[i]
    bins[b, VALUE] -= arrays.value[i]
    bins[b, COUNT] = count
    plan.total[0] -= bins[b, COST]
    if count == 0:
        bins[b, COST] = 0
        height = plan.empty.shape[0] - 1
        plan.empty[plan.empty[height]] = b
        plan.place[b] = plan.empty[height]
        plan.empty[height] += 1
    elif count == 1:
        bins[b, COST] = arrays.alone[plan.members[b, 0]]
    else:
        bins[b, COST] = bins[b, RAW]
    plan.total[0] += bins[b, COST]


@compiled
def put_best(arrays, plan, neighbours, i, blink):
    """Put item i where it costs least, perhaps alone.

    What bins would cost with it is written out here: a call for each takes far longer.
    """
    plan.visit[0] += 1
    visit = plan.visit[0]
    home, seen, members = plan.home, plan.seen, plan.members
    bins, touching = plan.bins, plan.touching
    features = arrays.features[arrays.feature_at[i] : arrays.feature_at[i + 1]]
    weight, per_customer = arrays.weight, arrays.per_customer
    ready, own, slope = arrays.ready[i], arrays.own[i], arrays.slope[i]
    most_size = arrays.max_requests - arrays.size[i]
    most_value = arrays.max_value - arrays.value[i]
    row, bits, near = neighbours.rows[i], neighbours.bits, neighbours.near
    best = arrays.alone[i]
    place = -1
    for e in range(neighbours.closest_at[i], neighbours.closest_at[i + 1]):
        b = home[neighbours.closest[e]]
        if b < 0 or seen[b] == visit:
            continue
        seen[b] = visit
        if blink and draw(plan.random, BLINK) == 0:
            continue
        if bins[b, SIZE] > most_size or bins[b, VALUE] > most_value:
            continue
        late = ready - bins[b, START]
        more = own + (late * bins[b, SLOPE] if late > 0 else -late * slope)
        more += bins[b, RAW] - bins[b, COST]
        buyers = bins[b, BUYERS]
        for f in features:
            if touching[b, f] == 0:
                more += weight[f]
                buyers += per_customer[f]
        if more > best or (more == best and (place < 0 or b > place)):
            continue
        if buyers > arrays.max_customers:
            continue
        allowed = True
        for x in range(bins[b, COUNT]):
            if not may_share(row, bits, near, members[b, x]):
                allowed = False
                break
        if allowed:
            best = more
            place = b
    if place < 0:
        place = plan.empty[plan.empty[plan.empty.shape[0] - 1] - 1]
    put(arrays, plan, place, i)


@compiled
def build(arrays, plan, neighbours, order):
    """Put items in the order given each where it costs least."""
    for i in order:
        put_best(arrays, plan, neighbours, i, False)


@compiled
def settle(arrays, plan, neighbours, first, last):
    """Move some items one by one, in order, each to where it costs least."""
    for i in range(first, last):
        take_out(arrays, plan, i)
        put_best(arrays, plan, neighbours, i, False)


@compiled
def ruin(arrays, plan, neighbours, gone, was, most):
    """Take items out of a few bins near a random item; return how many."""
    n = plan.home.shape[0]
    random = plan.random
    seed = draw(random, n)
    count = 0
    bins_left = 2 + draw(random, 3)
    plan.visit[0] += 1
    visit = plan.visit[0]
    first, last = neighbours.closest_at[seed], neighbours.closest_at[seed + 1]
    offset = draw(random, last - first) if last > first else 0
    at = -1
    while bins_left > 0 and at < last - first:
        i = seed
        if at >= 0:
            i = neighbours.closest[first + (offset + at) % (last - first)]
        at += 1
        b = plan.home[i]
        if b < 0 or plan.seen[b] == visit:
            continue
        if at > 1 and draw(random, 4) == 0:
            continue
        plan.seen[b] = visit
        bins_left -= 1
        size = plan.bins[b, COUNT]
        some = size
        if size > 1 and draw(random, SHARE_OF_BINS_SPARED) == 0:
            some = 1 + draw(random, size - 1)
        for _ in range(some):
            if count == most:
                return count
            j = plan.members[b, draw(random, plan.bins[b, COUNT])]
            take_out(arrays, plan, j)
            gone[count] = j
            was[count] = b
            count += 1
    return count


@compiled
def shuffle(random, items, count):
    """Bring the first items into a random order."""
    for a in range(count - 1, 0, -1):
        b = draw(random, a + 1)
        items[a], items[b] = items[b], items[a]


@compiled
def ruin_and_recreate(arrays, plan, neighbours, rounds, begin, finish, best_home,
                      best):  # fmt: skip
    """Ruin and recreate for some rounds; return the least cost, in ``best_home``.

    A round is kept when it costs no more than the current plan plus a threshold that
    falls from ``begin`` to ``finish`` over the rounds.

    Source: Schrimpf et al., *Record breaking optimization results using the ruin and
    recreate principle*, 2000; Dueck and Scheuer, *Threshold accepting*, 1990.
    """
    most = min(10, 3 * plan.members.shape[1] + 8)
    gone = np.empty(most, np.int64)
    was = np.empty(most, np.int64)
    order = np.empty(most, np.int64)
    n = plan.home.shape[0]
    moved = np.empty(n, np.int64)  # since the best plan was last written down
    moves = n + 1  # how many, or more than there is room for: any may have
    current = plan.total[0]
    least = best
    for step in range(rounds):
        threshold = begin + (finish - begin) * step // rounds
        count = ruin(arrays, plan, neighbours, gone, was, most)
        order[:count] = gone[:count]
        shuffle(plan.random, order, count)
        if draw(plan.random, 3) == 0:
            # Those that cost most alone first: they are the ones worth a place.
            for a in range(1, count):
                j = order[a]
                b = a - 1
                while b >= 0 and arrays.alone[order[b]] < arrays.alone[j]:
                    order[b + 1] = order[b]
                    b -= 1
                order[b + 1] = j
        for a in range(count):
            put_best(arrays, plan, neighbours, order[a], True)
        after = plan.total[0]
        if after <= current + threshold:
            current = after
            if moves + count <= n:
                moved[moves : moves + count] = gone[:count]
            moves += count
            if after < least:
                least = after
                if moves <= n:
                    for j in moved[:moves]:
                        best_home[j] = plan.home[j]
                else:
                    best_home[:] = plan.home
                moves = 0
        else:
            for a in range(count):
                take_out(arrays, plan, gone[a])
            for a in range(count):
                put(arrays, plan, was[a], gone[a])
    return least

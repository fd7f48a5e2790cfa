"""Whom each item may share a bin with, those it saves most with, and whether two may.

A search for plans asks twice of every item it puts back: which bins are worth a look,
and whether their members may share with it. Where an item may share with hundreds, the
first is answered by those it saves most with (Toth and Vigo, *The granular tabu
search*, 2003), and the second by one bit.
"""

from typing import Any

import numba
import numpy as np

compiled: Any = numba.njit(cache=True, nogil=True)

BITS_FOR_EACH = 64
"""Bits an item takes for each it may share with, at most: where these lie further
apart, they are searched instead."""


# Columns of ``Neighbours.rows``: the first and the last item it may share with (0, -1
# where there is none), where its bits begin (-1 where it has none), and where in
# ``near`` those it may share with begin and end.
FIRST, LAST, BITS, NEAR, END = range(5)


@compiled
def fill_near(pointers, candidates, near_at, near):
    """Write whom each item may share with, ascending; ``near_at`` (n + 1) the offsets.

    Entries number twice the candidates.
    """
    n = pointers.shape[0] - 1
    near_at[:] = 0
    for k in range(n):
        near_at[k + 1] += pointers[k + 1] - pointers[k]
        for e in range(pointers[k], pointers[k + 1]):
            near_at[candidates[e] + 1] += 1
    for i in range(n):
        near_at[i + 1] += near_at[i]
    place = near_at[:n].copy()
    for k in range(n):  # earlier ones first; later ones come in order by themselves
        for e in range(pointers[k], pointers[k + 1]):
            near[place[k]] = candidates[e]
            place[k] += 1
        for e in range(pointers[k], pointers[k + 1]):
            near[place[candidates[e]]] = k
            place[candidates[e]] += 1


@compiled
def find_neighbours(arrays, near_at, near, most):
    """Return the fields of ``Neighbours``, ``most`` of the closest of each item."""
    n = near_at.shape[0] - 1
    rows = np.empty((n, 5), np.int64)
    total = 0
    for i in range(n):
        row = rows[i]
        row[NEAR], row[END] = near_at[i], near_at[i + 1]
        row[FIRST], row[LAST], row[BITS] = 0, -1, -1
        if row[NEAR] == row[END]:
            continue
        row[FIRST], row[LAST] = near[row[NEAR]], near[row[END] - 1]
        span = row[LAST] - row[FIRST] + 1
        if span <= BITS_FOR_EACH * (row[END] - row[NEAR]):
            row[BITS] = total
            total += span
    bits = np.zeros(total // 8 + 1, np.uint8)
    for row in rows:
        if row[BITS] >= 0:
            for e in range(row[NEAR], row[END]):
                bit = row[BITS] + near[e] - row[FIRST]
                bits[bit >> 3] |= np.uint8(1 << (bit & 7))
    closest_at, closest = find_closest(arrays, near_at, near, most)
    return near, closest_at, closest, rows, bits


@compiled
def find_closest(arrays, near_at, near, most):
    """Return whom each item saves most with (offsets, items), ``most`` at most.

    Two save what features that both touch cost, less what the earlier waits for the
    later. Of those that save the same, the first are taken.
    """
    n = near_at.shape[0] - 1
    closest_at = np.zeros(n + 1, np.int64)
    for i in range(n):
        count = min(near_at[i + 1] - near_at[i], most)
        closest_at[i + 1] = closest_at[i] + count
    if closest_at[n] == near_at[n]:
        return near_at, near
    closest = np.empty(closest_at[n], np.int64)
    shared = np.zeros(arrays.weight.shape[0], np.int64)
    for i in range(n):
        others = near[near_at[i] : near_at[i + 1]]
        at = closest_at[i]
        if len(others) <= most:
            closest[at : at + len(others)] = others
            continue
        features = arrays.features[arrays.feature_at[i] : arrays.feature_at[i + 1]]
        for f in features:
            shared[f] = arrays.weight[f]
        saved = np.empty(len(others), np.int64)
        for e, j in enumerate(others):
            late = arrays.ready[i] - arrays.ready[j]
            wait = late * arrays.slope[j] if late > 0 else -late * arrays.slope[i]
            saved[e] = -wait
            for x in range(arrays.feature_at[j], arrays.feature_at[j + 1]):
                saved[e] += shared[arrays.features[x]]
        for f in features:
            shared[f] = 0
        least = np.partition(saved, len(others) - most)[len(others) - most]
        as_much = most - (saved > least).sum()
        for e, j in enumerate(others):
            if saved[e] > least or (saved[e] == least and as_much > 0):
                closest[at] = j
                at += 1
                as_much -= saved[e] == least
    return closest_at, closest


@compiled
def may_share(row, bits, near, j):
    """Tell whether the item of a row of ``Neighbours.rows`` may share with item j."""
    if j < row[FIRST] or j > row[LAST]:
        return False
    if row[BITS] >= 0:
        bit = row[BITS] + j - row[FIRST]
        return (bits[bit >> 3] >> (bit & 7)) & 1 != 0
    low, high = row[NEAR], row[END] - 1
    while low < high:
        middle = (low + high) // 2
        if near[middle] < j:
            low = middle + 1
        else:
            high = middle
    return near[low] == j

"""Triples of items that fractional bins hold two of too often."""

from typing import Any

import numba
import numpy as np

compiled: Any = numba.njit(cache=True, nogil=True)


@compiled
def beside(at, members, held_at, holders, weights, item, weight, found):
    """Sum up the weight of bins that hold ``item`` and each later one.

    Writes them into ``weight``, by item, and the items it wrote for, in order, into
    ``found``; returns how many. What was in ``weight`` before is to be nothing.
    """
    count = 0
    for h in range(held_at[item], held_at[item + 1]):
        b = holders[h]
        for m in range(at[b], at[b + 1]):
            other = members[m]
            if other > item:
                if weight[other] == 0.0:
                    found[count] = other
                    count += 1
                weight[other] += weights[b]
    found[:count].sort()
    return count


@compiled
def violated_triples(at, members, held_at, holders, weights, least):
    """Return triples (count, 3) whose bins of two or more weigh over 1 + ``least``.

    And by how much more than 1. Bin b holds ``members[at[b]:at[b + 1]]``, in order, and
    weighs ``weights[b]`` > 0; item i is in ``holders[held_at[i]:held_at[i + 1]]``,
    which together weigh no more than 1: then a triple is violated only if each two of
    its items are in a bin.
    """
    items = held_at.shape[0] - 1
    weight = np.zeros(items)
    found = np.empty(items, np.int64)
    near_at = np.zeros(items + 1, np.int64)
    for i in range(items):
        count = beside(at, members, held_at, holders, weights, i, weight, found)
        near_at[i + 1] = near_at[i] + count
        weight[found[:count]] = 0.0
    near = np.empty(near_at[items], np.int64)
    pair = np.empty(near_at[items])
    widest = 0
    for i in range(items):
        count = beside(at, members, held_at, holders, weights, i, weight, found)
        near[near_at[i] : near_at[i + 1]] = found[:count]
        pair[near_at[i] : near_at[i + 1]] = weight[found[:count]]
        weight[found[:count]] = 0.0
        widest = max(widest, count)
    place = np.full(items, -1, np.int64)
    here = np.empty(items, np.int64)
    whole = np.zeros((widest, widest))
    triples = np.empty((64, 3), np.int64)
    excess = np.empty(64)
    total = 0
    for a in range(items):
        begin, end = near_at[a], near_at[a + 1]
        for e in range(begin, end):
            place[near[e]] = e - begin
        for h in range(held_at[a], held_at[a + 1]):
            b = holders[h]
            count = 0
            for m in range(at[b], at[b + 1]):
                if members[m] > a:
                    here[count] = place[members[m]]
                    count += 1
            for x in range(count):
                for y in range(x + 1, count):
                    whole[here[x], here[y]] += weights[b]
        for e in range(begin, end):
            x = e - begin
            for f in range(near_at[near[e]], near_at[near[e] + 1]):
                y = place[near[f]]
                if y < 0:
                    continue
                more = pair[e] + pair[begin + y] + pair[f] - 2.0 * whole[x, y] - 1.0
                if more > least:
                    if total == excess.shape[0]:
                        triples = np.concatenate((triples, np.empty_like(triples)))
                        excess = np.concatenate((excess, np.empty_like(excess)))
                    triples[total, 0] = a
                    triples[total, 1] = near[e]
                    triples[total, 2] = near[f]
                    excess[total] = more
                    total += 1
        for e in range(begin, end):
            place[near[e]] = -1
        whole[: end - begin, : end - begin] = 0.0
    return triples[:total], excess[:total]

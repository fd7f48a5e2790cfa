"""Features one inside another: which of them a choice can pay for exactly.

Where the items of two features are either apart or one set holds the other, features
are *nests*: a forest, as with configurations of a system and customers of a
configuration. A best choice of items that pays for nests is a dynamic program over the
forest. Features that cross others are no nests, with one exception: a feature may touch
only some items of its nest, as it does where only part of the requests for a system
need a technology review.
"""

from typing import Any

import numba
import numpy as np

compiled: Any = numba.njit(cache=True, nogil=True)

DEPTH = 8
"""Nests one inside another, at most."""

SPREAD = 2
"""How many times the items that touch its feature a nest may hold."""


@compiled
def find_nests(weight, order, n, holder_at, holders):
    """Take features in order, and make a nest of each that does not cross others.

    A feature that crosses nests holds them all, if that is not too much more; no such
    nest is inside another. Returns the fields of ``optimizer.instance.Nests``.
    """
    nf = weight.shape[0]
    chain = np.full((n, DEPTH), -1, np.int64)  # nests of each item
    depth = np.zeros(n, np.int64)
    size = np.zeros(nf, np.int64)
    feature = np.empty(nf, np.int64)
    partly = np.zeros(nf, np.int64)
    met = np.zeros(nf, np.int64)  # items of the feature at hand in each nest
    seen = np.empty(nf, np.int64)
    inside = np.zeros(n, np.uint8)
    span = np.empty(n, np.int64)
    count = 0
    for f in order:
        first, last = holder_at[f], holder_at[f + 1]
        holding = last - first
        if weight[f] <= 0 or holding < 2:
            continue
        near = 0
        for e in range(first, last):
            i = holders[e]
            for a in range(depth[i]):
                v = chain[i, a]
                if met[v] == 0:
                    seen[near] = v
                    near += 1
                met[v] += 1
        crossing = 0
        fits = True
        for a in range(near):
            v = seen[a]
            if met[v] < min(size[v], holding):
                crossing += 1
                fits &= partly[v] == 0
        spanned = 0
        if fits:
            for e in range(first, last):
                inside[holders[e]] = 1
                span[spanned] = holders[e]
                spanned += 1
        if fits and crossing > 0:
            for i in range(n):
                if inside[i] == 1:
                    continue
                for a in range(depth[i]):
                    v = chain[i, a]
                    if 0 < met[v] < min(size[v], holding):
                        inside[i] = 1
                        span[spanned] = i
                        spanned += 1
                        break
            fits = spanned <= SPREAD * holding
            for e in range(spanned):
                for a in range(depth[span[e]]):
                    fits &= partly[chain[span[e], a]] == 0
        if fits:
            for e in range(spanned):
                fits &= depth[span[e]] < DEPTH
        if fits:
            for e in range(spanned):
                i = span[e]
                chain[i, depth[i]] = count
                depth[i] += 1
            size[count] = spanned
            feature[count] = f
            partly[count] = spanned > holding
            count += 1
        for e in range(spanned):
            inside[span[e]] = 0
        for a in range(near):
            met[seen[a]] = 0
    return _numbered(chain, depth, size[:count], feature[:count], partly[:count])


@compiled
def _numbered(chain, depth, size, feature, partly):
    """Number nests from the smallest on, and tell which each is in."""
    n = chain.shape[0]
    count = size.shape[0]
    order = np.argsort(size, kind="mergesort")
    number = np.empty(count, np.int64)
    for a in range(count):
        number[order[a]] = a
    of = np.full(n, -1, np.int64)
    inside = np.full(count, -1, np.int64)
    for i in range(n):
        for a in range(depth[i]):
            chain[i, a] = number[chain[i, a]]
        inner = np.sort(chain[i, : depth[i]])
        for a in range(depth[i] - 1):
            inside[inner[a]] = inner[a + 1]
        if depth[i] > 0:
            of[i] = inner[0]
    return of, inside, feature[order], partly[order]

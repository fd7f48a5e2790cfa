"""Kinds of items that may all share a bin: what the kinds of a bin are among."""

from typing import Any

import numba
import numpy as np

compiled: Any = numba.njit(cache=True, nogil=True)

MOST_CLIQUES = 100
"""Sets of kinds looked at for one anchor, at most."""


@compiled
def cliques_of(kind, kind_ok):
    """Return sets of kinds (sets, kinds) that hold the kinds of every bin of items.

    Kinds of one set all share with each other. No set holds another. Second: how many
    sets there are, 0 where there would be too many.
    """
    present = np.unique(kind)
    count = present.shape[0]
    clash = np.zeros((count, count), np.int64)
    for a in range(count):
        for b in range(a):
            if kind_ok[present[a], present[b]] == 0:
                clash[a, b] = 1
                clash[b, a] = 1
    waiting = np.zeros((count + 2, count), np.uint8)
    waiting[0, :] = 1
    depth = 1
    found = np.zeros((MOST_CLIQUES, kind_ok.shape[0]), np.uint8)
    cliques = 0
    looked = 0
    while depth > 0:
        depth -= 1
        here = waiting[depth].copy()
        looked += 1
        if looked > 4 * MOST_CLIQUES or cliques == MOST_CLIQUES:
            return found, 0
        worst = 0
        at = -1
        for a in range(count):
            if here[a] == 1:
                clashes = 0
                for b in range(count):
                    clashes += here[b] * clash[a, b]
                if clashes > worst:
                    worst = clashes
                    at = a
        if at >= 0:
            for b in range(count):
                waiting[depth, b] = here[b]
                waiting[depth + 1, b] = here[b] * (1 - clash[at, b])
            waiting[depth, at] = 0
            depth += 2
            continue
        known = False
        for c in range(cliques):
            holds = True
            for a in range(count):
                holds &= here[a] <= found[c, present[a]]
            known |= holds
        if not known:
            for a in range(count):
                found[cliques, present[a]] = here[a]
            cliques += 1
    return found, cliques

"""Subset-row cuts a fractional point violates."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from optimizer.instance import Bin
from optimizer.pricing import Cut

PER_ROUND = 40
PER_ITEM = 5
LEAST_VIOLATION = 0.05


def violated_cuts(
    bins: Sequence[Bin],
    weights: npt.NDArray[np.float64],
    known: set[Cut],
    *,
    most: int = PER_ROUND,
    each: int = PER_ITEM,
) -> tuple[Cut, ...]:
    """Return the most violated cuts, at most so many, and on each item so many.

    Over three items, the bins that hold two of them weigh more than one in all. Found
    by looking at every triple of items in fractional bins:
    w_ij + w_ik + w_jk - 2 w_ijk, where w is the weight of bins holding all of them.
    """
    fractional = np.flatnonzero((weights > 1e-6) & (weights < 1 - 1e-6)).tolist()
    items = sorted({i for j in fractional for i in bins[j]})
    place = {i: at for at, i in enumerate(items)}
    n = len(items)
    holds = np.zeros((len(fractional), n))
    for row, j in enumerate(fractional):
        holds[row, [place[i] for i in bins[j]]] = 1.0
    weighted = holds * weights[fractional, None]
    pair = holds.T @ weighted
    found: list[tuple[float, tuple[int, int, int]]] = []
    for a in range(n - 2):
        rows = np.flatnonzero(holds[:, a])
        triple = holds[rows, a + 1 :].T @ weighted[rows, a + 1 :]
        shared = pair[a, a + 1 :]
        excess = (
            shared[:, None] + shared[None, :] + pair[a + 1 :, a + 1 :] - 2 * triple - 1
        )
        firsts, seconds = np.nonzero(np.triu(excess, 1) > LEAST_VIOLATION)
        found += [
            (round(float(excess[x, y]), 9), (a, a + 1 + int(x), a + 1 + int(y)))
            for x, y in zip(firsts, seconds, strict=True)
        ]
    found.sort(key=lambda entry: (-entry[0], entry[1]))
    used = [0] * n
    chosen: list[Cut] = []
    for _, places in found:
        if any(used[p] >= each for p in places):
            continue
        a, b, c = (items[p] for p in places)
        cut = Cut(items=(a, b, c))
        if cut in known:
            continue
        for p in places:
            used[p] += 1
        chosen.append(cut)
        if len(chosen) == most:
            break
    return tuple(chosen)

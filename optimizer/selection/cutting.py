"""Subset-row cuts a fractional point violates."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from optimizer.instance import Bin
from optimizer.kernels.triples import violated_triples
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

    Over three items, the bins that hold two of them weigh more than one in all, where
    those that hold any one of them weigh at most one: w_ij + w_ik + w_jk - 2 w_ijk,
    where w is the weight of bins holding all of them. Every such triple is found.
    """
    fractional = np.flatnonzero((weights > 1e-6) & (weights < 1 - 1e-6))
    chosen_bins = [sorted(bins[j]) for j in fractional.tolist()]
    lengths = [len(members) for members in chosen_bins]
    items, members = np.unique(
        np.fromiter((i for b in chosen_bins for i in b), np.int64, sum(lengths)),
        return_inverse=True,
    )
    by_item = np.argsort(members, kind="stable")
    triples, excess = violated_triples(
        _starts(lengths),
        members,
        _starts(np.bincount(members, minlength=len(items))),
        np.repeat(np.arange(len(lengths)), lengths)[by_item],
        weights[fractional],
        LEAST_VIOLATION,
    )
    excess = excess.round(9)
    order = np.lexsort((*triples.T[::-1], -excess))
    used = [0] * len(items)
    chosen: list[Cut] = []
    for places in triples[order].tolist():
        if any(used[p] >= each for p in places):
            continue
        a, b, c = items[places].tolist()
        cut = Cut(items=(a, b, c))
        if cut in known:
            continue
        for p in places:
            used[p] += 1
        chosen.append(cut)
        if len(chosen) == most:
            break
    return tuple(chosen)


def _starts(lengths: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Return where pieces of these lengths begin in one row, and its end."""
    return np.concatenate(([0], np.cumsum(lengths, dtype=np.int64)))

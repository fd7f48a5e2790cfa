"""Duals made to fit all bins by those who share in what is too much, without proof."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from optimizer.instance import Bin, Instance, Ints
from optimizer.kernels import spreading
from optimizer.pricing import Cut, Fines, Stop, chunk_of, cuts_by_item

SPREAD_NODES = 10
"""Search nodes of an anchor that is looked at once."""

MOST_BINS = 10
"""Bins of an anchor whose members may give way, one after another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Duals that fewer bins violate, in 1/scale thousandths, and bins that did.

    The bins violate the duals that were given too.
    """

    duals: Ints
    bins: tuple[Bin, ...]


def spread(
    instance: Instance,
    duals: Ints,
    cuts: Sequence[Cut] = (),
    sigma: Ints | None = None,
    tau: int = 0,
    *,
    anchors: tuple[int, int] | None = None,
    nodes: int = SPREAD_NODES,
    stop: Stop = lambda: False,
) -> Spread | None:
    """Lower duals where bins violate them, all members of a bin together.

    Pricing alone has the anchor give way, for each of its bins; what all of many
    anchors' bins have too much is then given up by each of these. Members that give way
    together do so for all bins they are in. This is the relaxation method for linear
    inequalities, one violated bin after another (Agmon, and Motzkin and Schoenberg,
    *Canadian Journal of Mathematics* 6, 1954), with parts of a violation in proportion
    to what a dual is above its item's own cost.

    Parameters
    ----------
    duals, cuts, sigma, tau
        As for ``price``; not modified.
    anchors
        The first to look at, and the first that is not.
    nodes
        Search nodes for each bin that is looked for.

    Returns
    -------
    Spread or None
        None when told to stop.
    """
    penalties = np.zeros(0, dtype=np.int64) if sigma is None else sigma
    fines = Fines(*cuts_by_item(len(instance), cuts), penalties)
    lowered = duals.copy()
    least = instance.own * instance.scale
    width = int(min(instance.max_requests, len(instance))) + 1
    chunk = chunk_of(instance)
    columns = np.zeros((chunk * MOST_BINS, width), dtype=np.int64)
    lengths = np.zeros(chunk * MOST_BINS, dtype=np.int64)
    bins: dict[Bin, None] = {}
    first, last = (0, len(instance)) if anchors is None else anchors
    for start in range(first, last, chunk):
        if stop():
            return None
        end = min(start + chunk, last)
        count = spreading.spread_range(
            start, end, lowered, least, tau, instance.arrays, fines, nodes,
            columns[: (end - start) * MOST_BINS], lengths,
        )  # fmt: skip
        for members, length in zip(columns[:count], lengths[:count], strict=True):
            bins[tuple(sorted(members[:length].tolist()))] = None
    return Spread(duals=lowered, bins=tuple(bins))

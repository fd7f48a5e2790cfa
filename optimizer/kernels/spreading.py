"""Duals lowered where bins violate them, by what all members of a bin have too much."""

from typing import Any

import numba
import numpy as np

from optimizer.kernels.anchor import price_anchor

compiled: Any = numba.njit(cache=True, nogil=True)


@compiled
def spread_range(
    start, stop, duals, least, tau, arrays, cuts, nodes, columns, lengths
):  # fmt: skip
    """Look for bins of anchors that violate the duals, and lower all members' duals.

    Each anchor is searched for a few nodes at a time until nothing is found, or as many
    bins as ``columns`` has rows for each. A bin's members give way together, each in
    proportion to what its dual is above ``least``. Duals only ever fall, so that what
    violates no more never does again. Returns how many bins were found.
    """
    report = np.zeros(4, np.int64)
    place = np.full(arrays.weight.shape[0], -1, np.int64)
    cut_place = np.full(cuts.sigma.shape[0], -1, np.int64)
    most = columns.shape[0] // (stop - start)
    found = 0
    for k in range(start, stop):
        duals[k] = min(duals[k], arrays.scale * arrays.alone[k] - tau)
        for _ in range(most):
            members = columns[found]
            price_anchor(
                k, duals, tau, arrays, cuts, place, cut_place, nodes, nodes, members,
                report,
            )  # fmt: skip
            count = report[2]
            if count < 2 or report[0] <= 0:
                break
            above = 0
            for a in range(count):
                above += max(1, duals[members[a]] - least[members[a]])
            for a in range(count):
                i = members[a]
                part = max(1, duals[i] - least[i]) / above
                # Rounded up: all members together give way by no less.
                duals[i] -= int(report[0] * part) + 1
            lengths[found] = count
            found += 1
    return found

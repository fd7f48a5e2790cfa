"""A partial bin of an anchor: what is decided, and how it is changed and undone."""

from typing import Any, NamedTuple

import numba
import numpy as np
import numpy.typing as npt

compiled: Any = numba.njit(cache=True, nogil=True)

type Ints = npt.NDArray[np.int64]

FREE, IN, OUT, TRIED = 0, 1, 2, 3
"""States of an item; tried is free and part of the relaxation's choice."""

# Places of the figures of a partial bin.
GAIN, SLOTS, ROOM, BUYERS, COUNT, TRAIL = 0, 1, 2, 3, 4, 5


class Partial(NamedTuple):
    """A node of the search: what is decided about the bin so far."""

    state: npt.NDArray[np.int8]  # of each item: free, in or out
    got: Ints  # members that touch each feature, as far as they count
    forced: npt.NDArray[np.uint8]  # 1 where a feature is paid for, come what may
    members: Ints
    trail: Ints  # items put out, for undoing
    figures: Ints


@compiled
def charged(local, part, f):
    """Tell whether a feature is paid for already."""
    return part.forced[f] == 1 or part.got[f] >= local.need[f]


@compiled
def put_out(part, j):
    """Leave an item out, until undone."""
    part.state[j] = OUT
    part.trail[part.figures[TRAIL]] = j
    part.figures[TRAIL] += 1


@compiled
def undo(part, mark):
    """Let items in again that were put out since the trail was so long."""
    while part.figures[TRAIL] > mark:
        part.figures[TRAIL] -= 1
        part.state[part.trail[part.figures[TRAIL]]] = FREE


@compiled
def take_in(local, part, kind_ok, j):
    """Put an item into the bin and leave out whom it may not share with."""
    part.state[j] = IN
    part.members[part.figures[COUNT]] = j
    part.figures[COUNT] += 1
    part.figures[GAIN] += local.profit[j]
    part.figures[SLOTS] -= local.size[j]
    part.figures[ROOM] -= local.value[j]
    for e in range(local.touch_at[j], local.touch_at[j + 1]):
        f = local.touches[e]
        before = charged(local, part, f)
        part.got[f] += 1
        if not before and part.got[f] >= local.need[f]:
            part.figures[GAIN] -= local.weight[f]
            part.figures[BUYERS] -= local.customers[f]
    for i in range(local.item.shape[0]):
        if part.state[i] == FREE and kind_ok[local.kind[i], local.kind[j]] == 0:
            put_out(part, i)


@compiled
def take_back(local, part, j):
    """Undo ``take_in``, but for the items it left out."""
    part.figures[COUNT] -= 1
    part.figures[GAIN] -= local.profit[j]
    part.figures[SLOTS] += local.size[j]
    part.figures[ROOM] += local.value[j]
    for e in range(local.touch_at[j], local.touch_at[j + 1]):
        f = local.touches[e]
        part.got[f] -= 1
        if not charged(local, part, f) and part.got[f] + 1 >= local.need[f]:
            part.figures[GAIN] += local.weight[f]
            part.figures[BUYERS] += local.customers[f]

"""Windows of a long part, and what is put together of them: duals, bins of items."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from optimizer.instance import Bin, Instance, Ints

BLOCK = 500
BLOCK_REACHES = 6
BLOCK_CANDIDATES = 6_000_000
"""Items that are planned together, at least; how many times as many as an anchor
reaches back; and candidates of these, about, at most."""

WINDOW_CANDIDATES = 100_000
WINDOW_ITEMS = 3_000
"""Candidates of a window, about, and items of it, at most."""

REACHES = 4
"""How many times as many items as an anchor reaches back a window has, at least."""

MARGIN = 4
"""What part of its own items a window reaches over on either side."""


@dataclass(frozen=True, slots=True)
class Window:
    """Items first to last - 1, looked at from low to high - 1."""

    low: int
    first: int
    last: int
    high: int


def blocks_of(instance: Instance) -> Iterator[tuple[int, int]]:
    """Cut a part into runs of items, with no regard to bins over their seams."""
    at, n = instance.candidate_at, len(instance)
    earliest = earliest_held(instance)
    first = 0
    while first < n:
        within = min(first + BLOCK, n - 1)
        reach = int(np.searchsorted(earliest, within, "left")) - within
        last = int(np.searchsorted(at, at[first] + BLOCK_CANDIDATES, "right")) - 1
        last = min(n, max(min(last, first + BLOCK_REACHES * reach), first + BLOCK))
        if n - last < BLOCK:
            last = n
        yield first, last
        first = last


def over_seams(instance: Instance) -> Iterator[tuple[int, int]]:
    """Cut a part into runs of items that reach over the seams of its blocks."""
    blocks = list(blocks_of(instance))
    middles = [(first + last) // 2 for first, last in blocks[1:-1]]
    yield from pairwise([0, *middles, len(instance)])


def windows_of(instance: Instance, earliest: Ints, times: int) -> list[Window]:
    """Cut the part into windows, of so many times the usual size."""
    n = len(instance)
    windows: list[Window] = []
    first = 0
    while first < n:
        size = _size(instance, earliest, first, times)
        margin = max(1, size // (MARGIN + 2))
        last = min(n, first + max(1, size - 2 * margin))
        if n - last < margin:
            last = n
        windows.append(
            Window(max(0, first - margin), first, last, min(n, last + margin))
        )
        first = last
    return windows


def _size(instance: Instance, earliest: Ints, first: int, times: int) -> int:
    """Return how many items from one on a window has.

    Those near the beginning of a window have fewer, as the others are not in it.
    """
    at = instance.candidate_at
    candidates, items = WINDOW_CANDIDATES * times, WINDOW_ITEMS * times
    last = min(len(instance), first + BLOCK)
    each = max(1.0, float(at[last] - at[first]) / (last - first))
    reach = max(each, float(last - 1 - earliest[last - 1]))
    short = (2 * candidates * reach / each) ** 0.5
    size = short if short < reach else candidates / each + reach / 2
    return int(min(items, max(size, REACHES * reach)))


def equal_shares(instance: Instance) -> Ints:
    """Return duals that no bin violates, without a search, in 1/scale thousandths.

    Each item has what it costs at least with as many as ever could share with it: its
    own cost and an equal part of every feature, as in ``bound_without_search``.
    """
    scale = instance.scale
    n = len(instance)
    most = int(min(instance.max_requests, n))
    touching = np.bincount(instance.features, minlength=len(instance.weight))
    part = instance.weight * scale // np.clip(touching, 1, most)
    sums = np.concatenate([[0], np.cumsum(part[instance.features])])
    fee = instance.pair_fee * scale // (most if instance.pair_fee > 0 else 2)
    shared = instance.own * scale + fee + np.diff(sums[instance.feature_at])
    duals: Ints = np.maximum(np.minimum(instance.alone * scale, shared), 0)
    return duals


def earliest_held(instance: Instance) -> Ints:
    """Return for each item the first that it or a later one may hold as an anchor."""
    earliest = np.arange(len(instance))
    some = np.flatnonzero(np.diff(instance.candidate_at))
    earliest[some] = instance.candidates[instance.candidate_at[some]]
    first: Ints = np.minimum.accumulate(earliest[::-1])[::-1]
    return first


def at_scale(duals: Ints, part: Instance, whole: Instance) -> Ints:
    """Return duals of a part in the scale of the whole, rounded down."""
    if part.scale > whole.scale:
        return duals // (part.scale // whole.scale)
    return duals * (whole.scale // part.scale)


def bins_of(home: Ints, items: Ints) -> list[Bin]:
    """Return the bins of some items, by the bin of each, ascending."""
    if len(items) == 0:
        return []
    order = np.argsort(home[items], kind="stable")
    cuts = np.flatnonzero(np.diff(home[items][order])) + 1
    groups = np.split(items[order], cuts)
    return sorted(tuple(int(i) for i in members) for members in groups)

"""Which items of a cluster may share a bin: candidates by anchor, connected parts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

type Ints = npt.NDArray[np.int64]
type Flags = npt.NDArray[np.bool_]

PAIRS_AT_ONCE = 4_000_000
AT_ONCE = 64
"""Pairs of items, and anchors, looked at together: this bounds the memory it takes."""

CLOSE = 256
"""Items just before an anchor that are asked first which part it is in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sharing:
    """What decides which of some items, in order of arrival, share with which.

    An item k may take an earlier item i when it was received within ``window`` days,
    ready within ``patience`` of i, and ``kind_ok`` allows the two kinds. Joint items
    (of several requests) are held to ``joint_ok`` instead of patience and kind.
    """

    received: Ints  # day of an item's last request, ascending
    ready: Ints  # ascending
    patience: Ints  # days an item can wait
    window: int
    kind: Ints
    kind_ok: Flags
    joints: Ints  # items of several requests, ascending
    joint_ok: Flags  # (joints, items)

    def __len__(self) -> int:
        return len(self.received)


def list_candidates(sharing: Sharing) -> tuple[Ints, Ints]:
    """Return offsets and candidates: earlier items each may share with, ascending.

    Complexity: linear in pairs of items within the window.
    """
    counts = np.zeros(len(sharing) + 1, dtype=np.int64)
    found: list[Ints] = [np.empty(0, dtype=np.int64)]
    for low, begin, end in _chunks(sharing):
        anchors = np.arange(begin, end)
        items = np.arange(low, end)
        places, candidates = np.nonzero(_may_take(sharing, anchors, items))
        counts[begin + 1 : end + 1] = np.bincount(places, minlength=len(anchors))
        found.append(items[candidates])
    return np.cumsum(counts), np.concatenate(found)


def connected_parts(sharing: Sharing) -> list[Ints]:
    """Return the items of each connected part, ascending, parts by their first items.

    No candidates are listed, and of what is known to be one part no pair is looked at:
    most anchors join the largest part with an item just before them.

    Complexity: linear in pairs of items within the window, at worst.
    """
    label = np.arange(len(sharing), dtype=np.int64)
    for low, begin, end in _chunks(sharing):
        anchors = np.arange(begin, end)
        near = max(low, begin - CLOSE)
        _join(label, sharing, anchors, np.arange(near, end))
        earlier = np.arange(low, near)
        if not len(earlier):
            continue
        roots, homes = _roots(label, anchors), _roots(label, earlier)
        parts, sizes = np.unique(roots, return_counts=True)
        main = parts[sizes.argmax()]
        _join(label, sharing, anchors[roots == main], earlier[homes != main])
        _join(label, sharing, anchors[roots != main], earlier)
    home = _roots(label, np.arange(len(sharing)))
    order = np.argsort(home, kind="stable")
    starts = np.flatnonzero(np.diff(home[order], prepend=-1))
    return np.split(order, starts[1:]) if len(sharing) else []


def _chunks(sharing: Sharing) -> Iterator[tuple[int, int, int]]:
    """Yield anchors some at a time: the first item in reach, and their span."""
    first = np.searchsorted(sharing.received, sharing.received - sharing.window)
    begin, n = 0, len(sharing)
    while begin < n:
        low = int(first[begin])
        end = min(n, begin + min(AT_ONCE, 1 + PAIRS_AT_ONCE // (begin - low + AT_ONCE)))
        yield low, begin, end
        begin = end


def _may_take(sharing: Sharing, anchors: Ints, items: Ints) -> Flags:
    """Tell which items each anchor may take: earlier ones that every rule allows."""
    kinds = sharing.kind[items]
    mask: Flags = np.take(sharing.kind_ok[sharing.kind[anchors]], kinds, axis=1)
    ready = sharing.ready[items] + sharing.patience[items]
    mask &= ready >= sharing.ready[anchors, None]
    for row, joint in zip(sharing.joint_ok, sharing.joints, strict=True):
        mask[:, items == joint] = row[anchors, None]
        mask[anchors == joint] = row[items]
    received = sharing.received[items]
    mask &= received >= sharing.received[anchors, None] - sharing.window
    mask &= items < anchors[:, None]
    return mask


def _roots(label: Ints, items: Ints) -> Ints:
    """Return the part of each item as it is known so far, by a first item."""
    found = label[items]
    while not np.array_equal(further := label[found], found):
        found = further
    label[items] = found
    return found


def _join(label: Ints, sharing: Sharing, anchors: Ints, items: Ints) -> None:
    """Join the parts of anchors with those of the items they may take."""
    if not len(anchors) or not len(items):
        return
    places, candidates = np.nonzero(_may_take(sharing, anchors, items))
    one, other = anchors[places], items[candidates]
    while len(one):
        first, second = _roots(label, one), _roots(label, other)
        apart = first != second
        one, other = one[apart], other[apart]
        np.minimum.at(
            label,
            np.maximum(first, second)[apart],
            np.minimum(first, second)[apart],
        )


def joint_rows(items: Sequence[tuple[int, ...]], joints: Ints, allowed: Flags) -> Flags:
    """Return which items each joint item may share with: all requests of both may.

    Parameters
    ----------
    allowed
        By request of the joint items, end to end, which requests of all items, end to
        end, it may share with.
    """
    starts = np.cumsum([0, *(len(item) for item in items[:-1])])
    by_item = np.logical_and.reduceat(allowed, starts, axis=1)
    sizes = [len(items[joint]) for joint in joints]
    found: Flags = np.logical_and.reduceat(by_item, np.cumsum([0, *sizes[:-1]]), axis=0)
    found[np.arange(len(joints)), joints] = False
    return found

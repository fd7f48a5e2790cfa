"""Exact pricing of a whole instance, and the bound it proves."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from optimizer.instance import Bin, Instance, Ints, ragged
from optimizer.kernels import anchor, climb

type Stop = Callable[[], bool]
"""Tells whether to stop now: a deadline or a signal, handed in by the caller."""

CHUNK = 64
"""Anchors priced, and bins changed, between two looks at ``Stop``."""

CHUNK_CANDIDATES = 40_000
"""Candidates of such anchors together, at most, if it is more than one anchor."""

UNLIMITED = 2**62
MANY_NODES = 10_000
"""The node limit of who can wait, and from which other limit on whether to stop is
asked after each anchor: one may take half a second."""

MOST_TIMES = 10
"""How many times its limit of nodes an anchor may use of what others left over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A subset-row cut over three items: at most one chosen bin holds two of them.

    Source: Jepsen, Petersen, Spoorendonk and Pisinger, *Subset-row inequalities applied
    to the vehicle-routing problem with time windows*, Operations Research 56 (2008).
    """

    items: tuple[int, int, int]

    def covers(self, members: Bin) -> bool:
        """Tell whether a bin counts in the cut: it holds two or three of its items."""
        return len(set(self.items).intersection(members)) >= 2

    def moved(self, gone: int) -> "Cut":
        """Return the cut once an item it does not hold has lost its number."""
        a, b, c = (i - (i > gone) for i in self.items)
        return Cut(items=(a, b, c))


class Fines(NamedTuple):
    """Subset-row cuts by item (offsets, cut numbers) and penalties, for the kernels."""

    cut_at: Ints
    cuts: Ints
    sigma: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Pricing:
    """What one pass over all anchors found.

    ``duals`` are feasible for every bin of the instance, in 1/scale thousandths;
    ``bound`` is the sum they prove, in thousandths, rounded up to the instance's grain.
    ``bins`` violate the duals the pass was given.
    """

    duals: Ints
    bound: int
    bins: tuple[Bin, ...]
    nodes: int
    struck: int  # anchors at which the node limit struck


def price(
    instance: Instance,
    duals: Ints,
    cuts: Sequence[Cut] = (),
    sigma: Ints | None = None,
    tau: int = 0,
    *,
    least: int = 0,
    most: int = 0,
    node_limit: int = UNLIMITED,
    spare: int = 0,
    anchors: tuple[int, int] | None = None,
    stop: Stop = lambda: False,
) -> Pricing | None:
    """Price every anchor exactly and repair the duals until they are feasible.

    Parameters
    ----------
    duals
        Value of covering each item, in 1/scale thousandths; not modified.
    cuts, sigma
        Subset-row cuts and their penalties, at least 0, in 1/scale thousandths.
    tau, least, most
        What every bin is credited for being one, and between how many bins the
        instance is cut in: at least ``least`` where tau > 0, at most ``most`` where
        tau < 0.
    node_limit
        Search nodes per anchor. Where it strikes, the bound proven is weaker, never
        wrong.
    spare
        Nodes of which an anchor leaves over what it does not need: a later one may use
        those up, to ``MOST_TIMES`` its limit.
    anchors
        The first anchor to price, and the first that is not, where no bin of the others
        violates.

    Returns
    -------
    Pricing or None
        None when ``stop`` said so before the last anchor: nothing is proven then.
    """
    repaired = duals.copy()
    penalties = np.zeros(0, dtype=np.int64) if sigma is None else sigma
    limits = np.array([node_limit, node_limit, spare])
    if spare:
        limits[1] *= MOST_TIMES
    among = (0, len(instance)) if anchors is None else anchors
    swept = _sweep(instance, repaired, cuts, penalties, tau, limits, among, stop)
    if swept is None:
        return None
    bins, nodes, struck = swept
    return Pricing(
        duals=repaired,
        bound=rounded_bound(
            instance, repaired, penalties, tau * (least if tau > 0 else most)
        ),
        bins=bins,
        nodes=nodes,
        struck=struck,
    )


def nearby_bins(
    instance: Instance,
    duals: Ints,
    cuts: Sequence[Cut],
    sigma: Ints,
    tau: int,
    starts: Sequence[Bin],
    *,
    stop: Stop = lambda: False,
) -> tuple[Bin, ...]:
    """Return bins that violate the duals, one or few changes from bins that are known.

    Cheap, and proves nothing. Those found until ``stop`` said so, when it does.
    """
    fines = Fines(*cuts_by_item(len(instance), cuts), sigma)
    width = int(min(instance.max_requests, len(instance))) + 1
    near_at, near = instance.near
    duals = duals.copy()
    found: dict[Bin, None] = {}
    for first in range(0, len(starts), CHUNK):
        if stop():
            break
        start_at, flat = ragged(starts[first : first + CHUNK])
        lengths = np.zeros(len(start_at) - 1, dtype=np.int64)
        columns = np.zeros((len(lengths), width), dtype=np.int64)
        climb.climb(
            instance.arrays, near_at, near, duals, tau, fines, start_at, flat,
            columns, lengths,
        )  # fmt: skip
        for members, length in zip(columns, lengths, strict=True):
            if length:
                found[tuple(sorted(members[:length].tolist()))] = None
    return tuple(found)


def glance(
    instance: Instance,
    duals: Ints,
    cuts: Sequence[Cut],
    sigma: Ints,
    tau: int,
    nodes: int,
    *,
    stop: Stop = lambda: False,
) -> tuple[Bin, ...]:
    """Return bins that violate the duals: what a few search nodes an anchor come to.

    Finds bins that are far from any known one at a small part of what exact pricing
    takes, and proves nothing. Those found until ``stop`` said so, when it does.
    """
    n = len(instance)
    fines = Fines(*cuts_by_item(n, cuts), sigma)
    columns, lengths = _room(instance)
    chunk = chunk_of(instance)
    for start in range(0, n, chunk):
        if stop():
            break
        anchor.glance_range(
            start, min(start + chunk, n), duals, tau, instance.arrays, fines, nodes,
            columns, lengths,
        )  # fmt: skip
    return _bins(columns, lengths, range(n))


def _room(instance: Instance) -> tuple[Ints, Ints]:
    """Return room for a bin of each anchor, and for how many items it has."""
    n = len(instance)
    width = int(min(instance.max_requests, n)) + 1
    return np.zeros((n, width), dtype=np.int64), np.zeros(n, dtype=np.int64)


def chunk_of(instance: Instance) -> int:
    """Return how many anchors there are between two looks at ``Stop``."""
    n = len(instance)
    return max(1, min(CHUNK, CHUNK_CANDIDATES * n // (1 + len(instance.candidates))))


def _bins(columns: Ints, lengths: Ints, anchors: range) -> tuple[Bin, ...]:
    """Return the bins that were found for some anchors."""
    return tuple(
        tuple(sorted(int(i) for i in columns[k, : lengths[k]]))
        for k in anchors
        if lengths[k] > 1
    )


def _sweep(
    instance: Instance,
    duals: Ints,
    cuts: Sequence[Cut],
    sigma: Ints,
    tau: int,
    limits: Ints,
    anchors: tuple[int, int],
    stop: Stop,
) -> tuple[tuple[Bin, ...], int, int] | None:
    """Price anchor after anchor; return bins and search nodes, None when stopped."""
    n = len(instance)
    fines = Fines(*cuts_by_item(n, cuts), sigma)
    columns, lengths = _room(instance)
    nodes = 0
    struck = 0
    saved = np.zeros(1, dtype=np.int64)
    chunk = 1 if MANY_NODES < limits[0] < UNLIMITED else chunk_of(instance)
    first, last = anchors
    for start in range(first, last, chunk):
        if stop():
            return None
        more, cut = anchor.price_range(
            start, min(start + chunk, last), duals, tau, instance.arrays, fines,
            limits, saved, columns, lengths,
        )  # fmt: skip
        nodes += more
        struck += cut
    return _bins(columns, lengths, range(first, last)), nodes, struck


def rounded_bound(instance: Instance, duals: Ints, sigma: Ints, credit: int = 0) -> int:
    """Return the bound feasible duals prove, in thousandths, rounded up to the grain.

    Every total is a multiple of the grain, so none lies between the sum of the duals
    and the next multiple.
    """
    total = sum(int(d) for d in duals) - sum(int(s) for s in sigma) + credit
    step = instance.scale * instance.grain
    return -(-total // step) * instance.grain


def cuts_by_item(n: int, cuts: Sequence[Cut]) -> tuple[Ints, Ints]:
    """Return the cuts of each item, for the kernels: offsets and their numbers."""
    if not cuts:
        return np.zeros(n + 1, dtype=np.int64), np.zeros(0, dtype=np.int64)
    rows: list[list[int]] = [[] for _ in range(n)]
    for number, cut in enumerate(cuts):
        for i in cut.items:
            rows[i].append(number)
    at = np.zeros(n + 1, dtype=np.int64)
    np.cumsum([len(row) for row in rows], out=at[1:])
    return at, np.array([c for row in rows for c in row], dtype=np.int64)

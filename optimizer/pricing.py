"""Exact pricing of a whole instance, and the bound it proves."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from optimizer.instance import Bin, Instance, Ints
from optimizer.kernels import anchor

type Stop = Callable[[], bool]
"""Tells whether to stop now: a deadline or a signal, handed in by the caller."""

CHUNK = 64
"""Anchors priced between two looks at ``Stop``."""


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


def price(
    instance: Instance,
    duals: Ints,
    cuts: Sequence[Cut] = (),
    sigma: Ints | None = None,
    tau: int = 0,
    *,
    least: int = 0,
    most: int = 0,
    node_limit: int = 2**62,
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

    Returns
    -------
    Pricing or None
        None when ``stop`` said so before the last anchor: nothing is proven then.
    """
    repaired = duals.copy()
    penalties = np.zeros(0, dtype=np.int64) if sigma is None else sigma
    swept = _sweep(
        instance, repaired, cuts, penalties, tau, node_limit, stop, repair=True
    )
    if swept is None:
        return None
    bins, nodes = swept
    return Pricing(
        duals=repaired,
        bound=rounded_bound(
            instance, repaired, penalties, tau * (least if tau > 0 else most)
        ),
        bins=bins,
        nodes=nodes,
    )


def violating_bins(
    instance: Instance,
    duals: Ints,
    cuts: Sequence[Cut],
    sigma: Ints,
    tau: int,
    *,
    node_limit: int,
    stop: Stop = lambda: False,
) -> tuple[Bin, ...] | None:
    """Return bins that violate the duals, at most one an anchor, and prove nothing.

    Every anchor is priced at the same duals, so more bins are found than in ``price``.
    None when ``stop`` said so.
    """
    swept = _sweep(
        instance, duals.copy(), cuts, sigma, tau, node_limit, stop, repair=False
    )
    return None if swept is None else swept[0]


def _sweep(
    instance: Instance,
    duals: Ints,
    cuts: Sequence[Cut],
    sigma: Ints,
    tau: int,
    node_limit: int,
    stop: Stop,
    *,
    repair: bool,
) -> tuple[tuple[Bin, ...], int] | None:
    """Price anchor after anchor; return bins and search nodes, None when stopped."""
    n = len(instance)
    cut_at, cut_list = _cuts_by_item(n, cuts)
    width = int(min(instance.max_requests, n)) + 1
    columns = np.zeros((n, width), dtype=np.int64)
    lengths = np.zeros(n, dtype=np.int64)
    nodes = 0
    for start in range(0, n, CHUNK):
        if stop():
            return None
        nodes += anchor.price_range(
            start, min(start + CHUNK, n), duals, instance.scale, instance.alone,
            instance.size, instance.value, instance.own, instance.slope,
            instance.ready, instance.cls, instance.cls_ok, instance.feature_at,
            instance.features, instance.weight, instance.per_customer,
            instance.customer_at, instance.customers, instance.candidate_at,
            instance.candidates, instance.pair_fee, instance.max_requests,
            instance.max_customers, instance.max_value, tau, cut_at, cut_list, sigma,
            node_limit, repair, columns, lengths,
        )  # fmt: skip
    bins = tuple(
        tuple(sorted(int(i) for i in columns[k, : lengths[k]]))
        for k in range(n)
        if lengths[k] > 1
    )
    return bins, nodes


def rounded_bound(instance: Instance, duals: Ints, sigma: Ints, credit: int = 0) -> int:
    """Return the bound feasible duals prove, in thousandths, rounded up to the grain.

    Every total is a multiple of the grain, so none lies between the sum of the duals
    and the next multiple.
    """
    total = sum(int(d) for d in duals) - sum(int(s) for s in sigma) + credit
    step = instance.scale * instance.grain
    return -(-total // step) * instance.grain


def _cuts_by_item(n: int, cuts: Sequence[Cut]) -> tuple[Ints, Ints]:
    rows: list[list[int]] = [[] for _ in range(n)]
    for number, cut in enumerate(cuts):
        for i in cut.items:
            rows[i].append(number)
    at = np.zeros(n + 1, dtype=np.int64)
    np.cumsum([len(row) for row in rows], out=at[1:])
    return at, np.array([c for row in rows for c in row], dtype=np.int64)

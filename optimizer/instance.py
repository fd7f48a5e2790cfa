"""A cluster as integer arrays: what pricing and selection compute on."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import gcd
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from optimizer.cost import Feature
from optimizer.errors import FiguresTooLarge
from optimizer.known import Known

type Ints = npt.NDArray[np.int64]
type Bytes = npt.NDArray[np.uint8]
type Bin = tuple[int, ...]
"""A set of items, ascending; its last is its anchor."""

LARGEST = 2**61
"""No scaled cost, times the limits on requests and customers and two, may exceed this:
64-bit arithmetic stays exact."""

CLOSEST = 30
"""Those an item saves most with that a search for plans looks at, at most: with more,
each round takes longer than what it finds is worth."""


class Nests(NamedTuple):
    """A forest of features one inside another, inner ones first; -1 where none is.

    See ``optimizer.kernels.nesting``.
    """

    of: Ints  # the innermost nest of each item
    inside: Ints  # the nest that each nest is in
    feature: Ints  # what each nest stands for
    partly: Ints  # 1 where only some of a nest's items touch its feature


class Neighbours(NamedTuple):
    """Whom each item may share a bin with, and the closest of them.

    See ``optimizer.kernels.neighbours``, which names the columns of ``rows``.
    """

    near: Ints  # whom each item may share with, ascending, end to end
    closest_at: Ints  # offsets, n + 1
    closest: Ints  # of these those it saves most with, ascending
    rows: Ints  # of each item: where its bits and those it may share with are
    bits: Bytes  # whether it may share with each from the first to the last of these


class Arrays(NamedTuple):
    """An instance as its kernels see it; costs in thousandths, see ``Instance``."""

    size: Ints
    value: Ints
    alone: Ints
    own: Ints
    slope: Ints
    ready: Ints
    kind: Ints
    kind_ok: Bytes
    feature_at: Ints
    features: Ints
    weight: Ints
    per_customer: Bytes
    candidate_at: Ints
    candidates: Ints
    scale: int
    pair_fee: int
    max_requests: int
    max_customers: int
    max_value: int
    nests: Nests
    others: Nests


@dataclass(frozen=True, kw_only=True)
class Instance:
    """Items of one cluster, in order of arrival, and what bins of them cost.

    All costs are thousandths of a staff-day. ``own`` and ``weight`` are for bins of two
    or more items, coordination included: such a bin costs ``pair_fee`` + own of its
    items + weight of every feature touched + slope × days until the anchor is ready.
    ``alone`` is the exact cost of an item by itself.
    """

    items: tuple[tuple[int, ...], ...]  # request positions of each item
    size: Ints
    value: Ints  # cents
    alone: Ints
    own: Ints
    slope: Ints  # waiting cost per day
    ready: Ints
    cls: Ints  # class of an item: items of one class share with the same classes
    cls_ok: Bytes  # (classes, classes)
    feature_at: Ints
    features: Ints
    weight: Ints
    per_customer: Bytes  # how many customers a feature stands for, 0 for others
    customer_at: Ints
    customers: Ints
    candidate_at: Ints
    candidates: Ints
    pair_fee: int
    max_requests: int
    max_customers: int
    max_value: int
    known: Known | None = None  # of an earlier solve: hints for a search

    def __len__(self) -> int:
        return len(self.items)

    @cached_property
    def grain(self) -> int:
        """A number that divides the cost of every bin: bounds round up to it."""
        waits = self.slope * (self.ready[-1] - self.ready[0] > 0)
        figures = np.concatenate([self.alone, self.own, self.weight, waits])
        return max(gcd(self.pair_fee, int(np.gcd.reduce(figures))), 1)

    @cached_property
    def scale(self) -> int:
        """How many parts a thousandth is split in for duals: a power of two.

        Raises
        ------
        FiguresTooLarge
            When not even whole thousandths fit.
        """
        span = int(self.ready[-1] - self.ready[0])
        # Sums of Python integers: those of numpy would wrap around unseen.
        largest = abs(self.pair_fee) + sum(self.weight.tolist())
        largest += sum(self.own.tolist()) + span * sum(self.slope.tolist())
        largest += sum(self.alone.tolist())
        terms = self.max_requests + self.max_customers + 2
        scale = 2**20
        while scale > 1 and largest * scale * terms > LARGEST:
            scale //= 2
        if largest * scale * terms > LARGEST:
            raise FiguresTooLarge(
                "The policy's rates are too large to add up exactly: a cluster of "
                f"{len(self)} requests could cost {largest / 1000:.3e} staff-days."
            )
        return scale

    @cached_property
    def arrays(self) -> Arrays:
        """The instance as the pricing kernels take it.

        Items are classed anew: a *kind* is all that share with the same kinds.
        """
        kind, kind_ok = _kinds(self.cls, self.cls_ok)
        return Arrays(
            self.size, self.value, self.alone, self.own, self.slope, self.ready,
            kind, kind_ok, self.feature_at, self.features, self.weight,
            self.per_customer, self.candidate_at, self.candidates, self.scale,
            self.pair_fee, int(self.max_requests), int(self.max_customers),
            int(self.max_value), *self._nests(),
        )  # fmt: skip

    def _nests(self) -> tuple[Nests, Nests]:
        """Find nests of features that count no customers, and of those left over.

        The dearest go first, customers before all others in the second. None where only
        customers could be nests: a choice by customer knows how many of them may come
        in, and one by nests does not.
        """
        from optimizer.kernels.nesting import find_nests

        n = len(self)
        holding = np.bincount(self.features, minlength=len(self.weight))
        holder_at = np.concatenate([[0], np.cumsum(holding)])
        item_of = np.repeat(np.arange(n), np.diff(self.feature_at))
        holders = item_of[np.argsort(self.features, kind="stable")]
        order = np.lexsort((-holding, -self.weight, self.per_customer == 0))
        shared = order[self.per_customer[order] == 0]
        first = Nests(*find_nests(self.weight, shared, n, holder_at, holders))
        if len(first.inside) == 0:
            return first, first
        left = order[~np.isin(order, first.feature)]
        return first, Nests(*find_nests(self.weight, left, n, holder_at, holders))

    @cached_property
    def near(self) -> tuple[Ints, Ints]:
        """Whom each item may share a bin with, earlier or later (offsets, items)."""
        from optimizer.kernels.neighbours import fill_near

        at = np.empty(len(self) + 1, dtype=np.int64)
        others = np.empty(2 * len(self.candidates), dtype=np.int64)
        fill_near(self.candidate_at, self.candidates, at, others)
        return at, others

    @cached_property
    def neighbours(self) -> Neighbours:
        """Whom each item may share a bin with, as searches for plans take it."""
        from optimizer.kernels.neighbours import find_neighbours

        return Neighbours(*find_neighbours(self.arrays, *self.near, CLOSEST))

    def features_of(self, i: int) -> Ints:
        """Return the features item i touches."""
        return self.features[self.feature_at[i] : self.feature_at[i + 1]]

    def customers_of(self, i: int) -> Ints:
        """Return the customers of item i, as numbers of this instance."""
        return self.customers[self.customer_at[i] : self.customer_at[i + 1]]

    def candidates_of(self, k: int) -> Ints:
        """Return the earlier items that anchor k may share with, ascending."""
        return self.candidates[self.candidate_at[k] : self.candidate_at[k + 1]]

    def cost(self, members: Bin) -> int:
        """Return the exact cost of a bin."""
        if len(members) == 1:
            return int(self.alone[members[0]])
        touched = {int(f) for i in members for f in self.features_of(i)}
        start = int(self.ready[max(members)])
        return (
            self.pair_fee
            + sum(int(self.weight[f]) for f in touched)
            + sum(
                int(self.own[i]) + int(self.slope[i]) * (start - int(self.ready[i]))
                for i in members
            )
        )


def integers(values: Sequence[int]) -> Ints:
    """Return exact integers as an array.

    Raises
    ------
    FiguresTooLarge
        When one does not fit 64 bits.
    """
    try:
        return np.array(values, dtype=np.int64)
    except OverflowError as error:
        raise FiguresTooLarge(
            f"A figure of {max(values)} thousandths or cents is too large."
        ) from error


def ragged(rows: Sequence[Sequence[int]]) -> tuple[Ints, Ints]:
    """Return offsets (n + 1) and the rows end to end."""
    at = np.zeros(len(rows) + 1, dtype=np.int64)
    np.cumsum([len(row) for row in rows], out=at[1:])
    return at, integers([entry for row in rows for entry in row])


def merge_features(
    own: list[int],
    touched: Sequence[dict[Feature, int]],
    customers: Sequence[Sequence[int]],
) -> tuple[list[int], list[list[int]], Bytes]:
    """Merge features with the same items; fold those of one item into ``own``.

    A customer's items always share a feature of their own, which counts the customer.
    Returns weights, each item's feature numbers ascending, and which count customers.
    """
    items_of: dict[Feature, list[int]] = defaultdict(list)
    weight_of: dict[Feature, int] = {}
    for index, features in enumerate(touched):
        for feature, weight in features.items():
            items_of[feature].append(index)
            weight_of[feature] = weight
    merged: dict[tuple[int, ...], int] = defaultdict(int)
    for feature, indices in items_of.items():
        merged[tuple(indices)] += weight_of[feature]
    buys: dict[int, list[int]] = defaultdict(list)
    for index, row in enumerate(customers):
        for customer in row:
            buys[customer].append(index)
    counted = Counter(tuple(indices) for indices in buys.values())
    for group in sorted(counted):
        merged[group] += 0
    weights: list[int] = []
    numbers: list[list[int]] = [[] for _ in touched]
    counted_by: list[int] = []
    for group, weight in merged.items():
        if len(group) == 1 and group not in counted:
            own[group[0]] += weight
            continue
        for index in group:
            numbers[index].append(len(weights))
        weights.append(weight)
        counted_by.append(counted[group])
    return weights, numbers, np.array(counted_by, dtype=np.uint8)


def _kinds(cls: Ints, cls_ok: Bytes) -> tuple[Ints, Bytes]:
    """Merge classes that share with the same classes and with one another."""
    same: dict[tuple[bytes, bool], int] = {}
    examples: list[int] = []
    number: list[int] = []
    for row in range(cls_ok.shape[0]):
        # Two classes with one row share with each other when each shares with itself.
        key = (cls_ok[row].tobytes(), bool(cls_ok[row, row]))
        if not cls_ok[row, row]:
            key = (row.to_bytes(8, "big"), False)
        if key not in same:
            same[key] = len(examples)
            examples.append(row)
        number.append(same[key])
    return integers(number)[cls], cls_ok[np.ix_(examples, examples)].copy()

"""A cluster as integer arrays: what pricing and selection compute on."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import gcd

import numpy as np
import numpy.typing as npt

from optimizer import cost
from optimizer.clusters import Cluster
from optimizer.compatibility import CELL_RULES, kept_apart, may_share
from optimizer.errors import FiguresTooLarge
from optimizer.graph import cell_key
from optimizer.kernels import candidates as candidate_kernels
from optimizer.policy import EffortCase
from optimizer.problem import Problem

type Ints = npt.NDArray[np.int64]
type Bytes = npt.NDArray[np.uint8]
type Bin = tuple[int, ...]
"""A set of items, ascending; its last is its anchor."""

LARGEST = 2**61
"""No scaled cost, times all the multipliers of limits that relax it, may exceed this:
64-bit arithmetic stays exact."""


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
    per_customer: Bytes  # 1 where a feature stands for a customer
    customer_at: Ints
    customers: Ints
    candidate_at: Ints
    candidates: Ints
    pair_fee: int
    max_requests: int
    max_customers: int
    max_value: int

    def __len__(self) -> int:
        return len(self.items)

    @cached_property
    def grain(self) -> int:
        """A number that divides the cost of every bin: bounds round up to it."""
        waits = self.slope * (self.ready[-1] - self.ready[0] > 0)
        figures = [self.pair_fee, *self.alone, *self.own, *self.weight, *waits]
        return max(gcd(*(int(figure) for figure in figures)), 1)

    @cached_property
    def scale(self) -> int:
        """How many parts a thousandth is split in for duals: a power of two.

        Raises
        ------
        FiguresTooLarge
            When not even whole thousandths fit.
        """
        span = int(self.ready[-1] - self.ready[0])
        largest = abs(self.pair_fee) + sum(int(w) for w in self.weight)
        largest += sum(
            int(o) + int(s) * span for o, s in zip(self.own, self.slope, strict=True)
        )
        largest += sum(int(a) for a in self.alone)
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


def build_instance(problem: Problem, cluster: Cluster) -> Instance:
    """Turn a cluster into arrays.

    Features that the same items touch are merged and those of one item become its own
    cost, so that pricing sees as few of them as there are.
    """
    items = cluster.items
    own, touched = _features(problem, items)
    limits = problem.policy.limits
    rates = problem.policy.coordination[EffortCase.DEFAULT]
    ready = [max(problem.ready[i] for i in item) for item in items]
    waits = [
        [problem.policy.wait_cost[problem.requests[i].priority] for i in item]
        for item in items
    ]
    inner = [
        sum(w * (day - problem.ready[i]) for i, w in zip(item, wait, strict=True))
        for item, wait, day in zip(items, waits, ready, strict=True)
    ]
    customer_number: dict[str, int] = {}
    customers = [
        sorted(
            {
                customer_number.setdefault(
                    problem.requests[i].customer, len(customer_number)
                )
                for i in item
            }
        )
        for item in items
    ]
    weight, features, per_customer = merge_features(own, touched, customers)
    alone = [cost.cost(problem, item) if len(item) > 1 else 0 for item in items]
    feature_at, feature_list = ragged(features)
    customer_at, customer_list = ragged(customers)
    for index, item in enumerate(items):
        if len(item) == 1:
            alone[index] = (
                own[index]
                + sum(weight[f] for f in features[index])
                - rates.customer_beyond_first
            )
    cls, cls_ok = _classes(problem, items)
    candidate_at, candidates = _candidates(problem, items, ready, cls, cls_ok)
    instance = Instance(
        items=items,
        size=integers([len(item) for item in items]),
        value=integers(
            [sum(problem.requests[i].value_cents for i in t) for t in items]
        ),
        alone=integers(alone),
        own=integers([o + w for o, w in zip(own, inner, strict=True)]),
        slope=integers([sum(wait) for wait in waits]),
        ready=integers(ready),
        cls=cls,
        cls_ok=cls_ok,
        feature_at=feature_at,
        features=feature_list,
        weight=integers(weight),
        per_customer=per_customer,
        customer_at=customer_at,
        customers=customer_list,
        candidate_at=candidate_at,
        candidates=candidates,
        pair_fee=rates.bin - rates.customer_beyond_first,
        max_requests=min(limits.max_requests, sum(len(item) for item in items)),
        max_customers=min(limits.max_customers, len(customer_number)),
        max_value=limits.max_value_cents,
    )
    _ = instance.scale  # refuses figures too large for exact arithmetic, at once
    return instance


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


def _features(
    problem: Problem, items: Sequence[tuple[int, ...]]
) -> tuple[list[int], list[dict[cost.Feature, int]]]:
    """Return each item's own cost and the features it touches with their weights.

    The coordination of a further customer is a feature of that customer.
    """
    beyond = problem.policy.coordination[EffortCase.DEFAULT].customer_beyond_first
    memory: dict[object, tuple[int, dict[cost.Feature, int]]] = {}
    own: list[int] = []
    touched: list[dict[cost.Feature, int]] = []
    for item in items:
        item_own = 0
        item_features: dict[cost.Feature, int] = {}
        for position in item:
            r = problem.requests[position]
            alike = (
                r.customer,
                r.system,
                r.configuration,
                r.region,
                r.implementing_agency,
                r.document,
                r.technology_review,
                r.end_use_monitoring,
                problem.notified[position],
                problem.has_precedent[position],
                r.lines,
            )
            if alike not in memory:
                memory[alike] = _touches(problem, position)
            request_own, request_features = memory[alike]
            item_own += request_own
            item_features |= request_features
            if beyond:
                item_features["coordination", r.customer] = beyond
        own.append(item_own)
        touched.append(item_features)
    return own, touched


def _touches(problem: Problem, position: int) -> tuple[int, dict[cost.Feature, int]]:
    own = 0
    features: dict[cost.Feature, int] = {}
    for stage in range(len(problem.policy.stages)):
        brought = cost.touch(problem, stage, position, EffortCase.DEFAULT)
        if brought is not None:
            own += brought.own
            features.update(brought.features)
    return own, features


def merge_features(
    own: list[int],
    touched: Sequence[dict[cost.Feature, int]],
    customers: Sequence[Sequence[int]],
) -> tuple[list[int], list[list[int]], Bytes]:
    """Merge features with the same items; fold those of one item into ``own``.

    A customer's items always share a feature of their own, which counts the customer.
    Returns weights, each item's feature numbers ascending, and which count customers.
    """
    items_of: dict[cost.Feature, list[int]] = defaultdict(list)
    weight_of: dict[cost.Feature, int] = {}
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
    counted = {tuple(indices) for indices in buys.values()}
    for group in sorted(counted):
        merged[group] += 0
    weights: list[int] = []
    numbers: list[list[int]] = [[] for _ in touched]
    flags: list[int] = []
    for group, weight in merged.items():
        if len(group) == 1 and group not in counted:
            own[group[0]] += weight
            continue
        for index in group:
            numbers[index].append(len(weights))
        weights.append(weight)
        flags.append(int(group in counted))
    return weights, numbers, np.array(flags, dtype=np.uint8)


def _classes(problem: Problem, items: Sequence[tuple[int, ...]]) -> tuple[Ints, Bytes]:
    """Class items by what decides whom they may share with, time aside.

    That is the cell, the customer and whom it keeps apart from; requests of an
    ``apart`` ruling and ``together`` sets are classes of their own.
    """
    ruled = {request_id for pair in problem.rulings.apart for request_id in pair}
    number: dict[object, int] = {}
    examples: list[tuple[int, ...]] = []
    cls: list[int] = []
    for item in items:
        r = problem.requests[item[0]]
        key: object = (cell_key(problem, r), r.customer, r.keep_apart_from)
        if len(item) > 1 or r.request_id in ruled:
            key = item
        if key not in number:
            number[key] = len(examples)
            examples.append(item)
        cls.append(number[key])
    ok = np.zeros((len(examples), len(examples)), dtype=np.uint8)
    cells: dict[tuple[object, object], bool] = {}
    for a, one in enumerate(examples):
        for b in range(a, len(examples)):
            shares = all(
                _share_but_for_time(problem, i, j, cells)
                for i in one
                for j in examples[b]
            )
            ok[a, b] = ok[b, a] = shares
    return integers(cls), ok


def _share_but_for_time(
    problem: Problem, i: int, j: int, cells: dict[tuple[object, object], bool]
) -> bool:
    keys = (
        cell_key(problem, problem.requests[i]),
        cell_key(problem, problem.requests[j]),
    )
    if keys not in cells:
        cells[keys] = all(rule(problem, i, j) is None for _, rule in CELL_RULES)
    return cells[keys] and kept_apart(problem, i, j) is None


def _candidates(
    problem: Problem,
    items: Sequence[tuple[int, ...]],
    ready: Sequence[int],
    cls: Ints,
    cls_ok: Bytes,
) -> tuple[Ints, Ints]:
    """List each anchor's candidates: earlier items every rule lets it share with."""
    joint_row = np.full(len(items), -1, dtype=np.int64)
    joints = [index for index, item in enumerate(items) if len(item) > 1]
    joint_ok = np.zeros((len(joints), len(items)), dtype=np.uint8)
    for row, index in enumerate(joints):
        joint_row[index] = row
        for other, item in enumerate(items):
            joint_ok[row, other] = other != index and all(
                may_share(problem, i, j) for i in items[index] for j in item
            )
    arguments = (
        integers([problem.received[item[-1]] for item in items]),
        integers(ready),
        integers(
            [
                problem.policy.pairing.max_wait_days[problem.requests[t[-1]].priority]
                for t in items
            ]
        ),
        problem.policy.pairing.window_days,
        cls,
        cls_ok,
        joint_row,
        joint_ok,
    )
    pointers = np.zeros(len(items) + 1, dtype=np.int64)
    candidate_kernels.count_candidates(*arguments, pointers)
    out = np.empty(int(pointers[-1]), dtype=np.int64)
    candidate_kernels.fill_candidates(*arguments, pointers, out)
    return pointers, out

"""From the requests of a cluster to an instance: the integer arrays of a search."""

from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np

from optimizer import cost
from optimizer.classes import Flags, classes_of
from optimizer.clusters import Cluster
from optimizer.features import merge_rows, touches_of
from optimizer.instance import Bytes, Instance, Ints, integers, ragged
from optimizer.policy import EffortCase
from optimizer.problem import Problem
from optimizer.sharing import (
    Sharing,
    connected_parts,
    joint_rows,
    list_candidates,
)

type Item = tuple[int, ...]
"""Requests that are in one bin whatever is chosen, as positions, ascending."""


type _Parts = dict[tuple[Item, ...], tuple[tuple[Item, ...], ...]]


class Builder:
    """Builds instances of one problem; knows what its requests have in common.

    Complexity: linear in requests to make; an instance takes what its own items take.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self._touches = touches_of(problem)
        self._classes = classes_of(problem)
        self._kind = self._classes.kind[self._classes.of]
        self._received = np.array(problem.received, dtype=np.int64)
        self._ready = np.array(problem.ready, dtype=np.int64)
        waits = problem.policy.pairing.max_wait_days
        self._patience = np.array(
            [waits[r.priority] for r in problem.requests], dtype=np.int64
        )
        self._apart = [
            (problem.batch.position(one), problem.batch.position(other))
            for one, other in sorted(problem.rulings.apart)
        ]
        self._ruled = {position for pair in self._apart for position in pair}

    def build(self, items: Sequence[Item], *, outline: bool = False) -> Instance:
        """Turn items, in order of arrival of their last requests, into arrays.

        Features that the same items touch are merged and those of one item become its
        own cost, so that pricing sees as few of them as there are.

        Parameters
        ----------
        outline
            Whether to leave classes and candidates out: for figures of costs alone.

        Raises
        ------
        FiguresTooLarge
            When costs would not fit exact 64-bit arithmetic.
        """
        problem = self.problem
        requests = problem.requests
        limits = problem.policy.limits
        rates = problem.policy.coordination[EffortCase.DEFAULT]
        rows, row_of, items_of = self._rows(items)
        customers, numbered = _customers(problem, rows)
        brought = [self._brought(row) for row in rows]
        merged = merge_rows(
            [features for _, _, features in brought],
            self._touches.weight,
            customers,
            items_of,
        )
        ready = [problem.ready[item[-1]] for item in items]
        slope, own = self._own(items, row_of, brought, ready)
        own = [o + merged.folded[row] for o, row in zip(own, row_of, strict=True)]
        shared = [sum(merged.weight[f] for f in row) for row in merged.rows]
        alone = [
            cost.cost(problem, item)
            if len(item) > 1
            else o + shared[row] - rates.customer_beyond_first
            for item, o, row in zip(items, own, row_of, strict=True)
        ]
        cls, cls_ok = np.zeros(len(items), dtype=np.int64), np.zeros((1, 1), np.uint8)
        candidate_at, candidates = np.zeros(len(items) + 1, np.int64), cls[:0]
        if not outline:
            sharing = self._sharing(items)
            cls, cls_ok = self._classes_of(items, sharing)
            candidate_at, candidates = list_candidates(sharing)
        feature_at, features = ragged([merged.rows[row] for row in row_of])
        customer_at, customer_list = ragged([customers[row] for row in row_of])
        instance = Instance(
            items=tuple(items),
            size=integers([len(item) for item in items]),
            value=integers([sum(requests[i].value_cents for i in t) for t in items]),
            alone=integers(alone),
            own=integers(own),
            slope=integers(slope),
            ready=integers(ready),
            cls=cls,
            cls_ok=cls_ok,
            feature_at=feature_at,
            features=features,
            weight=integers(merged.weight),
            per_customer=np.array(merged.per_customer, dtype=np.uint8),
            customer_at=customer_at,
            customers=customer_list,
            candidate_at=candidate_at,
            candidates=candidates,
            pair_fee=rates.bin - rates.customer_beyond_first,
            max_requests=min(limits.max_requests, sum(len(item) for item in items)),
            max_customers=min(limits.max_customers, numbered),
            max_value=limits.max_value_cents,
        )
        _ = instance.scale  # refuses figures too large for exact arithmetic, at once
        return instance

    def cost_alone(self, item: Item) -> int:
        """Return what an item costs in a bin by itself, in thousandths."""
        if len(item) > 1:
            return cost.cost(self.problem, item)
        brought = self._touches.of(item[0])
        lines = self.problem.requests[item[0]].lines
        return brought.alone[0] + brought.per_line[0] * lines

    def split(self, items: Sequence[Item]) -> list[tuple[Item, ...]]:
        """Return the items of each connected part, by their first items.

        Where no ruling is about them it is remembered for as long as the problem is.
        """
        key, known = tuple(items), _known_parts(self.problem)
        ruled = any(len(item) > 1 or item[0] in self._ruled for item in key)
        if not ruled and key in known:
            return [*known[key]]
        parts = connected_parts(self._sharing(items))
        found = [tuple(items[i] for i in part) for part in parts]
        if not ruled:
            known[key] = tuple(found)
        return found

    def _rows(self, items: Sequence[Item]) -> tuple[list[Item], list[int], list[Ints]]:
        """Put items that cost alike into one row each, in the order they are met.

        Returns an item of each row, the row of each item and the items of each row.
        """
        number: dict[object, int] = {}
        rows: list[Item] = []
        row_of: list[int] = []
        members: list[list[int]] = []
        for place, item in enumerate(items):
            key = self.problem.alike[item[0]] if len(item) == 1 else item
            row = number.setdefault(key, len(rows))
            if row == len(rows):
                rows.append(item)
                members.append([])
            row_of.append(row)
            members[row].append(place)
        return rows, row_of, [np.array(row, dtype=np.int64) for row in members]

    def _brought(self, item: Item) -> tuple[int, int, Ints]:
        """Return own cost, cost of each line and features of an item's requests."""
        brought = [self._touches.of(position) for position in item]
        if len(brought) == 1:
            return brought[0].own[0], brought[0].per_line[0], brought[0].paired
        features = dict.fromkeys(int(f) for one in brought for f in one.paired)
        lines = sum(
            one.per_line[0] * self.problem.requests[position].lines
            for one, position in zip(brought, item, strict=True)
        )
        own = sum(one.own[0] for one in brought) + lines
        return own, 0, np.array([*features], dtype=np.int64)

    def _own(
        self,
        items: Sequence[Item],
        row_of: Sequence[int],
        brought: Sequence[tuple[int, int, Ints]],
        ready: Sequence[int],
    ) -> tuple[list[int], list[int]]:
        """Return what a day costs each item, and its own cost with inner waits."""
        requests, days = self.problem.requests, self.problem.ready
        wait_cost = self.problem.policy.wait_cost
        slopes: list[int] = []
        owns: list[int] = []
        for item, row, day in zip(items, row_of, ready, strict=True):
            own, per_line, _ = brought[row]
            slope = wait_cost[requests[item[0]].priority]
            if len(item) == 1:
                own += per_line * requests[item[0]].lines
            else:
                waits = [wait_cost[requests[i].priority] for i in item]
                slope = sum(waits)
                own += sum(
                    w * (day - days[i]) for w, i in zip(waits, item, strict=True)
                )
            slopes.append(slope)
            owns.append(own)
        return slopes, owns

    def _sharing(self, items: Sequence[Item]) -> Sharing:
        """Return what decides which items share.

        Requests of an ``apart`` ruling and joint items are kinds of their own.
        """
        flat = np.array([i for item in items for i in item], dtype=np.int64)
        last = np.array([item[-1] for item in items], dtype=np.int64)
        kinds, example, at = np.unique(
            self._kind[flat], return_index=True, return_inverse=True
        )
        allowed = self._classes.allowed(self._classes.of[flat[example]])
        place = dict(zip(kinds.tolist(), range(len(kinds)), strict=True))
        holders, codes = self._numbered(items, self._kind)
        joints = np.array(
            [n for n, item in enumerate(items) if len(item) > 1], dtype=np.int64
        )
        return Sharing(
            received=self._received[last],
            ready=self._ready[last],
            patience=self._patience[last],
            window=self.problem.policy.pairing.window_days,
            kind=codes,
            kind_ok=self._kinds_ok(holders, place, allowed),
            joints=joints,
            joint_ok=self._joint_ok(items, joints, flat, allowed[:, at], place),
        )

    def _classes_of(
        self, items: Sequence[Item], sharing: Sharing
    ) -> tuple[Ints, Bytes]:
        """Return the class of each item, and which classes share, time aside."""
        _, cls = self._numbered(items, self._classes.of)
        first = np.unique(cls, return_index=True)[1]  # an item of each class
        kind = sharing.kind[first]
        ok = sharing.kind_ok.view(np.uint8)[np.ix_(kind, kind)]
        return cls, np.ascontiguousarray(ok)

    def _numbered(self, items: Sequence[Item], of: Ints) -> tuple[list[Item], Ints]:
        """Number items by what their requests are, in the order met.

        Ruled requests and joint items have numbers of their own. Returns an item of
        each number, and the number of each item.
        """
        number: dict[object, int] = {}
        holders: list[Item] = []
        codes: list[int] = []
        for item, code in zip(
            items, of[[item[0] for item in items]].tolist(), strict=True
        ):
            lone = len(item) == 1 and item[0] not in self._ruled
            found = number.setdefault(code if lone else item, len(holders))
            if found == len(holders):
                holders.append(item)
            codes.append(found)
        return holders, np.array(codes, dtype=np.int64)

    def _kinds_ok(
        self, holders: Sequence[Item], place: Mapping[int, int], allowed: Flags
    ) -> Flags:
        """Return which kinds share, time aside, by an item of each kind."""
        starts = np.cumsum([0, *(len(item) for item in holders[:-1])])
        members = [i for item in holders for i in item]
        at = np.array(
            [place[kind] for kind in self._kind[members].tolist()], dtype=np.int64
        )
        found = allowed[np.ix_(at, at)]
        where = {i: row for row, i in enumerate(members) if i in self._ruled}
        for one, other in self._apart:
            if one in where and other in where:
                found[where[one], where[other]] = False
                found[where[other], where[one]] = False
        if len(at) > len(holders):
            found = np.logical_and.reduceat(found, starts, axis=0)
            found = np.logical_and.reduceat(found, starts, axis=1)
        return found

    def _joint_ok(
        self,
        items: Sequence[Item],
        joints: Ints,
        flat: Ints,
        allowed: Flags,
        place: Mapping[int, int],
    ) -> Flags:
        """Return which items each joint item may share with, time included."""
        if not len(joints):
            return np.zeros((0, len(items)), dtype=bool)
        mine = np.array([i for joint in joints for i in items[joint]], dtype=np.int64)
        found = allowed[[place[kind] for kind in self._kind[mine].tolist()]]
        early, late = np.minimum(mine[:, None], flat), np.maximum(mine[:, None], flat)
        days = self._received[late] - self._received[early]
        found = found & (days <= self.problem.policy.pairing.window_days)
        found &= self._ready[late] - self._ready[early] <= self._patience[early]
        for one, other in self._apart:
            for first, second in ((one, other), (other, one)):
                found[np.ix_(mine == first, flat == second)] = False
        return joint_rows(items, joints, found)


def build_instance(problem: Problem, cluster: Cluster) -> Instance:
    """Turn one cluster into arrays; for many of one problem, use a :class:`Builder`."""
    return Builder(problem).build(cluster.items)


def _known_parts(problem: Problem) -> _Parts:
    """Return what is known of the parts of some items where no ruling stands."""
    return cast("_Parts", problem.remembered.setdefault("parts", {}))


def _customers(problem: Problem, rows: Sequence[Item]) -> tuple[list[list[int]], int]:
    """Return the customers of each row as numbers in the order met, and how many."""
    number: dict[str, int] = {}
    found = [
        sorted(
            {number.setdefault(problem.requests[i].customer, len(number)) for i in row}
        )
        for row in rows
    ]
    return found, len(number)

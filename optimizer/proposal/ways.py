"""The cheapest way for a request that is alone not to be: a bin to join, or a pair."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from optimizer.policy import EffortCase
from optimizer.problem import Problem
from optimizer.proposal.ledger import Ledger
from optimizer.proposal.wording import dollars

type Members = tuple[int, ...]
type Ints = npt.NDArray[np.int64]
type Flags = npt.NDArray[np.bool_]
type Exact = npt.NDArray[Any]
"""Integers of 64 bits, or Python's own where those might not hold a sum."""

SMALL: Final = 2**61
"""Figures below this are kept in 64 bits. Sums of them are made among requests that
may share only, whose sums an instance has been found to hold."""


@dataclass(frozen=True, slots=True, order=True)
class Change:
    """A way for a request not to be alone: the change of total cost, and its bin."""

    price: int
    members: Members


class Ways:
    """Ways for single requests to join the other bins of a partition.

    A request may join a bin as it stands, or make a pair with one request taken out of
    its bin.

    Complexity: of one request, linear in those it may share with and in the features
    they and their bins touch.
    """

    def __init__(self, ledger: Ledger, bins: Sequence[Members]) -> None:
        problem = ledger.problem
        requests = problem.requests
        self._problem = problem
        self._ledger = ledger
        self._bins = bins
        self._rates = problem.policy.coordination[EffortCase.DEFAULT]
        self._size = np.array([len(members) for members in bins], dtype=np.int64)
        self.home = np.empty(len(problem), dtype=np.int64)
        self.home[[i for members in bins for i in members]] = np.repeat(
            np.arange(len(bins)), self._size
        )
        self._ready = np.array(problem.ready, dtype=np.int64)
        self._customer = _numbers(r.customer for r in requests)
        self._alike = np.array(problem.alike, dtype=np.int64)
        self._touched = _table(
            [
                ledger.touches.of(i).paired
                for i in np.unique(self._alike, return_index=True)[1].tolist()
            ],
            len(ledger.touches.weight),
        )
        slopes = [problem.policy.wait_cost[r.priority] for r in requests]
        self._slope = _exact(slopes)
        self._value = _exact([r.value_cents for r in requests])
        self._joined = np.zeros(len(problem), dtype=bool)
        for ids in problem.rulings.together:
            self._joined[[problem.batch.position(name) for name in ids]] = True
        self._leaving: dict[int, dict[int, int]] = {}  # by bin
        self._unions: dict[int, Ints] = {}  # by bin

    def of(self, position: int, sharing: Ints) -> tuple[Change | None, Members | None]:
        """Return the cheapest way not to be alone, and a bin that breaks a limit.

        Parameters
        ----------
        sharing
            Whom every rule lets the request share with, none of them in a fixed bin.

        Returns
        -------
        The cheapest change that keeps the limits, and of equally cheap ones the first
        by members; where there is none, the first bin that breaks a limit.
        """
        homes = self.home[sharing]
        alone = self._size[homes] == 1
        pairable = alone | ~self._joined[sharing]
        others = sharing[pairable]
        marks = self._marks(position)
        prices, allowed = self._pairs(position, others, marks)
        changes: list[Change] = []
        if allowed.any():
            least = prices[allowed].min()
            for other in others[allowed & (prices == least)].tolist():
                members = (min(position, other), max(position, other))
                changes.append(Change(int(least), members))
        found, counts = np.unique(homes[~alone], return_counts=True)
        whole = found[counts == self._size[found]].tolist()
        for number in whole:
            joined = tuple(sorted((*self._bins[number], position)))
            if limit_broken(self._problem, joined) is None:
                price = self._joining(position, number, marks)
                changes.append(Change(price, joined))
        if changes:
            return min(changes), None
        return None, self._first(position, others, whole)

    def _first(
        self, position: int, others: Ints, whole: Sequence[int]
    ) -> Members | None:
        """Return the first bin there is: joined as it stands, then with one of it."""
        first = min([*whole, *self.home[others].tolist()], default=None)
        if first is None:
            return None
        if first in whole:
            return tuple(sorted((*self._bins[first], position)))
        other = int(others[self.home[others] == first].min())
        return min(position, other), max(position, other)

    def _pairs(self, position: int, others: Ints, marks: Exact) -> tuple[Exact, Flags]:
        """Return the price of a pair with each of some requests, and if it is allowed.

        The price is c({r, s}) - c({r}) - c({s}), and c({s}) + c(D - s) - c(D) where s
        is taken out of a bin D.
        """
        limits = self._problem.policy.limits
        early = np.minimum(position, others)
        days = np.abs(self._ready[others] - self._ready[position])
        prices = (
            self._rates.bin
            + self._rates.customer_beyond_first
            - self._shared(others, marks)
            + self._slope[early] * days
        )
        taken = self._size[self.home[others]] > 1
        leaving = np.zeros_like(prices)
        leaving[taken] = [self._leave(other) for other in others[taken].tolist()]
        same = self._customer[others] == self._customer[position]
        allowed = self._value[others] + self._value[position] <= limits.max_value_cents
        allowed &= limits.max_requests >= 2
        allowed &= same | (limits.max_customers >= 2)
        return prices + leaving, allowed.astype(bool)

    def _shared(self, others: Ints, marks: Exact) -> Exact:
        """Return the weight of marked features that each of some requests touches."""
        sums: Exact = marks[self._touched[self._alike[others]]].sum(axis=1)
        return sums

    def _marks(self, position: int) -> Exact:
        """Return the weight of every feature, 0 for those a request does not touch.

        One more, the last, stands for no feature.
        """
        touches = self._ledger.touches
        mine = touches.of(position).paired
        weights = _exact([touches.weight[feature] for feature in mine.tolist()])
        marks = np.zeros(len(touches.weight) + 1, dtype=weights.dtype)
        marks[mine] = weights
        return marks

    def _joining(self, position: int, number: int, marks: Exact) -> int:
        """Return c(D + r) - c(D) - c(r) for a bin D of two or more."""
        members = self._bins[number]
        saved = int(marks[self._union(number)].sum())
        start = int(self._ready[list(members)].max())
        later = int(self._ready[position]) - start
        slope = (
            sum(int(self._slope[i]) for i in members)
            if later > 0
            else int(self._slope[position])
        )
        return self._rates.customer_beyond_first - saved + slope * abs(later)

    def _union(self, number: int) -> Ints:
        """Return the features that a bin touches."""
        if number not in self._unions:
            touches = self._ledger.touches
            touched = [touches.of(i).paired for i in self._bins[number]]
            self._unions[number] = np.unique(np.concatenate(touched))
        return self._unions[number]

    def _leave(self, position: int) -> int:
        """Return c({s}) + c(D - s) - c(D) for a member s of a bin D of two or more."""
        number = int(self.home[position])
        if number not in self._leaving:
            self._leaving[number] = self._leavings(self._bins[number])
        return self._leaving[number][position]

    def _leavings(self, members: Members) -> dict[int, int]:
        """Return what each member's leaving changes: it pays anew for what is shared.

        A member that leaves a pair spares both the coordination and all waiting.
        """
        touches, ready = self._ledger.touches, self._problem.ready
        slope = {i: int(self._slope[i]) for i in members}
        features = {i: touches.of(i).paired.tolist() for i in members}
        count = Counter(feature for i in members for feature in features[i])
        *_, before, start = sorted(ready[i] for i in members)
        spared = self._rates.customer_beyond_first
        spared += self._rates.bin if len(members) == 2 else 0
        found: dict[int, int] = {}
        for i in members:
            waits = slope[i] * (start - ready[i])
            if ready[i] == start:  # the others would start sooner, if it is the last
                waits = (sum(slope.values()) - slope[i]) * (start - before)
            shared = sum(touches.weight[f] for f in features[i] if count[f] > 1)
            found[i] = shared - spared - waits
        return found


def limit_broken(problem: Problem, members: Members) -> str | None:
    """Return what a bin has too much of, as the rest of a sentence, or None."""
    limits = problem.policy.limits
    requests = [problem.requests[i] for i in members]
    if len(members) > limits.max_requests:
        return (
            f"{len(members)} requests, and limits.max_requests is {limits.max_requests}"
        )
    customers = len({r.customer for r in requests})
    if customers > limits.max_customers:
        return (
            f"{customers} customers, and limits.max_customers is {limits.max_customers}"
        )
    value = sum(r.value_cents for r in requests)
    if value > limits.max_value_cents:
        return (
            f"{dollars(value)}, and limits.max_value_usd is "
            f"{dollars(limits.max_value_cents)}"
        )
    return None


def _table(rows: Sequence[Ints], nothing: int) -> Ints:
    """Return rows as one table, the shorter ones filled up with ``nothing``."""
    table = np.full((len(rows), max(map(len, rows), default=0)), nothing, np.int64)
    for place, row in enumerate(rows):
        table[place, : len(row)] = row
    return table


def _numbers(values: Iterable[str]) -> Ints:
    number: dict[str, int] = {}
    return np.array(
        [number.setdefault(value, len(number)) for value in values], dtype=np.int64
    )


def _exact(values: Sequence[int]) -> Exact:
    """Return integers as an array: Python's own where 64 bits might not hold sums."""
    small = max(map(abs, values), default=0) < SMALL
    return np.array(values, dtype=np.int64 if small else object)

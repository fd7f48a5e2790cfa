"""A problem as every peer is given it: who may share with whom, and what sharing costs.

Plain Python and numpy, without the compiled kernels and the clusters of the solver, so
that a peer's time and memory are its own.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import networkx as nx
import numpy as np
import numpy.typing as npt

from optimizer import cost
from optimizer.graph import build_cell_graph
from optimizer.policy import EffortCase
from optimizer.problem import Problem

type Ints = npt.NDArray[np.int64]
type Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """Requests in order of arrival; all costs in thousandths of a staff-day.

    A bin costs ``own`` of its members, the weight of every feature they touch, their
    waiting until the last is ready and, for two or more, ``pair_fee`` and
    ``customer_fee`` for every customer beyond the first.
    """

    ids: tuple[str, ...]
    customer: tuple[str, ...]
    value: tuple[int, ...]  # cents
    own: tuple[int, ...]
    features: tuple[frozenset[int], ...]
    weight: tuple[int, ...]
    slope: tuple[int, ...]  # waiting cost per day
    ready: tuple[int, ...]
    candidates: tuple[Ints, ...]  # of each request, the earlier ones it may share with
    pair_fee: int
    customer_fee: int
    max_requests: int
    max_customers: int
    max_value: int

    def __len__(self) -> int:
        return len(self.ids)

    def cost(self, members: Iterable[int]) -> int:
        """Return the exact cost of a bin."""
        inside = tuple(members)
        start = max(self.ready[i] for i in inside)
        touched: frozenset[int] = frozenset().union(*(self.features[i] for i in inside))
        total = sum(self.weight[f] for f in touched) + sum(
            self.own[i] + self.slope[i] * (start - self.ready[i]) for i in inside
        )
        if len(inside) < 2:
            return total
        customers = len({self.customer[i] for i in inside})
        return total + self.pair_fee + self.customer_fee * (customers - 1)

    def fits(self, members: Iterable[int]) -> bool:
        """Tell whether requests that may share keep the limits of a bin."""
        inside = tuple(members)
        return len(inside) < 2 or (
            len(inside) <= self.max_requests
            and len({self.customer[i] for i in inside}) <= self.max_customers
            and sum(self.value[i] for i in inside) <= self.max_value
        )

    def saving(self, first: int, second: int) -> int:
        """Return what two requests save by sharing: c({i}) + c({k}) - c({i, k})."""
        early, late = min(first, second), max(first, second)
        shared = self.features[early] & self.features[late]
        wait = self.slope[early] * (self.ready[late] - self.ready[early])
        fee = self.pair_fee
        if self.customer[early] != self.customer[late]:
            fee += self.customer_fee
        return sum(self.weight[f] for f in shared) - wait - fee

    def plan(self, bins: Iterable[Iterable[int]]) -> list[list[str]]:
        """Return bins of positions as bins of request ids."""
        return [[self.ids[i] for i in members] for members in bins]


def build_pairs(problem: Problem) -> Pairs:
    """List who may share with whom, and what each request brings."""
    own, touched = [], []
    number: dict[cost.Feature, int] = {}
    weight: dict[int, int] = {}
    for position in range(len(problem)):
        total, features = 0, set()
        for stage in range(len(problem.policy.stages)):
            brought = cost.touch(problem, stage, position, EffortCase.DEFAULT)
            if brought is None:
                continue
            total += brought.own
            for feature, amount in brought.features.items():
                feature_number = number.setdefault(feature, len(number))
                weight[feature_number] = amount
                features.add(feature_number)
        own.append(total)
        touched.append(frozenset(features))
    rates = problem.policy.coordination[EffortCase.DEFAULT]
    limits = problem.policy.limits
    requests = problem.requests
    return Pairs(
        ids=tuple(r.request_id for r in requests),
        customer=tuple(r.customer for r in requests),
        value=tuple(r.value_cents for r in requests),
        own=tuple(own),
        features=tuple(touched),
        weight=tuple(weight[f] for f in range(len(number))),
        slope=tuple(problem.policy.wait_cost[r.priority] for r in requests),
        ready=problem.ready,
        candidates=_candidates(problem),
        pair_fee=rates.bin,
        customer_fee=rates.customer_beyond_first,
        max_requests=limits.max_requests,
        max_customers=limits.max_customers,
        max_value=limits.max_value_cents,
    )


def _candidates(problem: Problem) -> tuple[Ints, ...]:
    """List the earlier requests that every rule lets each request share with."""
    received, ready = np.array(problem.received), np.array(problem.ready)
    longest = problem.policy.pairing.max_wait_days
    patience = np.array([longest[r.priority] for r in problem.requests])
    window = problem.policy.pairing.window_days
    cell, cells_ok = _cells(problem)
    customer, unwanted, listed_apart = _apart(problem)
    found = []
    for k in range(len(problem)):
        low = int(np.searchsorted(received, received[k] - window))
        allowed = cells_ok[cell[k], cell[low:k]] & (
            ready[k] - ready[low:k] <= patience[low:k]
        )
        allowed &= ~unwanted[k, customer[low:k]] & ~unwanted[low:k, customer[k]]
        allowed &= ~listed_apart[customer[k], customer[low:k]]
        found.append(low + np.flatnonzero(allowed))
    return tuple(found)


def _cells(problem: Problem) -> tuple[Ints, Flags]:
    """Return the cell of each request and which cells may share.

    The last cell stands for requests whose customers share with nobody.
    """
    graph = build_cell_graph(problem, range(len(problem)))
    nowhere = graph.number_of_nodes()
    cell = np.full(len(problem), nowhere, dtype=np.int64)
    ok = np.zeros((nowhere + 1, nowhere + 1), dtype=np.bool_)
    for index, kept in nx.get_node_attributes(graph, "cell").items():
        cell[list(kept.positions)] = index
        ok[index, index] = True
    for a, b in graph.edges:
        ok[a, b] = ok[b, a] = True
    return cell, ok


def _apart(problem: Problem) -> tuple[Ints, Flags, Flags]:
    """Return customers by number, whom each request keeps out, who is listed apart."""
    codes = sorted({r.customer for r in problem.requests})
    place = {code: number for number, code in enumerate(codes)}
    customer = np.array([place[r.customer] for r in problem.requests], dtype=np.int64)
    unwanted = np.zeros((len(problem), len(codes)), dtype=np.bool_)
    for position, request in enumerate(problem.requests):
        for code in request.keep_apart_from:
            if code in place:
                unwanted[position, place[code]] = True
    listed = np.zeros((len(codes), len(codes)), dtype=np.bool_)
    for one, other in problem.policy.keep_apart:
        if one in place and other in place:
            listed[place[one], place[other]] = listed[place[other], place[one]] = True
    return customer, unwanted, listed


def neighbours(pairs: Pairs) -> list[set[int]]:
    """Return whom each request may share with, earlier and later."""
    found: list[set[int]] = [set() for _ in range(len(pairs))]
    for k, earlier in enumerate(pairs.candidates):
        for i in earlier.tolist():
            found[k].add(i)
            found[i].add(k)
    return found


def split_to_obey(
    pairs: Pairs, groups: Iterable[Sequence[int]], friends: Sequence[set[int]]
) -> list[list[int]]:
    """Split each group by first fit in order of arrival, so that every bin is allowed.

    A request joins the first bin of its group all of whose members it may share with,
    and whose limits it keeps.
    """
    bins: list[list[int]] = []
    for group in groups:
        mine: list[list[int]] = []
        for i in sorted(group):
            for members in mine:
                if friends[i].issuperset(members) and pairs.fits([*members, i]):
                    members.append(i)
                    break
            else:
                mine.append([i])
        bins += mine
    return bins

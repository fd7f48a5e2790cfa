r"""The compact model: a bin is named by its anchor, the last of its requests to arrive.

.. math::
    \min \sum_k a_k y_k + b \sum_k p_k + \sum_{i<k} c_{ik} x_{ik}
         + \sum_{f, k} w_f z_{fk}

``y[k]``: k is an anchor. ``x[i, k]``: i is in the bin of anchor k. ``p[k]``: that bin
has two requests or more. ``z[f, k]``: a feature the anchor does not touch is touched.
Every request is an anchor or in the bin of one; ``x <= z``, ``x <= p <= y``; limits on
requests, customers and value; of requests that may not share, one at most.

It is stated once, as integer rows, for every solver. What two solvers would find out
by themselves is done beforehand, as a careful user would: features of the same
candidates are one variable, those of one candidate are its own cost, and conflicts are
cliques of classes of candidates, not pairs.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from benchmarks.peers.pairs import Pairs, neighbours

type Terms = tuple[tuple[int, int], ...]
"""(column, coefficient) pairs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Terms that sum to at most ``limit``, or exactly to it where ``exact``."""

    terms: Terms
    limit: int = 0
    exact: bool = False


@dataclass(slots=True, kw_only=True)
class Compact:
    """Columns from 0 to 1 with their costs, and rows. Costs in thousandths.

    ``whole`` marks columns that must be 0 or 1; the others then are so by themselves.
    """

    cost: list[int] = field(default_factory=list)
    whole: list[bool] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    place: dict[int, tuple[int, int]] = field(default_factory=dict)
    """The (request, anchor) a column stands for, of those that make the plan."""

    def column(self, cost: int = 0, *, whole: bool = False) -> int:
        """Add a column and return its number."""
        self.cost.append(cost)
        self.whole.append(whole)
        return len(self.cost) - 1

    def at_most(self, larger: int, *smaller: int) -> None:
        """Require the sum of columns to be at most another column."""
        terms = (*((column, 1) for column in smaller), (larger, -1))
        self.rows.append(Row(terms=terms))

    def plan(self, values: Sequence[float]) -> list[list[int]]:
        """Return the bins a solution stands for."""
        bins: dict[int, list[int]] = defaultdict(list)
        for column, (request, anchor) in self.place.items():
            if values[column] > 0.5:
                bins[anchor].append(request)
        return list(bins.values())


def build_compact(pairs: Pairs) -> Compact:
    """State the model of a problem."""
    model = Compact()
    friends = neighbours(pairs)
    homes: list[list[int]] = [[] for _ in range(len(pairs))]
    for k in range(len(pairs)):
        alone = pairs.cost([k])
        y = model.column(alone, whole=True)
        model.place[y] = (k, k)
        homes[k].append(y)
        inside = [i for i in pairs.candidates[k].tolist() if pairs.fits([i, k])]
        if inside:
            for i, x in _anchor(model, pairs, friends, k, y, inside):
                homes[i].append(x)
    for columns in homes:
        terms = tuple((column, 1) for column in columns)
        model.rows.append(Row(terms=terms, limit=1, exact=True))
    return model


def _anchor(
    model: Compact,
    pairs: Pairs,
    friends: Sequence[set[int]],
    k: int,
    y: int,
    inside: Sequence[int],
) -> Iterator[tuple[int, int]]:
    """State the bin of anchor k; yield its candidates with their columns."""
    shared = model.column(pairs.pair_fee)
    model.at_most(y, shared)
    x_of: dict[int, int] = {}
    for i in inside:
        wait = pairs.slope[i] * (pairs.ready[k] - pairs.ready[i])
        x = model.column(pairs.own[i] + wait, whole=True)
        model.at_most(shared, x)
        model.place[x] = (i, k)
        x_of[i] = x
        yield i, x
    buyers = _coverage(model, pairs, k, x_of)
    _limits(model, pairs, k, shared, x_of, buyers)
    _conflicts(model, friends, shared, x_of)


def _coverage(
    model: Compact, pairs: Pairs, k: int, x_of: dict[int, int]
) -> dict[str, int]:
    """Charge what the candidates touch and the anchor does not, once each.

    Returns the column that says whether a further customer is in, by customer.
    """
    touching: dict[int, list[int]] = defaultdict(list)
    buying: dict[str, list[int]] = defaultdict(list)
    for i in x_of:
        for feature in pairs.features[i] - pairs.features[k]:
            touching[feature].append(i)
        if pairs.customer[i] != pairs.customer[k]:
            buying[pairs.customer[i]].append(i)
    weight: dict[tuple[int, ...], int] = defaultdict(int)
    for feature, members in touching.items():
        weight[tuple(members)] += pairs.weight[feature]
    for members in buying.values():
        weight[tuple(members)] += pairs.customer_fee
    column: dict[tuple[int, ...], int] = {}
    for group, amount in weight.items():
        if len(group) == 1:
            column[group] = x_of[group[0]]
            model.cost[column[group]] += amount
        else:
            column[group] = model.column(amount)
            for i in group:
                model.at_most(column[group], x_of[i])
    return {code: column[tuple(members)] for code, members in buying.items()}


def _limits(
    model: Compact,
    pairs: Pairs,
    k: int,
    shared: int,
    x_of: dict[int, int],
    buyers: dict[str, int],
) -> None:
    """Keep the limits of the anchor's bin, where they could be broken."""
    if len(x_of) + 1 > pairs.max_requests:
        terms = tuple((x, 1) for x in x_of.values())
        room = pairs.max_requests - 1
        model.rows.append(Row(terms=(*terms, (shared, -room))))
    if len(buyers) + 1 > pairs.max_customers:
        terms = tuple((z, 1) for z in buyers.values())
        room = pairs.max_customers - 1
        model.rows.append(Row(terms=(*terms, (shared, -room))))
    room = pairs.max_value - pairs.value[k]
    if sum(pairs.value[i] for i in x_of) > room:
        terms = tuple((x, pairs.value[i]) for i, x in x_of.items())
        model.rows.append(Row(terms=(*terms, (shared, -room))))


def _conflicts(
    model: Compact,
    friends: Sequence[set[int]],
    shared: int,
    x_of: dict[int, int],
) -> None:
    """Let no two candidates share that may not: one at most of every clique."""
    order = list(x_of)
    place = {i: at for at, i in enumerate(order)}
    ok = np.eye(len(order), dtype=np.bool_)
    for i, at in place.items():
        ok[at, [place[j] for j in friends[i].intersection(place)]] = True
    if ok.all():
        return
    _, example, member_of = np.unique(
        ok, axis=0, return_index=True, return_inverse=True
    )
    member_of = member_of.ravel()
    chosen = []
    for number in range(len(example)):
        members = [x_of[order[at]] for at in np.flatnonzero(member_of == number)]
        if len(members) == 1:
            chosen.append(members[0])
            continue
        chosen.append(model.column())
        for x in members:
            model.at_most(chosen[-1], x)
    for clique in edge_cliques(~ok[np.ix_(example, example)]):
        model.at_most(shared, *(chosen[number] for number in clique))


def edge_cliques(conflict: "np.typing.NDArray[np.bool_]") -> Iterator[list[int]]:
    """Yield cliques that together hold every pair of a symmetric relation; greedy."""
    open_pairs = conflict.copy()
    for first in range(len(conflict)):
        while (others := np.flatnonzero(open_pairs[first])).size:
            clique = [first, int(others[0])]
            reach = conflict[first] & conflict[clique[1]]
            while (grow := np.flatnonzero(reach)).size:
                clique.append(int(grow[0]))
                reach = reach & conflict[clique[-1]]
            open_pairs[np.ix_(clique, clique)] = False
            yield clique

"""Branch, price and cut on one instance: bins of least cost, and the proof."""

import heapq
import math
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import count

import numpy as np

from optimizer.heuristics import improve, shake
from optimizer.instance import Bin, Instance, Ints
from optimizer.pricing import Cut, Stop, price, violating_bins
from optimizer.reshape import join, keep_apart
from optimizer.selection.cutting import violated_cuts
from optimizer.selection.master import LinearPoint, Master, SolverFailed
from optimizer.selection.model import choose
from optimizer.selection.parts import (
    count_undecided,
    fewest_bins,
    integral,
    is_bin,
    most_undecided,
    padded,
    partition,
    positions_of,
    reduced_cost,
    reduced_costs,
    round_up,
    shares,
)

NODE_LIMITS = (64, 512, 4_096, 262_144, 2**40)
"""Search nodes per anchor: raised only when the cheaper search finds few bins."""

PROVING = 2
"""The first of the node limits at which every pass also proves a bound."""

PROVE_EVERY = 16
"""Among cheaper passes one in so many, the first too, proves a bound."""

MIP_NODES = 100
"""Branch-and-bound nodes of the integer program over the columns found."""

MIP_COLUMNS = 100
"""Columns the integer program chooses from: those of least reduced cost."""

SHAKES = 800
"""Rounds of iterated local search at the root of a small instance."""

FEW = 8
"""Once fewer than 1 in so many anchors find a bin, the search per anchor deepens."""

CUT_ROUNDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Bins chosen for an instance, as request positions, with cost and bound.

    ``bound`` is proven: no partition costs less. Both in thousandths of a staff-day.
    """

    bins: tuple[tuple[int, ...], ...]
    cost: int
    bound: int


@dataclass(order=True)
class Node:
    """A part of the search: the instance under the branchings made so far."""

    bound: int
    number: int
    instance: Instance = field(compare=False)
    cuts: tuple[Cut, ...] = field(compare=False, default=())
    least: int = field(compare=False, default=0)  # bins, at least
    most: int | None = field(compare=False, default=None)  # bins, at most
    exact: bool = field(compare=False, default=False)  # a partition, not a cover


type Report = Callable[[Selection], None]
"""Receives every better plan or bound as it is found."""


def solve(
    instance: Instance,
    *,
    gap: float = 0.0,
    stop: Stop = lambda: False,
    report: Report = lambda _: None,
    remaining: Callable[[], float | None] = lambda: None,
) -> Selection:
    """Choose the bins of least total cost: run a ``Search`` to its end."""
    search = Search(instance, gap=gap, stop=stop, report=report, remaining=remaining)
    for _ in search.steps():
        if stop():
            break
    return search.selection()


class Search:
    """The search for the bins of least total cost, in steps.

    Column generation (Aloise et al. 2010 for clique partitioning; Barnhart et al. 1998,
    *Branch-and-price*) with subset-row cuts, then branching on whether two items share
    a bin (Ryan and Foster 1981). Every bound comes from duals priced exactly in
    integers, never from a floating-point value.

    Parameters
    ----------
    gap
        Stop when (cost - bound) / cost is no larger.
    stop
        Asked between steps; when it says so, the best plan and its valid bound return.
    remaining
        Seconds left for the integer programs inside, or None.

    Notes
    -----
    Between two steps the best plan and its valid bound are in ``selection()``. What a
    search finds does not depend on when its steps are taken, so many searches may
    share one processor in any order.
    """

    def __init__(
        self,
        instance: Instance,
        *,
        gap: float = 0.0,
        stop: Stop = lambda: False,
        report: Report = lambda _: None,
        remaining: Callable[[], float | None] = lambda: None,
    ) -> None:
        self.instance = instance
        self.gap = gap
        self.stop = stop
        self.report = report
        self.remaining = remaining
        self.best: tuple[tuple[int, ...], ...] = ()
        self.cost = -1
        self.bound = 0
        self.pool: dict[tuple[int, ...], None] = {}
        self.tickets = count()
        self.take(instance, improve(instance, stop=stop))

    # -- what is known ---------------------------------------------------------

    def take(self, instance: Instance, bins: Sequence[Bin]) -> None:
        """Keep a partition when it is the best so far; remember its bins."""
        total = sum(instance.cost(members) for members in bins)
        named = sorted(positions_of(instance, members) for members in bins)
        self.pool.update(dict.fromkeys(named))
        if self.cost < 0 or total < self.cost:
            self.cost = total
            self.best = tuple(named)
            self.tell()

    def tell(self) -> None:
        """Report the best plan and bound."""
        self.report(self.selection())

    def selection(self) -> Selection:
        """Return the best plan so far and its valid bound."""
        bound = min(self.bound, self.cost)
        return Selection(bins=self.best, cost=self.cost, bound=bound)

    def closed(self, bound: int) -> bool:
        """Tell whether a part with this bound holds nothing worth finding."""
        return self.cost - bound <= self.gap * self.cost

    # -- the search ------------------------------------------------------------

    def steps(self) -> Iterator[None]:
        """Take the search on; ends when the gap is closed or it was told to stop."""
        if len(self.instance.candidates) == 0:
            self.raise_bound(self.cost)
            return
        queue = [
            Node(
                0,
                next(self.tickets),
                self.instance,
                least=fewest_bins(self.instance),
            )
        ]
        root = True
        floor: int | None = None  # the least bound of the parts already closed
        while queue and not self.closed(queue[0].bound):
            node = heapq.heappop(queue)
            children, bound, finished = yield from self.explore(node, root=root)
            root = False
            if not finished:
                heapq.heappush(queue, replace(node, bound=bound))
            elif not children:
                floor = bound if floor is None else min(floor, bound)
            for child in children:
                heapq.heappush(queue, child)
            open_bound = queue[0].bound if queue else self.cost
            self.raise_bound(open_bound if floor is None else min(open_bound, floor))
            if not finished:
                break

    def raise_bound(self, bound: int) -> None:
        """Note a proven bound when it is better than what was proven."""
        if bound > self.bound:
            self.bound = min(bound, self.cost)
            self.tell()

    def explore(
        self, node: Node, *, root: bool
    ) -> Generator[None, None, tuple[Sequence[Node], int, bool]]:
        """Bound a node; return children, none when closed, bound, and if finished."""
        instance = node.instance
        master = Master(
            instance,
            self.columns(instance),
            node.cuts,
            least=node.least,
            most=node.most,
            exact=node.exact,
        )
        bound = node.bound
        centre = shares(instance, self.best) if root else None
        for round_number in range(CUT_ROUNDS + 1):
            point, proven, centre = yield from self.generate(
                node, master, bound, centre, root=root
            )
            bound = max(bound, proven)
            if root:
                self.raise_bound(bound)
            if point is None:
                return (), bound, False
            if self.closed(bound):
                return (), bound, True
            if padded(point) and not node.exact:
                return [replace(node, bound=bound, exact=True)], bound, True
            if integral(point):
                chosen = [master.bins[j] for j in np.flatnonzero(point.weights > 0.5)]
                self.take(instance, partition(instance, chosen))
                return (), bound, True
            if root and round_number == 0:
                self.search_locally()
                if self.closed(bound):
                    return (), bound, True
            if round_number == 0:
                self.round(master, point, bound, root=root)
                if self.closed(bound):
                    return (), bound, True
            if self.stop():
                return (), bound, False
            if round_number == CUT_ROUNDS or count_undecided(point):
                break
            cuts = violated_cuts(master.bins, point.weights, set(master.cuts))
            if not cuts:
                break
            for cut in cuts:
                master.add_cut(cut)
            centre = None
        assert point is not None
        return self.branch(node, master, point, bound), bound, True

    def columns(self, instance: Instance) -> list[Bin]:
        """Return remembered bins that an instance's branchings allow, and singles."""
        home = {
            position: index
            for index, item in enumerate(instance.items)
            for position in item
        }
        found: list[Bin] = [(i,) for i in range(len(instance))]
        for positions in self.pool:
            members = tuple(sorted({home[p] for p in positions}))
            size = sum(len(instance.items[i]) for i in members)
            if (
                len(members) > 1
                and size == len(positions)
                and is_bin(instance, members)
            ):
                found.append(members)
        return found

    def generate(
        self,
        node: Node,
        master: Master,
        bound: int,
        centre: Ints | None,
        *,
        root: bool,
    ) -> Generator[None, None, tuple[LinearPoint | None, int, Ints | None]]:
        """Generate columns until the relaxation is optimal; prove a bound on the way.

        Duals are smoothed towards those of the best bound (Wentges 1997; Pessoa et al.
        2018). Returns None for the point when told to stop.
        """
        instance = master.instance
        scale = instance.scale
        alpha = 0.6 if centre is not None else 0.0
        effort = 1 if master.cuts else 0
        best = bound
        for turn in count():
            yield
            if self.stop():
                return None, best, centre
            try:
                point = master.solve()
            except SolverFailed:
                return None, best, centre  # what is proven so far stands
            duals = np.floor(point.duals * scale).astype(np.int64)
            sigma = np.ceil(point.sigma * scale).astype(np.int64)
            tau = round(point.tau * scale)
            target = duals
            if centre is not None and alpha > 0:
                target = np.floor(alpha * centre + (1 - alpha) * duals).astype(np.int64)

            def improving(bins: Sequence[Bin]) -> list[Bin]:
                return [
                    members
                    for members in bins
                    if members not in master
                    and reduced_cost(master, members, duals, sigma) < tau  # noqa: B023
                ]

            if effort < PROVING and turn % PROVE_EVERY:
                bins = violating_bins(
                    instance, target, master.cuts, sigma, tau,
                    node_limit=NODE_LIMITS[effort], stop=self.stop,
                )  # fmt: skip
                if bins is None:
                    return None, best, centre
                new = improving(bins)
                self.keep(master, new)
                if len(new) * FEW < len(instance):
                    effort += 1
                continue
            found = price(
                instance, target, master.cuts, sigma, tau,
                least=node.least, most=node.most or 0,
                node_limit=NODE_LIMITS[effort], stop=self.stop,
            )  # fmt: skip
            if found is None:
                return None, best, centre
            if found.bound > best or centre is None:
                best = max(best, found.bound)
                centre = target
                if root:
                    self.raise_bound(best)
            if self.closed(best):
                return point, best, centre
            new = improving(found.bins)
            self.keep(master, new)
            if new:
                effort = min(effort, PROVING - 1)
            elif best >= round_up(point.value, instance.grain):
                return point, best, centre
            elif alpha > 0:
                alpha = 0.0 if alpha < 0.2 else alpha / 2
            elif effort + 1 < len(NODE_LIMITS):
                effort += 1
            else:
                return point, best, centre
        raise AssertionError("Counting does not end.")

    def keep(self, master: Master, bins: Sequence[Bin]) -> None:
        """Add bins to the relaxation and remember them for later nodes."""
        master.add(bins)
        self.pool.update(
            dict.fromkeys(positions_of(master.instance, members) for members in bins)
        )

    def search_locally(self) -> None:
        """Look for a better plan around the best one."""
        instance = self.instance
        home = {p: i for i, item in enumerate(instance.items) for p in item}
        start = tuple(
            tuple(sorted({home[p] for p in positions})) for positions in self.best
        )
        rounds = SHAKES // (1 + len(instance.candidates) // 2000)
        self.take(instance, shake(instance, start, rounds=rounds, stop=self.stop))

    # -- plans from relaxations --------------------------------------------------

    def round(
        self, master: Master, point: LinearPoint, bound: int, *, root: bool
    ) -> None:
        """Look for a better plan among the columns that could be in one."""
        instance = master.instance
        slack = self.cost - bound
        reduced = reduced_costs(master, point)
        likely = sorted(
            (reduced[j], j) for j in range(len(reduced)) if reduced[j] <= slack + 1
        )
        kept = {j for _, j in likely[:MIP_COLUMNS]}
        home = {p: i for i, item in enumerate(instance.items) for p in item}
        known = {tuple(sorted({home[p] for p in ps})) for ps in self.best}
        pairs = [
            (members, master.costs[j])
            for j, members in enumerate(master.bins)
            if len(members) == 1 or j in kept or members in known
        ]
        bins = [members for members, _ in pairs]
        place = {members: number for number, members in enumerate(bins)}
        start = []
        for positions in self.best:
            members = tuple(sorted({home[p] for p in positions}))
            if members in place:
                start.append(place[members])
        chosen = choose(
            bins,
            [cost for _, cost in pairs],
            len(instance),
            start=start
            if len({i for b in start for i in bins[b]}) == len(instance)
            else (),
            node_limit=MIP_NODES if root else MIP_NODES // 10,
            time_limit=self.remaining(),
        )
        if chosen is None:
            return
        plan = partition(instance, [bins[j] for j in chosen])
        self.take(instance, plan)
        self.take(instance, improve(instance, plan, stop=self.stop))

    # -- branching -----------------------------------------------------------------

    def branch(
        self, node: Node, master: Master, point: LinearPoint, bound: int
    ) -> list[Node]:
        """Branch on the pair of items that is most undecided about sharing a bin."""
        if count_undecided(point):
            bins = float(point.weights.sum())
            fewer, more = math.floor(bins), math.ceil(bins)
            cuts = tuple(master.cuts)
            return [
                replace(
                    node, bound=bound, number=next(self.tickets), cuts=cuts, most=fewer
                ),
                replace(
                    node,
                    bound=bound,
                    number=next(self.tickets),
                    cuts=cuts,
                    least=more,
                    exact=True,
                ),
            ]
        first, second = most_undecided(master, point)
        instance = node.instance
        together = join(instance, first, second)
        kept = tuple(
            cut.moved(first)
            for cut in master.cuts
            if first not in cut.items and second not in cut.items
        )
        apart = keep_apart(instance, first, second)
        return [
            replace(
                node,
                bound=bound,
                number=next(self.tickets),
                instance=together,
                cuts=kept,
            ),
            replace(
                node,
                bound=bound,
                number=next(self.tickets),
                instance=apart,
                cuts=tuple(master.cuts),
            ),
        ]

"""Branch, price and cut on one instance: bins of least cost, and the proof."""

import heapq
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from itertools import count

import numpy as np

from optimizer.certificate import Certificate
from optimizer.heuristics import improve, rounds_for
from optimizer.instance import Bin, Instance
from optimizer.pricing import Pricing, Stop, price
from optimizer.record import Record
from optimizer.selection.branching import Node, branch
from optimizer.selection.columns import WIDE, Duals, generate
from optimizer.selection.cutting import violated_cuts
from optimizer.selection.first import first_proof
from optimizer.selection.latest import Latest, Pace
from optimizer.selection.looking import (
    EARLY_ITEMS,
    FIRST_ROUNDS,
    ROOT_ROUNDS,
    SLOW,
    THICK,
    WARM_ROUNDS,
    look_for_plans,
    look_longer,
    rounded,
)
from optimizer.selection.master import LinearPoint, Master
from optimizer.selection.outcome import Selection
from optimizer.selection.parts import (
    bin_in,
    count_undecided,
    fewest_bins,
    home_of,
    integral,
    padded,
    partition,
    plan_in,
    positions_of,
)
from optimizer.selection.warm import Branch, begin_again, first_plan, likely_columns

WARM_NODES = 8
"""Nodes after which a search that knows an earlier plan looks for others as long as one
that begins from nothing."""

KEPT_COLUMNS = 5
"""Columns for each item, the last found, that are kept for a later search."""

EARLY_SLACK = 2e-4
WIDE_SLACK = 2e-3
"""Plans are looked for in parts of ``EARLY_ITEMS`` when the bound is still this part of
its value short of the relaxation, the second where there are many candidates: there,
plans have further to go."""

CUT_ROUNDS = 5
"""Rounds of cuts of a node."""

THICK_CUT_ROUNDS = 20
THICK_CUTS = 10
TAIL = 0.1
FEW_GRAINS = 10
"""Such rounds at the root of a thick part, for how many items one cut is added in each,
what part of the gap the bound may still be short of the relaxation then, and how many
possible costs the gap has at least: each cut makes proofs take longer."""

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
    return search.selection(certified=True)


class Search:
    """The search for the bins of least total cost, in steps.

    Column generation (Aloise et al. 2010 for clique partitioning; Barnhart et al. 1998,
    *Branch-and-price*) with subset-row cuts, then branching on the number of bins and
    on whether two items share one (Ryan and Foster 1981). Every bound comes from duals
    priced exactly in integers, never from a floating-point value, and is recorded so
    that it can be checked again.

    Parameters
    ----------
    gap
        Stop when (cost - bound) / cost is no larger.
    stop
        Asked between steps; when it says so, the best plan and its valid bound return.
    remaining
        Seconds left for the integer programs inside, or None.
    only_root
        Whether to end with the relaxation over all bins, and plans made of it: neither
        a number of bins is credited, nor are there cuts or branches, and what is proven
        are duals of items alone.
    hurried
        Whether to leave out the first proof: time is short, and others prove.

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
        only_root: bool = False,
        hurried: bool = False,
    ) -> None:
        self.instance = instance
        self.gap = gap
        self.stop = stop
        self.report = report
        self.remaining = remaining
        self.best: tuple[tuple[int, ...], ...] = ()
        self.cost = -1
        self.bound = 0
        self.elsewhere = 0  # the least bound of what is not being explored
        self.pool: dict[tuple[int, ...], None] = {}
        self.tickets = count()
        self.fewest = 0 if only_root else fewest_bins(instance)
        self.cut_rounds = 0 if only_root else CUT_ROUNDS
        self.only_root = only_root
        self.hurried = hurried
        self.record = Record(instance, least=self.fewest)
        self.certified: Certificate | None = None
        self.latest: Latest | None = None  # of the last round
        self.priced: float | None = None  # the last value that was priced
        self.looked = False  # for plans around a point, longer than usual
        self.pace = Pace(remaining)
        self.branches = False  # or cuts: the relaxation of all is done
        known = instance.known
        self.known = known if known is not None and known.bins else None
        self.thick = len(instance.candidates) > THICK * len(instance)
        self.slow = False  # the last pass of exact pricing, beside rounds of plans
        rounds = FIRST_ROUNDS if self.known is None else WARM_ROUNDS
        start = () if self.known is None else first_plan(instance, self.known)
        self.pace.begin()
        better = improve(
            instance, start, rounds=rounds_for(instance, rounds), stop=stop,
            notice=self.notice, early=self.take_early,
        )  # fmt: skip
        self.take(instance, better)
        self.pace.plan = self.pace.took() * ROOT_ROUNDS / rounds

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

    def take_early(self, bins: Sequence[Bin]) -> None:
        """Keep the first plan of a large instance, which a better one follows."""
        if len(self.instance) >= EARLY_ITEMS:
            self.take(self.instance, bins)

    def notice(self, bins: Sequence[Bin]) -> None:
        """Remember the bins of a plan on the way to a better one."""
        if len(self.instance) >= EARLY_ITEMS:
            self.pool.update(
                (positions_of(self.instance, members), None) for members in bins
            )

    def tell(self) -> None:
        """Report the best plan and bound."""
        self.report(self.selection())

    def selection(self, *, certified: bool = False) -> Selection:
        """Return the best plan so far and its valid bound.

        Parameters
        ----------
        certified
            Whether its certificate is wanted too, which takes a moment in a large tree.
        """
        bound = min(self.bound, self.cost)
        if certified and (self.certified is None or self.certified.bound < bound):
            self.certified = self.record.certificate(bound)
        return Selection(
            bins=self.best,
            cost=self.cost,
            bound=bound,
            certificate=self.certified if certified else None,
        )

    def kept(self) -> Selection:
        """Return the last selection; with columns, where they are asked for."""
        found = self.selection(certified=True)
        if self.instance.known is None:
            return found
        shared = [members for members in self.pool if len(members) > 1]
        return replace(
            found, columns=tuple(shared[-KEPT_COLUMNS * len(self.instance) :])
        )

    def closed(self, bound: int) -> bool:
        """Tell whether a part with this bound holds nothing worth finding."""
        return self.cost - bound <= self.gap * self.cost

    # -- the search ------------------------------------------------------------

    def steps(self) -> Iterator[None]:
        """Take the search on; ends when the gap is closed or it was told to stop."""
        instance = self.instance
        if len(instance.candidates) == 0:
            self.record.prove(Record.ROOT, instance, instance.alone * instance.scale)
            self.raise_bound(self.cost)
            return
        queue = self.first_nodes()
        yield
        self.raise_bound(min(node.bound for node in queue))
        heapq.heapify(queue)
        root = len(queue) == 1
        floor: int | None = None  # the least bound of the parts already closed
        explored = 0
        while queue and not self.closed(queue[0].bound):
            node = heapq.heappop(queue)
            explored += 1
            if explored == WARM_NODES and self.known is not None:
                look_longer(self)
                yield
            self.elsewhere = min(
                queue[0].bound if queue else self.cost,
                self.cost if floor is None else floor,
            )
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

    def first_nodes(self) -> list[Node]:
        """Return the whole instance as a node, or the branches of an earlier search."""
        instance, known = self.instance, self.known
        if known is None:
            return [Node(0, next(self.tickets), instance, least=self.fewest)]
        present = {p for item in instance.items for p in item}
        for positions in (*known.bins, *known.columns):
            self.pool[tuple(p for p in positions if p in present)] = None
        return [
            self.first_node(branch)
            for branch in begin_again(instance, known, self.record, self.fewest)
        ]

    def first_node(self, branch: Branch) -> Node:
        """Return a branch of an earlier search as a node, its duals priced at once."""
        instance, duals, bound = branch.instance, branch.duals, 0
        if duals is not None:
            found = price(
                instance, duals.items, branch.cuts, duals.sigma, duals.tau,
                least=branch.least, most=branch.most or 0, stop=self.stop,
            )  # fmt: skip
            if found is not None:
                bound = max(0, found.bound)
                self.record.prove(
                    branch.record, instance, found.duals, branch.cuts, duals.sigma,
                    duals.tau,
                )  # fmt: skip
            near = [*likely_columns(branch, plan_in(instance, self.best) or ())]
            near += found.bins if found is not None else ()
            self.pool.update((positions_of(instance, b), None) for b in near)
        return Node(
            bound=bound,
            number=next(self.tickets),
            instance=instance,
            record=branch.record,
            cuts=branch.cuts,
            least=branch.least,
            most=branch.most,
            exact=branch.exact,
        )

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
        if root and self.known is None and not self.hurried:
            first = first_proof(self, master)
            if first is None:
                return (), bound, False
            bound = max(bound, first)

        def prove(found: Pricing, duals: Duals) -> None:
            self.record.prove(
                node.record, instance, found.duals, master.cuts, duals.sigma, duals.tau
            )
            self.raise_bound(min(found.bound, self.elsewhere))

        def notice(point: LinearPoint, duals: Duals) -> None:
            self.pace.begin()
            self.pace.rounds += 1
            self.latest = Latest(
                node=node.record, master=master, point=point, duals=duals,
                least=node.least, most=node.most,
            )  # fmt: skip

        def proved(point: LinearPoint, found: Pricing) -> None:
            self.priced = point.value
            self.pace.proof = self.pace.took()
            self.slow = found.nodes > SLOW * len(instance)
            if self.slow and self.known is None:
                self.keep(master, rounded(self, master, point, ROOT_ROUNDS))

        early = root and self.known is None and len(instance) >= EARLY_ITEMS
        first = -1 if early else 0
        slack = WIDE_SLACK if len(instance.candidates) > WIDE else EARLY_SLACK

        def enough(point: LinearPoint, proven: int) -> bool:
            missing = point.value - proven
            if round_number < 0:
                return missing <= slack * point.value
            return loose and missing <= TAIL * (self.cost - proven)

        def relaxed() -> Generator[None, None, tuple[LinearPoint | None, int]]:
            return generate(
                master,
                least=node.least,
                most=node.most,
                bound=bound,
                enough=enough,
                keep=lambda bins: self.keep(master, bins),
                prove=prove,
                plan=(lambda p: rounded(self, master, p)) if early else lambda _: (),
                notice=notice,
                priced=proved,
                closed=self.closed,
                stop=self.stop,
            )

        thick = self.thick and early and self.cut_rounds > 0
        rounds = THICK_CUT_ROUNDS if thick else self.cut_rounds
        for round_number in range(first, rounds + 1):
            self.branches = not root or round_number > 0
            loose = thick and 0 <= round_number < rounds and self.far(bound)
            point, proven = yield from relaxed()
            bound = max(bound, proven)
            if point is None:
                return (), bound, False
            if self.closed(bound):
                return (), bound, True
            if round_number < 0:
                yield from self.look_for_plans(master, point, bound, root=root)
                if self.closed(bound):
                    return (), bound, True
                continue
            if loose:
                if not padded(point) and self.add_cuts(master, point, sparing=True):
                    continue
                loose = False
                point, proven = yield from relaxed()
                bound = max(bound, proven)
                if point is None or self.closed(bound):
                    return (), bound, point is not None
            if padded(point) and not node.exact:
                return [replace(node, bound=bound, exact=True)], bound, True
            if integral(point):
                chosen = [master.bins[j] for j in np.flatnonzero(point.weights > 0.5)]
                self.take(instance, partition(instance, chosen))
                return (), bound, True
            if round_number == 0 and not early:
                new = root and self.known is None
                yield from self.look_for_plans(master, point, bound, root=new)
                if self.closed(bound):
                    return (), bound, True
            if self.stop():
                return (), bound, False
            if round_number == rounds or count_undecided(point):
                break
            if not self.add_cuts(master, point):
                break
        assert point is not None
        if root and self.known is not None:
            yield from self.look_for_plans(master, point, bound, root=True)
            if self.closed(bound):
                return (), bound, True
        if self.only_root:
            return (), bound, True
        return self.branch(node, master, point, bound), bound, True

    def look_for_plans(
        self, master: Master, point: LinearPoint, bound: int, *, root: bool
    ) -> Iterator[None]:
        """Look for a better plan around a point, until one is good enough."""
        return look_for_plans(self, master, point, bound, root=root)

    def far(self, bound: int) -> bool:
        """Tell whether a bound is many possible costs short of the best plan's."""
        return self.cost - bound > FEW_GRAINS * self.instance.grain

    def add_cuts(
        self, master: Master, point: LinearPoint, *, sparing: bool = False
    ) -> bool:
        """Add cuts that a point violates, few or many; tell whether there are any."""
        bins, known = master.bins, set(master.cuts)
        if sparing:
            few = len(master.instance) // THICK_CUTS
            cuts = violated_cuts(bins, point.weights, known, most=few, each=1)
        else:
            cuts = violated_cuts(bins, point.weights, known)
        master.add_cuts(cuts)
        return len(cuts) > 0

    def columns(self, instance: Instance) -> list[Bin]:
        """Return remembered bins that an instance's branchings allow, and singles."""
        home = home_of(instance)
        known = (bin_in(instance, home, positions) for positions in self.pool)
        shared = [members for members in known if members and len(members) > 1]
        return [(i,) for i in range(len(instance))] + shared

    def keep(self, master: Master, bins: Sequence[Bin]) -> None:
        """Add bins to the relaxation and remember them for later nodes."""
        master.add(bins)
        self.pool.update(
            dict.fromkeys(positions_of(master.instance, members) for members in bins)
        )

    def branch(
        self, node: Node, master: Master, point: LinearPoint, bound: int
    ) -> list[Node]:
        """Split a node in two."""
        return branch(self.record, self.tickets, node, master, point, bound)

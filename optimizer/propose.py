"""Propose combined review bins for a batch of requests."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from math import ceil
from typing import TYPE_CHECKING, Protocol

from optimizer import cost
from optimizer.clusters import Cluster, find_clusters
from optimizer.compatibility import may_share
from optimizer.problem import Problem
from optimizer.proposal.assemble import assemble
from optimizer.proposal.values import Proposal

if TYPE_CHECKING:
    from optimizer.instance import Instance
    from optimizer.selection.solver import Selection

FEW_ITEMS = 24
"""Items of a cluster up to which all pairs are asked before anything is compiled."""

MANY_PAIRS = 100_000
"""Pairs of a task beyond which a plan without search is improved only once over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a proposal has come; costs in thousandths of a staff-day.

    ``incumbent`` is the cost of the best plan so far for the whole batch, ``bound``
    what no plan costs less than, as far as is proven.
    """

    clusters_done: int
    clusters: int
    incumbent: int
    bound: int


type OnProgress = Callable[[Progress], None]
type TaskReport = Callable[[int, "Selection"], None]
"""Receives the number of a task and a better plan or bound for it."""


class Engine(Protocol):
    """Solves independent tasks, largest first, in this process or elsewhere.

    It answers with one selection a task, in the order of the tasks. A task it was told
    to stop still gets a plan: the best found, with a bound that is valid.
    """

    def __call__(
        self, tasks: Sequence["Instance"], *, gap: float, report: TaskReport
    ) -> Sequence["Selection"]:
        """Solve the tasks, each until its gap is reached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Serial:
    """Solves tasks in this process, in turns.

    Parameters
    ----------
    stop
        Asked between steps; when it says so, the best plans so far are returned.
    remaining
        Seconds left, or None.
    """

    stop: Callable[[], bool] = lambda: False
    remaining: Callable[[], float | None] = lambda: None

    def __call__(
        self, tasks: Sequence["Instance"], *, gap: float, report: TaskReport
    ) -> Sequence["Selection"]:
        """Solve the tasks, each until its gap is reached."""
        from optimizer.selection.schedule import solve_all

        return solve_all(
            tasks, gap=gap, stop=self.stop, remaining=self.remaining, report=report
        )


def propose(
    problem: Problem,
    *,
    gap: float = 0.0,
    engine: Engine | None = None,
    on_progress: OnProgress = lambda _: None,
) -> Proposal:
    """Propose combined review bins for a batch of requests.

    Parameters
    ----------
    gap
        From 0 to 1: a cluster is left when (cost - bound) / cost is no larger.
    engine
        What solves the clusters; by default this process, one after another.
    on_progress
        Told whenever a better plan or bound is known.

    Raises
    ------
    NoPlan
        When a ``together`` set breaks a limit.
    FiguresTooLarge
        When costs would not fit exact 64-bit arithmetic.
    """
    clusters = find_clusters(problem)
    plan = choose_bins(
        problem, clusters, gap=gap, engine=engine or Serial(), on_progress=on_progress
    )
    accepted = fixed_bins(problem)
    return assemble(
        problem,
        [*plan.bins, *accepted],
        bound=plan.bound + sum(cost.cost(problem, members) for members in accepted),
        gap=gap,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Bins for some clusters, as request positions, with their cost and its bound."""

    bins: tuple[tuple[int, ...], ...]
    cost: int
    bound: int


def choose_bins(
    problem: Problem,
    clusters: Sequence[Cluster],
    *,
    gap: float,
    engine: Engine,
    on_progress: OnProgress = lambda _: None,
) -> Plan:
    """Choose the bins of some clusters: split them, solve the parts, put together."""
    alone: list[tuple[int, ...]] = []
    tasks: list[Instance] = []
    owners: list[int] = []
    for number, cluster in enumerate(clusters):
        for part in _connected(problem, cluster):
            if len(part.items) == 1:
                alone.append(part.items[0])
            else:
                found = list(_tasks(problem, part, alone))
                tasks += found
                owners += [number] * len(found)
    order = sorted(range(len(tasks)), key=lambda at: (-len(tasks[at]), tasks[at].items))
    tasks = [tasks[at] for at in order]
    spent = sum(cost.cost(problem, item) for item in alone)
    watch = _Watch(
        spent, [owners[at] for at in order], tasks, len(clusters), on_progress
    )
    selections = engine(tasks, gap=gap, report=watch.report) if tasks else []
    watch.finish(selections)
    return Plan(
        bins=tuple(
            sorted([*alone, *(members for s in selections for members in s.bins)])
        ),
        cost=spent + sum(s.cost for s in selections),
        bound=spent + sum(map(_proven, selections, tasks)),
    )


def fixed_bins(problem: Problem) -> tuple[tuple[int, ...], ...]:
    """Return the accepted bins as positions: in every plan, unchanged."""
    return tuple(
        tuple(sorted(problem.batch.position(request_id) for request_id in members))
        for members in problem.rulings.fixed
    )


def _connected(problem: Problem, cluster: Cluster) -> Iterator[Cluster]:
    """Yield the parts of a small cluster that no allowed pair joins.

    A larger cluster is split when it is an instance; a small one is often nothing but
    requests that must stay alone, and is then done without compiled code.
    """
    items = cluster.items
    if not 1 < len(items) <= FEW_ITEMS:
        yield cluster
        return
    part_of = list(range(len(items)))
    for one, other in combinations(range(len(items)), 2):
        if part_of[one] != part_of[other] and all(
            may_share(problem, i, j) for i in items[one] for j in items[other]
        ):
            old, new = part_of[other], part_of[one]
            part_of = [new if part == old else part for part in part_of]
    for part in sorted(set(part_of)):
        yield Cluster(
            items=tuple(
                item for item, of in zip(items, part_of, strict=True) if of == part
            )
        )


def _tasks(
    problem: Problem, cluster: Cluster, alone: list[tuple[int, ...]]
) -> Iterator["Instance"]:
    """Yield the connected parts of a cluster; note items without candidates."""
    from optimizer.instance import build_instance
    from optimizer.reshape import restrict, split

    instance = build_instance(problem, cluster)
    for part in split(instance):
        if len(part) == 1:
            alone.append(instance.items[part[0]])
        else:
            yield restrict(instance, part) if len(part) < len(instance) else instance


def _proven(selection: "Selection", task: "Instance") -> int:
    """Return the better of the bound a search ended with and the one without it."""
    if selection.bound == selection.cost:
        return selection.bound
    return max(selection.bound, bound_without_search(task))


def plan_without_search(task: "Instance", *, good: bool = True) -> "Selection":
    """Return a plan for a task there is no time to solve, and a bound.

    Parameters
    ----------
    good
        Whether to look for a good plan by insertion and moves; otherwise every item is
        left by itself.
    """
    from optimizer.heuristics import improve
    from optimizer.selection.solver import Selection

    if good:
        hurried = len(task.candidates) > MANY_PAIRS
        bins = improve(task, passes=1 if hurried else 30)
    else:
        bins = tuple((i,) for i in range(len(task)))
    return Selection(
        bins=tuple(
            sorted(
                tuple(sorted(p for i in members for p in task.items[i]))
                for members in bins
            )
        ),
        cost=sum(task.cost(members) for members in bins),
        bound=bound_without_search(task),
    )


def bound_without_search(task: "Instance") -> int:
    """Return a bound on the cost of every plan for a task, in thousandths.

    It is the sum of what no item can come under: its own cost, and an equal part of
    every feature it touches, shared with as many as ever could share it in one bin.

    Complexity: linear in items times features.
    """
    most = int(min(task.max_requests, len(task)))
    touching = [0] * len(task.weight)
    for feature in task.features:
        touching[feature] += 1
    # A fee is shared by at most ``most`` items, a rebate by at least two.
    fee = Fraction(task.pair_fee, most if task.pair_fee > 0 else 2)
    least = Fraction(0)
    for i in range(len(task)):
        shared = int(task.own[i]) + fee
        for feature in task.features_of(i):
            shared += Fraction(int(task.weight[feature]), min(most, touching[feature]))
        least += min(Fraction(int(task.alone[i])), shared)
    return max(0, ceil(least))


class _Watch:
    """Adds up what is known of all tasks and tells of progress."""

    def __init__(
        self,
        spent: int,
        owners: Sequence[int],
        tasks: Sequence["Instance"],
        clusters: int,
        tell: OnProgress,
    ) -> None:
        self._tell = tell
        self._clusters = clusters
        self._owners = owners
        self._left = [0] * clusters  # tasks of each cluster that are not closed
        for owner in owners:
            self._left[owner] += 1
        self._costs = [int(task.alone.sum()) for task in tasks]  # everyone alone
        self._bounds = [0] * len(tasks)
        self._closed = [False] * len(tasks)
        self._incumbent = spent + sum(self._costs)
        self._bound = spent
        self._say()

    def report(self, number: int, selection: "Selection") -> None:
        """Note a better plan or bound for a task."""
        self._note(number, selection, closed=selection.cost == selection.bound)
        self._say()

    def finish(self, selections: Sequence["Selection"]) -> None:
        """Note that every task is done."""
        for number, selection in enumerate(selections):
            self._note(number, selection, closed=True)
        self._say()

    def _note(self, number: int, selection: "Selection", *, closed: bool) -> None:
        self._incumbent += selection.cost - self._costs[number]
        self._bound += selection.bound - self._bounds[number]
        self._costs[number] = selection.cost
        self._bounds[number] = selection.bound
        if closed and not self._closed[number]:
            self._closed[number] = True
            self._left[self._owners[number]] -= 1

    def _say(self) -> None:
        self._tell(
            Progress(
                clusters_done=self._left.count(0),
                clusters=self._clusters,
                incumbent=self._incumbent,
                bound=self._bound,
            )
        )

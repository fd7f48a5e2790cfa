"""Propose combined review bins for a batch of requests."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from optimizer import cost
from optimizer.certificate import Certificate
from optimizer.clusters import Cluster, find_clusters
from optimizer.earlier import Earlier
from optimizer.problem import Problem
from optimizer.proposal.assemble import assemble
from optimizer.proposal.values import Proposal

if TYPE_CHECKING:
    from optimizer.builder import Builder
    from optimizer.instance import Instance
    from optimizer.selection.outcome import Selection
    from optimizer.tasks import Tasks


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

    It answers with one selection a task, in the order of the tasks. Tasks are built
    when they are taken by number, and each time anew: take one when it is begun, and
    ask ``optimizer.tasks.sizes_of`` for sizes. A task it was told
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
            tuple(tasks),
            gap=gap,
            stop=self.stop,
            remaining=self.remaining,
            report=report,
        )


def propose(
    problem: Problem,
    *,
    gap: float = 0.0,
    engine: Engine | None = None,
    on_progress: OnProgress = lambda _: None,
    earlier: Earlier | None = None,
    only_changed: bool = False,
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
    earlier, only_changed
        What is kept of an earlier plan, and what of it stands: see
        :func:`choose_bins`.

    Raises
    ------
    NoPlan
        When a ``together`` set breaks a limit.
    FiguresTooLarge
        When costs would not fit exact 64-bit arithmetic.
    """
    plan = plan_bins(
        problem,
        gap=gap,
        engine=engine,
        on_progress=on_progress,
        earlier=earlier,
        only_changed=only_changed,
    )
    return proposal_of(problem, plan, gap=gap)


def plan_bins(
    problem: Problem,
    *,
    gap: float = 0.0,
    engine: Engine | None = None,
    on_progress: OnProgress = lambda _: None,
    earlier: Earlier | None = None,
    only_changed: bool = False,
) -> "Plan":
    """Choose the bins of a batch, without the figures of each: fixed bins included.

    Parameters and errors are those of :func:`propose`, which is this and then
    :func:`proposal_of`.
    """
    plan = choose_bins(
        problem,
        find_clusters(problem),
        gap=gap,
        engine=engine or Serial(),
        on_progress=on_progress,
        earlier=earlier,
        only_changed=only_changed,
    )
    accepted = fixed_bins(problem)
    spent = sum(cost.cost(problem, members) for members in accepted)
    return replace(
        plan,
        bins=tuple(sorted((*plan.bins, *accepted))),
        cost=plan.cost + spent,
        bound=plan.bound + spent,
    )


def proposal_of(
    problem: Problem, plan: "Plan", *, gap: float, at_once: bool = True
) -> Proposal:
    """Make a proposal of the plan of a whole batch.

    Its bins are put together ``at_once``, or each when it is read.
    """
    return assemble(
        problem,
        plan.bins,
        bound=plan.bound,
        gap=gap,
        certificates=plan.certificates,
        kept=plan.kept,
        at_once=at_once,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Bins for some clusters, as request positions, with their cost and its bound.

    ``certificates`` prove the bound, with ``bound_without_search`` for the parts that
    have none; None where no search recorded how it proved what it says. ``kept`` is
    what a later plan may begin with, where that was asked for, and ``solved`` and
    ``taken_over`` are how many parts of two items or more were solved and were not.
    """

    bins: tuple[tuple[int, ...], ...]
    cost: int
    bound: int
    certificates: tuple[Certificate, ...] | None
    kept: Earlier | None = None
    solved: int = 0
    taken_over: int = 0


def choose_bins(
    problem: Problem,
    clusters: Sequence[Cluster],
    *,
    gap: float,
    engine: Engine,
    on_progress: OnProgress = lambda _: None,
    earlier: Earlier | None = None,
    only_changed: bool = False,
) -> Plan:
    """Choose the bins of some clusters: split them, solve the parts, put together.

    Parameters
    ----------
    earlier
        What is kept of an earlier plan, or of none: an ``Earlier()`` without parts asks
        to keep what this one finds. A part that has not changed is not solved.
    only_changed
        Whether a part that has not changed is left as it is even where its gap is
        wider than asked for.
    """
    from optimizer.builder import Builder
    from optimizer.reuse import Reuse
    from optimizer.tasks import Tasks

    builder = Builder(problem)
    reuse = Reuse(problem, earlier, gap=gap, only_changed=only_changed)
    alone: list[tuple[int, ...]] = []
    owner: dict[tuple[int, ...], int] = {}  # by first item of a part
    parts: list[tuple[tuple[int, ...], ...]] = []
    for number, cluster in enumerate(clusters):
        for part in _parts(builder, cluster):
            if len(part) == 1:
                alone.append(part[0])
            elif not reuse.take_over(part):
                parts.append(part)
                owner[part[0]] = number
    tasks = Tasks(builder, parts, reuse.known)
    spent = sum(map(builder.cost_alone, alone))
    watch = _Watch(
        spent + reuse.cost,
        spent + reuse.bound,
        [owner[part[0]] for part in tasks.parts],
        [tasks.cost_alone(number) for number in range(len(tasks))],
        len(clusters),
        on_progress,
    )
    selections = engine(tasks, gap=gap, report=watch.report) if tasks else []
    watch.finish(selections)
    proven = _proven(selections, tasks)
    for part, selection, one in zip(tasks.parts, selections, proven, strict=True):
        bound = 0 if one.believed else one.bound
        reuse.keep(part, selection, bound, one.certificate)
    certificates = reuse.certificates + [
        one.certificate for one in proven if one.certificate is not None
    ]
    certificates.sort(key=lambda certificate: certificate.positions)
    return Plan(
        bins=tuple(
            sorted([*alone, *reuse.bins, *(b for s in selections for b in s.bins)])
        ),
        cost=spent + reuse.cost + sum(s.cost for s in selections),
        bound=spent + reuse.bound + sum(one.bound for one in proven),
        certificates=(
            None if any(one.believed for one in proven) else tuple(certificates)
        ),
        kept=reuse.kept,
        solved=len(tasks),
        taken_over=reuse.taken_over,
    )


def fixed_bins(problem: Problem) -> tuple[tuple[int, ...], ...]:
    """Return the accepted bins as positions: in every plan, unchanged."""
    return tuple(
        tuple(sorted(problem.batch.position(request_id) for request_id in members))
        for members in problem.rulings.fixed
    )


def _parts(
    builder: "Builder", cluster: Cluster
) -> Sequence[tuple[tuple[int, ...], ...]]:
    """Return the parts of a cluster that no allowed pair joins."""
    if len(cluster.items) == 1:
        return [cluster.items]
    return builder.split(cluster.items)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Proven:
    """The bound of a task and the certificate it rests on, if it needs one.

    ``believed`` is a bound that a search stated and did not record the proof of.
    """

    bound: int
    certificate: Certificate | None
    believed: bool


def _proven(selections: Sequence["Selection"], tasks: "Tasks") -> list[_Proven]:
    """Return what is proven of every task.

    A task's bound is what its certificate proves, or what needs no search where that is
    more. Where no selection has a certificate, bounds are taken as they are stated.
    """
    recorded = any(s.certificate is not None for s in selections)
    found: list[_Proven] = []
    for number, selection in enumerate(selections):
        known = selection.certificate
        bound = known.bound if known is not None else 0
        if not recorded:
            bound = selection.bound
        simple = tasks.bound(number) if bound < selection.cost else 0
        needed = bound > simple
        found.append(
            _Proven(
                bound=max(bound, simple),
                certificate=known if needed else None,
                believed=needed and known is None,
            )
        )
    return found


def plan_without_search(
    task: "Instance",
    *,
    good: bool = True,
    rounds: int = 0,
    stop: Callable[[], bool] = lambda: False,
) -> "Selection":
    """Return a plan for a task there is no time to solve, and a bound.

    Parameters
    ----------
    good
        Whether to look for a good plan by insertion and moves; otherwise every item is
        left by itself.
    rounds
        Of ruin and recreate, for each item; fewer in an instance that has many pairs.
    stop
        Asked from insertion on; when it says so, the best plan so far is returned.
    """
    from optimizer.selection.outcome import Selection
    from optimizer.tasks import bound_without_search

    if good:
        from optimizer.heuristics import improve, rounds_for

        bins = improve(task, rounds=rounds_for(task, rounds), stop=stop)
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


def plan_of_task(
    tasks: Sequence["Instance"], number: int, *, good: bool
) -> "Selection":
    """Return a plan and bound for one of many tasks there is no time to solve.

    As :func:`plan_without_search` with insertion alone; where the plan need not be
    good, no candidates are listed either.
    """
    from optimizer.tasks import Tasks

    if isinstance(tasks, Tasks) and not good:
        return plan_without_search(tasks.outline(number), good=False)
    return plan_without_search(tasks[number], good=good, stop=lambda: True)


class _Watch:
    """Adds up what is known of all tasks and tells of progress.

    ``spent`` and ``proven`` are cost and bound of all that needs no solving.
    """

    def __init__(
        self,
        spent: int,
        proven: int,
        owners: Sequence[int],
        costs: list[int],
        clusters: int,
        tell: OnProgress,
    ) -> None:
        self._tell = tell
        self._clusters = clusters
        self._owners = owners
        self._left = [0] * clusters  # tasks of each cluster that are not closed
        for owner in owners:
            self._left[owner] += 1
        self._done = self._left.count(0)
        self._costs = costs  # everyone alone, until a better plan is known
        self._bounds = [0] * len(costs)
        self._closed = [False] * len(costs)
        self._incumbent = spent + sum(self._costs)
        self._bound = proven
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
            self._done += not self._left[self._owners[number]]

    def _say(self) -> None:
        self._tell(
            Progress(
                clusters_done=self._done,
                clusters=self._clusters,
                incumbent=self._incumbent,
                bound=self._bound,
            )
        )

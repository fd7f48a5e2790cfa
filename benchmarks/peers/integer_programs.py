"""The compact model in PuLP, solved by CBC or by HiGHS."""

import tempfile
from pathlib import Path

import pulp

from benchmarks.peers.answer import NO_TIME, Answer, Clock
from benchmarks.peers.compact import Compact, build_compact
from benchmarks.peers.pairs import Pairs

THREADS = 2
RELATIVE_GAP = 1e-7
"""The solvers stop at 1e-4 by default; here they are to prove the optimum."""


def with_cbc(pairs: Pairs, clock: Clock) -> Answer:
    """Solve the compact model by CBC, in a process PuLP starts."""
    with tempfile.TemporaryDirectory() as folder:
        return _solve(
            pairs,
            clock,
            lambda seconds: pulp.COIN_CMD(
                msg=False,
                timeLimit=seconds,
                threads=THREADS,
                gapRel=RELATIVE_GAP,
                logPath=str(Path(folder) / "cbc.log"),  # PuLP reads the bound there
            ),
        )


def with_highs(pairs: Pairs, clock: Clock, *, threads: int = THREADS) -> Answer:
    """Solve the compact model by HiGHS, in this process.

    HiGHS keeps the number of threads of its first solve for the life of a process, and
    refuses another.
    """
    return _solve(
        pairs,
        clock,
        lambda seconds: pulp.HiGHS(
            msg=False, timeLimit=seconds, threads=threads, gapRel=RELATIVE_GAP
        ),
    )


def _solve(pairs, clock, solver_for) -> Answer:  # type: ignore[no-untyped-def]
    model = build_compact(pairs)
    problem, variables = in_pulp(model)
    if clock.left() < 1:
        return NO_TIME
    stats = problem.solve(solver_for(clock.left()))
    bound = stats.best_bound
    if stats.status == pulp.LpSolveStatus.Optimal and bound is None:
        bound = stats.objective
    size = f"{len(model.cost):,} columns, {len(model.rows):,} rows"
    if not stats.has_solution:
        return Answer(bins=None, bound=_thousandths(bound), note=f"no plan; {size}")
    values = [variable.varValue or 0.0 for variable in variables]
    return Answer(bins=model.plan(values), bound=_thousandths(bound), note=size)


def _thousandths(staff_days: float | None) -> float | None:
    return None if staff_days is None else max(0.0, staff_days * 1000)


def in_pulp(model: Compact) -> tuple[pulp.LpProblem, list[pulp.LpVariable]]:
    """State the compact model in PuLP; costs in staff-days, rows scaled to 1."""
    problem = pulp.LpProblem("bins", pulp.LpMinimize)
    kinds = {True: "Integer", False: "Continuous"}
    variables = [
        problem.add_variable(f"v{number}", 0, 1, kinds[whole])
        for number, whole in enumerate(model.whole)
    ]
    problem.setObjective(
        pulp.lpSum(
            cost / 1000 * variable
            for cost, variable in zip(model.cost, variables, strict=True)
            if cost
        )
    )
    for row in model.rows:
        largest = max(abs(factor) for _, factor in row.terms)
        scale = largest if largest > 1000 else 1  # amounts of money
        total = pulp.lpSum(
            variables[column] if factor == scale else factor / scale * variables[column]
            for column, factor in row.terms
        )
        limit = row.limit / scale
        problem.addConstraint(total == limit if row.exact else total <= limit)
    return problem, variables

"""The compact model in OR-Tools CP-SAT.

It runs in a process in which nothing imports PuLP: PuLP loads highspy, and highspy
1.15 and OR-Tools 9.15 cannot share one process.
"""

from ortools.sat.python import cp_model

from benchmarks.peers.answer import NO_TIME, Answer, Clock
from benchmarks.peers.compact import Compact, build_compact
from benchmarks.peers.pairs import Pairs

WORKERS = 2


def with_cp_sat(pairs: Pairs, clock: Clock) -> Answer:
    """Solve the compact model by CP-SAT."""
    compact = build_compact(pairs)
    model, variables = in_cp_sat(compact)
    if clock.left() < 1:
        return NO_TIME
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = clock.left()
    solver.parameters.num_workers = WORKERS
    solver.parameters.relative_gap_limit = 0.0
    status = solver.solve(model)
    size = f"{len(compact.cost):,} columns, {len(compact.rows):,} rows"
    bound = max(0.0, solver.best_objective_bound)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return Answer(bins=None, bound=bound, note=f"no plan; {size}")
    values = [solver.value(variable) for variable in variables]
    return Answer(bins=compact.plan(values), bound=bound, note=size)


def in_cp_sat(
    compact: Compact,
) -> tuple[cp_model.CpModel, list[cp_model.IntVar]]:
    """State the compact model in CP-SAT: all columns are 0 or 1."""
    model = cp_model.CpModel()
    variables = [model.new_bool_var("") for _ in compact.cost]
    for row in compact.rows:
        chosen = [variables[column] for column, _ in row.terms]
        factors = [factor for _, factor in row.terms]
        if row.exact:
            model.add_exactly_one(chosen)
        elif factors == [1, -1] and row.limit == 0:
            model.add_implication(chosen[0], chosen[1])
        else:
            total = cp_model.LinearExpr.weighted_sum(chosen, factors)
            model.add(total <= row.limit)
    model.minimize(cp_model.LinearExpr.weighted_sum(variables, compact.cost))
    return model, variables

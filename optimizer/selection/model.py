r"""The set partition as a PuLP model.

Sets and parameters
    :math:`R` the items of a cluster; :math:`P` the bins at hand; :math:`c_B` the exact
    cost of a bin in thousandths of a staff-day.
Variables
    :math:`x_B \in \{0, 1\}`: bin B is reviewed.
Objective
    :math:`\min \sum_{B \in P} c_B x_B`
Constraints
    ``review_once[r]``: :math:`\sum_{B \ni r} x_B \ge 1` for every item r. A subset of a
    bin is a bin and never dearer, so covering an item twice never pays and an optimal
    cover is a partition once doubled items are taken out; the duals are then at least
    0, which makes the linear relaxation steadier.
"""

from collections.abc import Collection, Sequence
from typing import Any

from optimizer.instance import Bin
from optimizer.selection.modeller import pulp

FEASIBILITY = 1e-9
"""Primal and dual feasibility tolerance asked of HiGHS."""


def set_partition(
    bins: Sequence[Bin],
    costs: Sequence[int],
    items: Collection[int],
    *,
    integer: bool,
    exact: bool = False,
) -> tuple[Any, list[Any]]:
    """Return the PuLP model over some bins, and its variables in the bins' order.

    Parameters
    ----------
    bins, costs
        Items of each bin and its cost in thousandths. The objective is in staff-days,
        which keeps its coefficients near 1 for the solver.
    items
        The items; each is in at least one of the bins.
    integer
        Whether bins are chosen whole, or the linear relaxation is meant.
    exact
        Whether every item is in exactly one bin. A cover may take a cheap bin twice to
        make up a number of bins; where that number is bounded below, it must not.
    """
    problem: Any = pulp.LpProblem("review_bins", pulp.LpMinimize)
    category = pulp.LpBinary if integer else pulp.LpContinuous
    chosen = [
        problem.add_variable(f"x{number}", 0, 1 if integer else None, category)
        for number in range(len(bins))
    ]
    holding: dict[int, list[Any]] = {i: [] for i in sorted(items)}
    for number, members in enumerate(bins):
        for i in members:
            holding[i].append(chosen[number])
    problem.setObjective(
        pulp.lpSum(cost / 1000 * x for cost, x in zip(costs, chosen, strict=True))
    )
    for r, variables in holding.items():
        total = pulp.lpSum(variables)
        problem.addConstraint(total == 1 if exact else total >= 1, f"review_once_{r}")
    return problem, chosen


def highs(**options: Any) -> Any:
    """Return the HiGHS solver with what every solve here has in common.

    One thread and a fixed seed: the answer must not depend on the machine's load.
    """
    return pulp.HiGHS(
        msg=False,
        threads=1,
        random_seed=0,
        primal_feasibility_tolerance=FEASIBILITY,
        dual_feasibility_tolerance=FEASIBILITY,
        **options,
    )


def choose(
    bins: Sequence[Bin],
    costs: Sequence[int],
    items: Collection[int],
    *,
    start: Sequence[int],
    node_limit: int,
    time_limit: float | None,
) -> tuple[int, ...] | None:
    """Choose bins that cover every item at little cost, as indices; None if none.

    Parameters
    ----------
    start
        Indices of a cover known already: the solve starts from it.
    node_limit
        Branch-and-bound nodes: the stop that is the same on every machine.
    time_limit
        Seconds, or None.

    Notes
    -----
    What HiGHS says of its own bound is not used: only the bins chosen are, and their
    cost is added up again in integers by the caller.
    """
    problem, variables = set_partition(bins, costs, items, integer=True)
    known = set(start)
    for number, variable in enumerate(variables):
        variable.setInitialValue(1 if number in known else 0)
    options: dict[str, Any] = {
        "mip_max_nodes": node_limit,
        "mip_rel_gap": 0.0,
        "mip_abs_gap": 0.0005,
        "warmStart": True,
    }
    if time_limit is not None:
        options["timeLimit"] = time_limit
    problem.solve(highs(**options))
    picked = tuple(
        number
        for number, variable in enumerate(variables)
        if (variable.varValue or 0.0) > 0.5
    )
    covered = {i for j in picked for i in bins[j]}
    return picked if covered.issuperset(items) else None

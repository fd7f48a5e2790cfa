"""Tiny models whose answers are known: a solver that gets one wrong is not used.

HiGHS 1.14.0 called wrong answers optimal on models as small as these, silently. They
are asked as every solve asks: by PuLP, with the same options.

References
----------
ERGO-Code/HiGHS, issues 2957 and 3043: the first of them, its answer found by trying
each value of the whole number.
"""

from collections.abc import Callable
from typing import Any, Final

import highspy

from optimizer.selection.model import choose, highs, set_partition
from optimizer.selection.modeller import pulp

_TOLERANCE: Final = 1e-6

_RING: Final = ((0, 1), (1, 2), (0, 2), (0,), (1,), (2,))
_COSTS: Final = (1000, 1000, 1000, 900, 900, 900)
"""Three items: two in one bin cost 1, one alone 0.9. All pairs, each half, cost 1.5 and
cannot be had whole; a pair and one alone cost 1.9."""


def _mixed() -> float:
    """Return the least 2x + 3z with x + z >= 4.5 and z whole: 9, at x = 4.5."""
    problem: Any = pulp.LpProblem("mixed", pulp.LpMinimize)
    x = problem.add_variable("x", 0, 10)
    z = problem.add_variable("z", 0, 10, pulp.LpInteger)
    problem.setObjective(2 * x + 3 * z)
    problem.addConstraint(x + z >= 4.5)
    problem.solve(highs())
    return _value(problem)


def _relaxed() -> float:
    """Return the cost of the three items' relaxation: 1.5."""
    problem, _ = set_partition(_RING, _COSTS, range(3), integer=False)
    problem.solve(highs(presolve="off"))
    return _value(problem)


def _whole() -> float:
    """Return the cost of the bins chosen for the three items: 1.9."""
    chosen = choose(
        _RING, _COSTS, range(3), start=(3, 4, 5), node_limit=100, time_limit=None
    )
    if chosen is None:
        return float("nan")
    held = sorted(item for number in chosen for item in _RING[number])
    cost = sum(_COSTS[number] for number in chosen) / 1000
    return cost if held == [0, 1, 2] else float("nan")


def _value(problem: Any) -> float:
    """Return the objective of an optimum, as HiGHS itself has it; else no number."""
    solver = problem.solverModel
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return float("nan")
    return float(solver.getInfo().objective_function_value)


MODELS: Final[dict[str, tuple[Callable[[], float], float]]] = {
    "mixed": (_mixed, 9.0),
    "relaxed": (_relaxed, 1.5),
    "whole": (_whole, 1.9),
}
"""By name, what solves a model, and its answer."""


def wrong() -> list[str]:
    """Return a sentence for each model the solver gets wrong; none when it is sound."""
    found = []
    for name, (solve, answer) in MODELS.items():
        try:
            value = solve()
        except Exception as error:
            found.append(f"The model {name} failed: {type(error).__name__}.")
            continue
        if not abs(value - answer) <= _TOLERANCE:  # so that nan is wrong
            found.append(f"The model {name} has the answer {answer:g}, not {value:g}.")
    return found

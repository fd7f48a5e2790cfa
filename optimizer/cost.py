r"""What a bin costs, in exact thousandths of a staff-day (model.md section 3).

Effort is a weighted coverage function. Each request *touches* features, such as "the
technology baseline of the HIMARS family", and a bin pays every feature once, however
many members touch it:

.. math:: E(B) = \sum_{r \in B} \ell_r + \sum_{f \in \cup_r F_r} w_f

The precedent form fits the same shape: a unit pays the discounted rate when anything
touches it, and the rest of the full rate when a request without precedent does.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from optimizer.policy import DISCOUNTED_UNITS, EffortCase, Stage, Unit
from optimizer.problem import Problem

type Feature = tuple[object, ...]
"""(stage position, unit, value…): what a bin pays for once."""


@dataclass(frozen=True, slots=True)
class Touch:
    """What one request brings to a stage: its own cost and the features it touches."""

    own: int
    features: Mapping[Feature, int]  # feature -> weight, thousandths


def touch(
    problem: Problem, stage_index: int, position: int, case: EffortCase
) -> Touch | None:
    """Return what a request brings to a stage, or None when it is not triggered."""
    stage = problem.policy.stages[stage_index]
    if not problem.triggered(stage.trigger, position):
        return None
    request = problem.requests[position]
    known = problem.has_precedent[position]
    own = stage.rate(Unit.LINE, case) * request.lines
    own += (
        stage.discounted_rate(Unit.REQUEST, case)
        if known
        else stage.rate(Unit.REQUEST, case)
    )
    features: dict[Feature, int] = {}
    for unit in stage.effort[case]:
        if unit in (Unit.LINE, Unit.REQUEST):
            continue
        value = unit_value(problem, unit, position)
        features.update(_priced(stage, stage_index, unit, value, known, case))
    return Touch(own, features)


def _priced(
    stage: Stage,
    stage_index: int,
    unit: Unit,
    value: Feature,
    known: bool,
    case: EffortCase,
) -> Iterable[tuple[Feature, int]]:
    """Yield the features of one unit with their weights, none of them zero."""
    rate = stage.rate(unit, case)
    low = stage.discounted_rate(unit, case) if unit in DISCOUNTED_UNITS else rate
    if low:
        yield (stage_index, unit, *value), low
    if rate > low and not known:
        yield (stage_index, unit, *value, "without precedent"), rate - low


def unit_value(problem: Problem, unit: Unit, position: int) -> Feature:
    """Return what makes two units of a stage the same or distinct."""
    request = problem.requests[position]
    match unit:
        case Unit.BIN:
            return ()
        case Unit.CUSTOMER:
            return (request.customer,)
        case Unit.SYSTEM:
            return (request.system,)
        case Unit.REGION:
            return (request.region,)
        case Unit.AGENCY:
            return (request.implementing_agency,)
        case Unit.CONFIGURATION:
            return (request.system, request.configuration)
        case Unit.CUSTOMER_CONFIGURATION:
            return (request.customer, request.system, request.configuration)
        case Unit.REQUEST | Unit.LINE:
            raise ValueError(f"{unit} is counted by request, not by distinct value.")


def effort_by_stage(
    problem: Problem, members: Sequence[int], case: EffortCase = EffortCase.DEFAULT
) -> tuple[int, ...]:
    """Return E_k(B) for each stage in policy order, thousandths of a staff-day."""
    totals: list[int] = []
    for index in range(len(problem.policy.stages)):
        own = 0
        features: dict[Feature, int] = {}
        for position in members:
            brought = touch(problem, index, position, case)
            if brought is not None:
                own += brought.own
                features.update(brought.features)
        totals.append(own + sum(features.values()))
    return tuple(totals)


def coordination(
    problem: Problem, members: Sequence[int], case: EffortCase = EffortCase.DEFAULT
) -> int:
    """Return the effort of working together: 0 for a bin of one."""
    if len(members) < 2:
        return 0
    rates = problem.policy.coordination[case]
    customers = len({problem.requests[i].customer for i in members})
    return rates.bin + rates.customer_beyond_first * (customers - 1)


def effort(
    problem: Problem, members: Sequence[int], case: EffortCase = EffortCase.DEFAULT
) -> int:
    """Return E(B), coordination included, thousandths of a staff-day."""
    staged = sum(effort_by_stage(problem, members, case))
    return staged + coordination(problem, members, case)


def start_day(problem: Problem, members: Sequence[int]) -> int:
    """Return a_B, the day number on which the combined review starts."""
    return max(problem.ready[i] for i in members)


def waiting(problem: Problem, members: Sequence[int]) -> int:
    """Return W(B), thousandths of a staff-day equivalent."""
    start = start_day(problem, members)
    return sum(
        problem.policy.wait_cost[problem.requests[i].priority]
        * (start - problem.ready[i])
        for i in members
    )


def cost(problem: Problem, members: Sequence[int]) -> int:
    """Return c(B) = E(B) + W(B), thousandths of a staff-day."""
    return effort(problem, members) + waiting(problem, members)

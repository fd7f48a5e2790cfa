"""The figures of a bin by the definitions of model.md sections 3 and 5.

Effort and waiting are integers in thousandths of a staff-day.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from datetime import date
from fractions import Fraction
from math import factorial
from typing import Final

from optimizer.batch import Request
from optimizer.policy import (
    NOTIFICATION_CLOCK,
    EffortCase,
    Policy,
    Stage,
    Unit,
)
from optimizer.verify.facts import Fact, Members, days_after, triggered

COORDINATION: Final = "coordination"

UNIT_OF: Final[Mapping[Unit, Callable[[Request], Hashable]]] = {
    Unit.BIN: lambda _: "the bin",
    Unit.CUSTOMER: lambda request: request.customer,
    Unit.SYSTEM: lambda request: request.system,
    Unit.REGION: lambda request: request.region,
    Unit.AGENCY: lambda request: request.implementing_agency,
    Unit.CONFIGURATION: lambda request: (request.system, request.configuration),
    Unit.CUSTOMER_CONFIGURATION: lambda request: (
        request.customer,
        request.system,
        request.configuration,
    ),
    Unit.REQUEST: lambda request: request.request_id,
}
"""What makes two requests of a bin the same unit; ``line`` is a sum instead."""

OF_ONE_CUSTOMER: Final = (
    Unit.CUSTOMER,
    Unit.CUSTOMER_CONFIGURATION,
    Unit.REQUEST,
    Unit.LINE,
)
"""Units that no two customers share; all but ``line`` have a precedent form."""


def with_precedent(rate: int, stage: Stage) -> int:
    """Return a rate less the stage's precedent discount, rounded half-even."""
    return round(Fraction(rate) * (1 - Fraction(stage.precedent_discount)))


def unit_effort(stage: Stage, unit: Unit, rate: int, concerned: Sequence[Fact]) -> int:
    """Return rate times the number of distinct units of the concerned requests.

    A customer, customer_configuration or request all of whose requests have a
    precedent counts at the discounted rate.
    """
    if unit is Unit.LINE:
        return rate * sum(fact.request.lines for fact in concerned)
    name = UNIT_OF[unit]
    if unit not in OF_ONE_CUSTOMER:
        return rate * len({name(fact.request) for fact in concerned})
    distinct = {name(fact.request) for fact in concerned}
    first_time = {name(fact.request) for fact in concerned if not fact.precedent}
    effort = rate * len(first_time)
    known = len(distinct) - len(first_time)
    return effort + with_precedent(rate, stage) * known if known else effort


def stage_effort(stage: Stage, case: EffortCase, members: Members) -> int:
    """Return E_k(B)."""
    concerned = [fact for fact in members if triggered(stage.trigger, fact)]
    return sum(
        unit_effort(stage, unit, rate, concerned)
        for unit, rate in stage.effort[case].items()
    )


def coordination_effort(
    policy: Policy, case: EffortCase, requests: int, customers: int
) -> int:
    """Return E_c(B): nothing for a request alone."""
    if requests < 2:
        return 0
    rates = policy.coordination[case]
    return rates.bin + rates.customer_beyond_first * (customers - 1)


def effort_by_stage(
    policy: Policy, case: EffortCase, members: Members
) -> dict[str, int]:
    """Return E_k(B) for every stage, then E_c(B) as ``coordination``."""
    efforts = {stage.id: stage_effort(stage, case, members) for stage in policy.stages}
    customers = {fact.request.customer for fact in members}
    efforts[COORDINATION] = coordination_effort(
        policy, case, len(members), len(customers)
    )
    return efforts


type Efforts = Mapping[EffortCase, Mapping[str, int]]
"""Effort by stage, for each effort case."""


def efforts_of(policy: Policy, members: Members) -> Efforts:
    """Return E_k(B) of every stage, and coordination, in every effort case."""
    return {case: effort_by_stage(policy, case, members) for case in EffortCase}


def added(parts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Return the sum of several efforts by stage."""
    total: dict[str, int] = {}
    for part in parts:
        for key, value in part.items():
            total[key] = total.get(key, 0) + value
    return total


def starts_on(members: Members) -> date:
    """Return a_B, the day the last member is ready."""
    return max(fact.ready_on for fact in members)


def waiting(policy: Policy, members: Members) -> int:
    """Return W(B)."""
    start = starts_on(members)
    return sum(
        policy.wait_cost[fact.request.priority] * (start - fact.ready_on).days
        for fact in members
    )


def clock(fact: Fact) -> int:
    """Return the notification clock that binds a request, 0 where none does."""
    return fact.threshold.clock_days if fact.threshold else 0


def forecast_on(policy: Policy, members: Members) -> date:
    """Return the day a decision is forecast: a_B plus every elapsed stage."""
    elapsed = policy.coordination_elapsed_days if len(members) > 1 else 0
    for stage in policy.stages:
        concerned = [fact for fact in members if triggered(stage.trigger, fact)]
        if not concerned:
            continue
        if stage.elapsed_days == NOTIFICATION_CLOCK:
            elapsed += max(clock(fact) for fact in concerned)
        else:
            elapsed += int(stage.elapsed_days)
    return days_after(starts_on(members), elapsed)


def fair_shares(
    policy: Policy, members: Members, solo_effort: Mapping[str, int]
) -> dict[str, Fraction]:
    """Return each customer's Shapley value of the saving, in thousandths.

    The game is v(S) = solo effort of the requests of S minus E of those requests.
    Effort of units that no two customers share is the customer's own in every
    coalition, so that part of the value is read off; the rest is averaged over all
    coalitions, as the definition has it.

    Parameters
    ----------
    solo_effort
        E({r}) by request id.
    """
    customers = sorted({fact.request.customer for fact in members})
    of = {
        customer: tuple(f for f in members if f.request.customer == customer)
        for customer in customers
    }
    shares = {
        customer: Fraction(
            sum(solo_effort[fact.request.request_id] for fact in of[customer])
            - _own_effort(policy, of[customer])
        )
        for customer in customers
    }
    worth = _shared_effort(policy, customers, of)
    count = len(customers)
    for place, customer in enumerate(customers):
        mine = 1 << place
        weighted = sum(
            factorial(size) * factorial(count - size - 1) * (worth[s | mine] - worth[s])
            for s in range(1 << count)
            if not s & mine
            for size in (s.bit_count(),)
        )
        shares[customer] -= Fraction(weighted, factorial(count))
    return shares


def _own_effort(policy: Policy, members: Members) -> int:
    total = 0
    for stage in policy.stages:
        rates = stage.effort[EffortCase.DEFAULT]
        concerned = [fact for fact in members if triggered(stage.trigger, fact)]
        total += sum(
            unit_effort(stage, unit, rate, concerned)
            for unit, rate in rates.items()
            if unit in OF_ONE_CUSTOMER
        )
    return total


def _shared_effort(
    policy: Policy, customers: Sequence[str], of: Mapping[str, Members]
) -> list[int]:
    """Return, for every coalition as a bit set, its effort that customers share."""
    requests, sizes = [0], [0]
    for customer in customers:  # each doubles the list: coalitions with it come last
        requests += [asked + len(of[customer]) for asked in requests]
        sizes += [size + 1 for size in sizes]
    worth = [
        coordination_effort(policy, EffortCase.DEFAULT, asked, size)
        for asked, size in zip(requests, sizes, strict=True)
    ]
    for stage in policy.stages:
        for unit, rate in stage.effort[EffortCase.DEFAULT].items():
            if unit in OF_ONE_CUSTOMER or not rate:
                continue
            name = UNIT_OF[unit]
            distinct: list[set[Hashable]] = [set()]
            for customer in customers:
                units = {
                    name(fact.request)
                    for fact in of[customer]
                    if triggered(stage.trigger, fact)
                }
                distinct += [others | units for others in distinct]
            for coalition, found in enumerate(distinct):
                worth[coalition] += rate * len(found)
    return worth

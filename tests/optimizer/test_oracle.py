"""The oracle itself, against figures worked out by hand and plain enumeration."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest

from optimizer.batch import Precedent, Priority
from optimizer.errors import NoPlan
from optimizer.policy import EffortCase
from optimizer.rulings import Rulings
from tests import oracle
from tests.factories import (
    DAY,
    Case,
    batch,
    catalogue,
    dense_case,
    policy,
    random_case,
    request,
    stage,
    waits,
)


def partitions(items: Sequence[str]) -> Iterator[list[tuple[str, ...]]]:
    """Yield every partition of a few items."""
    if not items:
        yield []
        return
    first, *rest = items
    for smaller in partitions(rest):
        yield [(first,), *smaller]
        for place, part in enumerate(smaller):
            yield [*smaller[:place], (first, *part), *smaller[place + 1 :]]


def obeys(case: Case, plan: Sequence[tuple[str, ...]]) -> bool:
    """Tell whether a plan of the requests that are not fixed is allowed."""
    limits = case.policy.limits
    for ids in plan:
        members = [case.batch[r] for r in ids]
        pairs = [(r, s) for r in members for s in members if r is not s]
        if any(oracle.blocks(r, s, *case[1:]) for r, s in pairs):
            return False
        value = sum(r.value_cents for r in members)
        if len(ids) > 1 and value > limits.max_value_cents:
            return False
        if len(ids) > limits.max_requests:
            return False
        if len({r.customer for r in members}) > limits.max_customers:
            return False
    return all(
        any(set(joined) <= set(ids) for ids in plan) for joined in case.rulings.together
    )


@pytest.mark.parametrize("seed", range(12))
def test_optimum_equals_the_best_of_all_partitions(seed: int) -> None:
    case = random_case(seed, 6) if seed % 2 else dense_case(seed, 6)
    fixed = {r for ids in case.rulings.fixed for r in ids}
    free = [r.request_id for r in case.batch.requests if r.request_id not in fixed]
    accepted = sum(oracle.bin_cost(ids, *case[:4]) for ids in case.rulings.fixed)
    best = min(
        sum(oracle.bin_cost(ids, *case[:4]) for ids in plan)
        for plan in partitions(free)
        if obeys(case, plan)
    )
    total, plan = oracle.best_partition(*case)
    assert total == best + accepted
    assert total == sum(oracle.bin_cost(ids, *case[:4]) for ids in plan)
    assert sorted(r for ids in plan for r in ids) == sorted(
        r.request_id for r in case.batch.requests
    )


def test_effort_of_a_bin_worked_out_by_hand() -> None:
    """Estonia buys twice, with a precedent; Latvia waits ten days for it."""
    late = DAY + timedelta(days=10)
    rules = policy(
        stages=(
            stage("ALL", "all", {"bin": 1000, "customer": 501}, discount="0.5"),
            stage("TECH", "technology_review", {"configuration": 4000, "line": 7}),
            stage("NEW", "first_purchase", {"request": 300}, discount="0.5"),
        ),
        coordination=(3000, 1000),
        wait_cost=waits(50, 150, 500),
    )
    asked = batch(
        request("E1", received_on=late, lines=3),
        request("E2", received_on=late, configuration="Block II", lines=2),
        request("L1", customer="LVA", priority=Priority.PRIORITY),
        precedents=[
            Precedent(customer="EST", system="HIMARS", approved_on=date(2025, 1, 1))
        ],
    )
    world = (asked, rules, catalogue(), DAY)
    assert oracle.bin_stages(("E1", "E2", "L1"), *world) == {
        "ALL": 1000 + 250 + 501,  # 250.5 rounds half-even to 250
        "TECH": 2 * 4000 + (3 + 2 + 1) * 7,
        "NEW": 300,  # Latvia's alone
        "coordination": 3000 + 1000,
    }
    assert oracle.bin_wait(("E1", "E2", "L1"), asked, rules, DAY) == 10 * 150
    assert oracle.bin_cost(("L1",), *world) == 1000 + 501 + 4000 + 7 + 300
    assert oracle.bin_wait(("L1", "E1"), asked, rules, late) == 0  # sunk by then
    low = oracle.bin_stages(("E1", "L1"), *world, EffortCase.LOW)
    assert low["coordination"] == 2 * (3000 + 1000)


@pytest.mark.parametrize(
    ("approved_on", "counts"),
    [
        (date(2018, 2, 27), False),
        (date(2018, 2, 28), True),  # ten years before 29 February 2028
        (date(2028, 2, 28), True),
        (date(2028, 2, 29), False),  # not before the request
    ],
)
def test_precedent_counts_within_calendar_years(
    approved_on: date, counts: bool
) -> None:
    asked = batch(
        request("R1", received_on=date(2028, 2, 29)),
        precedents=[
            Precedent(customer="EST", system="HIMARS", approved_on=approved_on)
        ],
    )
    assert oracle.has_precedent(asked["R1"], asked, policy()) is counts


def test_joined_set_over_a_limit_has_no_plan() -> None:
    asked = batch(request("R1"), request("R2"), request("R3"))
    rulings = Rulings(together=(("R1", "R2", "R3"),))
    with pytest.raises(NoPlan):
        oracle.best_partition(asked, policy(max_requests=2), catalogue(), DAY, rulings)


def test_fixed_bin_stays_whatever_the_rules_say() -> None:
    asked = batch(
        request("R1"), request("R2", customer="SAU"), request("R3", customer="LVA")
    )
    rulings = Rulings(fixed=(("R1", "R2"),))
    total, plan = oracle.best_partition(asked, policy(), catalogue(), DAY, rulings)
    assert plan == (("R1", "R2"), ("R3",))
    world = (asked, policy(), catalogue(), DAY)
    assert total == sum(oracle.bin_cost(ids, *world) for ids in plan)


def test_random_cases_are_reproducible_and_their_limits_bind() -> None:
    """Over sixty seeds, wide limits must make many of the optima cheaper."""
    assert random_case(3, 9) == random_case(3, 9)
    cheaper = 0
    for seed in range(60):
        case = random_case(seed, 8)
        limits = replace(
            case.policy.limits,
            max_requests=99,
            max_customers=99,
            max_value_cents=10**15,
        )
        wide = case._replace(policy=replace(case.policy, limits=limits))
        tight_total, _ = oracle.best_partition(*case)
        wide_total, _ = oracle.best_partition(*wide)
        assert wide_total <= tight_total
        cheaper += wide_total < tight_total
    assert cheaper >= 15

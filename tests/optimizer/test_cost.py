"""What a bin costs: by hand, against the oracle, and what covering rests on."""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import combinations
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer import cost
from optimizer.batch import Document, Precedent, Priority
from optimizer.compatibility import may_share
from optimizer.policy import EffortCase
from optimizer.problem import Problem, years_before
from tests import oracle
from tests.factories import (
    DAY,
    batch,
    catalogue,
    policy,
    request,
    stage,
    waits,
)
from tests.solving import CASES, problem, problem_of

RATE = 1000
LOW, DEFAULT, HIGH = EffortCase.LOW, EffortCase.DEFAULT, EffortCase.HIGH


def later(days: int) -> Any:
    return DAY + timedelta(days=days)


def everyone(asked: Problem) -> tuple[int, ...]:
    return tuple(range(len(asked)))


def estonian_precedent(approved_on: date = date(2025, 1, 1)) -> Precedent:
    return Precedent(customer="EST", system="HIMARS", approved_on=approved_on)


# --- units, by hand ---

FOUR = (  # E1 and E2 are the same purchase twice; three customers, two families
    request("E1", lines=2),
    request("E2", lines=3),
    request("L1", customer="LVA", configuration="Block II"),
    request("P1", customer="POL", system="AMRAAM", lines=5),
)


@pytest.mark.parametrize(
    ("unit", "count"),
    [
        ("bin", 1),
        ("customer", 3),  # EST, LVA, POL
        ("system", 2),  # HIMARS, AMRAAM
        ("region", 2),  # Baltic, Central Europe
        ("agency", 2),  # army, air force
        ("configuration", 3),  # HIMARS, HIMARS Block II, AMRAAM
        ("customer_configuration", 3),  # E1 = E2, L1, P1
        ("request", 4),
        ("line", 2 + 3 + 1 + 5),
    ],
)
def test_each_unit_counts_what_is_distinct(unit: str, count: int) -> None:
    asked = problem(*FOUR, stages=(stage("S", "all", {unit: RATE}),))
    assert cost.effort_by_stage(asked, everyone(asked)) == (count * RATE,)


def test_configurations_of_two_families_are_distinct_though_named_alike() -> None:
    """model.md section 3: a configuration is a (family, configuration) pair."""
    asked = problem(
        request("A", configuration="Block II"),
        request("B", system="GMLRS", configuration="Block II"),
        stages=(stage("S", "all", {"configuration": RATE}),),
    )
    assert cost.effort_by_stage(asked, (0, 1)) == (2 * RATE,)


@pytest.mark.parametrize(
    ("trigger", "lines"),
    [
        ("all", 1 + 2 + 4 + 8 + 16),
        ("technology_review", 1 + 4 + 8 + 16),
        ("end_use_monitoring", 4),
        ("notification", 1 + 16),
        ("offer", 1 + 2 + 4 + 16),
        ("first_purchase", 2 + 4 + 8 + 16),
    ],
)
def test_each_trigger_picks_its_requests(trigger: str, lines: int) -> None:
    """Lines are powers of two, so that the sum tells which requests were picked.

    A: 25 M of MDE meets NATO+5's MDE figure, with a precedent. B: one cent below both
    figures. C: MDE 0. D: a P&A of 1 M. E: 100 M in all meets the total.
    """
    asked = problem(
        request("A", lines=1, value_usd=25e6),
        request(
            "B",
            lines=2,
            customer="LVA",
            value_usd=99_999_999.99,
            mde_value_usd=24_999_999.99,
            technology_review=False,
        ),
        request(
            "C",
            lines=4,
            customer="LVA",
            value_usd=50e6,
            mde_value_usd=0,
            end_use_monitoring=True,
        ),
        request("D", lines=8, customer="LTU", value_usd=1e6, document=Document.P_AND_A),
        request("E", lines=16, customer="POL", value_usd=100e6, mde_value_usd=0),
        precedents=[estonian_precedent()],
        stages=(stage("S", trigger, {"line": 1}),),
    )
    assert cost.effort_by_stage(asked, everyone(asked)) == (lines,)


def test_customers_outside_nato_plus_five_have_a_lower_threshold() -> None:
    """14 M of MDE or 50 M in all for Morocco; 25 M and 100 M for Korea."""
    asked = problem(
        request("K", customer="KOR", value_usd=24e6),
        request("M1", customer="MAR", value_usd=14e6),
        request("M2", customer="MAR", value_usd=50e6, mde_value_usd=0),
        request("M3", customer="MAR", value_usd=49e6, mde_value_usd=13e6),
    )
    assert asked.notified == (False, True, True, False)


def test_threshold_must_be_law_on_the_day() -> None:
    """The NATO+5 row is valid from 2010-10-08; the one before it is historical."""
    one = request("A", value_usd=100e6)
    assert problem(one, as_of=date(2010, 10, 8)).notified == (True,)
    assert problem(one, as_of=date(2010, 10, 7)).notified == (False,)


# --- precedents ---


def discounted(*requests: Any, unit: str, discount: str = "0.3") -> int:
    asked = problem(
        *requests,
        precedents=[estonian_precedent()],
        stages=(stage("S", "all", {unit: RATE}, discount=discount),),
    )
    return cost.effort_by_stage(asked, everyone(asked))[0]


@pytest.mark.parametrize("unit", ["customer", "customer_configuration", "request"])
def test_precedent_lowers_the_rate_of_its_unit(unit: str) -> None:
    assert discounted(request("A"), unit=unit) == 700
    assert discounted(request("A"), request("L", customer="LVA"), unit=unit) == 1700


@pytest.mark.parametrize("unit", ["bin", "system", "region", "agency", "configuration"])
def test_other_units_have_no_precedent_form(unit: str) -> None:
    assert discounted(request("A"), unit=unit) == RATE


def test_lines_have_no_precedent_form() -> None:
    assert discounted(request("A", lines=3), unit="line") == 3 * RATE


def test_one_request_without_precedent_makes_its_customer_pay_in_full() -> None:
    """Estonia bought HIMARS before, GMLRS never."""
    known, new = request("A"), request("B", system="GMLRS")
    assert discounted(known, new, unit="customer") == RATE
    assert discounted(known, new, unit="customer_configuration") == 700 + RATE
    assert discounted(known, new, unit="request") == 700 + RATE
    assert discounted(new, unit="customer") == RATE


def test_only_requests_that_trigger_the_stage_decide_on_the_discount() -> None:
    """B has no precedent, but needs no technology review: A's discount stands."""
    asked = problem(
        request("A"),
        request("B", system="GMLRS", technology_review=False),
        precedents=[estonian_precedent()],
        stages=(stage("S", "technology_review", {"customer": RATE}, discount="0.3"),),
    )
    assert cost.effort_by_stage(asked, (0, 1)) == (700,)


@pytest.mark.parametrize(
    ("rate", "discount", "charged"),
    [
        (501, "0.5", 250),  # 250.5: to the even neighbour below
        (503, "0.5", 252),  # 251.5: to the even neighbour above
        (1001, "0.3", 701),  # 700.7
        (1004, "0.125", 878),  # 878.5
        (1012, "0.125", 886),  # 885.5
        (7, "1", 0),
        (7, "0", 7),
        (1, "0.5", 0),  # 0.5
        (3, "0.5", 2),  # 1.5
    ],
)
def test_discounted_rates_round_half_even(
    rate: int, discount: str, charged: int
) -> None:
    asked = problem(
        request("A"),
        precedents=[estonian_precedent()],
        stages=(stage("S", "all", {"request": rate}, discount=discount),),
    )
    assert cost.effort_by_stage(asked, (0,)) == (charged,)


@pytest.mark.parametrize(
    ("approved_on", "counts"),
    [
        (date(2016, 1, 4), False),
        (date(2016, 1, 5), True),  # ten years to the day
        (date(2026, 1, 4), True),
        (date(2026, 1, 5), False),  # not before the request
        (date(2027, 1, 1), False),
    ],
)
def test_precedent_is_earlier_and_within_the_years(
    approved_on: date, counts: bool
) -> None:
    asked = problem(request("A"), precedents=[estonian_precedent(approved_on)])
    assert asked.has_precedent == (counts,)


def test_precedent_is_of_the_same_customer_and_family() -> None:
    asked = problem(
        request("A"),
        request("B", configuration="Block II"),  # a configuration is no other family
        request("C", customer="LVA"),
        request("D", system="GMLRS"),
        precedents=[estonian_precedent()],
    )
    assert asked.has_precedent == (True, True, False, False)


@pytest.mark.parametrize(
    ("day", "years", "earlier"),
    [
        (date(2026, 1, 5), 10, date(2016, 1, 5)),
        (date(2028, 2, 29), 4, date(2024, 2, 29)),
        (date(2028, 2, 29), 1, date(2027, 2, 28)),
        (date(2028, 3, 1), 1, date(2027, 3, 1)),
        (date(2026, 1, 5), 0, date(2026, 1, 5)),
        (date(2026, 1, 5), 5000, date(1, 1, 5)),
    ],
)
def test_years_are_calendar_years(day: date, years: int, earlier: date) -> None:
    assert years_before(day, years) == earlier


# --- coordination, waiting, cases ---


def test_coordination_starts_at_two_requests_and_counts_further_customers() -> None:
    asked = problem(*FOUR, stages=(), coordination=(3000, 1000))
    assert cost.coordination(asked, (0,)) == 0
    assert cost.coordination(asked, (0, 1)) == 3000  # both Estonia's
    assert cost.coordination(asked, (0, 2)) == 3000 + 1000
    assert cost.coordination(asked, (0, 1, 2, 3)) == 3000 + 2 * 1000
    assert cost.effort(asked, (0, 1, 2, 3)) == 5000
    assert cost.coordination(asked, (0, 2), LOW) == 2 * (3000 + 1000)


def test_waiting_is_priced_by_priority_until_the_last_is_ready() -> None:
    """Ready on days 10, 25 and 40 as the proposal is made on day 10.

    30 days of urgent at 500, 15 of priority at 150; the last waits for nobody.
    """
    asked = problem(
        request("A", priority=Priority.URGENT),
        request("B", received_on=later(25), priority=Priority.PRIORITY),
        request("C", received_on=later(40)),
        as_of=later(10),
        wait_cost=waits(50, 150, 500),
        stages=(),
        coordination=(0, 0),
    )
    assert cost.start_day(asked, (0, 1, 2)) == later(40).toordinal()
    assert cost.waiting(asked, (0, 1, 2)) == 30 * 500 + 15 * 150
    assert cost.waiting(asked, (0, 1)) == 15 * 500
    assert cost.waiting(asked, (2,)) == 0
    assert cost.cost(asked, (0, 1, 2)) == 30 * 500 + 15 * 150


def test_days_before_the_proposal_are_sunk() -> None:
    asked = problem(
        request("A", priority=Priority.URGENT),
        request("B", received_on=later(20)),
        as_of=later(300),
    )
    assert cost.waiting(asked, (0, 1)) == 0


def test_low_and_high_cases_use_their_own_rates() -> None:
    asked = problem(
        request("A"),
        precedents=[estonian_precedent()],
        stages=(
            stage(
                "S",
                "all",
                {"bin": 100, "request": 10},
                low={"request": 5},
                high={"bin": 700, "line": 1},
                discount="0.5",
            ),
        ),
    )
    assert cost.effort(asked, (0,)) == 105
    assert cost.effort(asked, (0,), LOW) == 2  # 2.5, half-even
    assert cost.effort(asked, (0,), HIGH) == 701


def test_a_whole_bin_by_hand() -> None:
    """Two Estonian requests, one with Latvia's, under four stages; see the comments."""
    asked = problem(
        request("A", lines=4),  # precedent
        request("B", lines=1, received_on=later(10), priority=Priority.PRIORITY),
        request("C", customer="LVA", received_on=later(12), end_use_monitoring=True),
        precedents=[estonian_precedent()],
        stages=(
            stage("S01", "all", {"request": 500, "line": 20}, discount="0.25"),
            stage("S04", "all", {"customer_configuration": 3000}, discount="0.3"),
            stage("S06", "technology_review", {"system": 12000, "configuration": 4000}),
            stage("S18", "end_use_monitoring", {"customer": 2000, "bin": 1}),
        ),
        coordination=(3000, 1000),
        wait_cost=waits(50, 150, 500),
    )
    assert cost.effort_by_stage(asked, (0, 1, 2)) == (
        375 + 375 + 500 + 20 * 6,  # A and B have a precedent
        2100 + 3000,
        12000 + 4000,
        2000 + 1,
    )
    assert cost.waiting(asked, (0, 1, 2)) == 12 * 50 + 2 * 150
    total = 1370 + 5100 + 16000 + 2001 + (3000 + 1000) + 900
    assert cost.cost(asked, (0, 1, 2)) == total
    alone = [
        375 + 80 + 2100 + 16000,
        375 + 20 + 2100 + 16000,
        520 + 3000 + 16000 + 2001,
    ]
    assert [cost.cost(asked, (i,)) for i in range(3)] == alone


# --- against the oracle ---


@pytest.mark.parametrize("make", CASES)
def test_bins_cost_what_the_oracle_says(make: Any) -> None:
    """Two thousand bins of any requests, allowed or not, in all three cases."""
    draw = Random("bins")
    for seed in range(50):
        case = make(seed, 10)
        asked = problem_of(case)
        for _ in range(20):
            members = tuple(sorted(draw.sample(range(10), draw.randint(1, 6))))
            ids = [asked.requests[i].request_id for i in members]
            assert cost.cost(asked, members) == oracle.bin_cost(ids, *case[:4])
            assert cost.waiting(asked, members) == oracle.bin_wait(
                ids, case.batch, case.policy, case.as_of
            )
            effort_case = draw.choice([*EffortCase])
            staged = oracle.bin_stages(ids, *case[:4], effort_case)
            assert [
                *cost.effort_by_stage(asked, members, effort_case),
                cost.coordination(asked, members, effort_case),
            ] == [*staged.values()]


# --- what covering rows and the signs of duals rest on ---


type Drawn = tuple[Problem, tuple[int, ...], tuple[int, ...]]


@st.composite
def bins_within_bins(draw: st.DrawFn) -> Drawn:
    """Draw a problem, a set of its requests and a part of the set."""
    make = draw(st.sampled_from(CASES))
    asked = problem_of(make(draw(st.integers(0, 10_000)), 8))
    members = draw(st.sets(st.integers(0, 7), min_size=1))
    part = draw(st.sets(st.sampled_from(sorted(members)), min_size=1))
    return asked, tuple(sorted(members)), tuple(sorted(part))


@settings(max_examples=150, deadline=None)
@given(bins_within_bins())
def test_part_of_a_bin_is_never_dearer(
    drawn: Drawn,
) -> None:
    asked, members, part = drawn
    assert 0 <= cost.cost(asked, part) <= cost.cost(asked, members)


def allowed(asked: Problem, chosen: Sequence[int]) -> bool:
    requests = [asked.requests[i] for i in chosen]
    limits = asked.policy.limits
    return all(may_share(asked, i, j) for i, j in combinations(chosen, 2)) and (
        len(chosen) == 1
        or (
            len(chosen) <= limits.max_requests
            and len({r.customer for r in requests}) <= limits.max_customers
            and sum(r.value_cents for r in requests) <= limits.max_value_cents
        )
    )


@settings(max_examples=60, deadline=None)
@given(bins_within_bins())
def test_part_of_an_allowed_bin_is_allowed(drawn: Drawn) -> None:
    """Rulings aside, as ``together`` sets are whole: the solver joins them first."""
    asked, order, _ = drawn
    members: list[int] = []
    for i in order:  # an allowed bin, as large as the drawn requests let it be
        if allowed(asked, [*members, i]):
            members.append(i)
    for size in range(1, len(members)):
        for part in combinations(members, size):
            assert allowed(asked, part)


@settings(max_examples=60, deadline=None)
@given(bins_within_bins())
def test_effort_has_diminishing_returns(
    drawn: Drawn,
) -> None:
    """Staged effort is a coverage function: one more request adds less to more."""
    asked, members, part = drawn
    for extra in set(range(8)) - set(members):
        adds_to_part, adds_to_all = (
            sum(cost.effort_by_stage(asked, (*chosen, extra)))
            - sum(cost.effort_by_stage(asked, chosen))
            for chosen in (part, members)
        )
        assert adds_to_all <= adds_to_part


def test_unit_that_is_counted_by_request_has_no_distinct_value() -> None:
    asked = Problem(
        batch=batch(request("A")),
        policy=policy(stages=(stage("S", "all", {"request": 1, "line": 1}),)),
        catalogue=catalogue(),
        as_of=DAY,
    )
    brought = cost.touch(asked, 0, 0, DEFAULT)
    assert brought == cost.Touch(2, {})

"""Joint case, warnings, fragmentation and forecasts, each figure worked out by hand.

Thresholds of the small catalogue: NATO+5 notifies from 100 M US dollars in all or 25 M
of major defense equipment (MDE), 15 days; all others from 50 M or 14 M, 50 days.
"""

from datetime import date, timedelta
from typing import Any

import pytest

from optimizer.batch import Document, Request
from optimizer.policy import Category
from optimizer.problem import Problem
from optimizer.proposal.findings import fragmentation, joint_case, warnings
from optimizer.proposal.ledger import Ledger
from tests.factories import DAY, request, stage
from tests.solving import problem

M = 1_000_000
EVERYONE = (Category(name="all", all_of=("nato_plus_five",), include=("SAU", "MAR")),)


def world(*requests: Request, **rules: Any) -> Problem:
    return problem(
        *requests,
        **({"categories": EVERYONE, "keep_apart": (), "region": "any"} | rules),
    )


def worth(request_id: str, customer: str, total: float, mde: float = 0) -> Request:
    return request(request_id, customer=customer, value_usd=total, mde_value_usd=mde)


def codes(asked: Problem, forecast: date = DAY) -> dict[str, tuple[str, ...]]:
    """Return the warnings of all requests in one bin, and whom they speak of."""
    members = range(len(asked))
    found = warnings(asked, members, joint_case(asked, members), forecast.toordinal())
    return {warned.code: warned.request_ids for warned in found}


# --- joint case -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second", "meets", "creates"),
    [
        ((60 * M, 0), (40 * M, 0), True, True),  # 100 M in all, to the cent
        ((60 * M, 0), (40 * M - 0.01, 0), False, False),
        ((20 * M, 12.5 * M), (20 * M, 12.5 * M), True, True),  # 25 M of MDE
        ((20 * M, 12.5 * M), (20 * M, 12.49 * M), False, False),
        ((100 * M, 0), (1 * M, 0), True, False),  # the first notifies by itself
    ],
)
def test_joint_case_is_tested_on_the_sum(
    first: tuple[float, float],
    second: tuple[float, float],
    meets: bool,
    creates: bool,
) -> None:
    asked = world(worth("A", "EST", *first), worth("B", "LVA", *second))
    joint = joint_case(asked, (0, 1))
    assert joint is not None
    assert joint.value_cents == round((first[0] + second[0]) * 100)
    assert joint.mde_value_cents == round((first[1] + second[1]) * 100)
    assert (joint.notification, joint.creates_notification) == (meets, creates)
    assert (joint.threshold_id, joint.clock_days) == ("NATO5", 15)
    assert ("joint_sum_crosses_threshold" in codes(asked)) is creates
    assert ("would create a notification of 15 days" in joint.text) is creates


def test_joint_case_of_two_groups_is_under_the_lower_threshold() -> None:
    """30 M of Estonia's and 20 M of Morocco's: 50 M is enough for Morocco's group."""
    asked = world(worth("A", "EST", 30 * M), worth("B", "MAR", 20 * M))
    joint = joint_case(asked, (0, 1))
    assert joint is not None
    assert (joint.threshold_id, joint.clock_days) == ("OTHER", 50)
    assert joint.creates_notification
    assert codes(asked)["joint_sum_crosses_threshold"] == ("A", "B")


def test_request_alone_has_no_joint_case() -> None:
    assert joint_case(world(request("A")), (0,)) is None


def test_no_threshold_in_force_creates_nothing() -> None:
    """Before 2002-09-30 no row of the catalogue is law."""
    asked = world(
        worth("A", "EST", 90 * M), worth("B", "LVA", 90 * M), as_of=date(2002, 9, 29)
    )
    joint = joint_case(asked, (0, 1))
    assert joint is not None
    assert (joint.notification, joint.threshold_id, joint.clock_days) == (
        False, None, 0,
    )  # fmt: skip


# --- warnings ---------------------------------------------------------------------


def test_clocks_are_mixed_only_among_requests_that_notify() -> None:
    """Estonia 15 days and Saudi Arabia 50; Morocco's 1 M notifies nobody."""
    both = world(
        worth("A", "EST", 100 * M), worth("B", "SAU", 50 * M), worth("C", "MAR", M)
    )
    assert codes(both)["mixed_notification_clocks"] == ("A", "B")
    one = world(worth("A", "EST", 100 * M), worth("B", "SAU", 49 * M))
    assert "mixed_notification_clocks" not in codes(one)
    alike = world(worth("A", "EST", 100 * M), worth("B", "KOR", 100 * M))
    assert "mixed_notification_clocks" not in codes(alike)


def test_greece_with_turkiye_speaks_of_both_and_of_nobody_else() -> None:
    names = {"A": "GRC", "B": "POL", "C": "TUR"}
    asked = world(*(request(name, customer=c) for name, c in names.items()))
    assert codes(asked)["greece_with_turkiye"] == ("A", "C")
    assert "greece_with_turkiye" not in codes(
        world(request("A", customer="GRC"), request("B", customer="POL"))
    )


def test_needed_by_the_day_of_the_forecast_is_not_too_late() -> None:
    forecast = DAY + timedelta(days=100)
    asked = world(
        request("A", needed_by=forecast),
        request("B", needed_by=forecast - timedelta(days=1)),
        request("C"),
    )
    assert codes(asked, forecast)["needed_by_before_forecast"] == ("B",)


@pytest.mark.parametrize(("days", "warned"), [(365, False), (366, True)])
def test_needed_by_spread_is_over_a_year_of_365_days(days: int, warned: bool) -> None:
    first = date(2027, 1, 1)
    asked = world(
        request("A", value_usd=M, needed_by=first),
        request("B", value_usd=M),
        request("C", value_usd=M, needed_by=first + timedelta(days=days)),
    )
    expected = {"needed_by_spread": ("A", "C")} if warned else {}
    assert codes(asked) == expected


def test_each_other_warning_names_whom_it_is_due_for() -> None:
    asked = world(
        request("A", value_usd=M, end_use_monitoring=True),
        request("B", value_usd=M, document=Document.P_AND_A),
        request("C", value_usd=M, defaulted=("quantity", "region")),
        request("D", value_usd=M, defaulted=("quantity", "lines")),
    )
    assert codes(asked) == {
        "enhanced_end_use_monitoring": ("A",),
        "price_and_availability": ("B",),
        "known_only_by_default": ("C",),
    }


# --- fragmentation ----------------------------------------------------------------


def fragments(*requests: Request) -> list[tuple[str, str, tuple[str, ...], int]]:
    return [
        (found.customer, found.system, found.request_ids, found.value_cents)
        for found in fragmentation(world(*requests))
    ]


def test_fragments_reach_the_threshold_only_together() -> None:
    """Estonia: 60 M and 40 M. Latvia: a cent less. Morocco: 7 M of MDE twice."""
    assert fragments(
        worth("E1", "EST", 60 * M),
        worth("E2", "EST", 40 * M),
        worth("L1", "LVA", 60 * M),
        worth("L2", "LVA", 40 * M - 0.01),
        worth("M1", "MAR", 9 * M, 7 * M),
        worth("M2", "MAR", 9 * M, 7 * M),
    ) == [
        ("EST", "HIMARS", ("E1", "E2"), 100 * M * 100),
        ("MAR", "HIMARS", ("M1", "M2"), 18 * M * 100),
    ]


def test_request_that_notifies_by_itself_is_no_fragment() -> None:
    """What is left of Estonia's, 60 M, does not reach 100 M."""
    assert fragments(worth("E1", "EST", 100 * M), worth("E2", "EST", 60 * M)) == []


def test_fragments_are_of_one_customer_and_one_system() -> None:
    assert (
        fragments(
            worth("E1", "EST", 60 * M),
            request("E2", system="GMLRS", value_usd=60 * M, mde_value_usd=0),
            worth("L1", "LVA", 60 * M),
        )
        == []
    )


# --- forecasts --------------------------------------------------------------------


def elapsed(asked: Problem, *members: int) -> int:
    return Ledger(asked).elapsed_days(members)


def test_forecast_adds_the_stages_somebody_triggers_and_coordination() -> None:
    """10 for all; 45 for A's technology; 20 for B's monitoring; 5 to coordinate."""
    asked = world(
        request("A"),
        request("B", technology_review=False, end_use_monitoring=True),
        stages=(
            stage("S1", "all", elapsed=10),
            stage("S2", "technology_review", elapsed=45),
            stage("S3", "end_use_monitoring", elapsed=20),
            stage("S4", "notification", elapsed=99),
        ),
        elapsed_days=5,
    )
    assert elapsed(asked, 0) == 10 + 45
    assert elapsed(asked, 1) == 10 + 20
    assert elapsed(asked, 0, 1) == 10 + 45 + 20 + 5


@pytest.mark.parametrize(
    ("trigger", "alone", "together"),
    [
        ("notification", (15, 50, 0), 50),  # Morocco's own clock never starts
        ("all", (15, 50, 50), 50),
    ],
)
def test_clock_is_the_longest_of_those_who_trigger_the_stage(
    trigger: str, alone: tuple[int, ...], together: int
) -> None:
    asked = world(
        worth("A", "EST", 100 * M),
        worth("B", "SAU", 50 * M),
        worth("C", "MAR", M),
        stages=(stage("S", trigger, elapsed="notification_clock"),),
        elapsed_days=0,
    )
    assert tuple(elapsed(asked, i) for i in range(3)) == alone
    assert elapsed(asked, 0, 1, 2) == together
    assert elapsed(asked, 0, 2) == (15 if trigger == "notification" else 50)

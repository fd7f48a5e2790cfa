"""The verifier accepts what is right and refuses plans that break a rule."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimizer.batch import Document as DocumentKind
from optimizer.batch import Precedent, Priority
from optimizer.rulings import Rulings
from optimizer.verify import Finding, verify
from optimizer.verify import bins as one_bin
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
    threshold,
)
from tests.plain_document import plain_document
from tests.rich_case import EVERYONE, best_document, rich_document


def codes(findings: tuple[Finding, ...]) -> set[str]:
    """Return the kinds of fault found."""
    return {finding.code for finding in findings}


# --- what is right is accepted ------------------------------------------------------


@pytest.mark.parametrize("make", [random_case, dense_case])
@pytest.mark.parametrize("seed", range(25))
def test_optimal_documents_are_accepted(
    make: Callable[[int, int], Case], seed: int
) -> None:
    case = make(seed, 9)
    assert verify(best_document(case), *case) == ()


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(min_value=100, max_value=100_000))
def test_documents_of_any_random_case_are_accepted(seed: int) -> None:
    case = random_case(seed, 7)
    assert verify(best_document(case), *case) == ()


def test_rich_document_is_accepted_and_says_everything() -> None:
    case, document = rich_document()
    assert verify(document, *case) == ()
    said = {w["code"] for stated in document["bins"] for w in stated["warnings"]}
    assert said == {
        "joint_sum_crosses_threshold",
        "mixed_notification_clocks",
        "greece_with_turkiye",
        "enhanced_end_use_monitoring",
        "needed_by_before_forecast",
        "price_and_availability",
        "needed_by_spread",
        "known_only_by_default",
    }
    assert document["status"] == "feasible"
    assert [entry["customer"] for entry in document["fragmentation"]] == ["LVA"]


@pytest.mark.parametrize("spoiled", [False, True])
def test_bins_that_come_one_by_one_are_judged_as_those_that_are_there(
    spoiled: bool,
) -> None:
    case, document = rich_document()
    if spoiled:
        document["bins"][1]["wait_cost"] += 1
        document["objective"]["total"] += 1
        document["bins"][2]["bin_id"] = document["bins"][1]["bin_id"]
    heading = {**document, "bins": None}
    found = verify(heading, *case, bins=iter(document["bins"]))
    assert found == verify(document, *case)
    assert bool(found) is spoiled


def test_a_bin_is_judged_before_the_next_one_comes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    case, document = rich_document()
    seen: list[str] = []
    known = one_bin.check_figures

    def check_figures(*given: Any) -> None:
        seen.append("judged")
        known(*given)

    def coming() -> Iterator[Any]:
        for each in document["bins"]:
            seen.append("came")
            yield each

    monkeypatch.setattr(one_bin, "check_figures", check_figures)
    assert verify({**document, "bins": None}, *case, bins=coming()) == ()
    assert seen == ["came", "judged"] * len(document["bins"])


def test_empty_batch_has_an_empty_optimal_plan() -> None:
    case = Case(batch(), policy(), catalogue(), DAY, Rulings())
    document = plain_document(case, [])
    assert (document["status"], document["gap"]) == ("optimal", 0.0)
    assert verify(document, *case) == ()


# --- plans that break a rule, with every figure as it should be ----------------------

LATER: Final = DAY + timedelta(days=50)


@pytest.mark.parametrize(
    ("code", "rules", "second"),
    [
        ("category", {}, {"customer": "KOR", "region": "Baltic"}),
        ("system", {"system": "family"}, {"system": "GMLRS"}),
        ("system", {}, {"system": "Javelin"}),
        ("system", {"system": "configuration"}, {"configuration": "Block II"}),
        ("region", {}, {"region": "Mediterranean"}),
        ("region", {"region": "same"}, {"customer": "POL"}),
        ("agency", {}, {"implementing_agency": "navy"}),
        ("document", {}, {"document": DocumentKind.P_AND_A}),
        ("window", {"window_days": 49}, {"received_on": LATER}),
        ("kept_apart", {}, {"customer": "LVA", "keep_apart_from": ("EST",)}),
        ("kept_apart", {"keep_apart": (("LVA", "EST"),)}, {"customer": "LVA"}),
    ],
)
def test_pair_that_breaks_one_rule_is_found(
    code: str, rules: dict[str, Any], second: dict[str, Any]
) -> None:
    asked = batch(request("R1"), request("R2", **second))
    case = Case(asked, policy(**rules), catalogue(), DAY, Rulings())
    assert codes(verify(plain_document(case, [("R1", "R2")]), *case)) == {code}
    ruled = case._replace(rulings=Rulings(together=(("R1", "R2"),)))
    assert verify(plain_document(ruled, [("R1", "R2")]), *ruled) == ()
    accepted = case._replace(rulings=Rulings(fixed=(("R1", "R2"),)))
    assert verify(plain_document(accepted, [("R1", "R2")]), *accepted) == ()


@pytest.mark.parametrize(
    ("as_of", "first", "allowed"),
    [
        (DAY, Priority.ROUTINE, True),  # 50 days of at most 120
        (DAY, Priority.URGENT, False),  # of at most 21
        (LATER - timedelta(days=21), Priority.URGENT, True),  # the rest is sunk
        (LATER - timedelta(days=22), Priority.URGENT, False),
        (LATER, Priority.URGENT, True),
    ],
)
def test_wait_rule_binds_the_earlier_request(
    as_of: date, first: Priority, allowed: bool
) -> None:
    asked = batch(
        request("R1", priority=first),
        request("R2", received_on=LATER, priority=Priority.URGENT),
    )
    case = Case(asked, policy(), catalogue(), as_of, Rulings())
    found = codes(verify(plain_document(case, [("R1", "R2")], bound=0), *case))
    assert found == (set() if allowed else {"wait"})


@pytest.mark.parametrize(
    "limit", [{"max_requests": 2}, {"max_customers": 1}, {"max_value_usd": 29_999_999}]
)
def test_bin_over_a_limit_is_found(limit: dict[str, Any]) -> None:
    asked = batch(request("R1"), request("R2"), request("R3", customer="LVA"))
    case = Case(asked, policy(**limit), catalogue(), DAY, Rulings())
    plan = [("R1", "R2", "R3")]
    assert codes(verify(plain_document(case, plan, bound=0), *case)) == {"limits"}
    accepted = case._replace(rulings=Rulings(fixed=(("R1", "R2", "R3"),)))
    assert verify(plain_document(accepted, plan), *accepted) == ()


def test_one_request_over_the_value_limit_stands_alone() -> None:
    case = Case(
        batch(request("R1")), policy(max_value_usd=1), catalogue(), DAY, Rulings()
    )
    assert verify(plain_document(case, [("R1",)]), *case) == ()


@pytest.mark.parametrize(
    ("rulings", "plan"),
    [
        (Rulings(together=(("R1", "R2"),)), [("R1",), ("R2",), ("R3",)]),
        (Rulings(fixed=(("R1", "R2"),)), [("R1", "R2", "R3")]),
        (Rulings(fixed=(("R1",),)), [("R1", "R2"), ("R3",)]),
    ],
)
def test_ruling_not_obeyed_is_found(
    rulings: Rulings, plan: list[tuple[str, ...]]
) -> None:
    asked = batch(request("R1"), request("R2"), request("R3"))
    case = Case(asked, policy(), catalogue(), DAY, rulings)
    assert codes(verify(plain_document(case, plan, bound=0), *case)) == {"rulings"}


def test_apart_ruling_holds_inside_a_bin() -> None:
    asked = batch(request("R1"), request("R2"))
    rulings = Rulings(apart=frozenset({("R1", "R2")}))
    case = Case(asked, policy(), catalogue(), DAY, rulings)
    document = plain_document(case, [("R1", "R2")])
    assert codes(verify(document, *case)) == {"kept_apart"}


def test_request_dropped_doubled_or_moved_is_found() -> None:
    asked = batch(request("R1"), request("R2"), request("R3", customer="SAU"))
    case = Case(asked, policy(), catalogue(), DAY, Rulings())
    dropped = plain_document(case, [("R1", "R2")], bound=0)
    doubled = plain_document(case, [("R1", "R2"), ("R2", "R1"), ("R3",)], bound=0)
    moved = plain_document(case, [("R1",), ("R2", "R3")], bound=0)
    assert "partition" in codes(verify(dropped, *case))
    assert "partition" in codes(verify(doubled, *case))
    assert codes(verify(moved, *case)) == {"category", "region"}


def test_bins_out_of_order_are_found() -> None:
    case, document = rich_document()
    document["bins"].reverse()
    assert codes(verify(document, *case)) == {"shape"}


# --- bound, status, reasons, shares -------------------------------------------------


def test_bound_above_a_cheaper_plan_is_refuted() -> None:
    """Two customers of unlike systems joined by nothing but coordination."""
    asked = batch(request("R1"), request("R2", customer="LVA", system="GMLRS"))
    case = Case(asked, policy(coordination=(90_000, 0)), catalogue(), DAY, Rulings())
    document = plain_document(case, [("R1", "R2")])
    assert [(f.where, f.code) for f in verify(document, *case)] == [
        ("lower_bound", "bound")
    ]
    held = case._replace(rulings=Rulings(together=(("R1", "R2"),)))
    assert verify(plain_document(held, [("R1", "R2")]), *held) == ()


@pytest.mark.parametrize(("short", "status"), [(0, "optimal"), (1, "feasible")])
def test_optimal_is_said_only_at_no_gap(short: int, status: str) -> None:
    case = Case(batch(request("R1")), policy(), catalogue(), DAY, Rulings())
    total = oracle.bin_cost(("R1",), *case[:4])
    document = plain_document(case, [("R1",)], bound=total - short)
    assert document["status"] == status
    assert verify(document, *case) == ()
    document["status"] = "optimal" if status == "feasible" else "feasible"
    assert codes(verify(document, *case)) == {"status"}


def test_callers_judge_of_the_bound_is_asked() -> None:
    case, document = rich_document()
    asked: list[Decimal] = []

    def judge(bound: Decimal) -> list[str]:
        asked.append(bound)
        return ["The duals do not sum to it."]

    findings = verify(document, *case, certificate_check=judge)
    assert [(f.code, f.text) for f in findings] == [
        ("certificate", "The duals do not sum to it.")
    ]
    assert asked == [Decimal(repr(document["lower_bound"]))]


@pytest.mark.parametrize(
    ("reason", "true"),
    [
        ({"code": "system", "with": ["R2"]}, True),
        ({"code": "region", "with": ["R2"]}, False),
        ({"code": "system", "with": ["R2", "R3"]}, False),
        ({"code": "system", "with": []}, False),
        ({"code": "system", "with": ["R9"]}, False),
        ({"code": "costs_more", "with": ["R3"]}, True),
        ({"code": "limits", "with": ["R3"]}, False),
        ({"code": "limits", "with": ["R3", "R4"]}, True),
        ({"code": "category", "with": []}, False),
    ],
)
def test_reason_for_being_alone_must_be_true(
    reason: dict[str, Any], true: bool
) -> None:
    asked = batch(
        request("R1"), request("R2", system="Javelin"), request("R3"), request("R4")
    )
    case = Case(asked, policy(max_requests=2), catalogue(), DAY, Rulings())
    document = plain_document(case, [("R1",), ("R2",), ("R3", "R4")], bound=0)
    document["bins"][0]["alone_because"] = [reason | {"text": "So it is."}]
    expected = set() if true else {"alone_because"}
    assert codes(verify(document, *case)) == expected


def test_customer_in_no_category_needs_no_other_request_as_a_reason() -> None:
    asked = batch(request("R1", customer="SAU"))
    case = Case(asked, policy(), catalogue(), DAY, Rulings())
    document = plain_document(case, [("R1",)])
    document["bins"][0]["alone_because"] = [
        {"code": "category", "text": "In no category.", "with": []}
    ]
    assert verify(document, *case) == ()


def test_shares_above_eight_customers_need_only_sum_to_the_saving() -> None:
    customers = ["EST", "LVA", "LTU", "POL", "GRC", "TUR", "KOR", "AUS", "SAU"]
    asked = batch(*(request(f"R-{code}", customer=code) for code in customers))
    rules = policy(categories=EVERYONE, region="any", max_customers=9, keep_apart=())
    everyone = tuple(f"R-{code}" for code in customers)
    rulings = Rulings(together=(tuple(sorted(everyone)),))
    case = Case(asked, rules, catalogue(), DAY, rulings)
    document = plain_document(case, [everyone])
    assert verify(document, *case) == ()
    shares = document["bins"][0]["fair_share"]
    shares["EST"], shares["LVA"] = shares["EST"] + 1, shares["LVA"] - 1
    assert verify(document, *case) == ()
    shares["EST"] += 0.001
    assert codes(verify(document, *case)) == {"figure"}


def test_notification_row_is_the_one_in_force() -> None:
    """The historical row ends and another begins between two proposals."""
    rows = (
        threshold("OLD", valid_to=date(2026, 1, 4), clock_days=40),
        threshold("NEW", valid_from=date(2026, 1, 5), total_cents=1, mde_cents=None),
    )
    for as_of, row in ((date(2026, 1, 4), "OLD"), (date(2026, 1, 5), "NEW")):
        asked = batch(request("R1"), request("R2"))
        case = Case(asked, policy(), catalogue(rows), as_of, Rulings())
        document = plain_document(case, [("R1", "R2")])
        assert document["bins"][0]["joint_case"]["threshold_id"] == row
        assert verify(document, *case) == ()


def test_without_any_threshold_nothing_notifies() -> None:
    asked = batch(request("R1", value_usd=9e9), request("R2", customer="SAU"))
    rules = policy(categories=EVERYONE, region="any")
    case = Case(asked, rules, catalogue(()), DAY, Rulings())
    document = plain_document(case, [("R1", "R2")], bound=0)
    assert document["bins"][0]["joint_case"]["threshold_id"] is None
    assert document["objective"]["effort_by_stage"]["S12"] == 0
    assert verify(document, *case) == ()


@pytest.mark.parametrize("years", [1, 4, 10, 3000])
@pytest.mark.parametrize("back", [0, 1])
def test_precedent_of_a_request_on_29_february(years: int, back: int) -> None:
    """At the first day that counts, and the day before it."""
    earliest = date(max(2028 - years, 1), 2, 29 if years == 4 else 28)
    approved = earliest - timedelta(days=back)
    asked = batch(
        request("R1", received_on=date(2028, 2, 29)),
        precedents=[Precedent(customer="EST", system="HIMARS", approved_on=approved)],
    )
    case = Case(asked, policy(precedent_years=years), catalogue(), DAY, Rulings())
    document = plain_document(case, [("R1",)])
    first_time = document["objective"]["effort_by_stage"]["S20"] > 0
    beyond_the_calendar = years == 3000  # then every earlier day counts
    assert first_time is (back == 1 and not beyond_the_calendar)
    assert verify(document, *case) == ()


def test_kept_columns_come_through_unchanged() -> None:
    asked = batch(request("R1", extra=(("officer", "Kask"),)), request("R2"))
    case = Case(asked, policy(), catalogue(), DAY, Rulings())
    document = plain_document(case, [("R1", "R2")])
    assert [f.where for f in verify(document, *case)] == ["extra_columns"]
    document["extra_columns"] = {"R1": {"officer": "Kask"}}
    assert verify(document, *case) == ()
    document["extra_columns"] = {"R1": {"officer": "Kass"}}
    assert [f.where for f in verify(document, *case)] == ["extra_columns"]


def test_two_thousand_requests_in_bins_of_twelve_are_verified() -> None:
    customers = ["EST", "LVA", "LTU", "POL", "GRC", "TUR", "KOR", "AUS"]
    asked = batch(
        *(
            request(
                f"R{place:04}",
                customer=customers[place % 8],
                configuration=f"Block {place % 5}",
                received_on=DAY + timedelta(days=place // 100),
            )
            for place in range(2000)
        )
    )
    rules = policy(categories=EVERYONE, region="any", keep_apart=())
    case = Case(asked, rules, catalogue(), DAY, Rulings())
    names = [r.request_id for r in asked.requests]
    bins = [
        {"request_ids": names[first : first + 12], "starts_on": f"{first:09}"}
        for first in range(0, 2000, 12)
    ]
    findings = verify({"bins": bins}, *case)
    assert findings
    assert not {"partition", "limits", "category"} & codes(findings)

"""Every rule by itself, at its boundaries, and all of them against the oracle."""

from dataclasses import replace
from datetime import timedelta
from itertools import combinations
from typing import Any

import pytest

from optimizer.batch import Agency, Document, Priority, Request
from optimizer.compatibility import (
    CELL_RULES,
    RULES,
    blocks,
    cells_may_share,
    may_share,
)
from optimizer.policy import Category
from optimizer.problem import Problem
from optimizer.rulings import Ruling, RulingKind
from tests import oracle
from tests.factories import DAY, dense_case, random_case, request, waits
from tests.solving import problem, problem_of


def later(days: int) -> Any:
    return DAY + timedelta(days=days)


def said(asked: Problem, first: str = "A", second: str = "B") -> list[tuple[str, str]]:
    """Return codes and sentences, the same for either order of the two."""
    i, j = asked.batch.position(first), asked.batch.position(second)
    found = blocks(asked, i, j)
    assert blocks(asked, j, i) == found
    assert may_share(asked, i, j) is may_share(asked, j, i) is (not found)
    return [(block.code, block.text) for block in found]


def test_two_alike_requests_may_share() -> None:
    assert said(problem(request("A"), request("B"))) == []


def test_codes_stand_in_the_order_of_the_model() -> None:
    """model.md section 2; the first five make the cell graph."""
    assert [code for code, _ in RULES] == [
        "category", "system", "region", "agency", "document",
        "window", "wait", "kept_apart",
    ]  # fmt: skip
    assert RULES[:5] == CELL_RULES


ALONE: list[tuple[str, str, Request, dict[str, Any]]] = [
    (
        "category",
        "EST is in category nato, KOR in plus-five.",
        request("B", customer="KOR", region="Baltic"),
        {},
    ),
    (
        "category",
        "SAU is in no category of the policy for-tests, so its requests are reviewed "
        "alone.",
        request("B", customer="SAU", region="Baltic"),
        {},
    ),
    (
        "system",
        "HIMARS and Javelin share no interoperability group.",
        request("B", system="Javelin"),
        {},
    ),
    (
        "system",
        "The systems differ: HIMARS and GMLRS.",
        request("B", system="GMLRS"),
        {"system": "family"},
    ),
    (
        "system",
        "The systems differ: HIMARS and GMLRS.",
        request("B", system="GMLRS", configuration="HIMARS"),
        {"system": "configuration"},
    ),
    (
        "system",
        "The configurations differ: HIMARS and Block II.",
        request("B", configuration="Block II"),
        {"system": "configuration"},
    ),
    (
        "region",
        "Baltic and Mediterranean are not adjacent regions.",  # a chain of two steps
        request("B", customer="GRC"),
        {},
    ),
    (
        "region",
        "The regions differ: Baltic and Central Europe.",
        request("B", customer="POL"),
        {"region": "same"},
    ),
    (
        "agency",
        "The implementing agencies differ: army and navy.",
        request("B", implementing_agency=Agency.NAVY),
        {},
    ),
    (
        "document",
        "One asks for an LOA, the other for a P&A.",
        request("B", document=Document.P_AND_A),
        {},
    ),
    (
        "window",
        "They were received 31 days apart; the window is 30 days.",
        request("B", received_on=later(31)),
        {"window_days": 30},
    ),
    (
        "wait",
        "A would wait 31 days; a routine request waits 30 days at most.",
        request("B", received_on=later(31)),
        {"max_wait_days": waits(30, 60, 90)},
    ),
    (
        "kept_apart",
        "B asks to be kept apart from EST.",
        request("B", customer="LVA", keep_apart_from=("EST", "LTU")),
        {},
    ),
    (
        "kept_apart",
        "The policy keeps EST and LVA apart.",
        request("B", customer="LVA"),
        {"keep_apart": (("GRC", "TUR"), ("LVA", "EST"))},
    ),
    (
        "kept_apart",
        "A ruling keeps A and B apart.",
        request("B"),
        {"rulings": [Ruling(kind=RulingKind.APART, request_ids=("B", "A"))]},
    ),
]


@pytest.mark.parametrize(("code", "text", "other", "rules"), ALONE)
def test_each_rule_blocks_by_itself_and_says_so(
    code: str, text: str, other: Request, rules: dict[str, Any]
) -> None:
    assert said(problem(request("A"), other, **rules)) == [(code, text)]


@pytest.mark.parametrize(
    ("other", "rules"),
    [
        (request("B", customer="POL"), {}),  # adjacent
        (request("B", customer="GRC"), {"region": "any"}),
        (request("B", system="GMLRS"), {}),  # rockets
        (request("B", configuration="Block II"), {"system": "family"}),
        (request("B", configuration="Block II"), {}),
        (request("B", implementing_agency=Agency.NAVY), {"agency": "any"}),
        (request("B", customer="LVA"), {"keep_apart": (("EST", "LTU"),)}),
        (request("B", customer="LVA", keep_apart_from=("LTU",)), {}),
    ],
)
def test_what_a_milder_rule_lets_pass(other: Request, rules: dict[str, Any]) -> None:
    assert said(problem(request("A"), other, **rules)) == []


def test_all_rules_speak_at_once_in_their_order() -> None:
    second = request(
        "B",
        customer="SAU",
        system="Javelin",
        implementing_agency=Agency.OTHER,
        document=Document.P_AND_A,
        received_on=later(200),
        keep_apart_from=("EST",),
    )
    codes = [code for code, _ in said(problem(request("A"), second))]
    assert codes == [code for code, _ in RULES]


def test_customers_listed_by_no_category_share_with_nobody_not_even_themselves() -> (
    None
):
    asked = problem(request("A", customer="SAU"), request("B", customer="SAU"))
    assert [code for code, _ in said(asked)] == ["category"]


def test_everyone_is_alone_without_categories() -> None:
    """model.md section 6: ``category = []`` means everyone is reviewed alone."""
    asked = problem(request("A"), request("B"), categories=())
    assert [code for code, _ in said(asked)] == ["category"]


def test_first_category_that_matches_wins_and_exclusion_goes_before_inclusion() -> None:
    """Poland carries both flags; Latvia is taken out of the first by hand."""
    asked = problem(
        request("A"),
        request("B", customer="POL"),
        request("C", customer="LVA"),
        request("D", customer="SAU", region="Baltic"),
        request("E", customer="TUR", region="Baltic"),
        categories=(
            Category(
                name="cohort",
                all_of=("nato_rdp_cohort", "nato_member"),
                include=("SAU", "LVA"),
                exclude=("LVA",),
            ),
            Category(name="nato", all_of=("nato_member",)),
        ),
    )
    assert dict(asked.category_of) == {
        "EST": "cohort",
        "POL": "cohort",
        "LVA": "nato",
        "SAU": "cohort",
        "TUR": "nato",
    }
    assert said(asked, "A", "B") == said(asked, "A", "D") == said(asked, "C", "E") == []


# --- boundaries ---


@pytest.mark.parametrize(("days", "codes"), [(29, []), (30, []), (31, ["window"])])
def test_window_holds_on_its_last_day(days: int, codes: list[str]) -> None:
    asked = problem(request("A"), request("B", received_on=later(days)), window_days=30)
    assert [code for code, _ in said(asked)] == codes


@pytest.mark.parametrize(("days", "codes"), [(21, []), (22, ["wait"])])
@pytest.mark.parametrize("other", [*Priority])
def test_wait_is_that_of_the_earlier_request(
    days: int, codes: list[str], other: Priority
) -> None:
    """A is urgent and waits 21 days at most, whatever the later one may wait."""
    asked = problem(
        request("A", priority=Priority.URGENT),
        request("B", received_on=later(days), priority=other),
    )
    assert [code for code, _ in said(asked)] == codes


def test_urgent_request_may_join_a_patient_one_received_long_before() -> None:
    asked = problem(
        request("A"), request("B", received_on=later(100), priority=Priority.URGENT)
    )
    assert said(asked) == []


@pytest.mark.parametrize(
    ("as_of", "codes"),
    [(0, ["wait"]), (8, ["wait"]), (9, []), (30, []), (400, [])],
)
def test_days_waited_before_the_proposal_do_not_count(
    as_of: int, codes: list[str]
) -> None:
    """A urgent, received day 0, B day 30: from day 9 on, A waits 21 days or fewer."""
    asked = problem(
        request("A", priority=Priority.URGENT),
        request("B", received_on=later(30)),
        as_of=later(as_of),
    )
    assert [code for code, _ in said(asked)] == codes


def test_window_counts_days_received_even_when_both_are_ready_now() -> None:
    asked = problem(
        request("A"), request("B", received_on=later(121)), as_of=later(500)
    )
    assert [code for code, _ in said(asked)] == ["window"]


def test_no_wait_at_all_still_lets_the_same_day_share() -> None:
    rules = {"max_wait_days": waits(0, 0, 0)}
    assert said(problem(request("A"), request("B"), **rules)) == []
    asked = problem(request("A"), request("B", received_on=later(1)), **rules)
    assert [code for code, _ in said(asked)] == ["wait"]


@pytest.mark.parametrize(
    ("force", "same_force", "codes"),
    [
        (("eFP", "eFP"), True, []),
        (("eFP", "eFP"), False, ["region"]),
        (("eFP", "NRF"), True, ["region"]),
        (("eFP", None), True, ["region"]),
        ((None, None), True, ["region"]),
    ],
)
@pytest.mark.parametrize("region", ["same", "adjacent"])
def test_one_force_is_one_region(
    force: tuple[str | None, str | None],
    same_force: bool,
    codes: list[str],
    region: str,
) -> None:
    asked = problem(
        request("A", force=force[0]),
        request("B", customer="GRC", force=force[1]),
        same_force=same_force,
        region=region,
    )
    assert [code for code, _ in said(asked)] == codes


@pytest.mark.parametrize("lister", ["A", "B"])
def test_keep_apart_from_works_in_either_direction(lister: str) -> None:
    customers = {"A": "EST", "B": "LVA"}
    other = {"A": "LVA", "B": "EST"}[lister]
    one, two = (
        request(
            name,
            customer=customer,
            keep_apart_from=(other,) if name == lister else (),
        )
        for name, customer in customers.items()
    )
    assert said(problem(one, two)) == [
        ("kept_apart", f"{lister} asks to be kept apart from {other}.")
    ]


# --- against the oracle ---


@pytest.mark.parametrize("seed", range(30))
def test_rules_agree_with_the_oracle_on_every_pair(seed: int) -> None:
    """Rulings of ``together`` are left out: they lift rules, which no rule sees."""
    case = random_case(seed, 12) if seed % 3 else dense_case(seed, 12)
    case = case._replace(rulings=replace(case.rulings, together=()))
    asked = problem_of(case)
    for i, j in combinations(range(len(asked)), 2):
        r, s = asked.requests[i], asked.requests[j]
        expected = oracle.blocks(r, s, *case[1:])
        assert {block.code for block in blocks(asked, i, j)} == expected
        assert may_share(asked, i, j) is (not expected)
        cell_codes = expected & {code for code, _ in CELL_RULES}
        assert cells_may_share(asked, r, s) is (not cell_codes)


def test_random_cases_meet_every_rule() -> None:
    """Else the test above would say little."""
    met: dict[str, int] = {code: 0 for code, _ in RULES}
    for seed in range(30):
        asked = problem_of(random_case(seed, 12))
        for i, j in combinations(range(len(asked)), 2):
            for block in blocks(asked, i, j):
                met[block.code] += 1
    assert min(met.values()) >= 20, met

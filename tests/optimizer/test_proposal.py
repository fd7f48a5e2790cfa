"""Every figure of a bin, against definitions and against figures made by hand."""

from datetime import timedelta
from fractions import Fraction
from itertools import permutations

import pytest

from optimizer.policy import Category
from optimizer.proposal.ledger import Ledger
from optimizer.proposal.shares import fair_shares
from optimizer.propose import propose
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
    stage,
)
from tests.factories import request as a_request
from tests.optimizer.problems import document_of, problem_of
from tests.plain_document import plain_document

EVERYONE = (
    Category(
        name="all",
        include=("EST", "LVA", "LTU", "POL", "GRC", "TUR", "KOR", "AUS", "SAU", "MAR"),
    ),
)
COUNTRIES = EVERYONE[0].include


def literal_shares(case: Case, ids: tuple[str, ...]) -> dict[str, Fraction]:
    """Return the mean gain of each customer's joining, over all orders."""
    customers = sorted({case.batch[r].customer for r in ids})

    def worth(coalition: set[str]) -> int:
        theirs = [r for r in ids if case.batch[r].customer in coalition]
        alone = sum(sum(oracle.bin_stages([r], *case[:4]).values()) for r in theirs)
        return alone - sum(oracle.bin_stages(theirs, *case[:4]).values())

    orders = list(permutations(customers))
    gains = dict.fromkeys(customers, Fraction())
    for order in orders:
        for place, customer in enumerate(order):
            before = set(order[:place])
            gain = worth(before | {customer}) - worth(before)
            gains[customer] += Fraction(gain, len(orders))
    return gains


@pytest.mark.parametrize("customers", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("seed", range(8))
def test_fair_shares_are_the_shapley_value_by_its_definition(customers, seed):
    case = random_case(seed, 9)
    names = COUNTRIES[:customers]
    # Some customers ask once, others several times: the bin fee treats them apart.
    requests = [
        a_request(
            f"R{place}",
            customer=names[
                place % customers if seed % 2 else min(place, customers - 1)
            ],
            system=("HIMARS", "GMLRS")[(place + seed) % 2],
            lines=1 + place,
            end_use_monitoring=place % 3 == 0,
        )
        for place in range(2 * customers - seed % 2 * (seed % customers))
    ]
    case = case._replace(batch=batch(*requests), as_of=DAY, rulings=Rulings())
    ids = tuple(r.request_id for r in case.batch.requests)
    ledger = Ledger(problem_of(case))
    shares = fair_shares(ledger, range(len(ids)))
    assert shares == literal_shares(case, ids)


def test_shares_of_eight_customers_and_more_sum_to_the_saving_exactly():
    case = Case(
        batch(*(a_request(f"R{c}", customer=c) for c in COUNTRIES)),
        policy(categories=EVERYONE),
        catalogue(),
        DAY,
        Rulings(),
    )
    ledger = Ledger(problem_of(case))
    members = range(len(COUNTRIES))
    saving = sum(ledger.effort((i,)) for i in members) - ledger.effort(members)
    shares = fair_shares(ledger, members)
    assert len(shares) == 10
    assert sum(shares.values()) == saving


@pytest.mark.parametrize("make", [random_case, dense_case])
@pytest.mark.parametrize("seed", range(20))
def test_every_figure_is_the_oracles(make, seed):
    """But for sentences and reasons, which have no second source."""
    case = make(seed, 8)
    proposal = propose(problem_of(case))
    found = document_of(proposal)
    plan = [bin_["request_ids"] for bin_ in found["bins"]]
    wanted = plain_document(case, plan)
    for document in (found, wanted):
        for bin_ in document["bins"]:
            bin_.pop("alone_because", None)
            bin_["fair_share"] = {
                customer: pytest.approx(share)
                for customer, share in bin_["fair_share"].items()
            }
            for warning in bin_["warnings"]:
                del warning["text"]
                warning["request_ids"] = sorted(warning["request_ids"])
            if bin_["joint_case"]:
                del bin_["joint_case"]["text"]
        for entry in document["fragmentation"]:
            del entry["text"]
        del document["proposal_id"]
    del found["certificate"]  # has tests of its own
    for bin_ in found["bins"]:
        bin_["fair_share"] = {c: s.expected for c, s in bin_["fair_share"].items()}
    assert found == wanted


def only(document, request_id):
    """Return the one reason a request is alone."""
    (bin_,) = (b for b in document["bins"] if b["request_ids"] == [request_id])
    (reason,) = bin_["alone_because"]
    return reason


def proposed(*requests, rules=None, rulings=None):
    case = Case(
        batch(*requests), rules or policy(), catalogue(), DAY, rulings or Rulings()
    )
    return document_of(propose(problem_of(case)))


def test_a_customer_in_no_category_needs_no_other_reason():
    document = proposed(a_request("R1"), a_request("R2", customer="SAU"))
    assert only(document, "R2") == {
        "code": "category",
        "text": "SAU is in no category of the policy for-tests, so its requests are "
        "reviewed alone.",
        "with": [],
    }


def test_the_only_request_says_so():
    document = proposed(a_request("R1"))
    assert only(document, "R1") == {
        "code": "only_request",
        "text": "R1 is the only request of the batch.",
        "with": [],
    }


def test_rules_that_block_the_nearest_candidate_are_named():
    document = proposed(
        a_request("R1"),
        a_request("R2", document="P&A"),
        a_request("R3", system="Javelin"),
    )
    assert only(document, "R1") == {
        "code": "document",
        "text": "R2: One asks for an LOA, the other for a P&A.",
        "with": ["R2"],
    }
    # Nobody else asks for a Javelin: R2 breaks two rules, R1 one.
    assert {r["code"] for b in document["bins"] if b["request_ids"] == ["R3"]
            for r in b["alone_because"]} == {"system", "document"}  # fmt: skip


def test_nearest_candidates_of_a_kind_are_named_once_each():
    # Four earlier requests of one kind on two days: the three nearest, by day and id.
    earlier = [
        a_request(f"R{place}", customer="SAU", received_on=DAY - timedelta(days=back))
        for place, back in ((1, 9), (2, 9), (3, 4), (4, 4))
    ]
    document = proposed(*earlier, a_request("R9", received_on=DAY))
    (alone,) = (b for b in document["bins"] if b["request_ids"] == ["R9"])
    # Saudi Arabia is in no category, and the Gulf is not near the Baltic.
    assert [(r["code"], r["with"]) for r in alone["alone_because"]] == [
        ("category", ["R3", "R4", "R1"]),
        ("region", ["R3", "R4", "R1"]),
    ]
    # What is true of all three alike is said once.
    assert alone["alone_because"][1]["text"] == (
        "R3, R4, R1: Gulf and Baltic are not adjacent regions."
    )


def test_a_limit_that_forbids_every_bin_is_named():
    document = proposed(
        a_request("R1", value_usd=60_000_000),
        a_request("R2", value_usd=50_000_000),
        rules=policy(max_value_usd=100_000_000),
    )
    assert only(document, "R1") == {
        "code": "limits",
        "text": "Every bin it could join is over a limit: with R2 it would come to "
        "110,000,000 USD, and limits.max_value_usd is 100,000,000 USD.",
        "with": ["R2"],
    }


def test_sharing_that_costs_more_says_how_much():
    # One stage of 1 staff-day a bin; working together costs 3: sharing costs 2 more.
    document = proposed(
        a_request("R1"),
        a_request("R2"),
        rules=policy(stages=(stage("S1", "all", {"bin": 1000}),)),
    )
    assert only(document, "R1") == {
        "code": "cost",
        "text": "Sharing would cost more: the best bin {R1, R2} costs +2.000 "
        "staff-days.",
        "with": ["R2"],
    }


def test_a_fixed_bin_of_one_needs_no_reason():
    document = proposed(
        a_request("R1"), a_request("R2"), rulings=Rulings(fixed=(("R1",),))
    )
    first, _ = document["bins"]
    assert (first["fixed"], first["alone_because"]) == (True, [])
    assert only(document, "R2")["code"] == "others_fixed"


@pytest.mark.parametrize("make", [random_case, dense_case])
@pytest.mark.parametrize("seed", range(25))
def test_the_price_of_sharing_is_the_least_change_of_total(make, seed):
    """Against every join and every pair, priced by the oracle."""
    case = make(seed, 8)
    document = document_of(propose(problem_of(case)))
    plan = [tuple(b["request_ids"]) for b in document["bins"] if not b["fixed"]]
    allowed = {frozenset(ids) for ids in oracle.feasible_bins(*case)}

    def cost(*ids: str) -> int:
        return oracle.bin_cost(ids, *case[:4]) if ids else 0

    for bin_ in document["bins"]:
        for reason in bin_.get("alone_because", ()):
            (alone,) = bin_["request_ids"]
            ways = [
                (old, new, tuple(i for i in old if i not in new))
                for old in plan
                if alone not in old
                for new in {old, *((i,) for i in old)}
            ]
            changes = [
                cost(*new, alone) + cost(*rest) - cost(*old) - cost(alone)
                for old, new, rest in ways
                if frozenset((*new, alone)) in allowed
                and (not rest or frozenset(rest) in allowed)
            ]
            assert (reason["code"] == "cost") == bool(changes)
            if changes:
                assert f"+{min(changes) / 1000:,.3f} staff-days" in reason["text"]
                assert min(changes) >= 0


def test_bin_ids_are_padded_to_the_number_of_bins():
    document = proposed(*(a_request(f"R{i}", customer="SAU") for i in range(1000)))
    assert document["bins"][0]["bin_id"] == "B0001"
    assert document["bins"][-1]["bin_id"] == "B1000"


def test_a_late_decision_is_said_of_each_request():
    document = proposed(a_request("R1", needed_by=DAY))
    (bin_,) = document["bins"]
    (warning,) = bin_["warnings"]
    # Days of the stages it triggers, in STAGES: 5 + 15 + 10 + 45 + 10 + 7.
    assert bin_["forecast_on"] == "2026-04-07"
    assert warning == {
        "code": "needed_by_before_forecast",
        "text": "R1 is needed by 2026-01-05, 92 days before the forecast decision.",
        "request_ids": ["R1"],
    }

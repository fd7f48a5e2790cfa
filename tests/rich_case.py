"""A case and a plan in which everything a document can say is said."""

import json
from datetime import date, timedelta
from typing import Final

from optimizer.batch import Document as DocumentKind
from optimizer.batch import Precedent, Priority
from optimizer.policy import Category
from optimizer.rulings import Rulings
from tests import oracle
from tests.factories import DAY, Case, batch, catalogue, policy, request
from tests.plain_document import Document, plain_document

EVERYONE: Final = (
    Category(name="all", all_of=("nato_plus_five",), include=("SAU", "MAR")),
)


def best_document(case: Case) -> Document:
    """Return the document of an optimal plan, as it would be read from a file."""
    document = plain_document(case, oracle.best_partition(*case)[1])
    read: Document = json.loads(json.dumps(document))
    return read


def rich_case() -> tuple[Case, list[tuple[str, ...]]]:
    """Return a case and a plan in which everything a document can say is said."""
    asked = batch(
        request(  # with T1 it creates a notification
            "G1",
            customer="GRC",
            value_usd=20e6,
            needed_by=date(2026, 2, 1),
            end_use_monitoring=True,
        ),
        request(
            "T1",
            customer="TUR",
            value_usd=20e6,
            received_on=DAY + timedelta(days=9),
            needed_by=date(2028, 2, 1),
            priority=Priority.PRIORITY,
            defaulted=("region",),
        ),
        request("S1", customer="SAU", value_usd=60e6),  # two clocks with P1
        request("P1", customer="POL", value_usd=120e6, lines=4),
        request("A1", customer="AUS", document=DocumentKind.P_AND_A),
        request("F1", customer="MAR", system="Javelin", value_usd=9e6),
        request("F2", system="Patriot", document=DocumentKind.P_AND_A),
        request("E1", system="Javelin", configuration="Javelin F"),
        request("E2", customer="LTU", received_on=DAY + timedelta(days=30)),
        request("L1", customer="LVA", system="Patriot", value_usd=15e6),
        request("L2", customer="LVA", system="Patriot", value_usd=15.01e6),
        precedents=[
            Precedent(customer="POL", system="HIMARS", approved_on=date(2020, 3, 1))
        ],
    )
    rules = policy(
        categories=EVERYONE, region="any", keep_apart=(), max_requests=3, agency="any"
    )
    rulings = Rulings(
        together=(("E1", "E2"),),
        apart=frozenset({("L1", "L2")}),
        fixed=(("F1", "F2"),),
    )
    pairs = [("G1", "T1"), ("S1", "P1"), ("E1", "E2"), ("F1", "F2")]
    plan = [*pairs, ("A1",), ("L1",), ("L2",)]
    return Case(asked, rules, catalogue(), DAY, rulings), plan


def rich_document() -> tuple[Case, Document]:
    """Return the rich case and its document, at a bound well below its total."""
    case, plan = rich_case()
    total = sum(oracle.bin_cost(ids, *case[:4]) for ids in plan)
    return case, plain_document(case, plan, bound=total // 2)

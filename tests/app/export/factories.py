"""Documents, batches and policies for the tests of the export.

``build_document`` applies the formulas of the model to a given partition in the
plainest way; it proves nothing about the partition.
"""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from optimizer.batch import Agency, Batch, Priority, Request
from optimizer.catalogue import Catalogue, Customer, System, Threshold
from optimizer.policy import (
    AgencyRule,
    Category,
    CoordinationRates,
    EffortCase,
    Limits,
    Pairing,
    Policy,
    RegionRule,
    Stage,
    SystemRule,
    Trigger,
    Unit,
)
from tests.app.export.figuring import AS_OF, build_document

CUSTOMERS = {
    "EST": ("Estonia", "Baltic"),
    "LVA": ("Latvia", "Baltic"),
    "LTU": ("Lithuania", "Baltic"),
    "POL": ("Poland", "Central Europe"),
    "CZE": ("Czechia", "Central Europe"),
    "SVK": ("Slovakia", "Central Europe"),
    "HUN": ("Hungary", "Central Europe"),
    "DEU": ("Germany", "Western Europe"),
    "NLD": ("Netherlands", "Western Europe"),
    "BEL": ("Belgium", "Western Europe"),
    "FRA": ("France", "Western Europe"),
    "LUX": ("Luxembourg", "Western Europe"),
    "NOR": ("Norway", "Nordic"),
    "SWE": ("Sweden", "Nordic"),
    "FIN": ("Finland", "Nordic"),
    "DNK": ("Denmark", "Nordic"),
    "GBR": ("United Kingdom", "Western Europe"),
    "ITA": ("Italy", "Southern Europe"),
    "ESP": ("Spain", "Southern Europe"),
    "PRT": ("Portugal", "Southern Europe"),
    "GRC": ("Greece", "Southern Europe"),
    "TUR": ("Türkiye", "Southern Europe"),
    "ROU": ("Romania", "Black Sea"),
    "BGR": ("Bulgaria", "Black Sea"),
    "SVN": ("Slovenia", "Central Europe"),
    "HRV": ("Croatia", "Southern Europe"),
    "MNE": ("Montenegro", "Southern Europe"),
    "CAN": ("Canada", "North America"),
}
SYSTEMS = ("HIMARS", "Patriot", "Javelin", "NASAMS", "AMRAAM", "Stinger", "F-35")


def catalogue() -> Catalogue:
    """Return a small catalogue of real names and made-up flags."""
    return Catalogue(
        customers={
            code: Customer(
                code=code,
                name=name,
                planning_region=region,
                flags=frozenset({"nato_member", "nato_plus_five"}),
            )
            for code, (name, region) in CUSTOMERS.items()
        },
        systems={
            family: System(
                family=family, groups=frozenset(), implementing_agency="army"
            )
            for family in SYSTEMS
        },
        adjacent_regions=frozenset(),
        thresholds=(
            Threshold(
                threshold_id="T-1",
                statute="AECA 36(b)",
                status="in force",
                customer_group="NATO+5",
                flag="nato_plus_five",
                flag_value=True,
                valid_from=None,
                valid_to=None,
                total_cents=100_000_000_00,
                mde_cents=25_000_000_00,
                clock_days=15,
            ),
        ),
    )


def _stage(stage_id: str, name: str, days: int, spread: bool, **rates: float) -> Stage:
    base = {Unit(unit): round(rate * 1000) for unit, rate in rates.items()}
    low = {unit: rate // 3 if spread else rate for unit, rate in base.items()}
    high = {unit: rate * 2 if spread else rate for unit, rate in base.items()}
    return Stage(
        id=stage_id,
        name=name,
        trigger=Trigger.ALL,
        effort={
            EffortCase.LOW: low,
            EffortCase.DEFAULT: base,
            EffortCase.HIGH: high,
        },
        precedent_discount=Decimal("0.3") if stage_id == "S04" else Decimal(0),
        elapsed_days=days,
    )


def policy() -> Policy:
    """Return a policy of nine stages, all of them triggered by every request."""
    return Policy(
        name="nato-rdp",
        title="NATO members with a reciprocal procurement agreement",
        precedent_years=10,
        categories=(
            Category(name="nato-rdp", all_of=("nato_member",), include=("CAN",)),
        ),
        pairing=Pairing(
            system=SystemRule.INTEROPERABILITY_GROUP,
            region=RegionRule.ADJACENT,
            same_force_is_same_region=True,
            implementing_agency=AgencyRule.SAME,
            window_days=120,
            max_wait_days={
                Priority.ROUTINE: 120,
                Priority.PRIORITY: 60,
                Priority.URGENT: 21,
            },
        ),
        limits=Limits(
            max_requests=12, max_customers=8, max_value_cents=2_000_000_000_000
        ),
        wait_cost={
            Priority.ROUTINE: 50,
            Priority.PRIORITY: 150,
            Priority.URGENT: 500,
        },
        coordination={
            case: CoordinationRates(bin=3000, customer_beyond_first=1000)
            for case in EffortCase
        },
        coordination_elapsed_days=5,
        stages=(
            _stage("S01", "LOR receipt, logging and validation", 5, False, request=0.5),
            _stage("S02", "Making the LOR actionable", 15, False, request=1.5),
            _stage(
                "S04", "Country Team Assessment", 15, False, customer_configuration=3
            ),
            _stage(
                "S05", "Combatant command endorsement", 10, False, bin=1, customer=0.5
            ),
            _stage(
                "S06",
                "Technology security baseline for the system",
                45,
                True,
                system=8,
                configuration=4,
            ),
            _stage(
                "S07",
                "Country release determination",
                17,
                False,
                customer_configuration=2,
            ),
            _stage("S09", "State Department policy review", 5, False, bin=1),
            _stage(
                "S10",
                "LOA data (LOAD): pricing and availability",
                55,
                True,
                configuration=10,
                customer=2,
                line=0.3,
            ),
            _stage(
                "S11",
                "Case writing and quality review",
                25,
                False,
                request=1.5,
                line=0.1,
            ),
        ),
        keep_apart=(("GRC", "TUR"),),
        sha256="b" * 64,
    )


def stages_notes() -> dict[str, dict[str, str]]:
    """Return notes for most stages; S09 is left out on purpose."""
    stage_ids = ("S01", "S02", "S03", "S04", "S05", "S06", "S07", "S10", "S11")
    return {
        stage_id: {
            "basis": "assumption",
            "confidence": "low",
            "source": "GAO-17-682 (gao.gov); figures assumption",
        }
        for stage_id in stage_ids
    }


def request(
    request_id: str,
    customer: str = "EST",
    system: str = "HIMARS",
    received_on: date = date(2026, 2, 1),
    **fields: Any,
) -> Request:
    """Return a valid request; a test names only what matters to it."""
    value = fields.pop("value_cents", 50_000_000_00)
    return Request(
        request_id=request_id,
        customer=customer,
        system=system,
        received_on=received_on,
        value_cents=value,
        mde_value_cents=fields.pop("mde_value_cents", value),
        configuration=fields.pop("configuration", system),
        region=fields.pop("region", CUSTOMERS[customer][1]),
        implementing_agency=Agency.ARMY,
        **fields,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Everything that ``write_results`` is handed."""

    document: dict[str, Any]
    batch: Batch
    policy: Policy
    catalogue: Catalogue


def sample(
    requests: Iterable[Request], partition: Sequence[Sequence[str]], **changes: Any
) -> Sample:
    """Return a document over a partition of requests, and what it was made from."""
    batch, rules = Batch(requests=tuple(requests)), policy()
    document = build_document(batch, rules, partition)
    extras = {
        request.request_id: dict(request.extra)
        for request in batch.requests
        if request.extra
    }
    if extras:
        document["extra_columns"] = extras
    document.update(changes)
    return Sample(document=document, batch=batch, policy=rules, catalogue=catalogue())


def baltic() -> Sample:
    """Return thirteen requests in six bins: four combined, two alone."""
    requests = [
        request(
            "EST-26-001",
            "EST",
            received_on=date(2026, 1, 12),
            needed_by=date(2027, 3, 1),
        ),
        request("LVA-26-004", "LVA", received_on=date(2026, 2, 20), lines=12),
        request(
            "LTU-26-002",
            "LTU",
            received_on=date(2026, 3, 16),
            needed_by=date(2026, 8, 1),
        ),
        request("POL-26-011", "POL", "Javelin", date(2026, 2, 2)),
        request("CZE-26-003", "CZE", "Javelin", date(2026, 2, 27)),
        request("SVK-26-001", "SVK", "Javelin", date(2026, 3, 5)),
        request("HUN-26-005", "HUN", "Javelin", date(2026, 3, 20)),
        request("DEU-26-007", "DEU", "Patriot", date(2026, 4, 1), lines=40),
        request("NLD-26-002", "NLD", "Patriot", date(2026, 5, 13)),
        request("EST-26-009", "EST", "Javelin", date(2026, 5, 18)),
        request("LVA-26-010", "LVA", "Javelin", date(2026, 6, 1)),
        request("NOR-26-001", "NOR", "NASAMS", date(2025, 11, 3)),
        request("CAN-26-001", "CAN", "F-35", date(2026, 6, 15)),
    ]
    made = sample(
        requests,
        [
            ["EST-26-001", "LVA-26-004", "LTU-26-002"],
            ["POL-26-011", "CZE-26-003", "SVK-26-001", "HUN-26-005"],
            ["DEU-26-007", "NLD-26-002"],
            ["EST-26-009", "LVA-26-010"],
            ["NOR-26-001"],
            ["CAN-26-001"],
        ],
    )
    made.document["fragmentation"] = [
        {
            "customer": "EST",
            "system": "HIMARS",
            "request_ids": ["EST-26-001", "EST-26-009"],
            "value_usd": 100_000_000,
            "mde_value_usd": 100_000_000,
            "threshold_id": "T-1",
            "text": "Two requests of Estonia together meet the threshold T-1.",
        }
    ]
    made.document["rulings"] = [
        {"kind": "apart", "request_ids": ["EST-26-001", "EST-26-009"]}
    ]
    return made


def many(count: int, seed: int = 7) -> Sample:
    """Return a synthetic batch of any size, about two fifths of it alone."""
    chance = random.Random(seed)
    codes = sorted(CUSTOMERS)
    requests = [
        request(
            f"R-{number:06}",
            chance.choice(codes),
            chance.choice(SYSTEMS),
            AS_OF + timedelta(days=chance.randrange(-60, 365)),
            value_cents=chance.randrange(1_000_000_00, 400_000_000_00),
            lines=chance.randrange(1, 40),
            needed_by=(
                date(2026, 12, 31) + timedelta(days=chance.randrange(900))
                if chance.random() < 0.4
                else None
            ),
            priority=chance.choices(list(Priority), (8, 2, 1))[0],
        )
        for number in range(count)
    ]
    waiting = sorted(requests, key=lambda r: (r.system, r.received_on))
    partition: list[list[str]] = []
    while waiting:
        size = chance.choices((1, 2, 3, 4, 6), (5, 2, 1, 1, 1))[0]
        members = [waiting.pop(0) for _ in range(min(size, len(waiting)))]
        near = [m for m in members if m.system == members[0].system]
        partition.append([m.request_id for m in near])
        partition += [[m.request_id] for m in members if m not in near]
    return sample(requests, partition)

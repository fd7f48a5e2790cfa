"""Valid values for tests, stating only what matters, and seeded random cases."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any, Final, NamedTuple

from optimizer.batch import Agency, Batch, Document, Precedent, Priority, Request
from optimizer.catalogue import Catalogue
from optimizer.errors import RulingsContradict
from optimizer.policy import (
    NOTIFICATION_CLOCK,
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
from optimizer.rulings import Ruling, RulingKind, Rulings, settle
from tests.small_catalogue import (
    CUSTOMERS,
    SYSTEMS,
    THRESHOLDS,
    catalogue,
    threshold,
)

__all__ = [
    "DAY",
    "STAGES",
    "THRESHOLDS",
    "Case",
    "batch",
    "catalogue",
    "dense_case",
    "policy",
    "random_case",
    "request",
    "stage",
    "threshold",
    "waits",
]

DAY: Final = date(2026, 1, 5)
"""The day most test requests are received, and most test proposals made."""


class Case(NamedTuple):
    """One whole question, in the order the functions under test take it."""

    batch: Batch
    policy: Policy
    catalogue: Catalogue
    as_of: date
    rulings: Rulings


# --- requests and policies ----------------------------------------------------------


def request(request_id: str = "R1", **changes: Any) -> Request:
    """Return Estonia asking for HIMARS, with what a test changes.

    ``value_usd`` and ``mde_value_usd`` may be given in dollars.
    """
    if "value_usd" in changes:
        changes["value_cents"] = round(changes.pop("value_usd") * 100)
    if "mde_value_usd" in changes:
        changes["mde_value_cents"] = round(changes.pop("mde_value_usd") * 100)
    fields: dict[str, Any] = {
        "request_id": request_id,
        "customer": "EST",
        "system": "HIMARS",
        "received_on": DAY,
        "value_cents": 10_000_000_00,
    } | changes
    places = {code: region for code, _, region, _ in CUSTOMERS}
    agencies = {family: agency for family, _, agency in SYSTEMS}
    defaults = {
        "configuration": fields["system"],
        "region": places[fields["customer"]],
        "implementing_agency": Agency(agencies[fields["system"]]),
        "mde_value_cents": fields["value_cents"],
    }
    return Request(**(defaults | fields))


def batch(*requests: Request, precedents: Sequence[Precedent] = ()) -> Batch:
    """Return a batch of these requests."""
    return Batch(requests=requests, precedents=tuple(precedents))


def stage(
    stage_id: str = "S1",
    trigger: str = "all",
    effort: Mapping[str, int] | None = None,
    *,
    low: Mapping[str, int] | None = None,
    high: Mapping[str, int] | None = None,
    discount: str = "0",
    elapsed: int | str = 10,
) -> Stage:
    """Return a stage; rates in thousandths by unit name, low and high as default."""
    default = effort if effort is not None else {"bin": 1000}
    rates = {
        EffortCase.LOW: low if low is not None else default,
        EffortCase.DEFAULT: default,
        EffortCase.HIGH: high if high is not None else default,
    }
    return Stage(
        id=stage_id,
        name=f"Stage {stage_id}",
        trigger=Trigger(trigger),
        effort={
            case: {Unit(unit): rate for unit, rate in by_unit.items()}
            for case, by_unit in rates.items()
        },
        precedent_discount=Decimal(discount),
        elapsed_days=elapsed,
    )


STAGES: Final = (
    stage("S01", "all", {"request": 500, "line": 20}, elapsed=5),
    stage("S04", "all", {"customer_configuration": 3000}, discount="0.3", elapsed=15),
    stage("S05", "all", {"bin": 1000, "customer": 500}, elapsed=10),
    stage(
        "S06",
        "technology_review",
        {"system": 8000, "configuration": 4000},
        low={"system": 2667, "configuration": 1333},
        high={"system": 16000, "configuration": 8000},
        elapsed=45,
    ),
    stage("S10", "offer", {"configuration": 10000, "customer": 2000, "line": 300}),
    stage("S12", "notification", {"bin": 6000, "customer": 1000}, elapsed=30),
    stage("S14", "notification", {"bin": 500}, elapsed=NOTIFICATION_CLOCK),
    stage("S18", "end_use_monitoring", {"customer_configuration": 2000}, elapsed=20),
    stage("S20", "first_purchase", {"customer": 1250, "region": 375}, elapsed=7),
)


def waits(routine: int, priority: int, urgent: int) -> dict[Priority, int]:
    """Return a figure by priority."""
    return {
        Priority.ROUTINE: routine,
        Priority.PRIORITY: priority,
        Priority.URGENT: urgent,
    }


def policy(
    *,
    categories: tuple[Category, ...] = (
        Category(name="nato", all_of=("nato_member",)),
        Category(name="plus-five", all_of=("nato_plus_five",)),
    ),
    system: str = "interoperability_group",
    region: str = "adjacent",
    same_force: bool = True,
    agency: str = "same",
    window_days: int = 120,
    max_wait_days: Mapping[Priority, int] | None = None,
    max_requests: int = 12,
    max_customers: int = 8,
    max_value_usd: int = 20_000_000_000,
    wait_cost: Mapping[Priority, int] | None = None,
    coordination: tuple[int, int] = (3000, 1000),
    stages: tuple[Stage, ...] = STAGES,
    keep_apart: tuple[tuple[str, str], ...] = (("GRC", "TUR"),),
    precedent_years: int = 10,
    elapsed_days: int = 5,
) -> Policy:
    """Return a policy much like the shipped default, with what a test changes.

    ``coordination`` is the rate of a bin and of a customer beyond the first; the low
    case doubles both.
    """
    fixed, beyond = coordination
    usual = CoordinationRates(bin=fixed, customer_beyond_first=beyond)
    double = CoordinationRates(bin=2 * fixed, customer_beyond_first=2 * beyond)
    return Policy(
        name="for-tests",
        title="A policy for tests",
        precedent_years=precedent_years,
        categories=categories,
        pairing=Pairing(
            system=SystemRule(system),
            region=RegionRule(region),
            same_force_is_same_region=same_force,
            implementing_agency=AgencyRule(agency),
            window_days=window_days,
            max_wait_days=max_wait_days or waits(120, 60, 21),
        ),
        limits=Limits(
            max_requests=max_requests,
            max_customers=max_customers,
            max_value_cents=max_value_usd * 100,
        ),
        wait_cost=wait_cost or waits(50, 150, 500),
        coordination={
            EffortCase.LOW: double,
            EffortCase.DEFAULT: usual,
            EffortCase.HIGH: usual,
        },
        coordination_elapsed_days=elapsed_days,
        stages=stages,
        keep_apart=keep_apart,
        sha256="0" * 64,
    )


# --- random cases -------------------------------------------------------------------


def random_case(seed: int, n: int) -> Case:
    """Return a small case that exercises every rule, limit, unit and ruling.

    Customers, systems and dates lie close together, so that good bins exist, and the
    limits are tight, so that they bind. The same seed gives the same case.
    """
    rng = Random(f"case {seed}")
    rules = _random_policy(rng)
    scene = _random_scene(rng, spread=45, odd=0.08)
    given = _random_batch(rng, n, scene, rules.precedent_years)
    return _with_rulings(rng, given, rules, seed)


def dense_case(seed: int, n: int) -> Case:
    """Return a case where most requests may share a bin and the limits are wide."""
    rng = Random(f"dense {seed}")
    rules = replace(
        _random_policy(rng),
        categories=(Category(name="all", include=tuple(c[0] for c in CUSTOMERS)),),
        limits=Limits(max_requests=12, max_customers=8, max_value_cents=10**13),
    )
    pairing = replace(
        rules.pairing,
        system=SystemRule.INTEROPERABILITY_GROUP,
        region=RegionRule.ANY,
        implementing_agency=AgencyRule.ANY,
        window_days=rng.randint(60, 180),
        max_wait_days=waits(120, 60, 21),
    )
    rules = replace(rules, pairing=pairing)
    scene = _random_scene(rng, spread=90, odd=0.02)
    given = _random_batch(rng, n, scene, rules.precedent_years)
    return _with_rulings(rng, given, rules, seed)


def _random_rates(rng: Random) -> dict[str, int]:
    """Return rates with odd thousandths, higher where several requests can share."""
    shared = ("bin", "system", "region", "agency", "configuration")
    own = ("customer", "customer_configuration", "request", "line")
    rates = {unit: rng.randint(0, 12_000) for unit in rng.sample(shared, 2)}
    rates |= {
        unit: rng.randint(1, 3_000) for unit in rng.sample(own, rng.randint(1, 2))
    }
    return rates


def _random_stages(rng: Random) -> tuple[Stage, ...]:
    triggers = rng.sample([*Trigger], rng.randint(3, 6))
    if Trigger.ALL not in triggers:
        triggers.append(Trigger.ALL)
    elapsed: tuple[int | str, ...] = (0, 5, 17, 45, NOTIFICATION_CLOCK)
    return tuple(
        stage(
            f"S{place:02}",
            trigger,
            _random_rates(rng),
            low=_random_rates(rng) if rng.random() < 0.4 else None,
            high=_random_rates(rng) if rng.random() < 0.4 else None,
            discount=rng.choice(["0", "0.3", "0.125", "0.5", "1"]),
            elapsed=rng.choice(elapsed),
        )
        for place, trigger in enumerate(triggers, start=1)
    )


def _random_policy(rng: Random) -> Policy:
    left_out = rng.choice([(), (), ("POL",), ("LVA",)])
    by_hand = rng.choice([(), ("KOR",), ("SAU", "MAR")])
    nato = Category(
        name="cohort",
        all_of=("nato_rdp_cohort", "nato_member"),
        include=by_hand,
        exclude=left_out,
    )
    rest = (
        Category(name="nato-other", all_of=("nato_member",)),
        Category(name="partners", all_of=("nato_plus_five",), exclude=("AUS",)),
        Category(name="gulf", include=("SAU",)),
    )
    wide = Category(
        name="everyone",
        all_of=("nato_plus_five",),
        include=("SAU", "MAR"),
        exclude=left_out,
    )
    return policy(
        categories=rng.choice([(nato, *rest), (wide,), (wide, *rest)]),
        system=rng.choice([*SystemRule, *[SystemRule.INTEROPERABILITY_GROUP] * 3]),
        region=rng.choice([*RegionRule, RegionRule.ADJACENT, RegionRule.ADJACENT]),
        same_force=rng.random() < 0.7,
        agency=rng.choice([*AgencyRule]),
        window_days=rng.randint(20, 90),
        max_wait_days=waits(
            rng.randint(20, 90), rng.randint(10, 60), rng.randint(0, 21)
        ),
        max_requests=rng.randint(2, 5),
        max_customers=rng.randint(2, 4),
        max_value_usd=rng.choice([60_000_000, 120_000_000, 300_000_000]),
        wait_cost=waits(rng.randint(0, 60), rng.randint(20, 200), rng.randint(50, 500)),
        coordination=(rng.randint(0, 5_000), rng.randint(0, 1_500)),
        stages=_random_stages(rng),
        keep_apart=rng.choice(
            [(), (("GRC", "TUR"),), (("TUR", "GRC"), ("EST", "POL"))]
        ),
        precedent_years=rng.choice([0, 1, 4, 10]),
        elapsed_days=rng.randint(0, 9),
    )


class _Scene(NamedTuple):
    """What the requests of one random batch have in common."""

    start: date
    spread: int  # days
    customers: tuple[str, ...]
    families: tuple[str, ...]
    odd: float  # chance of each thing that keeps requests apart


def _random_scene(rng: Random, *, spread: int, odd: float) -> _Scene:
    near = rng.choice([("EST", "LVA", "LTU", "POL"), ("GRC", "TUR", "POL", "EST")])
    far = ("KOR", "AUS", "SAU", "MAR")
    families = [family for family, _, _ in SYSTEMS]
    first = rng.choice([0, 0, 2])
    return _Scene(
        start=rng.choice([DAY, date(2028, 2, 20)]),  # the latter spans 29 February
        spread=spread,
        customers=(*near * 4, *rng.sample(far, rng.randint(0, 3))),
        families=(*families[first : first + rng.randint(1, 3)] * 5, "Javelin"),
        odd=odd,
    )


def _random_request(rng: Random, request_id: str, scene: _Scene) -> Request:
    received = scene.start + timedelta(
        days=rng.choice([0, rng.randint(0, scene.spread)])
    )
    value = round(rng.choice([3e6, 12e6, 24e6, 45e6, 95e6]) * rng.uniform(0.8, 1.3), 2)
    family = rng.choice(scene.families)
    customer = rng.choice(scene.customers)
    chosen: dict[str, Any] = {}
    if rng.random() < scene.odd:
        chosen["region"] = rng.choice(["Baltic", "Central Europe", "Gulf"])
    if rng.random() < scene.odd:
        chosen["implementing_agency"] = rng.choice([*Agency])
    if rng.random() < 0.3:
        chosen["configuration"] = rng.choice([f"{family} I", f"{family} II"])
    if rng.random() < scene.odd:
        chosen["document"] = Document.P_AND_A
    if rng.random() < scene.odd:
        chosen["keep_apart_from"] = (rng.choice(["POL", "TUR", "LVA"]),)
    if rng.random() < 0.6:
        chosen["needed_by"] = received + timedelta(days=rng.randint(0, 900))
    blank = {"region", "implementing_agency", "configuration"} - chosen.keys()
    return request(
        request_id,
        customer=customer,
        system=family,
        received_on=received,
        value_usd=value,
        mde_value_usd=round(value * rng.choice([0, 0.3, 0.9, 1]), 2),
        quantity=rng.choice([None, 1, 40]),
        lines=rng.choice([1, 1, 2, 17]),
        priority=rng.choice([*Priority, Priority.ROUTINE]),
        force=rng.choice([None, None, "eFP", "NRF"]),
        technology_review=rng.random() < 0.8,
        end_use_monitoring=rng.random() < 0.2,
        defaulted=tuple(sorted(blank)) if rng.random() < 0.5 else (),
        **chosen,
    )


def _random_batch(rng: Random, n: int, scene: _Scene, years: int) -> Batch:
    requests = [
        _random_request(rng, f"R{place:03}", scene) for place in range(1, n + 1)
    ]
    precedents = []
    for asked in rng.sample(requests, n // 3):
        back = rng.choice([years, 1])
        day = asked.received_on
        earlier = date(day.year - back, day.month, min(day.day, 28))
        precedents.append(
            Precedent(
                customer=asked.customer,
                system=asked.system,
                approved_on=earlier + timedelta(days=rng.choice([-1, 0, 1, 90])),
            )
        )
    return Batch(requests=tuple(requests), precedents=tuple(precedents))


def _with_rulings(rng: Random, given: Batch, rules: Policy, seed: int) -> Case:
    """Add rulings that contradict neither each other nor a limit; none for some."""
    ids = [one.request_id for one in given.requests]
    wanted = [
        Ruling(kind=kind, request_ids=tuple(rng.sample(ids, min(size, len(ids)))))
        for kind, chance, sizes in (
            (RulingKind.FIXED, 0.4, (1, 2, 3)),
            (RulingKind.TOGETHER, 0.5, (2, 2, 3)),
            (RulingKind.TOGETHER, 0.2, (2,)),
            (RulingKind.APART, 0.5, (2, 3)),
        )
        if seed % 3 and rng.random() < chance
        for size in (rng.choice(sizes),)
    ]
    kept: list[Ruling] = []
    for ruling in wanted:
        try:
            settled = settle([*kept, ruling], given)
        except RulingsContradict:
            continue
        if all(_within(rules.limits, given, ids) for ids in settled.together):
            kept.append(ruling)
    as_of = given.requests[0].received_on + timedelta(days=rng.randint(-10, 80))
    return Case(given, rules, catalogue(), as_of, settle(kept, given))


def _within(limits: Limits, given: Batch, ids: Sequence[str]) -> bool:
    members = [given[request_id] for request_id in ids]
    return (
        len(members) <= limits.max_requests
        and len({one.customer for one in members}) <= limits.max_customers
        and sum(one.value_cents for one in members) <= limits.max_value_cents
    )

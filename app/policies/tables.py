"""The tables of a policy, read key by key; every fault is gathered, none is raised.

A reader returns a harmless stand-in where a value is faulty, so that reading goes on;
a policy with any fault is never used.
"""

from decimal import Decimal
from typing import Final

from app.catalogue import (
    SELLER,
    NameUnknown,
    customer_flags,
    load_catalogue,
    nearest,
    resolve_customer,
)
from app.errors import FaultCode, quoted
from app.policies.table import Table, shown
from optimizer.batch import Priority
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

MAX_RATE: Final = 1_000_000
MAX_DAYS: Final = 1_000_000
"""Bound on days, one by one and summed over stages: dates stay within the calendar."""
MAX_YEARS: Final = 1_000
MAX_COUNT: Final = 1_000_000_000
MAX_VALUE: Final = 10**15
_DISCOUNT_PLACES: Final = 9

_SUFFIX: Final = {EffortCase.LOW: "_low", EffortCase.HIGH: "_high"}


KEYS: Final = (
    "name",
    "title",
    "precedent_years",
    "keep_apart",
    "category",
    "pairing",
    "limits",
    "wait_cost",
    "coordination",
    "stage",
)
"""What a policy holds at the top, in the order it is read and shown."""


def read_policy_table(top: Table) -> Policy | None:
    """Read a whole policy; None, with faults noted in ``top``, when it is faulty."""
    top.only(KEYS)
    name = top.text("name")
    coordination = top.table("coordination", required=False)
    limits = top.table("limits")
    limits.only(("max_requests", "max_customers", "max_value_usd"))
    wait_cost = top.table("wait_cost")
    wait_cost.only(Priority)
    policy = Policy(
        name=name,
        title=top.text("title", name or "policy"),
        precedent_years=top.whole("precedent_years", 10, high=MAX_YEARS),
        keep_apart=_keep_apart(top),
        categories=_categories(top),
        pairing=_pairing(top.table("pairing")),
        limits=Limits(
            max_requests=limits.whole("max_requests", low=1, high=MAX_COUNT),
            max_customers=limits.whole("max_customers", low=1, high=MAX_COUNT),
            max_value_cents=limits.scaled(
                "max_value_usd", places=2, high=MAX_VALUE, above_zero=True
            ),
        ),
        wait_cost={
            priority: wait_cost.scaled(priority, places=3, high=MAX_RATE)
            for priority in Priority
        },
        coordination=_coordination(coordination),
        coordination_elapsed_days=coordination.whole("elapsed_days", 0, high=MAX_DAYS),
        stages=_stages(top),
    )
    if top.faults:
        return None
    days = [stage.elapsed_days for stage in policy.stages]
    total = policy.coordination_elapsed_days + sum(
        count for count in days if isinstance(count, int)
    )
    if total > MAX_DAYS:
        message = f"All elapsed_days together are {total:,}, above {MAX_DAYS:,}."
        top.fault("", FaultCode.WHOLE_NUMBER, message)
    return policy


def _keep_apart(top: Table) -> tuple[tuple[str, str], ...]:
    value = top.take("keep_apart", [])
    pairs: set[tuple[str, str]] = set()
    if not isinstance(value, list):
        message = f"keep_apart must be a list of pairs, not {shown(value)}."
        top.fault("keep_apart", FaultCode.TYPE, message, value)
        return ()
    for pair in value:
        if (
            not isinstance(pair, list)
            or len(pair) != 2
            or not all(isinstance(code, str) for code in pair)
        ):
            message = f"keep_apart holds pairs of customers, not {shown(pair)}."
            top.fault("keep_apart", FaultCode.TYPE, message, pair)
            continue
        known = [_known_customer(top, "keep_apart", code) for code in pair]
        if all(known) and pair[0] == pair[1]:
            message = f"keep_apart names {pair[0]} twice in one pair."
            top.fault("keep_apart", FaultCode.CONTRADICTION, message, pair)
        pairs.add((min(pair), max(pair)))
    return tuple(sorted(pairs))


def _known_customer(table: Table, key: str, code: str) -> bool:
    if code in load_catalogue().customers:
        return True
    found = resolve_customer(code)
    if not isinstance(found, NameUnknown):
        reason = f"write {found.code}"
    elif code == SELLER or not found.nearest:
        reason = "the seller is never a customer"
    else:
        likely = [resolve_customer(name, "iso") for name in found.nearest]
        codes = [c.code for c in likely if not isinstance(c, NameUnknown)]
        reason = f"nearest: {', '.join(dict.fromkeys(codes))}"
    message = (
        f"{table.name(key)} names {quoted(code)}, which is not a three-letter customer "
        f"code of the country table; {reason}."
    )
    table.fault(key, FaultCode.CUSTOMER, message, code)
    return False


def _categories(top: Table) -> tuple[Category, ...]:
    categories = []
    seen: set[str] = set()
    for table in top.tables("category"):
        table.only(("name", "all_of", "include", "exclude"))
        name = table.text("name")
        if name and name in seen:
            message = f"Two categories are named {quoted(name)}."
            table.fault("name", FaultCode.REPEATED_KEY, message, name)
        seen.add(name)
        all_of = table.words("all_of")
        for flag in all_of:
            if flag not in customer_flags():
                near = nearest(flag, sorted(customer_flags()))[0]
                message = (
                    f"{table.name('all_of')} names {quoted(flag)}, which is not a flag "
                    f"of the country table; nearest: {near}."
                )
                table.fault("all_of", FaultCode.CHOICE, message, flag)
        lists = {key: table.words(key) for key in ("include", "exclude")}
        for key, codes in lists.items():
            for code in codes:
                _known_customer(table, key, code)
        for code in sorted(set(lists["include"]) & set(lists["exclude"])):
            message = f"{table.path} both includes and excludes {quoted(code)}."
            table.fault("exclude", FaultCode.CONTRADICTION, message, code)
        if not all_of and not lists["include"]:
            message = (
                f"The category {quoted(name)} needs an all_of or an include "
                "that is not empty."
            )
            table.fault("", FaultCode.MISSING_KEY, message)
        categories.append(
            Category(
                name=name,
                all_of=tuple(sorted(set(all_of))),
                include=tuple(sorted(set(lists["include"]))),
                exclude=tuple(sorted(set(lists["exclude"]))),
            )
        )
    return tuple(categories)


def _pairing(table: Table) -> Pairing:
    table.only(
        (
            "system",
            "region",
            "same_force_is_same_region",
            "implementing_agency",
            "window_days",
            "max_wait_days",
        )
    )
    waits = table.table("max_wait_days")
    waits.only(Priority)
    return Pairing(
        system=SystemRule(table.choice("system", SystemRule)),
        region=RegionRule(table.choice("region", RegionRule)),
        same_force_is_same_region=table.flag("same_force_is_same_region", default=True),
        implementing_agency=AgencyRule(table.choice("implementing_agency", AgencyRule)),
        window_days=table.whole("window_days", high=MAX_DAYS),
        max_wait_days={
            priority: waits.whole(priority, high=MAX_DAYS) for priority in Priority
        },
    )


def _coordination(table: Table) -> dict[EffortCase, CoordinationRates]:
    keys = ("bin", "customer_beyond_first")
    forms = [key + suffix for key in keys for suffix in ("", *_SUFFIX.values())]
    table.only((*forms, "elapsed_days"))
    rates = {
        EffortCase.DEFAULT: {
            key: table.scaled(key, 0, places=3, high=MAX_RATE) for key in keys
        }
    }
    for case, suffix in _SUFFIX.items():
        rates[case] = {
            key: table.scaled(key + suffix, places=3, high=MAX_RATE)
            if key + suffix in table.values
            else rates[EffortCase.DEFAULT][key]
            for key in keys
        }
    return {
        case: CoordinationRates(
            bin=of["bin"], customer_beyond_first=of["customer_beyond_first"]
        )
        for case, of in rates.items()
    }


def _stages(top: Table) -> tuple[Stage, ...]:
    stages = []
    seen: set[str] = set()
    for table in top.tables("stage"):
        table.only(
            (
                "id",
                "name",
                "trigger",
                "effort",
                "effort_low",
                "effort_high",
                "precedent_discount",
                "elapsed_days",
            )
        )
        stage_id = table.text("id")
        if stage_id and stage_id in seen:
            message = f"Two stages have the id {quoted(stage_id)}."
            table.fault("id", FaultCode.REPEATED_KEY, message, stage_id)
        if stage_id == "coordination":
            message = 'A stage may not have the id "coordination": it is taken.'
            table.fault("id", FaultCode.CONTRADICTION, message, stage_id)
        seen.add(stage_id)
        stages.append(
            Stage(
                id=stage_id,
                name=table.text("name"),
                trigger=Trigger(table.choice("trigger", Trigger)),
                effort=_effort(table),
                precedent_discount=_discount(table),
                elapsed_days=_elapsed(table),
            )
        )
    return tuple(stages)


def _effort(table: Table) -> dict[EffortCase, dict[Unit, int]]:
    effort = {EffortCase.DEFAULT: _rates(table.table("effort"))}
    for case, suffix in _SUFFIX.items():
        key = "effort" + suffix
        given = key in table.values
        effort[case] = _rates(table.table(key)) if given else effort[EffortCase.DEFAULT]
    return effort


def _rates(table: Table) -> dict[Unit, int]:
    table.only(Unit)
    return {
        unit: table.scaled(unit, places=3, high=MAX_RATE)
        for unit in Unit
        if unit in table.values
    }


def _discount(table: Table) -> Decimal:
    key = "precedent_discount"
    scaled = table.scaled(key, 0, places=_DISCOUNT_PLACES, high=1)
    return Decimal(scaled).scaleb(-_DISCOUNT_PLACES)


def _elapsed(table: Table) -> int | str:
    key = "elapsed_days"
    value = table.take(key, 0)
    if value == NOTIFICATION_CLOCK:
        return NOTIFICATION_CLOCK
    if isinstance(value, str):
        message = (
            f"{table.name(key)} must be a whole number of days or "
            f'"{NOTIFICATION_CLOCK}", not {shown(value)}.'
        )
        table.fault(key, FaultCode.CHOICE, message, value)
        return 0
    return table.whole(key, 0, high=MAX_DAYS)

"""The figures of a plan made by hand, worked out apart from the product."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any

from optimizer.batch import Batch, Request
from optimizer.policy import (
    EffortCase,
    Policy,
    Unit,
)

AS_OF = date(2026, 1, 5)

_COUNTED_BY = {
    Unit.BIN: lambda _: 0,
    Unit.CUSTOMER: lambda r: r.customer,
    Unit.SYSTEM: lambda r: r.system,
    Unit.CONFIGURATION: lambda r: (r.system, r.configuration),
    Unit.CUSTOMER_CONFIGURATION: lambda r: (r.customer, r.system, r.configuration),
    Unit.REQUEST: lambda r: r.request_id,
}


def effort_by_stage(
    members: Sequence[Request], rules: Policy, case: EffortCase
) -> dict[str, int]:
    """Return thousandths of a staff-day by stage (model.md section 3)."""
    efforts = {}
    for stage in rules.stages:
        total = 0
        for unit, rate in stage.effort[case].items():
            if unit is Unit.LINE:
                total += rate * sum(member.lines for member in members)
            else:
                total += rate * len({_COUNTED_BY[unit](member) for member in members})
        efforts[stage.id] = total
    rates = rules.coordination[case]
    beyond_first = len({member.customer for member in members}) - 1
    efforts["coordination"] = (
        rates.bin + rates.customer_beyond_first * beyond_first
        if len(members) > 1
        else 0
    )
    return efforts


def _ready_on(member: Request) -> date:
    return max(member.received_on, AS_OF)


def _add(efforts: Iterable[dict[str, int]], rules: Policy) -> dict[str, int]:
    totals = dict.fromkeys([*(stage.id for stage in rules.stages), "coordination"], 0)
    for effort in efforts:
        for stage_id, amount in effort.items():
            totals[stage_id] += amount
    return totals


def _bin(
    number: int, members: Sequence[Request], rules: Policy
) -> tuple[dict[str, Any], dict[str, dict[str, int]]]:
    starts_on = max(_ready_on(member) for member in members)
    elapsed = sum(int(stage.elapsed_days) for stage in rules.stages)
    combined = rules.coordination_elapsed_days if len(members) > 1 else 0
    forecast = starts_on + timedelta(days=elapsed + combined)
    waits = {m.request_id: (starts_on - _ready_on(m)).days for m in members}
    solo = {m.request_id: _ready_on(m) + timedelta(days=elapsed) for m in members}
    wait_cost = sum(rules.wait_cost[m.priority] * waits[m.request_id] for m in members)
    customers = sorted({member.customer for member in members})
    parts: dict[str, dict[str, int]] = {}
    figures: dict[str, Any] = {}
    for case in EffortCase:
        suffix = "" if case is EffortCase.DEFAULT else f"_{case.value}"
        together = effort_by_stage(members, rules, case)
        alone = _add((effort_by_stage([m], rules, case) for m in members), rules)
        parts[f"after{suffix}"], parts[f"before{suffix}"] = together, alone
        effort, solo_effort = sum(together.values()), sum(alone.values())
        figures[f"effort_days{suffix}"] = effort / 1000
        figures[f"solo_effort_days{suffix}"] = solo_effort / 1000
        figures[f"saved_effort_days{suffix}"] = (solo_effort - effort) / 1000
    saved = round(figures["saved_effort_days"] * 1000)
    share, rest = divmod(saved, len(customers))
    shares = [share + (place < rest) for place in range(len(customers))]
    found: dict[str, Any] = {
        "bin_id": f"B{number:03}",
        "request_ids": [member.request_id for member in members],
        "category": "nato-rdp",
        "systems": sorted({member.system for member in members}),
        "customers": customers,
        "regions": sorted({member.region for member in members}),
        "fixed": False,
        "starts_on": starts_on.isoformat(),
        **figures,
        "wait_cost": wait_cost / 1000,
        "effort_by_stage": {k: v / 1000 for k, v in parts["after"].items()},
        "solo_effort_by_stage": {k: v / 1000 for k, v in parts["before"].items()},
        "wait_days": waits,
        "forecast_on": forecast.isoformat(),
        "solo_forecast_on": {key: day.isoformat() for key, day in solo.items()},
        "days_gained": {key: (day - forecast).days for key, day in solo.items()},
        "fair_share": {
            code: part / 1000 for code, part in zip(customers, shares, strict=True)
        },
        "joint_case": None,
        "warnings": _warnings(members, forecast),
    }
    if len(members) > 1:
        value = sum(member.value_cents for member in members) / 100
        found["joint_case"] = {
            "value_usd": value,
            "mde_value_usd": value,
            "notification": value >= 100e6,
            "creates_notification": value >= 100e6,
            "threshold_id": "T-1" if value >= 100e6 else None,
            "clock_days": 15 if value >= 100e6 else 0,
            "text": f"One offer of {value:,.0f} US dollars"
            + (" would create a notification." if value >= 100e6 else "."),
        }
    else:
        found["alone_because"] = [
            {
                "code": "window",
                "text": "Its nearest candidates were received more than 120 days away.",
                "with": ["EST-26-001"],
            }
        ]
    return found, parts


def _warnings(members: Sequence[Request], forecast: date) -> list[dict[str, Any]]:
    late = [
        m.request_id
        for m in members
        if m.needed_by is not None and m.needed_by < forecast
    ]
    if not late:
        return []
    return [
        {
            "code": "needed_by_before_forecast",
            "text": f"{', '.join(late)} is needed before the forecast decision on "
            f"{forecast.isoformat()}.",
            "request_ids": late,
        }
    ]


def build_document(
    batch: Batch, rules: Policy, partition: Sequence[Sequence[str]]
) -> dict[str, Any]:
    """Return proposal.json's content for a partition of the batch."""
    ordered = sorted(
        ([batch[request_id] for request_id in sorted(ids)] for ids in partition),
        key=lambda ms: (max(_ready_on(m) for m in ms), ms[0].request_id),
    )
    made = [_bin(n, members, rules) for n, members in enumerate(ordered, start=1)]
    bins = [bin_ for bin_, _ in made]
    totals = {key: _add((parts[key] for _, parts in made), rules) for key in made[0][1]}
    sums = {key: sum(parts.values()) for key, parts in totals.items()}
    wait = round(sum(bin_["wait_cost"] for bin_ in bins) * 1000)
    return {
        "proposal_id": "P-0123456789abcdef",
        "created_at": "2026-01-05T10:00:00Z",
        "as_of": AS_OF.isoformat(),
        "policy": {"name": rules.name, "title": rules.title, "sha256": rules.sha256},
        "input": {
            "sha256": "a" * 64,
            "requests": len(batch),
            "precedents": 0,
            "precedents_sha256": None,
            "rulings_sha256": None,
        },
        "status": "optimal",
        "objective": {
            "total": (sums["after"] + wait) / 1000,
            "effort_days": sums["after"] / 1000,
            "wait_cost": wait / 1000,
            "baseline_total": sums["before"] / 1000,
            "baseline_effort_days": sums["before"] / 1000,
            "saved_effort_days": (sums["before"] - sums["after"]) / 1000,
            "saved_effort_days_low": (sums["before_low"] - sums["after_low"]) / 1000,
            "saved_effort_days_high": (sums["before_high"] - sums["after_high"]) / 1000,
            "effort_days_low": sums["after_low"] / 1000,
            "effort_days_high": sums["after_high"] / 1000,
            "baseline_effort_days_low": sums["before_low"] / 1000,
            "baseline_effort_days_high": sums["before_high"] / 1000,
            "effort_by_stage": {k: v / 1000 for k, v in totals["after"].items()},
            "baseline_effort_by_stage": {
                k: v / 1000 for k, v in totals["before"].items()
            },
        },
        "lower_bound": (sums["after"] + wait) / 1000,
        "gap": 0,
        "solve_seconds": 0.42,
        "bins": bins,
        "fragmentation": [],
        "rulings": [],
        "versions": {
            "allybin": "0.1.0",
            "pulp": "4.2.0",
            "highspy": "1.15.1",
            "networkx": "3.6",
            "python": "3.13.0",
        },
    }

"""A proposal document built from the oracle's figures alone, for tests of verify."""

from collections.abc import Sequence
from datetime import date, timedelta
from fractions import Fraction
from itertools import combinations, permutations
from typing import Any, Final

from optimizer.batch import Request
from optimizer.policy import NOTIFICATION_CLOCK, EffortCase
from tests import oracle
from tests.factories import Case

type Document = dict[str, Any]

SUFFIXES: Final = (
    ("", EffortCase.DEFAULT),
    ("_low", EffortCase.LOW),
    ("_high", EffortCase.HIGH),
)


def plain_document(
    case: Case, plan: Sequence[Sequence[str]], bound: int | None = None
) -> Document:
    """Return the document of a plan; without a bound, the total is its own proof."""
    bins = [_bin(case, tuple(ids)) for ids in plan]
    bins.sort(key=lambda stated: (stated["starts_on"], stated["request_ids"][0]))
    for number, stated in enumerate(bins, start=1):
        stated["bin_id"] = f"B{number:03}"
    everyone = [r.request_id for r in case.batch.requests]
    total = sum(oracle.bin_cost(ids, *case[:4]) for ids in plan)
    wait = sum(
        oracle.bin_wait(ids, case.batch, case.policy, case.as_of) for ids in plan
    )
    objective: Document = {
        "total": total / 1000,
        "wait_cost": wait / 1000,
        "effort_by_stage": _days(_stages(case, plan)),
        "baseline_effort_by_stage": _days(_stages(case, [(r,) for r in everyone])),
    }
    for suffix, effort_case in SUFFIXES:
        effort = sum(_effort(case, ids, effort_case) for ids in plan)
        baseline = sum(_effort(case, (r,), effort_case) for r in everyone)
        objective[f"effort_days{suffix}"] = effort / 1000
        objective[f"baseline_effort_days{suffix}"] = baseline / 1000
        objective[f"saved_effort_days{suffix}"] = (baseline - effort) / 1000
    objective["baseline_total"] = objective["baseline_effort_days"]
    bound = total if bound is None else bound
    gap = (total - bound) / total if total else 0.0
    rulings = case.rulings
    return {
        "proposal_id": "P-0123456789abcdef",
        "created_at": "2026-01-05T10:00:00Z",
        "as_of": case.as_of.isoformat(),
        "policy": {
            "name": case.policy.name,
            "title": case.policy.title,
            "sha256": case.policy.sha256,
        },
        "input": {
            "sha256": "1" * 64,
            "requests": len(case.batch),
            "precedents": len(case.batch.precedents),
            "precedents_sha256": None,
            "rulings_sha256": None,
        },
        "status": "optimal" if gap <= 1e-6 else "feasible",
        "objective": objective,
        "lower_bound": bound / 1000,
        "gap": gap,
        "solve_seconds": 0.25,
        "bins": bins,
        "fragmentation": _fragmentation(case),
        "rulings": [
            *({"kind": "together", "request_ids": [*ids]} for ids in rulings.together),
            *({"kind": "apart", "request_ids": [*p]} for p in sorted(rulings.apart)),
            *({"kind": "fixed", "request_ids": [*ids]} for ids in rulings.fixed),
        ],
        "versions": {"allybin": "0.1.0"},
    }


def _days(thousandths: dict[str, int]) -> dict[str, float]:
    return {key: value / 1000 for key, value in thousandths.items()}


def _stages(case: Case, plan: Sequence[Sequence[str]]) -> dict[str, int]:
    parts = [oracle.bin_stages(ids, *case[:4]) for ids in plan]
    keys = [*(stage.id for stage in case.policy.stages), "coordination"]
    return {key: sum(part[key] for part in parts) for key in keys}


def _effort(case: Case, ids: Sequence[str], effort_case: EffortCase) -> int:
    return sum(oracle.bin_stages(ids, *case[:4], effort_case).values())


def _ready(case: Case, request: Request) -> date:
    return max(request.received_on, case.as_of)


def _forecast(case: Case, ids: Sequence[str]) -> date:
    members = [case.batch[r] for r in ids]
    day = max(_ready(case, r) for r in members)
    if len(members) > 1:
        day += timedelta(days=case.policy.coordination_elapsed_days)
    for stage in case.policy.stages:
        q = oracle.concerned(stage, members, *case[:4])
        rows = [oracle.threshold_of(r, case.catalogue, case.as_of) for r in q]
        if q and stage.elapsed_days == NOTIFICATION_CLOCK:
            day += timedelta(days=max(row.clock_days if row else 0 for row in rows))
        elif q:
            day += timedelta(days=int(stage.elapsed_days))
    return day


def shapley(case: Case, ids: Sequence[str]) -> dict[str, Fraction]:
    """Return fair shares in staff-days: the mean gain of joining, over all orders.

    Above eight customers, where a share is only known to be one of a sum, equal ones.
    """
    customers = sorted({case.batch[r].customer for r in ids})

    def worth(coalition: Sequence[str]) -> int:
        theirs = [r for r in ids if case.batch[r].customer in coalition]
        alone = sum(_effort(case, (r,), EffortCase.DEFAULT) for r in theirs)
        return alone - _effort(case, theirs, EffortCase.DEFAULT)

    if len(customers) > 8:
        return dict.fromkeys(
            customers, Fraction(worth(customers), 1000 * len(customers))
        )
    known = {
        frozenset(chosen): worth(chosen)
        for size in range(len(customers) + 1)
        for chosen in combinations(customers, size)
    }
    gains = dict.fromkeys(customers, 0)
    orders = list(permutations(customers))
    for order in orders:
        for place, customer in enumerate(order):
            before = frozenset(order[:place])
            gains[customer] += known[before | {customer}] - known[before]
    return {c: Fraction(gain, len(orders) * 1000) for c, gain in gains.items()}


def _bin(case: Case, ids: tuple[str, ...]) -> Document:
    batch, policy, catalogue, as_of, rulings = case
    members = [batch[r] for r in ids]
    start = max(_ready(case, r) for r in members)
    names = {oracle.category_name(r, policy, catalogue) for r in members}
    forecast = _forecast(case, ids)
    solo = {r: _forecast(case, (r,)) for r in ids}
    is_fixed = sorted(ids) in [sorted(fixed) for fixed in rulings.fixed]
    stated: Document = {
        "bin_id": "",
        "request_ids": [*ids],
        "category": names.pop() if len(names) == 1 else None,
        "systems": sorted({r.system for r in members}),
        "customers": sorted({r.customer for r in members}),
        "regions": sorted({r.region for r in members}),
        "fixed": is_fixed,
        "starts_on": start.isoformat(),
        "wait_cost": oracle.bin_wait(ids, batch, policy, as_of) / 1000,
        "effort_by_stage": _days(_stages(case, [ids])),
        "solo_effort_by_stage": _days(_stages(case, [(r,) for r in ids])),
        "wait_days": {r.request_id: (start - _ready(case, r)).days for r in members},
        "forecast_on": forecast.isoformat(),
        "solo_forecast_on": {r: day.isoformat() for r, day in solo.items()},
        "days_gained": {r: (day - forecast).days for r, day in solo.items()},
        "fair_share": {c: float(days) for c, days in shapley(case, ids).items()},
        "joint_case": _joint_case(case, members) if len(ids) > 1 else None,
    }
    for suffix, effort_case in SUFFIXES:
        effort = _effort(case, ids, effort_case)
        alone = sum(_effort(case, (r,), effort_case) for r in ids)
        stated[f"effort_days{suffix}"] = effort / 1000
        stated[f"solo_effort_days{suffix}"] = alone / 1000
        stated[f"saved_effort_days{suffix}"] = (alone - effort) / 1000
    stated["warnings"] = [
        {"code": code, "text": "See the requests.", "request_ids": request_ids}
        for code, request_ids in _warnings(case, members, stated).items()
        if request_ids
    ]
    if len(ids) == 1 and not is_fixed:
        stated["alone_because"] = _reasons(case, members[0])
    return stated


def _joint_case(case: Case, members: Sequence[Request]) -> Document:
    value = sum(r.value_cents for r in members)
    mde = sum(r.mde_value_cents for r in members)
    rows = [oracle.threshold_of(r, case.catalogue, case.as_of) for r in members]
    in_force = [row for row in rows if row]
    lowest = min(in_force, key=lambda row: row.total_cents or 0) if in_force else None
    single = any(oracle.notifies(r, case.catalogue, case.as_of) for r in members)
    return {
        "value_usd": value / 100,
        "mde_value_usd": mde / 100,
        "notification": oracle.reaches(lowest, value, mde),
        "creates_notification": oracle.reaches(lowest, value, mde) and not single,
        "threshold_id": lowest.threshold_id if lowest else None,
        "clock_days": lowest.clock_days if lowest else 0,
        "text": "One offer for all.",
    }


def _warnings(
    case: Case, members: Sequence[Request], stated: Document
) -> dict[str, list[str]]:
    joint = stated["joint_case"]
    clocks = {
        r.request_id: row.clock_days
        for r in members
        if oracle.notifies(r, case.catalogue, case.as_of)
        and (row := oracle.threshold_of(r, case.catalogue, case.as_of))
    }
    dated = {r.request_id: r.needed_by for r in members if r.needed_by}
    days = sorted(dated.values())
    feud = {"GRC", "TUR"} <= set(stated["customers"])
    guessed = ("configuration", "region", "implementing_agency")
    forecast = date.fromisoformat(stated["forecast_on"])
    return {
        "joint_sum_crosses_threshold": [*stated["request_ids"]]
        if joint and joint["creates_notification"]
        else [],
        "mixed_notification_clocks": [*clocks] if len(set(clocks.values())) > 1 else [],
        "greece_with_turkiye": [
            r.request_id for r in members if feud and r.customer in ("GRC", "TUR")
        ],
        "enhanced_end_use_monitoring": [
            r.request_id for r in members if r.end_use_monitoring
        ],
        "needed_by_before_forecast": [r for r, day in dated.items() if day < forecast],
        "price_and_availability": [
            r.request_id for r in members if r.document == "P&A"
        ],
        "needed_by_spread": [*dated]
        if days and (days[-1] - days[0]).days > 365
        else [],
        "known_only_by_default": [
            r.request_id for r in members if any(g in r.defaulted for g in guessed)
        ],
    }


def _reasons(case: Case, alone: Request) -> list[Document]:
    reasons: list[Document] = []
    for other in case.batch.requests:
        if other is alone:
            continue
        codes = oracle.blocks(alone, other, *case[1:])
        reasons += [
            {"code": code, "text": "A rule.", "with": [other.request_id]}
            for code in sorted(codes or {"costs_more"})
        ]
    return reasons or [{"code": "only_request", "text": "Nobody else.", "with": []}]


def _fragmentation(case: Case) -> list[Document]:
    found = []
    requests = case.batch.requests
    for customer, system in sorted({(r.customer, r.system) for r in requests}):
        small = [
            r
            for r in requests
            if (r.customer, r.system) == (customer, system)
            and not oracle.notifies(r, case.catalogue, case.as_of)
        ]
        value = sum(r.value_cents for r in small)
        mde = sum(r.mde_value_cents for r in small)
        row = (
            oracle.threshold_of(small[0], case.catalogue, case.as_of) if small else None
        )
        if row and len(small) > 1 and oracle.reaches(row, value, mde):
            found.append(
                {
                    "customer": customer,
                    "system": system,
                    "request_ids": [r.request_id for r in small],
                    "value_usd": value / 100,
                    "mde_value_usd": mde / 100,
                    "threshold_id": row.threshold_id,
                    "text": "Together they meet the threshold.",
                }
            )
    return found

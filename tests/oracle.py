"""The answer by definition: every bin, every partition (model.md sections 2 to 4).

Written from the model alone and slow on purpose; good for about a dozen requests.
Amounts of effort are integers in thousandths of a staff-day.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from functools import cache
from itertools import combinations

from optimizer.batch import Batch, Request
from optimizer.catalogue import Catalogue, Threshold
from optimizer.errors import NoPlan
from optimizer.policy import EffortCase, Policy, Stage
from optimizer.rulings import Rulings

type Plan = tuple[tuple[str, ...], ...]


def threshold_of(r: Request, catalogue: Catalogue, as_of: date) -> Threshold | None:
    """Return the AECA 36(b) row that is law for the request's customer."""
    for row in catalogue.thresholds:
        has_flag = row.flag in catalogue.customers[r.customer].flags
        begun = row.valid_from is None or row.valid_from <= as_of
        ended = row.valid_to is not None and row.valid_to < as_of
        law = row.statute[:10] == "AECA 36(b)" and row.status[:8] == "in force"
        if law and begun and not ended and has_flag == row.flag_value:
            return row
    return None


def reaches(row: Threshold | None, value_cents: int, mde_cents: int) -> bool:
    """Tell whether amounts meet a threshold; none is never met."""
    if row is None:
        return False
    if row.total_cents is not None and value_cents >= row.total_cents:
        return True
    return row.mde_cents is not None and mde_cents >= row.mde_cents


def notifies(r: Request, catalogue: Catalogue, as_of: date) -> bool:
    """Tell whether a request by itself meets its customer's threshold."""
    row = threshold_of(r, catalogue, as_of)
    return reaches(row, r.value_cents, r.mde_value_cents)


def has_precedent(r: Request, batch: Batch, policy: Policy) -> bool:
    """Tell whether an earlier approval counts, comparing (year, month, day)."""
    t = r.received_on
    month_day = (t.month, t.day)
    if month_day == (2, 29):
        leap = (t.year - policy.precedent_years) % 4 == 0  # 2000 to 2100 but 2100
        month_day = (2, 29) if leap else (2, 28)
    oldest = (t.year - policy.precedent_years, *month_day)
    return any(
        p.customer == r.customer
        and p.system == r.system
        and oldest <= (p.approved_on.year, p.approved_on.month, p.approved_on.day)
        and p.approved_on < t
        for p in batch.precedents
    )


def category_name(r: Request, policy: Policy, catalogue: Catalogue) -> str | None:
    """Return cat(r)."""
    flags = catalogue.customers[r.customer].flags
    for c in policy.categories:
        by_flags = len(c.all_of) > 0 and set(c.all_of) <= flags
        if (by_flags or r.customer in c.include) and r.customer not in c.exclude:
            return c.name
    return None


def blocks(
    r: Request,
    s: Request,
    policy: Policy,
    catalogue: Catalogue,
    as_of: date,
    rulings: Rulings,
) -> set[str]:
    """Return the codes of the rules of section 2 that keep r and s apart."""
    codes = set()
    p = policy.pairing
    if any({r.request_id, s.request_id} <= set(joined) for joined in rulings.together):
        return set()
    cat = category_name(r, policy, catalogue)
    if cat is None or cat != category_name(s, policy, catalogue):
        codes.add("category")

    groups_r = catalogue.systems[r.system].groups
    groups_s = catalogue.systems[s.system].groups
    alike = {
        "configuration": (r.system, r.configuration) == (s.system, s.configuration),
        "family": r.system == s.system,
        "interoperability_group": r.system == s.system or bool(groups_r & groups_s),
    }
    if not alike[p.system]:
        codes.add("system")

    near = {
        "same": r.region == s.region,
        "adjacent": r.region == s.region
        or {r.region, s.region} in catalogue.adjacent_regions,
        "any": True,
    }
    one_force = r.force is not None and r.force == s.force
    if not near[p.region] and not (one_force and p.same_force_is_same_region):
        codes.add("region")

    if p.implementing_agency == "same" and (
        r.implementing_agency != s.implementing_agency
    ):
        codes.add("agency")
    if r.document != s.document:
        codes.add("document")
    if abs((r.received_on - s.received_on).days) > p.window_days:
        codes.add("window")

    a_r, a_s = max(r.received_on, as_of), max(s.received_on, as_of)
    first = r if a_r < a_s else s
    if a_r != a_s and abs((a_r - a_s).days) > p.max_wait_days[first.priority]:
        codes.add("wait")

    pair = sorted((r.customer, s.customer))
    if (
        s.customer in r.keep_apart_from
        or r.customer in s.keep_apart_from
        or any(sorted(listed) == pair for listed in policy.keep_apart)
        or tuple(sorted((r.request_id, s.request_id))) in rulings.apart
    ):
        codes.add("kept_apart")
    return codes


def concerned(
    stage: Stage,
    members: Iterable[Request],
    batch: Batch,
    policy: Policy,
    catalogue: Catalogue,
    as_of: date,
) -> list[Request]:
    """Return Q, the members that trigger a stage."""
    return [
        r
        for r in members
        if {
            "all": True,
            "technology_review": r.technology_review,
            "end_use_monitoring": r.end_use_monitoring,
            "notification": notifies(r, catalogue, as_of),
            "offer": r.document == "LOA",
            "first_purchase": not has_precedent(r, batch, policy),
        }[stage.trigger]
    ]


def stage_effort(
    stage: Stage, q: list[Request], batch: Batch, policy: Policy, case: EffortCase
) -> int:
    """Return the effort of a stage over the requests that trigger it."""
    total = Decimal(0)
    for unit, rate in stage.effort[case].items():
        off = Decimal(1) - stage.precedent_discount
        cheaper = (rate * off).quantize(Decimal(1), rounding=ROUND_HALF_EVEN)
        if unit == "bin":
            total += rate if q else 0
        elif unit == "system":
            total += rate * len({r.system for r in q})
        elif unit == "region":
            total += rate * len({r.region for r in q})
        elif unit == "agency":
            total += rate * len({r.implementing_agency for r in q})
        elif unit == "configuration":
            total += rate * len({(r.system, r.configuration) for r in q})
        elif unit == "line":
            for r in q:
                total += rate * r.lines
        elif unit == "request":
            for r in q:
                total += cheaper if has_precedent(r, batch, policy) else rate
        elif unit == "customer":
            for customer in {r.customer for r in q}:
                theirs = [r for r in q if r.customer == customer]
                known = all(has_precedent(r, batch, policy) for r in theirs)
                total += cheaper if known else rate
        else:
            assert unit == "customer_configuration"
            for key in {(r.customer, r.system, r.configuration) for r in q}:
                same = [r for r in q if (r.customer, r.system, r.configuration) == key]
                known = all(has_precedent(r, batch, policy) for r in same)
                total += cheaper if known else rate
    return int(total)


def bin_stages(
    ids: Sequence[str],
    batch: Batch,
    policy: Policy,
    catalogue: Catalogue,
    as_of: date,
    case: EffortCase = EffortCase.DEFAULT,
) -> dict[str, int]:
    """Return the effort of a bin by stage id, and its ``coordination``."""
    members = [batch[request_id] for request_id in ids]
    efforts = {}
    for stage in policy.stages:
        q = concerned(stage, members, batch, policy, catalogue, as_of)
        efforts[stage.id] = stage_effort(stage, q, batch, policy, case)
    efforts["coordination"] = 0
    if len(members) >= 2:
        rates = policy.coordination[case]
        extra = len({r.customer for r in members}) - 1
        efforts["coordination"] = rates.bin + extra * rates.customer_beyond_first
    return efforts


def bin_wait(ids: Sequence[str], batch: Batch, policy: Policy, as_of: date) -> int:
    """Return W of a bin."""
    members = [batch[request_id] for request_id in ids]
    ready = [max(r.received_on, as_of) for r in members]
    return sum(
        policy.wait_cost[r.priority] * (max(ready) - a).days
        for r, a in zip(members, ready, strict=True)
    )


def bin_cost(
    ids: Sequence[str],
    batch: Batch,
    policy: Policy,
    catalogue: Catalogue,
    as_of: date,
) -> int:
    """Return c of a bin."""
    efforts = bin_stages(ids, batch, policy, catalogue, as_of)
    return sum(efforts.values()) + bin_wait(ids, batch, policy, as_of)


def feasible_bins(
    batch: Batch, policy: Policy, catalogue: Catalogue, as_of: date, rulings: Rulings
) -> Plan:
    """Return every allowed bin of the requests that are in no fixed bin."""
    gone = {request_id for members in rulings.fixed for request_id in members}
    free = [r for r in batch.requests if r.request_id not in gone]
    pairs = {
        (r.request_id, s.request_id)
        for r, s in combinations(free, 2)
        if not blocks(r, s, policy, catalogue, as_of, rulings)
    }
    limits = policy.limits
    found: list[tuple[str, ...]] = []

    def grow(chosen: tuple[Request, ...], rest: Sequence[Request]) -> None:
        for place, r in enumerate(rest):
            if all((c.request_id, r.request_id) in pairs for c in chosen):
                larger = (*chosen, r)
                found.append(tuple(one.request_id for one in larger))
                if len(larger) < limits.max_requests:
                    grow(larger, rest[place + 1 :])

    grow((), free)
    return tuple(ids for ids in found if _allowed(ids, batch, policy, rulings))


def _allowed(
    ids: tuple[str, ...], batch: Batch, policy: Policy, rulings: Rulings
) -> bool:
    members = [batch[request_id] for request_id in ids]
    if len({r.customer for r in members}) > policy.limits.max_customers:
        return False
    value = sum(r.value_cents for r in members)
    if len(ids) > 1 and value > policy.limits.max_value_cents:
        return False
    return all(
        set(joined) <= set(ids) or not set(joined) & set(ids)
        for joined in rulings.together
    )


def best_partition(
    batch: Batch, policy: Policy, catalogue: Catalogue, as_of: date, rulings: Rulings
) -> tuple[int, Plan]:
    """Return the least total cost and a plan that has it, fixed bins included.

    Subset dynamic programming: the best plan of a set is its best bin around the
    set's first request, and the best plan of what is left.

    Raises
    ------
    NoPlan
        When a ``together`` set fits no bin.
    """
    place = {r.request_id: 1 << i for i, r in enumerate(batch.requests)}
    around: dict[int, list[tuple[int, int, tuple[str, ...]]]] = {}
    for ids in feasible_bins(batch, policy, catalogue, as_of, rulings):
        mask = sum(place[request_id] for request_id in ids)
        cost = bin_cost(ids, batch, policy, catalogue, as_of)
        around.setdefault(mask & -mask, []).append((mask, cost, ids))
    worst = (float("inf"), ())

    @cache
    def best(mask: int) -> tuple[float, Plan]:
        if not mask:
            return 0, ()
        answer: tuple[float, Plan] = worst
        for members, cost, ids in around.get(mask & -mask, []):
            if members & mask == members:
                total, bins = best(mask ^ members)
                if cost + total < answer[0]:
                    answer = (cost + total, (ids, *bins))
        return answer

    gone = sum(place[request_id] for members in rulings.fixed for request_id in members)
    total, bins = best(sum(place.values()) - gone)
    if total == float("inf"):
        raise NoPlan(("A set of requests ruled together fits in no bin.",))
    fixed = [bin_cost(ids, batch, policy, catalogue, as_of) for ids in rulings.fixed]
    return int(total) + sum(fixed), (*rulings.fixed, *bins)

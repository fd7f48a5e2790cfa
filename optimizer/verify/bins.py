"""Is one bin allowed, and is every figure it states what its requests give."""

from collections.abc import Mapping
from datetime import date, timedelta
from itertools import combinations
from typing import Final

from optimizer.catalogue import Threshold
from optimizer.policy import EffortCase
from optimizer.verify import figures
from optimizer.verify.facts import Fact, Members, Setting, meets
from optimizer.verify.figures import Efforts
from optimizer.verify.report import SHARE_TOLERANCE, Report, at, number, sequence, texts
from optimizer.verify.rules import RULES, broken_limits, broken_rules
from optimizer.verify.tally import Tally

EXACT_SHARES_UP_TO: Final = 8
"""Customers in a bin up to which fair shares are computed, not sampled."""

SUFFIX: Final = {
    EffortCase.DEFAULT: "",
    EffortCase.LOW: "_low",
    EffortCase.HIGH: "_high",
}
GUESSED_FIELDS: Final = {"configuration", "region", "implementing_agency"}
LONG_SPREAD: Final = timedelta(days=365)


def ids_of(members: Members) -> tuple[str, ...]:
    """Return the ids of the members, in their order."""
    return tuple(fact.request.request_id for fact in members)


def check_allowed(
    report: Report, setting: Setting, where: str, members: Members
) -> None:
    """Require that every two members may share a bin, and that the limits hold."""
    for first, second in combinations(members, 2):
        for code in broken_rules(setting, first, second):
            one, other = ids_of((first, second))
            report.add(
                where,
                code,
                f"{one} and {other} may not share a bin: the rule {code} keeps them "
                "apart.",
            )
    for sentence in broken_limits(setting, members):
        report.add(where, "limits", f"{where} breaks a limit: {sentence}")


def check_figures(
    report: Report,
    setting: Setting,
    tally: Tally,
    where: str,
    stated: object,
    members: Members,
    efforts: Efforts,
) -> None:
    """Recompute everything a bin states but its warnings, joint case and reasons.

    Parameters
    ----------
    efforts
        Effort of the members in one bin.
    """
    policy = setting.policy
    requests = [fact.request for fact in members]
    categories = {fact.category.name if fact.category else None for fact in members}
    category = categories.pop() if len(categories) == 1 else None
    report.same(f"{where}.category", at(stated, "category"), category)
    for key, names in (
        ("systems", {request.system for request in requests}),
        ("customers", {request.customer for request in requests}),
        ("regions", {request.region for request in requests}),
    ):
        report.names(f"{where}.{key}", at(stated, key), names)
    start = figures.starts_on(members)
    report.day(f"{where}.starts_on", at(stated, "starts_on"), start)
    waits = {fact.request.request_id: (start - fact.ready_on).days for fact in members}
    report.each(f"{where}.wait_days", at(stated, "wait_days"), waits, report.same)
    report.days(
        f"{where}.wait_cost",
        at(stated, "wait_cost"),
        figures.waiting(policy, members),
    )
    check_forecasts(report, tally, where, stated, members)

    singles = [tally.alone(fact) for fact in members]
    alone = {
        case: figures.added(single[case] for single in singles) for case in EffortCase
    }
    for case, suffix in SUFFIX.items():
        effort, apart = sum(efforts[case].values()), sum(alone[case].values())
        for name, value in (
            ("effort_days", effort),
            ("solo_effort_days", apart),
            ("saved_effort_days", apart - effort),
        ):
            key = name + suffix
            report.days(f"{where}.{key}", at(stated, key), value)
    for key, by_stage in (
        ("effort_by_stage", efforts[EffortCase.DEFAULT]),
        ("solo_effort_by_stage", alone[EffortCase.DEFAULT]),
    ):
        report.each(f"{where}.{key}", at(stated, key), by_stage, report.days)
    solo_effort = {
        request_id: sum(single[EffortCase.DEFAULT].values())
        for request_id, single in zip(waits, singles, strict=True)
    }
    saved = sum(solo_effort.values()) - sum(efforts[EffortCase.DEFAULT].values())
    check_shares(
        report, tally, where, at(stated, "fair_share"), members, solo_effort, saved
    )


def check_forecasts(
    report: Report, tally: Tally, where: str, stated: object, members: Members
) -> None:
    """Recompute the forecast of the bin and of each member alone."""
    forecast = tally.forecast_on(members)
    solo = {fact.request.request_id: tally.forecast_on((fact,)) for fact in members}
    gained = {request_id: (day - forecast).days for request_id, day in solo.items()}
    report.day(f"{where}.forecast_on", at(stated, "forecast_on"), forecast)
    report.each(
        f"{where}.solo_forecast_on", at(stated, "solo_forecast_on"), solo, report.day
    )
    report.each(f"{where}.days_gained", at(stated, "days_gained"), gained, report.same)


def check_shares(
    report: Report,
    tally: Tally,
    where: str,
    stated: object,
    members: Members,
    solo_effort: Mapping[str, int],
    saved: int,
) -> None:
    """Recompute fair shares, or above eight customers only their sum."""
    customers = {fact.request.customer for fact in members}
    where = f"{where}.fair_share"
    if len(customers) <= EXACT_SHARES_UP_TO:
        shares = tally.fair_shares(members, solo_effort, saved)
        report.each(
            where,
            stated,
            {customer: float(share / 1000) for customer, share in shares.items()},
            lambda place, value, share: report.near(
                place, value, share, SHARE_TOLERANCE
            ),
        )
        return
    found = [number(at(stated, customer)) for customer in sorted(customers)]
    total = sum(value for value in found if value is not None)
    report.names(where, [*stated] if isinstance(stated, Mapping) else stated, customers)
    report.near(f"{where} in sum", float(total), saved / 1000, SHARE_TOLERANCE)


def lowest_threshold(members: Members) -> Threshold | None:
    """Return the lowest row in force among the members' customer groups.

    Lowest by total, then by MDE figure, then by id; a figure that is not there is
    above every figure that is.
    """
    rows = {
        fact.threshold.threshold_id: fact.threshold
        for fact in members
        if fact.threshold
    }
    return min(rows.values(), key=_height, default=None)


def _height(row: Threshold) -> tuple[bool, int, bool, int, str]:
    return (
        row.total_cents is None,
        row.total_cents or 0,
        row.mde_cents is None,
        row.mde_cents or 0,
        row.threshold_id,
    )


def sum_notifies(members: Members) -> bool:
    """Tell whether the members' sums meet the lowest figures of their groups."""
    value = sum(fact.request.value_cents for fact in members)
    mde = sum(fact.request.mde_value_cents for fact in members)
    return any(meets(fact.threshold, value, mde) for fact in members if fact.threshold)


def creates_notification(members: Members) -> bool:
    """Tell whether one joint case would notify where no separate offer does."""
    if len(members) < 2 or any(fact.notifies for fact in members):
        return False
    return sum_notifies(members)


def check_joint_case(
    report: Report, where: str, stated: object, members: Members
) -> None:
    """Recompute what one offer for all members would mean; null for one request."""
    where = f"{where}.joint_case"
    if len(members) < 2:
        report.same(where, stated, None)
        return
    row = lowest_threshold(members)
    report.dollars(
        f"{where}.value_usd",
        at(stated, "value_usd"),
        sum(fact.request.value_cents for fact in members),
    )
    report.dollars(
        f"{where}.mde_value_usd",
        at(stated, "mde_value_usd"),
        sum(fact.request.mde_value_cents for fact in members),
    )
    for key, value in (
        ("notification", sum_notifies(members)),
        ("creates_notification", creates_notification(members)),
        ("threshold_id", row.threshold_id if row else None),
        ("clock_days", row.clock_days if row else 0),
    ):
        report.same(f"{where}.{key}", at(stated, key), value)


def warnings_due(tally: Tally, members: Members) -> dict[str, set[str]]:
    """Return the requests each warning that is due speaks of, by its code."""
    forecast = tally.forecast_on(members)
    dated = {
        fact.request.request_id: fact.request.needed_by
        for fact in members
        if fact.request.needed_by
    }
    customers = {fact.request.customer for fact in members}
    notifying = [fact for fact in members if fact.notifies]

    def those(chosen: list[Fact]) -> set[str]:
        return {fact.request.request_id for fact in chosen}

    due = {
        "joint_sum_crosses_threshold": those(
            list(members) if creates_notification(members) else []
        ),
        "mixed_notification_clocks": those(
            notifying if len({figures.clock(f) for f in notifying}) > 1 else []
        ),
        "greece_with_turkiye": those(
            [f for f in members if f.request.customer in {"GRC", "TUR"}]
            if customers >= {"GRC", "TUR"}
            else []
        ),
        "enhanced_end_use_monitoring": those(
            [f for f in members if f.request.end_use_monitoring]
        ),
        "needed_by_before_forecast": {
            request_id for request_id, day in dated.items() if day < forecast
        },
        "price_and_availability": those(
            [f for f in members if f.request.document == "P&A"]
        ),
        "needed_by_spread": set(dated) if _spread(dated) > LONG_SPREAD else set(),
        "known_only_by_default": those(
            [f for f in members if GUESSED_FIELDS & {*f.request.defaulted}]
        ),
    }
    return {code: requests for code, requests in due.items() if requests}


def _spread(dated: Mapping[str, date]) -> timedelta:
    return max(dated.values()) - min(dated.values()) if dated else timedelta()


def check_warnings(
    report: Report, tally: Tally, where: str, stated: object, members: Members
) -> None:
    """Require each warning that is due, over the requests it is due for, and no more.

    Several warnings of one code are read as one over all their requests.
    """
    where = f"{where}.warnings"
    if not isinstance(stated, list | tuple):
        report.add(where, "shape", f"{where} is stated as {stated!r}, not as a list.")
        return
    found: dict[str, set[str]] = {}
    for place, warning in enumerate(stated):
        named = texts(at(warning, "request_ids"))
        already = found.setdefault(str(at(warning, "code")), set())
        if not named or len({*already, *named}) != len(already) + len(named):
            report.add(
                f"{where}[{place}]",
                "warning",
                f"{where}[{place}] names no request, or one that is named already.",
            )
        already.update(named)
    due = warnings_due(tally, members)
    for code in sorted(found.keys() | due.keys()):
        if code not in found:
            report.add(where, "warning", f"The warning {code} is due and is missing.")
        elif code not in due:
            report.add(where, "warning", f"The warning {code} stands and is not due.")
        elif found[code] != due[code]:
            report.add(
                where,
                "warning",
                f"The warning {code} names {', '.join(sorted(found[code]))}; "
                f"it is due for {', '.join(sorted(due[code]))}.",
            )


def check_reasons(
    report: Report, setting: Setting, where: str, stated: object, alone: Fact
) -> None:
    """Require a true reason of a request left alone.

    A rule's code must hold against every request of ``with``; ``limits`` against the
    bin of them all. The category rule needs no other request where the customer is in
    no category. Any other code is a matter of price, and only its names are checked.
    """
    where = f"{where}.alone_because"
    reasons = sequence(stated)
    if not reasons:
        report.add(
            where,
            "alone_because",
            f"{alone.request.request_id} is left alone without a reason.",
        )
    for place, reason in enumerate(reasons):
        here = f"{where}[{place}]"
        code = at(reason, "code")
        others: list[Fact] = []
        for name in texts(at(reason, "with")):
            fact = setting.facts.get(name)
            if fact is None or fact is alone:
                report.add(
                    f"{here}.with",
                    "alone_because",
                    f"{name!r} is not another request of the batch.",
                )
            else:
                others.append(fact)
        _check_reason(report, setting, here, code, alone, tuple(others))


def _check_reason(
    report: Report,
    setting: Setting,
    where: str,
    code: object,
    alone: Fact,
    others: Members,
) -> None:
    if not isinstance(code, str) or not code:
        report.add(where, "alone_because", f"A reason has the code {code!r}.")
    elif code in RULES:
        if not others and not (code == "category" and alone.category is None):
            report.add(
                where, "alone_because", f"The rule {code} is given without a request."
            )
        for other in others:
            if code not in broken_rules(setting, alone, other):
                report.add(
                    where,
                    "alone_because",
                    f"The rule {code} does not keep {alone.request.request_id} "
                    f"from {other.request.request_id}.",
                )
    elif code == "limits" and not broken_limits(setting, (alone, *others)):
        report.add(
            where,
            "alone_because",
            f"{alone.request.request_id} with {', '.join(ids_of(others)) or 'nobody'} "
            "breaks no limit.",
        )

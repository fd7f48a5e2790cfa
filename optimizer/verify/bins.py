"""Is one bin allowed, and is every figure it states what its requests give."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from itertools import combinations
from typing import Final

from optimizer.catalogue import Threshold
from optimizer.verify import figures
from optimizer.verify.agreed import EFFORTS, Wanted, agrees
from optimizer.verify.facts import Fact, Members, Setting, meets
from optimizer.verify.report import SHARE_TOLERANCE, Report, at, number, sequence, texts
from optimizer.verify.rules import RULES, broken_limits, broken_rules
from optimizer.verify.tally import Tally

EXACT_SHARES_UP_TO: Final = 8
"""Customers in a bin up to which fair shares are computed, not sampled."""

_SAVED: Final = EFFORTS.index("saved_effort_days")
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
    tally: Tally,
    where: str,
    stated: object,
    members: Members,
    wanted: Wanted,
) -> None:
    """Compare everything a bin states but its warnings, joint case and reasons."""
    if not agrees(stated, wanted):
        _compare(report, where, stated, wanted)
    check_shares(report, tally, where, at(stated, "fair_share"), members, wanted)


def _compare(report: Report, where: str, stated: object, wanted: Wanted) -> None:
    """Compare what a bin states with what it has to, one by one."""
    report.same(f"{where}.category", at(stated, "category"), wanted.category)
    for key, names in (
        ("systems", wanted.systems),
        ("customers", wanted.customers),
        ("regions", wanted.regions),
    ):
        report.names(f"{where}.{key}", at(stated, key), names)
    report.day(f"{where}.starts_on", at(stated, "starts_on"), wanted.starts_on)
    report.each(
        f"{where}.wait_days", at(stated, "wait_days"), wanted.wait_days, report.same
    )
    report.days(f"{where}.wait_cost", at(stated, "wait_cost"), wanted.wait_cost)
    report.day(f"{where}.forecast_on", at(stated, "forecast_on"), wanted.forecast_on)
    report.each(
        f"{where}.solo_forecast_on",
        at(stated, "solo_forecast_on"),
        wanted.solo_forecast_on,
        report.day,
    )
    report.each(
        f"{where}.days_gained",
        at(stated, "days_gained"),
        wanted.days_gained,
        report.same,
    )
    for key, value in zip(EFFORTS, wanted.efforts, strict=True):
        report.days(f"{where}.{key}", at(stated, key), value)
    for key, by_stage in (
        ("effort_by_stage", wanted.effort_by_stage),
        ("solo_effort_by_stage", wanted.solo_effort_by_stage),
    ):
        report.each(f"{where}.{key}", at(stated, key), by_stage, report.days)


def check_shares(
    report: Report,
    tally: Tally,
    where: str,
    stated: object,
    members: Members,
    wanted: Wanted,
) -> None:
    """Recompute fair shares, or above eight customers only their sum."""
    customers = wanted.customers
    saved = wanted.efforts[_SAVED]
    where = f"{where}.fair_share"
    if len(customers) <= EXACT_SHARES_UP_TO:
        shares = _shares(tally, members, wanted, saved)
        if type(stated) is dict and stated == shares and _are_floats(stated):
            return
        report.each(
            where,
            stated,
            shares,
            lambda place, value, share: report.near(
                place, value, share, SHARE_TOLERANCE
            ),
        )
        return
    found = [number(at(stated, customer)) for customer in customers]
    total = sum(value for value in found if value is not None)
    report.names(where, [*stated] if isinstance(stated, Mapping) else stated, customers)
    report.near(f"{where} in sum", float(total), saved / 1000, SHARE_TOLERANCE)


def _shares(
    tally: Tally, members: Members, wanted: Wanted, saved: int
) -> dict[str, float]:
    """Return the exact fair shares as the nearest numbers of staff-days."""
    if len(wanted.customers) == 1:  # who has all
        return {wanted.customers[0]: saved / 1000}
    shares = tally.fair_shares(members, wanted.solo_effort, saved)
    return {customer: float(share / 1000) for customer, share in shares.items()}


def _are_floats(stated: dict[str, object]) -> bool:
    return {*map(type, stated.values())} == {float}


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


def warnings_due(members: Members, forecast: date) -> dict[str, set[str]]:
    """Return the requests each warning that is due speaks of, by its code."""
    dated = {
        fact.request.request_id: fact.request.needed_by
        for fact in members
        if fact.request.needed_by
    }
    due = {
        "enhanced_end_use_monitoring": _those(
            [f for f in members if f.request.end_use_monitoring]
        ),
        "needed_by_before_forecast": {
            request_id for request_id, day in dated.items() if day < forecast
        },
        "price_and_availability": _those(
            [f for f in members if f.request.document == "P&A"]
        ),
        "known_only_by_default": _those(
            [
                f
                for f in members
                if f.request.defaulted and GUESSED_FIELDS & {*f.request.defaulted}
            ]
        ),
    }
    if len(members) > 1:
        due |= _due_together(members, dated)
    return {code: requests for code, requests in due.items() if requests}


def _due_together(members: Members, dated: Mapping[str, date]) -> dict[str, set[str]]:
    """Return whom the warnings speak of that only several requests give rise to."""
    customers = {fact.request.customer for fact in members}
    notifying = [fact for fact in members if fact.notifies]
    return {
        "joint_sum_crosses_threshold": _those(
            members if creates_notification(members) else ()
        ),
        "mixed_notification_clocks": _those(
            notifying if len({figures.clock(f) for f in notifying}) > 1 else ()
        ),
        "greece_with_turkiye": _those(
            [f for f in members if f.request.customer in {"GRC", "TUR"}]
            if customers >= {"GRC", "TUR"}
            else ()
        ),
        "needed_by_spread": set(dated) if _spread(dated) > LONG_SPREAD else set(),
    }


def _those(chosen: Iterable[Fact]) -> set[str]:
    return {fact.request.request_id for fact in chosen}


def _spread(dated: Mapping[str, date]) -> timedelta:
    return max(dated.values()) - min(dated.values()) if dated else timedelta()


def check_warnings(
    report: Report, where: str, stated: object, members: Members, forecast: date
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
    due = warnings_due(members, forecast)
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

"""What a reviewer must know of a bin: joint case, warnings, fragmentation.

Two outcomes are kept apart (model.md section 5): a *combined review* ends in separate
offers, whose thresholds are tested per request; a *joint case* would be one offer, and
is tested on the sum.
"""

from collections.abc import Callable, Iterator, Sequence

from optimizer.batch import Document
from optimizer.catalogue import Threshold
from optimizer.problem import Problem, meets
from optimizer.proposal.values import Fragmentation, JointCase, Warned
from optimizer.proposal.wording import counted, dollars, listed

GREECE, TURKIYE = "GRC", "TUR"
GUESSED_FIELDS = ("configuration", "region", "implementing_agency")
LONG_SPREAD_DAYS = 365


def joint_case(problem: Problem, members: Sequence[int]) -> JointCase | None:
    """Return what one offer for all members would mean; None for a bin of one."""
    if len(members) < 2:
        return None
    requests = [problem.requests[i] for i in members]
    value = sum(r.value_cents for r in requests)
    mde = sum(r.mde_value_cents for r in requests)
    rows = {problem.threshold_of[r.customer] for r in requests}
    in_force = sorted((row for row in rows if row is not None), key=_height)
    lowest = in_force[0] if in_force else None
    met = any(meets(row, value_cents=value, mde_value_cents=mde) for row in in_force)
    singly = [r.request_id for i, r in zip(members, requests, strict=True)
              if problem.notified[i]]  # fmt: skip
    text = (
        f"As one offer the {counted(len(members), 'request')} would come to "
        f"{dollars(value)}, of which {dollars(mde)} major defense equipment"
    )
    if lowest is None:
        text += "; no notification threshold is in force for these customers."
    elif not met:
        text += f": below the threshold {_words(lowest)}."
    else:
        text += f": that meets the threshold {_words(lowest)}"
        text += (
            f", as {listed(singly)} {'does' if len(singly) == 1 else 'do'} singly."
            if singly
            else ", which no request does singly: a joint case would create a "
            f"notification of {lowest.clock_days} days."
        )
    return JointCase(
        value_cents=value,
        mde_value_cents=mde,
        notification=met,
        creates_notification=met and not singly,
        threshold_id=lowest.threshold_id if lowest else None,
        clock_days=lowest.clock_days if lowest else 0,
        text=text,
    )


def _height(row: Threshold) -> tuple[bool, int, bool, int, str]:
    """Order thresholds from the lowest; a figure that is not there is the highest."""
    return (
        row.total_cents is None,
        row.total_cents or 0,
        row.mde_cents is None,
        row.mde_cents or 0,
        row.threshold_id,
    )


def _words(row: Threshold) -> str:
    figures = [
        f"{dollars(cents)} {what}"
        for cents, what in (
            (row.total_cents, "in all"),
            (row.mde_cents, "of major defense equipment"),
        )
        if cents is not None
    ]
    return f"{row.threshold_id} ({' or '.join(figures) or 'no amount'})"


def warnings(
    problem: Problem,
    members: Sequence[int],
    joint: JointCase | None,
    forecast: int,
) -> tuple[Warned, ...]:
    """Return the warnings that are due for a bin, in the order they are published.

    Parameters
    ----------
    joint
        The bin's joint case.
    forecast
        Day number of the bin's forecast decision.
    """
    found: list[Warned] = []
    if joint is not None and joint.creates_notification:
        ids = tuple(problem.requests[i].request_id for i in members)
        found.append(
            Warned(
                code="joint_sum_crosses_threshold",
                text=f"{joint.text} Separate offers would not.",
                request_ids=ids,
            )
        )
    for code, rule in _WARNINGS:
        speaks_of, text = rule(problem, members, forecast)
        if speaks_of:
            ids = tuple(problem.requests[i].request_id for i in speaks_of)
            found.append(Warned(code=code, text=text, request_ids=ids))
    return tuple(found)


type _Found = tuple[Sequence[int], str]
"""The members a warning speaks of, none when it is not due, and its sentence."""

_NOT_DUE: _Found = ((), "")


def _named(problem: Problem, members: Sequence[int]) -> str:
    return listed([problem.requests[i].request_id for i in members])


def _mixed_clocks(problem: Problem, members: Sequence[int], _: int) -> _Found:
    if len(members) == 1:
        return _NOT_DUE
    notified = [i for i in members if problem.notified[i]]
    clocks = sorted({problem.clock_days(i) for i in notified})
    if len(clocks) < 2:
        return _NOT_DUE
    parts = [
        f"{_named(problem, [i for i in notified if problem.clock_days(i) == days])} "
        f"under {days} days"
        for days in clocks
    ]
    return notified, (
        f"Notification clocks differ: {', '.join(parts)}; the bin waits for the "
        f"longest, {clocks[-1]} days."
    )


def _greece_with_turkiye(problem: Problem, members: Sequence[int], _: int) -> _Found:
    if len(members) == 1:
        return _NOT_DUE
    both = [i for i in members if problem.requests[i].customer in (GREECE, TURKIYE)]
    if {problem.requests[i].customer for i in both} != {GREECE, TURKIYE}:
        return _NOT_DUE
    return both, f"Greece and Türkiye are in one bin: {_named(problem, both)}."


def _end_use(problem: Problem, members: Sequence[int], _: int) -> _Found:
    marked = [i for i in members if problem.requests[i].end_use_monitoring]
    if not marked:
        return _NOT_DUE
    return marked, (
        f"Enhanced end-use monitoring items: {_named(problem, marked)}; each customer "
        "needs its own monitoring plan."
    )


def _late(problem: Problem, members: Sequence[int], forecast: int) -> _Found:
    late: list[int] = []
    parts: list[str] = []
    for i in members:
        r = problem.requests[i]
        if r.needed_by is not None and r.needed_by.toordinal() < forecast:
            late.append(i)
            days = forecast - r.needed_by.toordinal()
            parts.append(
                f"{r.request_id} is needed by {r.needed_by.isoformat()}, "
                f"{counted(days, 'day')} before the forecast decision"
            )
    if not late:
        return _NOT_DUE
    return late, "; ".join(parts) + "."


def _price_and_availability(problem: Problem, members: Sequence[int], _: int) -> _Found:
    asked = [i for i in members if problem.requests[i].document is Document.P_AND_A]
    if not asked:
        return _NOT_DUE
    return asked, (
        f"{_named(problem, asked)}: price and availability data only, which is no "
        "offer and commits nobody."
    )


def _needed_by_spread(problem: Problem, members: Sequence[int], _: int) -> _Found:
    if len(members) == 1:
        return _NOT_DUE
    dated = {i: day for i in members if (day := problem.requests[i].needed_by)}
    if not dated:
        return _NOT_DUE
    first, last = min(dated.values()), max(dated.values())
    if (last - first).days <= LONG_SPREAD_DAYS:
        return _NOT_DUE
    return [*dated], (
        f"Needed between {first.isoformat()} and {last.isoformat()}, "
        f"{(last - first).days:,} days apart: {_named(problem, [*dated])}."
    )


def _by_default(problem: Problem, members: Sequence[int], _: int) -> _Found:
    guessed: list[int] = []
    parts: list[str] = []
    for i in members:
        r = problem.requests[i]
        if not r.defaulted:
            continue
        fields = [name for name in GUESSED_FIELDS if name in r.defaulted]
        if fields:
            guessed.append(i)
            parts.append(f"{r.request_id} ({', '.join(fields)})")
    if not guessed:
        return _NOT_DUE
    return guessed, f"Known only by a default: {listed(parts)}."


_WARNINGS: tuple[tuple[str, Callable[[Problem, Sequence[int], int], _Found]], ...] = (
    ("mixed_notification_clocks", _mixed_clocks),
    ("greece_with_turkiye", _greece_with_turkiye),
    ("enhanced_end_use_monitoring", _end_use),
    ("needed_by_before_forecast", _late),
    ("price_and_availability", _price_and_availability),
    ("needed_by_spread", _needed_by_spread),
    ("known_only_by_default", _by_default),
)


def fragmentation(problem: Problem) -> Iterator[Fragmentation]:
    """Yield, by customer and system, requests that only together meet the threshold.

    A request that meets it by itself is left out: it is notified anyway.
    """
    groups: dict[tuple[str, str], list[int]] = {}
    for position, r in enumerate(problem.requests):
        if problem.threshold_of[r.customer] and not problem.notified[position]:
            groups.setdefault((r.customer, r.system), []).append(position)
    for (customer, system), members in sorted(groups.items()):
        threshold = problem.threshold_of[customer]
        requests = [problem.requests[i] for i in members]
        value = sum(r.value_cents for r in requests)
        mde = sum(r.mde_value_cents for r in requests)
        if threshold is None or len(members) < 2:
            continue
        if meets(threshold, value_cents=value, mde_value_cents=mde):
            yield Fragmentation(
                customer=customer,
                system=system,
                request_ids=tuple(r.request_id for r in requests),
                value_cents=value,
                mde_value_cents=mde,
                threshold_id=threshold.threshold_id,
                text=(
                    f"{customer}'s {len(members)} requests for {system} come to "
                    f"{dollars(value)}, of which {dollars(mde)} major defense "
                    f"equipment: together, though not singly, they meet the "
                    f"threshold {_words(threshold)}."
                ),
            )

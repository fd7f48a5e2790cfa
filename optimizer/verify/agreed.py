"""What a bin has to state, and whether it states exactly that, asked all at once.

Nearly every bin does. One that does not is gone through figure by figure, in ``bins``:
there it may still hold (5.0 stands for 5, and names may come in any order), and what
does not hold is put into words. So nothing passes here that would not pass there: each
figure is compared in value and in kind.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from operator import itemgetter
from typing import Any, Final

from optimizer.policy import EffortCase
from optimizer.verify import figures
from optimizer.verify.facts import Fact, Members
from optimizer.verify.figures import Efforts
from optimizer.verify.report import FIFTEEN_DIGITS
from optimizer.verify.tally import Tally

SUFFIX: Final = {
    EffortCase.DEFAULT: "",
    EffortCase.LOW: "_low",
    EffortCase.HIGH: "_high",
}

EFFORTS: Final = tuple(
    name + suffix
    for suffix in SUFFIX.values()
    for name in ("effort_days", "solo_effort_days", "saved_effort_days")
)
"""Where a bin states its effort, that of its members alone, and the difference."""

_TEXTS: Final = itemgetter(
    "category", "systems", "customers", "regions", "starts_on", "forecast_on"
)
_DAYS: Final = itemgetter("wait_cost", *EFFORTS)
_BY_MEMBER: Final = itemgetter("wait_days", "days_gained", "solo_forecast_on")
_BY_STAGE: Final = itemgetter("effort_by_stage", "solo_effort_by_stage")
_NUMBERS: Final = frozenset((int, float))
_WHOLE: Final = frozenset((int,))


@dataclass(slots=True, kw_only=True)
class Wanted:
    """What the members of a bin make it state; efforts and costs in thousandths.

    ``efforts`` are as ``EFFORTS`` names them. Mappings are by member or by stage.
    """

    category: str | None
    systems: list[str]
    customers: list[str]
    regions: list[str]
    starts_on: date
    forecast_on: date
    wait_cost: int
    efforts: tuple[int, ...]
    wait_days: dict[str, int]
    days_gained: dict[str, int]
    solo_forecast_on: dict[str, date]
    effort_by_stage: Mapping[str, int]
    solo_effort_by_stage: Mapping[str, int]
    solo_effort: dict[str, int]


def wanted_of(tally: Tally, members: Members, efforts: Efforts) -> Wanted:
    """Recompute what a bin states but its warnings, joint case, reasons and shares.

    Parameters
    ----------
    efforts
        Effort of the members in one bin.
    """
    if len(members) == 1:
        return _wanted_alone(tally, members[0])
    requests = [fact.request for fact in members]
    names = [request.request_id for request in requests]
    categories = {fact.category.name if fact.category else None for fact in members}
    start = figures.starts_on(members)
    forecast = tally.forecast_on(members)
    solo = [tally.forecast_on((fact,)) for fact in members]
    singles = [tally.alone(fact) for fact in members]
    stated: list[int] = []
    for case in SUFFIX:
        effort = sum(efforts[case].values())
        apart = sum([sum(single[case].values()) for single in singles])
        stated += (effort, apart, apart - effort)
    default = [single[EffortCase.DEFAULT] for single in singles]
    return Wanted(
        category=categories.pop() if len(categories) == 1 else None,
        systems=sorted({request.system for request in requests}),
        customers=sorted({request.customer for request in requests}),
        regions=sorted({request.region for request in requests}),
        starts_on=start,
        forecast_on=forecast,
        wait_cost=figures.waiting(tally.policy, members),
        efforts=tuple(stated),
        wait_days={
            name: (start - fact.ready_on).days
            for name, fact in zip(names, members, strict=True)
        },
        days_gained={
            name: (day - forecast).days for name, day in zip(names, solo, strict=True)
        },
        solo_forecast_on=dict(zip(names, solo, strict=True)),
        effort_by_stage=efforts[EffortCase.DEFAULT],
        solo_effort_by_stage=figures.added(default),
        solo_effort={
            name: sum(by_stage.values())
            for name, by_stage in zip(names, default, strict=True)
        },
    )


def _wanted_alone(tally: Tally, fact: Fact) -> Wanted:
    """Recompute what a request states that is a bin by itself: it waits for nobody."""
    request = fact.request
    name = request.request_id
    efforts = tally.alone(fact)
    forecast = tally.forecast_on((fact,))
    stated: list[int] = []
    for case in SUFFIX:
        effort = sum(efforts[case].values())
        stated += (effort, effort, 0)
    return Wanted(
        category=fact.category.name if fact.category else None,
        systems=[request.system],
        customers=[request.customer],
        regions=[request.region],
        starts_on=fact.ready_on,
        forecast_on=forecast,
        wait_cost=0,
        efforts=tuple(stated),
        wait_days={name: 0},
        days_gained={name: 0},
        solo_forecast_on={name: forecast},
        effort_by_stage=efforts[EffortCase.DEFAULT],
        solo_effort_by_stage=efforts[EffortCase.DEFAULT],
        solo_effort={name: stated[0]},
    )


def agrees(stated: object, wanted: Wanted) -> bool:
    """Tell whether a bin states just what it has to; False says nothing yet."""
    if type(stated) is not dict:
        return False
    try:
        texts, days = _TEXTS(stated), _DAYS(stated)
        by_member, by_stage = _BY_MEMBER(stated), _BY_STAGE(stated)
    except KeyError:
        return False
    forecasts = wanted.solo_forecast_on.items()
    return (
        texts
        == (
            wanted.category,
            wanted.systems,
            wanted.customers,
            wanted.regions,
            wanted.starts_on.isoformat(),
            wanted.forecast_on.isoformat(),
        )
        and by_member
        == (
            wanted.wait_days,
            wanted.days_gained,
            {name: day.isoformat() for name, day in forecasts},
        )
        and all(_WHOLE.issuperset(map(type, one.values())) for one in by_member[:2])
        and _are_days(days, (wanted.wait_cost, *wanted.efforts))
        and _are_days_by_stage(by_stage[0], wanted.effort_by_stage)
        and _are_days_by_stage(by_stage[1], wanted.solo_effort_by_stage)
    )


def _are_days(stated: tuple[Any, ...], thousandths: tuple[int, ...]) -> bool:
    """Tell whether numbers are so many thousandths, as ``Report.days`` means it.

    Up to 15 digits a number equals the division of whole numbers only when its
    shortest decimal form is the exact one.
    """
    return (
        stated == tuple([part / 1000 for part in thousandths])
        and _NUMBERS.issuperset(map(type, stated))
        and max(map(abs, thousandths), default=0) < FIFTEEN_DIGITS
    )


def _are_days_by_stage(stated: Any, thousandths: Mapping[str, int]) -> bool:
    return (
        type(stated) is dict
        and [*stated] == [*thousandths]
        and _are_days(tuple(stated.values()), tuple(thousandths.values()))
    )

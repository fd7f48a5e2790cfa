"""From chosen bins to a proposal: every figure a reviewer sees, in exact integers."""

from collections import Counter
from collections.abc import Callable, Container, Iterable, Sequence
from datetime import date
from functools import cached_property
from typing import Final, cast, overload

from optimizer import cost
from optimizer.certificate import Certificate
from optimizer.earlier import Earlier
from optimizer.problem import Problem
from optimizer.proposal.findings import fragmentation, joint_case, warnings
from optimizer.proposal.ledger import Ledger, Reckoned
from optimizer.proposal.reasons import Reasons
from optimizer.proposal.shares import fair_shares
from optimizer.proposal.values import (
    COORDINATION,
    Effort,
    Proposal,
    ProposedBin,
    Reason,
    Totals,
)

type Members = tuple[int, ...]
"""Positions of a bin's requests, ascending."""

KEPT_BINS: Final = 20_000
"""Bins of a proposal up to which all are kept; more are put together when read."""


def assemble(
    problem: Problem,
    bins: Iterable[Members],
    *,
    bound: int,
    gap: float,
    certificates: tuple[Certificate, ...] | None = None,
    kept: Earlier | None = None,
    at_once: bool = True,
) -> Proposal:
    """Make a proposal of a partition.

    Parameters
    ----------
    bins
        Every request of the problem in exactly one, fixed bins included.
    bound
        What no allowed plan costs less than, fixed bins included, in thousandths.
    gap
        The gap that was asked for.
    certificates
        What proves the bound, where that was kept.
    kept
        What a later proposal may begin with, where that was asked for.
    at_once
        Whether bins are put together now, where they are not too many; otherwise each
        is when it is read.
    """
    chosen = _in_order(problem, bins)
    ledger = Ledger(problem)
    found = _Bins(ledger, chosen)
    return Proposal(
        problem=problem,
        gap=gap,
        bins=tuple(found) if at_once and len(found) <= KEPT_BINS else found,
        totals=_totals(ledger, chosen),
        fragmentation=tuple(fragmentation(problem)),
        bound=bound,
        certificates=certificates,
        kept=kept,
    )


def in_detail(problem: Problem, bins: Iterable[Members]) -> Sequence[ProposedBin]:
    """Return the bins of a partition as a proposal has them: same order, same ids.

    Each is put together when it is read, for a caller that shows some of them.
    """
    return _Bins(Ledger(problem), _in_order(problem, bins))


def some_in_detail(
    problem: Problem, bins: Iterable[Members], wanted: Container[Members]
) -> dict[Members, ProposedBin]:
    """Return some bins of a partition as a proposal has them, in its order."""
    chosen = _in_order(problem, bins)
    found = _Bins(Ledger(problem), chosen)
    return {
        members: found[place]
        for place, members in enumerate(chosen)
        if members in wanted
    }


class _Bins(Sequence[ProposedBin]):
    """The bins of a proposal in order, each put together when it is asked for."""

    def __init__(self, ledger: Ledger, chosen: Sequence[Members]) -> None:
        self._ledger = ledger
        self._chosen = chosen
        self._fixed = {frozenset(ids) for ids in ledger.problem.rulings.fixed}
        self._width = max(3, len(str(len(chosen))))

    @cached_property
    def _reasons(self) -> Reasons:
        return Reasons(self._ledger, self._chosen)

    def __len__(self) -> int:
        return len(self._chosen)

    @overload
    def __getitem__(self, place: int) -> ProposedBin: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[ProposedBin, ...]: ...
    def __getitem__(self, place: int | slice) -> ProposedBin | tuple[ProposedBin, ...]:
        if isinstance(place, slice):
            return tuple(self[at] for at in range(*place.indices(len(self))))
        at = range(len(self))[place]
        bin_id = f"B{at + 1:0{self._width}}"
        return _proposed(
            self._ledger, self._chosen[at], bin_id, self._fixed, lambda: self._reasons
        )


def totals_of(problem: Problem, bins: Iterable[Members]) -> Totals:
    """Return the figures of all bins of a partition in sum.

    What each bin takes is remembered, for who asks of many partitions of one batch.
    """
    return _totals(
        _remembered(problem, "ledger", lambda: Ledger(problem, remembers=True)),
        [tuple(sorted(members)) for members in bins],
    )


def _totals(ledger: Ledger, bins: Sequence[Members]) -> Totals:
    """Return the figures of all bins in sum."""
    problem = ledger.problem
    every = _remembered(problem, "baseline", lambda: _baseline(ledger))
    whole = _Sum(problem)
    waiting = 0
    for members in bins:
        whole.add(ledger.reckon(members))
        if len(members) > 1:
            waiting += cost.waiting(problem, members)
    return Totals(
        effort=whole.effort,
        baseline_effort=every.effort,
        wait_cost=waiting,
        effort_by_stage=whole.by_stage,
        baseline_effort_by_stage=every.by_stage,
    )


def _baseline(ledger: Ledger) -> "_Sum":
    """Return what all requests take, each in a bin of its own."""
    problem = ledger.problem
    alone = Counter(
        (alike, r.lines)
        for alike, r in zip(problem.alike, problem.requests, strict=True)
    )
    example = dict(zip(problem.alike, range(len(problem)), strict=True))
    every = _Sum(problem)
    for (alike, lines), count in alone.items():
        every.add(ledger.reckon_alone(example[alike], lines), count)
    return every


def _remembered[T](problem: Problem, name: str, make: Callable[[], T]) -> T:
    if name not in problem.remembered:
        problem.remembered[name] = make()
    return cast(T, problem.remembered[name])


class _Sum:
    """What several bins take in sum."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._cases = [0, 0, 0]
        self._stages = [0] * (len(problem.policy.stages) + 1)

    def add(self, reckoned: Reckoned, times: int = 1) -> None:
        """Add what a bin takes, or so many alike."""
        effort = reckoned.effort
        for place, part in enumerate((effort.low, effort.default, effort.high)):
            self._cases[place] += part * times
        for place, part in enumerate(reckoned.by_stage):
            self._stages[place] += part * times

    @property
    def effort(self) -> Effort:
        """The effort of all in every case."""
        low, default, high = self._cases
        return Effort(low=low, default=default, high=high)

    @property
    def by_stage(self) -> dict[str, int]:
        """The effort of all by stage id, coordination last."""
        return _named(self._problem, self._stages)


def _in_order(problem: Problem, bins: Iterable[Members]) -> list[Members]:
    """Return bins in the order they are shown in."""
    return sorted((tuple(sorted(members)) for members in bins), key=_order(problem))


def _order(problem: Problem) -> Callable[[Members], tuple[int, str]]:
    """Return the order bins are shown in: by start, then by first request."""
    return lambda members: (
        cost.start_day(problem, members),
        problem.requests[members[0]].request_id,
    )


def _proposed(
    ledger: Ledger,
    members: Members,
    bin_id: str,
    fixed: set[frozenset[str]],
    reasons: Callable[[], Reasons],
) -> ProposedBin:
    problem = ledger.problem
    requests = [problem.requests[i] for i in members]
    ids = tuple(r.request_id for r in requests)
    is_fixed = frozenset(ids) in fixed
    start = cost.start_day(problem, members)
    forecast = _day(start + ledger.elapsed_days(members))
    whole = ledger.reckon(members)
    by_stage = solo_by_stage = ledger.by_name(whole.by_stage)
    solo_effort = whole.effort
    solo_forecasts = [forecast]
    if len(members) > 1:
        alone = [
            ledger.reckon_alone(i, r.lines)
            for i, r in zip(members, requests, strict=True)
        ]
        solo_effort = sum((each.effort for each in alone), Effort())
        columns = zip(*(each.by_stage for each in alone), strict=True)
        solo_by_stage = ledger.by_name(map(sum, columns))
        solo_forecasts = [
            _day(problem.ready[i] + ledger.elapsed_alone(i)) for i in members
        ]
    categories = {problem.category_of[r.customer] for r in requests}
    joint = joint_case(problem, members)
    because: tuple[Reason, ...] = ()
    if len(members) == 1 and not is_fixed:
        because = reasons().why_alone(members[0])
    return ProposedBin(
        bin_id=bin_id,
        request_ids=ids,
        category=categories.pop() if len(categories) == 1 else None,
        systems=tuple(sorted({r.system for r in requests})),
        customers=tuple(sorted({r.customer for r in requests})),
        regions=tuple(sorted({r.region for r in requests})),
        fixed=is_fixed,
        starts_on=date.fromordinal(start),
        effort=whole.effort,
        solo_effort=solo_effort,
        wait_cost=cost.waiting(problem, members) if len(members) > 1 else 0,
        effort_by_stage=by_stage,
        solo_effort_by_stage=solo_by_stage,
        wait_days={
            name: start - problem.ready[i] for name, i in zip(ids, members, strict=True)
        },
        forecast_on=forecast,
        solo_forecast_on=dict(zip(ids, solo_forecasts, strict=True)),
        fair_share=fair_shares(ledger, members),
        joint_case=joint,
        warnings=warnings(problem, members, joint, forecast.toordinal()),
        alone_because=because,
    )


def _day(ordinal: int) -> date:
    """Return a day by number, at most the calendar's last."""
    return date.fromordinal(min(ordinal, date.max.toordinal()))


def _named(problem: Problem, by_stage: Sequence[int]) -> dict[str, int]:
    stages = [*(stage.id for stage in problem.policy.stages), COORDINATION]
    return dict(zip(stages, by_stage, strict=True))

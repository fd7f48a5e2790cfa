"""From chosen bins to a proposal: every figure a reviewer sees, in exact integers."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date

from optimizer import cost
from optimizer.policy import EffortCase
from optimizer.problem import Problem
from optimizer.proposal.findings import fragmentation, joint_case, warnings
from optimizer.proposal.ledger import Ledger
from optimizer.proposal.reasons import Reasons
from optimizer.proposal.shares import fair_shares
from optimizer.proposal.values import (
    COORDINATION,
    Effort,
    Proposal,
    ProposedBin,
    Reason,
)

type Members = tuple[int, ...]
"""Positions of a bin's requests, ascending."""


def assemble(
    problem: Problem, bins: Iterable[Members], *, bound: int, gap: float
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
    """
    chosen = sorted((tuple(sorted(members)) for members in bins), key=_order(problem))
    ledger = Ledger(problem)
    reasons = Reasons(ledger, chosen)
    fixed = {frozenset(members) for members in problem.rulings.fixed}
    width = max(3, len(str(len(chosen))))
    return Proposal(
        problem=problem,
        gap=gap,
        bins=tuple(
            _proposed(ledger, members, f"B{number:0{width}}", fixed, reasons)
            for number, members in enumerate(chosen, start=1)
        ),
        fragmentation=tuple(fragmentation(problem)),
        bound=bound,
    )


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
    reasons: Reasons,
) -> ProposedBin:
    problem = ledger.problem
    requests = [problem.requests[i] for i in members]
    ids = tuple(r.request_id for r in requests)
    is_fixed = frozenset(ids) in fixed
    start = cost.start_day(problem, members)
    forecast = _day(start + ledger.elapsed_days(members))
    categories = {problem.category_of[r.customer] for r in requests}
    joint = joint_case(problem, members)
    because: tuple[Reason, ...] = ()
    if len(members) == 1 and not is_fixed:
        because = reasons.why_alone(members[0])
    return ProposedBin(
        bin_id=bin_id,
        request_ids=ids,
        category=categories.pop() if len(categories) == 1 else None,
        systems=tuple(sorted({r.system for r in requests})),
        customers=tuple(sorted({r.customer for r in requests})),
        regions=tuple(sorted({r.region for r in requests})),
        fixed=is_fixed,
        starts_on=date.fromordinal(start),
        effort=_effort(ledger, [members]),
        solo_effort=_effort(ledger, [(i,) for i in members]),
        wait_cost=cost.waiting(problem, members),
        effort_by_stage=_by_stage(ledger, [members]),
        solo_effort_by_stage=_by_stage(ledger, [(i,) for i in members]),
        wait_days={
            r.request_id: start - problem.ready[i]
            for i, r in zip(members, requests, strict=True)
        },
        forecast_on=forecast,
        solo_forecast_on={
            r.request_id: _day(problem.ready[i] + ledger.elapsed_days((i,)))
            for i, r in zip(members, requests, strict=True)
        },
        fair_share=fair_shares(ledger, members),
        joint_case=joint,
        warnings=warnings(problem, members, joint, forecast.toordinal()),
        alone_because=because,
    )


def _day(ordinal: int) -> date:
    """Return a day by number, at most the calendar's last."""
    return date.fromordinal(min(ordinal, date.max.toordinal()))


def _effort(ledger: Ledger, bins: Sequence[Members]) -> Effort:
    low, default, high = (
        sum(ledger.effort(members, case) for members in bins)
        for case in (EffortCase.LOW, EffortCase.DEFAULT, EffortCase.HIGH)
    )
    return Effort(low=low, default=default, high=high)


def _by_stage(ledger: Ledger, bins: Sequence[Members]) -> dict[str, int]:
    """Return the effort of some bins by stage id, coordination last."""
    columns = zip(*(ledger.by_stage(members) for members in bins), strict=True)
    stages = ledger.problem.policy.stages
    efforts = {
        stage.id: sum(column) for stage, column in zip(stages, columns, strict=True)
    }
    together = sum(cost.coordination(ledger.problem, members) for members in bins)
    return efforts | {COORDINATION: together}

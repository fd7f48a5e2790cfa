"""The table of peers: each method's distance to the best that any of them found."""

import statistics
from collections.abc import Iterator, Sequence
from itertools import groupby

from benchmarks.peers.methods import PEERS
from benchmarks.peers.side_by_side import Run
from benchmarks.table import gap, markdown, percent, seconds

HEADINGS = (
    "method", "staff-days", "above best plan", "above best bound", "proven gap",
    "seconds", "MB", "remarks",
)  # fmt: skip

BOUND_TOLERANCE = 1e-6
"""Bounds of floating-point solvers may pass a plan by so much of its cost."""

type Case = tuple[int, int, str, int]


def case_of(run: Run) -> Case:
    """Return the batch and policy a run was on."""
    return run.requests, run.days, run.policy, run.seed


def best_plans(runs: Sequence[Run]) -> dict[Case, Run]:
    """Return the cheapest allowed plan of each case."""
    best: dict[Case, Run] = {}
    for run in runs:
        known = best.get(case_of(run))
        if run.allowed and (known is None or _cost(run) < _cost(known)):
            best[case_of(run)] = run
    return best


def best_bounds(runs: Sequence[Run]) -> dict[Case, float]:
    """Return the highest bound that any method proved for each case."""
    best: dict[Case, float] = {}
    for run in runs:
        if run.bound is not None:
            best[case_of(run)] = max(best.get(case_of(run), 0.0), run.bound)
    return best


def false_bounds(runs: Sequence[Run]) -> list[str]:
    """Return a sentence for every bound above an allowed plan: there must be none."""
    plans = best_plans(runs)
    found = []
    for run in runs:
        best = plans.get(case_of(run))
        if run.bound is None or best is None:
            continue
        if run.bound > _cost(best) * (1 + BOUND_TOLERANCE):
            found.append(
                f"The bound {run.bound:,.3f} of {run.method} is above a plan of "
                f"{best.method} that costs {_cost(best):,.3f}: {_title(run)}, "
                f"seed {run.seed}."
            )
    return found


def tables(runs: Sequence[Run]) -> Iterator[str]:
    """Yield a heading and a table for each batch size and policy."""
    plans, bounds = best_plans(runs), best_bounds(runs)
    for title, group in groupby(runs, key=_title):
        here = list(group)
        best = [plans[case] for case in {case_of(r) for r in here} if case in plans]
        shared = sum(r.requests_in_bins for r in best)
        share = shared / max(1, sum(r.requests for r in best))
        seeds = sorted({r.seed for r in here})
        yield (
            f"**{title}**: seeds {', '.join(map(str, seeds))}; limit "
            f"{here[0].time_limit:g} s; {share:.0%} of requests in bins of two or more "
            "in the best plan\n"
        )
        rows = [
            _row(method, [r for r in here if r.method == method], plans, bounds)
            for method in PEERS
            if any(r.method == method for r in here)
        ]
        yield f"{markdown(HEADINGS, rows)}\n"


def _row(
    method: str, runs: Sequence[Run], plans: dict[Case, Run], bounds: dict[Case, float]
) -> list[str]:
    """Return a method's row; costs only if each of its plans is allowed.

    Means over some of the seeds would not compare with those over all.
    """
    ended = [r for r in runs if r.seconds is not None]
    good = list(runs) if all(r.allowed for r in runs) else []
    above = [_cost(r) / _cost(plans[case_of(r)]) - 1 for r in good]
    bounded = [r for r in good if bounds.get(case_of(r))]
    short = [_cost(r) / bounds[case_of(r)] - 1 for r in bounded]
    gaps = [1 - min(r.bound, _cost(r)) / _cost(r) for r in good if r.bound is not None]
    return [
        PEERS[method].title,
        f"{statistics.mean(_cost(r) for r in good):,.1f}" if good else "–",
        _mean(above),
        _mean(short),
        gap(max(gaps)) if gaps and len(gaps) == len(good) else "none",
        seconds(statistics.median(r.seconds or 0.0 for r in ended)) if ended else "–",
        f"{max(r.megabytes or 0.0 for r in ended):,.0f}" if ended else "–",
        "; ".join(_remarks(runs)),
    ]


def _mean(values: Sequence[float]) -> str:
    return f"+{percent(max(0.0, statistics.mean(values)))}" if values else "–"


def _remarks(runs: Sequence[Run]) -> Iterator[str]:
    bins, broken = sum(r.bins for r in runs), sum(r.broken_bins for r in runs)
    if broken:
        yield f"{broken} of {bins} bins break the rules"
    if missing := sum(r.missing for r in runs):
        yield f"{missing} requests not in exactly one bin"
    without = [r for r in runs if r.cost is None]
    if without and len(without) < len(runs):
        yield f"no plan for {len(without)} of {len(runs)} seeds"
    yield from sorted({r.note for r in without})


def _cost(run: Run) -> float:
    assert run.cost is not None
    return run.cost


def _title(run: Run) -> str:
    return f"{run.requests:,} requests over {run.days:,} days, {run.policy}"

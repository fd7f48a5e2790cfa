"""`python -m benchmarks resolve`: one edit of a proposal, solved warm and from nothing.

All in one process with its kernels loaded and the batch in memory, as a service has
them. An edit is one ruling more, or one request less. Its plan must cost what the plan
from nothing costs, and have the same bound.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random

from app.commands.question import Files, read, read_policies
from app.export.document import InputHashes, proven_document
from benchmarks import machine
from benchmarks.batches import AS_OF, POLICIES, Size, generate, policy_file, size
from benchmarks.table import markdown
from optimizer.batch import Batch
from optimizer.earlier import Earlier
from optimizer.problem import Problem
from optimizer.propose import Plan, plan_bins, proposal_of
from optimizer.rulings import Ruling, RulingKind, settle

TYPICAL = Size(requests=2000, days=365)
HEADINGS = (
    "edit", "of", "parts solved again", "plan: median s", "slowest s",
    "with figures, verified: median s", "from nothing: median s", "times as fast",
)  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what can be chosen."""
    parser.add_argument(
        "--size", type=size, default=TYPICAL, metavar="REQUESTS:DAYS",
        help=f"the batch [default: {TYPICAL}]",
    )  # fmt: skip
    parser.add_argument(
        "--policy", default="nato-all", metavar="NAME|FILE",
        help=f"of {', '.join(POLICIES)} or a file [default: nato-all]",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--edits", type=int, default=5, help="of each kind [default: 5]"
    )
    parser.add_argument(
        "--out", type=Path, metavar="FOLDER", help="keep the batch here"
    )


def run(options: argparse.Namespace) -> int:
    """Measure and print the table."""
    with tempfile.TemporaryDirectory() as folder:
        batch = generate(options.out or Path(folder), options.size, options.seed)
        (policy,) = read_policies([policy_file(options.policy)])
        found = read(Files(requests=(str(batch),)))
    problem = found.problem(policy, date.fromisoformat(AS_OF))
    _timed(lambda: plan_bins(problem))  # loads what is compiled
    cold, first = _timed(lambda: plan_bins(replace(problem), earlier=Earlier()))
    print(machine.describe())
    print(
        f"{len(problem):,} requests, seed {options.seed}, {options.policy}: "
        f"{first.solved} parts solved from nothing in {cold:.2f} s."
    )
    rows = [
        _row(name, edit, problem, first, Random(options.seed), options.edits)
        for name, edit in EDITS
    ]
    print()
    print(markdown(HEADINGS, rows))
    return 0


type Edit = Callable[[Problem, Plan, Random], Iterator[Problem]]


def _row(
    name: str, edit: Edit, problem: Problem, first: Plan, draw: Random, count: int
) -> list[str]:
    """Return the figures of some edits of one kind."""
    warm: list[float] = []
    shown: list[float] = []
    cold: list[float] = []
    solved: list[int] = []
    for _, changed in zip(range(count), edit(problem, first, draw), strict=False):
        seconds, plan = _timed(lambda p=changed: plan_bins(p, earlier=first.kept))
        more, _ = _timed(lambda p=changed, found=plan: _document(p, found))
        again, other = _timed(lambda p=changed: plan_bins(replace(p)))
        if (plan.cost, plan.bound) != (other.cost, other.bound):
            raise ValueError(
                f"{name}: {plan.cost}, at least {plan.bound}; from nothing "
                f"{other.cost}, at least {other.bound} thousandths."
            )
        warm.append(seconds)
        shown.append(seconds + more)
        cold.append(again)
        solved.append(plan.solved)
    ratio = statistics.median(c / w for c, w in zip(cold, warm, strict=True))
    return [
        name,
        str(len(warm)),
        f"{min(solved)} to {max(solved)}",
        f"{statistics.median(warm):.2f}",
        f"{max(warm):.2f}",
        f"{statistics.median(shown):.2f}",
        f"{statistics.median(cold):.2f}",
        f"{ratio:.0f}",
    ]


def _document(problem: Problem, plan: Plan) -> object:
    return proven_document(
        proposal_of(problem, plan, gap=0.0),
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        solve_seconds=0.0,
        hashes=InputHashes(requests="0" * 64),
    )


def _timed[T](work: Callable[[], T]) -> tuple[float, T]:
    begun = time.perf_counter()
    found = work()
    return time.perf_counter() - begun, found


def _under(problem: Problem, kind: RulingKind, ids: tuple[str, ...]) -> Problem:
    return problem.under(settle([Ruling(kind=kind, request_ids=ids)], problem.batch))


def _shared(problem: Problem, first: Plan, draw: Random) -> Iterator[tuple[str, ...]]:
    """Yield bins of two or more, by request ids, in an order drawn."""
    bins = [members for members in first.bins if len(members) > 1]
    for members in draw.sample(bins, len(bins)):
        yield tuple(problem.requests[p].request_id for p in members)


def _apart(problem: Problem, first: Plan, draw: Random) -> Iterator[Problem]:
    for ids in _shared(problem, first, draw):
        two = tuple(draw.sample(ids, 2))
        yield _under(problem, RulingKind.APART, two)


def _fixed(problem: Problem, first: Plan, draw: Random) -> Iterator[Problem]:
    for ids in _shared(problem, first, draw):
        yield _under(problem, RulingKind.FIXED, ids)


def _together(problem: Problem, first: Plan, draw: Random) -> Iterator[Problem]:
    """Force two together that are in different bins of one part."""
    assert first.kept is not None
    home = {ids: part for part in first.kept.parts for ids in part.request_ids}
    bins = [*_shared(problem, first, draw)]
    for ids in bins:
        part = home[ids[0]]
        others = [name for name in part.request_ids if name not in ids]
        if others:
            two = (draw.choice(ids), draw.choice(others))
            yield _under(problem, RulingKind.TOGETHER, two)


def _withdrawn(problem: Problem, first: Plan, draw: Random) -> Iterator[Problem]:
    for ids in _shared(problem, first, draw):
        gone = draw.choice(ids)
        rest = tuple(r for r in problem.requests if r.request_id != gone)
        batch = Batch(requests=rest, precedents=problem.batch.precedents)
        yield replace(problem, batch=batch)


EDITS: tuple[tuple[str, Edit], ...] = (
    ("keep two apart", _apart),
    ("force two together", _together),
    ("fix a bin", _fixed),
    ("withdraw a request", _withdrawn),
)

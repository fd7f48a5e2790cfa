"""One problem in, one verified document out: the use case behind several commands."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from app.commands import question
from app.commands.progress import ProgressLine
from app.commands.screen import note
from app.engine.after import seconds_after
from app.engine.halt import Halt
from app.engine.local import LocalEngine
from app.export.document import Document, InputHashes, proven_document
from optimizer.earlier import Earlier
from optimizer.problem import Problem
from optimizer.propose import Plan, plan_bins, proposal_of

if TYPE_CHECKING:
    from app.engine.cluster import DaskEngine

WRITING: Final = 2.6
"""Times that assembling and verifying take, with the result files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How hard to try: the seconds of a solve, the gap asked for, the processes.

    ``dask`` solves on a Dask cluster: the one of ``scheduler``, or one started here.
    """

    time_limit: float
    gap: float
    workers: int
    progress: bool
    dask: bool = False
    scheduler: str | None = None


@contextmanager
def engine_for(
    effort: Effort, halt: Halt, line: ProgressLine
) -> "Iterator[LocalEngine | DaskEngine]":
    """Yield an engine whose processes are gone afterwards."""
    engine = (
        _dask_engine(effort, halt, line)
        if effort.dask
        else LocalEngine(effort.workers, halt, warn=note, tick=line.draw)
    )
    try:
        yield engine
    finally:
        engine.close()


def _dask_engine(effort: Effort, halt: Halt, line: ProgressLine) -> "DaskEngine":
    """Return a connected engine; a signal while it connects ends the work at once."""
    from app.engine.cluster import DaskEngine

    engine = DaskEngine(
        effort.scheduler, effort.workers, halt, warn=note, tick=line.draw
    )
    engine.open()
    return engine


def solve(
    problem: Problem,
    hashes: InputHashes,
    effort: Effort,
    halt: Halt,
    line: ProgressLine | None = None,
    *,
    earlier: Document | None = None,
    to_write: bool = False,
) -> Document:
    """Propose, verify and return the document.

    What an earlier document proves, checked again, is not solved again.

    Once solving has begun a signal ends it with the best plan so far. The time limit
    is for all of it: what comes after the search is reckoned and kept free.
    """
    created_at = question.now()
    begun = time.monotonic()
    line = line or ProgressLine(wanted=effort.progress)
    halt.reserve(seconds_after(problem) * (WRITING if to_write else 1))
    with engine_for(effort, halt, line) as engine, halt.patience():
        engine.prepare(len(problem))
        kept = None if earlier is None else _kept(problem, earlier, halt, line)
        plan = plan_bins(
            problem,
            gap=effort.gap,
            engine=engine,
            on_progress=line.update,
            earlier=kept,
        )
        engine.close()
        line.end()
        if earlier is not None:
            note(_taken_over(plan))
        seconds = 0.0 if question.clock_is_stopped() else time.monotonic() - begun
        line.stage("putting together and verifying the proposal")
        proposal = proposal_of(problem, plan, gap=effort.gap)
        return proven_document(
            proposal, created_at=created_at, solve_seconds=seconds, hashes=hashes
        )


def _kept(
    problem: Problem, earlier: Document, halt: Halt, line: ProgressLine
) -> Earlier:
    """Return what of an earlier document holds for the problem, and its hints."""
    from optimizer.certify.earlier import earlier_of

    line.stage("checking what the earlier proposal proves")
    return earlier_of(problem, earlier, stop=halt.stop)


def _taken_over(plan: Plan) -> str:
    """Return the sentence on what became of an earlier proposal."""
    parts = plan.taken_over + plan.solved
    if not parts:
        return "No request may share a bin with another: nothing had to be solved."
    return (
        f"Of {parts:,} independent parts, {plan.taken_over:,} are taken over from the "
        f"earlier proposal, their proofs checked again; {plan.solved:,} solved again."
    )

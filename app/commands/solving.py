"""One problem in, one verified document out: the use case behind several commands."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from app.commands import question
from app.commands.progress import ProgressLine
from app.commands.screen import note
from app.engine.halt import Halt
from app.engine.local import LocalEngine
from app.export.document import Document, InputHashes, proven_document
from optimizer.problem import Problem
from optimizer.propose import propose


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How hard to try: the seconds of a solve, the gap asked for, the processes."""

    time_limit: float
    gap: float
    workers: int
    progress: bool


@contextmanager
def engine_for(effort: Effort, halt: Halt, line: ProgressLine) -> Iterator[LocalEngine]:
    """Yield an engine whose processes are gone afterwards."""
    engine = LocalEngine(effort.workers, halt, warn=note, tick=line.draw)
    try:
        yield engine
    finally:
        engine.close()


def solve(
    problem: Problem, hashes: InputHashes, effort: Effort, halt: Halt
) -> Document:
    """Propose, verify and return the document.

    Once solving has begun a signal ends it with the best plan so far.
    """
    created_at = question.now()
    begun = time.monotonic()
    line = ProgressLine(wanted=effort.progress)
    with engine_for(effort, halt, line) as engine, halt.patience():
        engine.prepare(len(problem))
        proposal = propose(
            problem, gap=effort.gap, engine=engine, on_progress=line.update
        )
        line.end()
        seconds = 0.0 if question.clock_is_stopped() else time.monotonic() - begun
        return proven_document(
            proposal, created_at=created_at, solve_seconds=seconds, hashes=hashes
        )

"""How long putting a proposal together and verifying it take, after the search."""

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from optimizer.rulings import Rulings

if TYPE_CHECKING:
    from optimizer.problem import Problem

AFTER_FACTS: Final = 130.0
FOR_MORE: Final = 95.0
"""Times that finding the facts of requests takes: up to ``SAMPLE``, and beyond."""

SAMPLE: Final = 20_000
"""Requests that a machine's pace is taken from: of very many, their facts no longer fit
its caches, which finding them feels more than all that follows."""


def seconds_after(problem: "Problem") -> float:
    """Return the seconds that what follows the search of a problem will take, about.

    This machine's pace is that of finding what is true of each request.
    """
    n = len(problem)
    some = problem
    if n > SAMPLE:
        batch = replace(problem.batch, requests=problem.requests[:SAMPLE])
        some = replace(problem, batch=batch, rulings=Rulings())
    begun = time.perf_counter()
    _ = some.alike, some.received, some.ready
    took = time.perf_counter() - begun
    return took * (AFTER_FACTS + FOR_MORE * max(0, n - SAMPLE) / SAMPLE)

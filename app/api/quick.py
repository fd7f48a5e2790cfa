"""Small work done where the call came in, without a thread, while that is quicker.

Handing a call to a thread and back costs more than a small transaction on SQLite does:
each of its statements lets go of the interpreter, and gets it back only after the event
loop had its turn. So small work is done in the loop itself, unless the store would make
it wait: another writes, the disk was slow a moment ago, or it is not in this machine.
"""

import time
from collections.abc import Callable
from typing import Final

from starlette.concurrency import run_in_threadpool

from app.storage.database import Database

SLOW_S: Final = 0.02
"""Small work that took longer shows that the store makes callers wait."""

PAUSE_S: Final = 1.0
"""How long threads are used after that."""


class Quick:
    """Does small work here, or in a thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._threads_until = float("-inf")

    async def __call__[Found](self, work: Callable[[], Found]) -> Found:
        """Do the work and return what it returns."""
        began = time.monotonic()
        if began < self._threads_until or not self._database.at_once:
            return await run_in_threadpool(work)
        try:
            return work()
        finally:
            ended = time.monotonic()
            if ended - began > SLOW_S:
                self._threads_until = ended + PAUSE_S

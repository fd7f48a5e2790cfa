"""Small looks taken where the call came in, without a thread, while that is quicker.

Handing a call to a thread and back costs more than a small look into SQLite does: each
of its statements lets go of the interpreter, and gets it back only after the event
loop had its turn. So a look is taken in the loop itself, unless the store would make it
wait: a writer is in the way, the disk was slow a moment ago, or it is elsewhere.
"""

import time
from collections.abc import Callable
from typing import Final

from starlette.concurrency import run_in_threadpool

from app.storage.database import Database

SLOW_S: Final = 0.02
"""A small look that took longer shows that the store makes callers wait."""

PAUSE_S: Final = 1.0
"""How long threads are used after that."""


class Quick:
    """Takes small looks here, or in a thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._threads_until = float("-inf")

    async def __call__[Found](self, work: Callable[[], Found]) -> Found:
        """Take the look and return what it finds."""
        began = time.monotonic()
        if began < self._threads_until or not self._database.read_at_once:
            return await run_in_threadpool(work)
        try:
            return work()
        finally:
            ended = time.monotonic()
            if ended - began > SLOW_S:
                self._threads_until = ended + PAUSE_S

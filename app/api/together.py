"""Has small work done together that comes in while other such work is being done."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from starlette.concurrency import run_in_threadpool

MOST: Final = 32
"""What is done together at most: the first of it waits for the last."""


class Together[Work, Found]:
    """Does what waits, all of it at once in a thread, one time after another.

    Parameters
    ----------
    do
        Returns for each piece of work what is found, or what is raised.
    """

    def __init__(
        self, do: Callable[[Sequence[Work]], Sequence[Found | Exception]]
    ) -> None:
        self._do = do
        self._waiting: deque[tuple[Work, asyncio.Future[Found]]] = deque()
        self._task: asyncio.Task[None] | None = None

    async def __call__(self, work: Work) -> Found:
        """Have work done; return what is found, or raise what is raised."""
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[Found] = loop.create_future()
        self._waiting.append((work, answered))
        if self._task is None:
            self._task = loop.create_task(self._keep_doing())
        return await answered

    async def _keep_doing(self) -> None:
        try:
            while self._waiting:
                count = min(MOST, len(self._waiting))
                await self._do_some([self._waiting.popleft() for _ in range(count)])
        finally:
            self._task = None

    async def _do_some(self, some: list[tuple[Work, asyncio.Future[Found]]]) -> None:
        found: Sequence[Found | Exception]
        try:
            found = await run_in_threadpool(self._do, [work for work, _ in some])
        except Exception as error:
            found = [error] * len(some)
        for (_, answered), one in zip(some, found, strict=True):
            if answered.done():  # its client has gone
                continue
            if isinstance(one, Exception):
                answered.set_exception(one)
            else:
                answered.set_result(one)

"""Has small changes carried out together that come in while others are being stored."""

import asyncio
from collections import deque
from typing import Final

from starlette.concurrency import run_in_threadpool

from app.use_cases.service import Answer, Service
from app.use_cases.together import Wanted, change_all

MOST: Final = 32
"""Changes that one transaction takes at most: the first of them waits for the last."""


class Together:
    """Carries out the changes that wait, one transaction after another."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._waiting: deque[tuple[Wanted, asyncio.Future[Answer]]] = deque()
        self._task: asyncio.Task[None] | None = None

    async def __call__(self, wanted: Wanted) -> Answer:
        """Carry a change out, once, with its record; or say why not.

        Raises
        ------
        Refusal, StoreError
            As :meth:`app.use_cases.service.Service.change`.
        """
        loop = asyncio.get_running_loop()
        answered: asyncio.Future[Answer] = loop.create_future()
        self._waiting.append((wanted, answered))
        if self._task is None:
            self._task = loop.create_task(self._carry_out())
        return await answered

    async def _carry_out(self) -> None:
        try:
            while self._waiting:
                count = min(MOST, len(self._waiting))
                some = [self._waiting.popleft() for _ in range(count)]
                wanted = [one for one, _ in some]
                found = await run_in_threadpool(change_all, self._service, wanted)
                for (_, answered), outcome in zip(some, found, strict=True):
                    if answered.done():  # its client has gone
                        continue
                    if isinstance(outcome, Exception):
                        answered.set_exception(outcome)
                    else:
                        answered.set_result(outcome)
        finally:
            self._task = None

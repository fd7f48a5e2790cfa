"""Watches all connections of a process: who is slow, who never reads, how many."""

import asyncio
from dataclasses import dataclass
from typing import Final, Protocol

from app.settings import Settings

TICK: Final = 0.5
"""Seconds between two looks at all connections."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadlines:
    """How long a client may take, in seconds, and how many there may be.

    ``lingering`` is how long an answer to a broken call is left to be read.
    """

    headers: float
    request: float
    answer: float
    lingering: float
    connections: int

    @classmethod
    def of(cls, settings: Settings) -> "Deadlines":
        """Return the deadlines of the settings, the time between two looks off."""
        early = min(TICK, settings.header_seconds / 4, settings.answer_seconds / 4)
        return cls(
            headers=settings.header_seconds - early,
            request=settings.request_seconds - early,
            answer=settings.answer_seconds - early,
            lingering=min(2.0, settings.header_seconds),
            connections=settings.max_connections,
        )


class Watched(Protocol):
    """A connection as its watch sees it."""

    def look(self, now: float) -> None:
        """Close when a deadline is over."""

    def drop(self) -> None:
        """Close at once."""


class Watch:
    """All connections, and which of them keep us waiting, the longest first."""

    def __init__(self, deadlines: Deadlines) -> None:
        self.deadlines = deadlines
        self._all: dict[Watched, None] = {}
        self._waiting: dict[Watched, None] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._tick = min(TICK, deadlines.headers / 4, deadlines.answer / 4)

    def enter(self, connection: Watched, loop: asyncio.AbstractEventLoop) -> bool:
        """Watch a new connection; return False when there is no room for it.

        Room is made by dropping the one that has kept us waiting longest, for a request
        or for an answer to be read: whoever opens many and does nothing loses them.
        """
        if len(self._all) >= self.deadlines.connections:
            longest = next(iter(self._waiting), None)
            if longest is None:
                return False
            self.leave(longest)
            longest.drop()
        self._all[connection] = None
        if self._timer is None:
            self._timer = loop.call_later(self._tick, self._look, loop)
        return True

    def leave(self, connection: Watched) -> None:
        """Watch a connection no more."""
        self._all.pop(connection, None)
        self._waiting.pop(connection, None)

    def wait_for(self, connection: Watched) -> None:
        """Note that a connection keeps us waiting from now on."""
        self._waiting.pop(connection, None)
        if connection in self._all:
            self._waiting[connection] = None

    def work_for(self, connection: Watched) -> None:
        """Note that a connection waits for us."""
        self._waiting.pop(connection, None)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for connection in list(self._all):
            connection.look(now)
        self._timer = None
        if self._all:
            self._timer = loop.call_later(self._tick, self._look, loop)

"""A lock whose waiters have their turns in the order they came."""

import threading
from collections import deque


class Turns:
    """A lock that is handed on in order, so that no one waits for ever.

    A plain lock may be taken again by the thread that just gave it up: under load the
    slowest waiter then waits for seconds.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()
        self._taken = False

    def take(self, *, seconds: float) -> bool:
        """Wait for a turn; False when it did not come in time."""
        with self._guard:
            if not self._taken:
                self._taken = True
                return True
            turn = threading.Lock()
            turn.acquire()
            self._waiting.append(turn)
        came = False
        try:
            came = turn.acquire(timeout=seconds)
        finally:
            if not came:
                came = self._left(turn)
        return came

    @property
    def free(self) -> bool:
        """Whether a turn would come at once."""
        return not self._taken

    def give(self) -> None:
        """End a turn; the next in line has it."""
        with self._guard:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._taken = False

    def _left(self, turn: threading.Lock) -> bool:
        """Leave the line; True when the turn came just before."""
        with self._guard:
            if turn in self._waiting:
                self._waiting.remove(turn)
                return False
        return True

"""When to stop: a time limit, SIGINT or SIGTERM."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from app.errors import Stopped

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class Halt:
    """Tells whether to stop, by the clock or by a signal.

    Outside :meth:`patience` a signal ends the work at once (``Stopped``); inside, it is
    noted, and whoever asks :meth:`stop` winds up with the plan there is.
    """

    def __init__(self, seconds: float | None = None) -> None:
        self._deadline: float | None = None
        self._patient = False
        self.signalled = False
        self.limit(seconds)

    def limit(self, seconds: float | None) -> None:
        """Set the time limit, counted from now; None for none."""
        self._deadline = None if seconds is None else time.monotonic() + seconds

    def reserve(self, seconds: float) -> None:
        """Stop so much earlier, for work that comes after and cannot be cut.

        At least a third of the time that is left stays.
        """
        left = self.remaining()
        if left is not None:
            self.limit(max(left - seconds, left / 3))

    def stop(self) -> bool:
        """Tell whether the time is up or a signal came."""
        left = self.remaining()
        return self.signalled or (left is not None and left <= 0)

    def remaining(self) -> float | None:
        """Return the seconds left, at least 0; None without a limit."""
        if self._deadline is None:
            return None
        return max(0.0, self._deadline - time.monotonic())

    def install(self) -> None:
        """Handle SIGINT and SIGTERM from now on."""
        for number in SIGNALS:
            signal.signal(number, self._handle)

    @contextmanager
    def patience(self) -> Iterator[None]:
        """Only note signals: there is, or soon will be, a plan worth keeping."""
        self._patient = True
        try:
            yield
        finally:
            self._patient = False

    def _handle(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - what signal hands over
        self.signalled = True
        if not self._patient:
            name = signal.Signals(number).name
            raise Stopped(f"Stopped by {name} before there was a plan.")

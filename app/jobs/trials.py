"""Solves that are looked at and not stored: what would be if.

They are kept in this process and for an hour at most: a restart forgets them.
"""

import logging
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from app.jobs.desk import Desk, DeskClosed
from app.jobs.orders import Order, Progress, Solved

KEPT: Final = 20
"""Trials that are kept at most; the oldest go first."""

KEPT_S: Final = 3600.0

_log = logging.getLogger("allybin.trials")


class TrialUnderWay(Exception):
    """Another trial is being solved: one at a time."""


@dataclass(slots=True)
class Trial:
    """A solve for somebody, how far it is, and what came of it.

    ``about`` is what it is for, ``found`` what was made of the answer; ``failed`` says
    why there is none.
    """

    trial_id: str
    owner: str
    about: Any
    seconds: float
    began: float = field(default_factory=time.monotonic)
    progress: Progress | None = None
    found: Any = None
    failed: str | None = None
    stop_asked: bool = False

    @property
    def going(self) -> bool:
        """Whether it is still being solved."""
        return self.found is None and self.failed is None

    @property
    def elapsed(self) -> float:
        """Seconds since it was begun."""
        return time.monotonic() - self.began


class Trials:
    """Begins trials, one at a time, and keeps what came of the last ones."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._lock = threading.Lock()
        self._kept: dict[str, Trial] = {}

    def begin(
        self, order: Order, owner: str, about: Any, made_of: Callable[[Solved], Any]
    ) -> Trial:
        """Begin to solve an order for somebody.

        Parameters
        ----------
        made_of
            Makes what is kept of the answer; the answer itself is let go of.

        Raises
        ------
        TrialUnderWay
            When another one is being solved.
        """
        trial = Trial(str(uuid.uuid4()), owner, about, order.time_limit_s)
        with self._lock:
            self._forget()
            if any(one.going for one in self._kept.values()):
                raise TrialUnderWay
            self._kept[trial.trial_id] = trial
        thread = threading.Thread(
            target=self._solve, args=(trial, order, made_of), daemon=True
        )
        thread.start()
        return trial

    def find(self, trial_id: str, owner: str) -> Trial | None:
        """Return a trial of somebody, while it is kept."""
        with self._lock:
            trial = self._kept.get(trial_id)
        return trial if trial is not None and trial.owner == owner else None

    def _solve(
        self, trial: Trial, order: Order, made_of: Callable[[Solved], Any]
    ) -> None:
        def tell(progress: Progress) -> None:
            trial.progress = progress

        try:
            solved = self._desk.solve(
                order, tell=tell, stopped=lambda: trial.stop_asked
            )
            if solved.document is None:
                trial.failed = solved.reason or "There is no plan."
            else:
                trial.found = made_of(solved)
        except DeskClosed as closed:
            trial.failed = str(closed)
        except Exception:  # nobody is there to raise it to
            _log.exception("a trial failed")
            trial.failed = "It failed here; the log of the service says why."

    def _forget(self) -> None:
        old = [
            name
            for name, one in self._kept.items()
            if not one.going and one.elapsed > KEPT_S
        ]
        ended = [name for name, one in self._kept.items() if not one.going]
        for name in {*old, *ended[: max(0, len(self._kept) - KEPT + 1)]}:
            del self._kept[name]

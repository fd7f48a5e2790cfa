"""One process, one answer: listened to, held to its time, and never believed."""

import math
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from app.jobs.answers import KINDS, Lines
from app.jobs.frames import (
    Garbage,
    Listener,
    Message,
    Silence,
    parsed,
    text_of,
    whole_of,
)
from app.jobs.orders import Order, Progress
from app.jobs.processes import Process

KILL_SECONDS: Final = 5.0
"""How long after its time limit a solver may take to end."""

STOP_SECONDS: Final = 5.0
"""How long a solver may take that was told to stop, and a second for 2,000 requests."""

HAND_OVER_SECONDS: Final = 0.5
"""How long a process is waited for to take an order; then it takes it meanwhile."""

_TICK: Final = 0.1
_SHORT: Final = 64


class Failed(Exception):
    """A process did not do what it was for; the sentence says how."""


class SaysNoPlan(Exception):
    """A solver says that there can be no plan; the sentence says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a solver answered, not looked into yet."""

    lines: Lines
    reproducible: bool
    stopped: bool
    seconds: float


def caps_seconds(seconds: float) -> int:
    """Return the processor seconds of a process that may take so long."""
    return math.ceil(seconds) + 2


def most_bytes(order: Order) -> int:
    """Return how long an answer may be."""
    return (16 << 20) + (20 << 10) * len(order.requests)


@dataclass(slots=True)
class Run:
    """A solver at work on an order.

    ``meanwhile`` is called once it has the order, ``show`` with each line of what it
    answers.
    """

    process: Process
    order: Order
    tell: Callable[[Progress], None]
    stopped: Callable[[], bool]
    seconds: float
    lines: Lines = field(default_factory=Lines)
    began: float = field(default_factory=time.monotonic)
    deadline: float = 0.0
    asked_to_stop: bool = False
    meanwhile: Callable[[], None] = lambda: None
    show: Callable[[bytes], None] = lambda _: None

    def answer(self) -> Answer:
        """Return what the solver answers; afterwards it does nothing more.

        Raises
        ------
        Failed
            When it crashes, does not end in time or says what is no answer.
        SaysNoPlan
            When it says so.
        """
        self.deadline = self.began + self.seconds + KILL_SECONDS
        process = self.process
        listener = Listener(
            process.to_child, process.from_child, most_bytes(self.order)
        )
        try:
            listener.send(self.order)
            listener.put(HAND_OVER_SECONDS)
            self.meanwhile()
            return self._listen(listener)
        except Garbage as wrong:
            raise Failed(f"The solver's answer cannot be used: {wrong}.") from None
        except Silence:
            raise Failed(_how_it_ended(process)) from None
        finally:
            process.kill()
            listener.close()

    def close(self) -> None:
        """Wait until the solver has ended."""
        self.process.ended(KILL_SECONDS)

    def _listen(self, listener: Listener) -> Answer:
        while True:
            line = listener.hear(_TICK)
            self._look_at_the_clock()
            if line is None:
                continue
            if line[:_SHORT].startswith(b'{"kind":"bin"'):
                self._keep(line)
                continue
            message = parsed(line)
            match message["kind"]:
                case kind if kind in KINDS:
                    self._keep(line)
                case "progress":
                    self._progress(message)
                case "no plan":
                    raise SaysNoPlan(text_of(message, "text"))
                case "failed":
                    said = text_of(message, "text")
                    raise Failed(f"The solver could not go on: {said}")
                case "end":
                    return Answer(
                        lines=self.lines,
                        reproducible=message.get("reproducible") is True,
                        stopped=self.asked_to_stop,
                        seconds=time.monotonic() - self.began,
                    )
                case _:
                    raise Garbage("it said what is no message")

    def _keep(self, line: bytes) -> None:
        self.lines.add(line)
        self.show(line)

    def _look_at_the_clock(self) -> None:
        now = time.monotonic()
        if not self.asked_to_stop and self.stopped():
            self.asked_to_stop = True
            self.process.ask_to_stop()
            patience = STOP_SECONDS + len(self.order.requests) / 2000
            self.deadline = min(self.deadline, now + patience)
        if now >= self.deadline:
            what = "it was told to stop" if self.asked_to_stop else "its time limit"
            raise Failed(
                f"The solver had not ended {KILL_SECONDS:.0f} seconds after {what}, "
                "and was ended."
            )

    def _progress(self, message: Message) -> None:
        names = ("elapsed_ms", "clusters_done", "clusters", "incumbent", "bound")
        elapsed, done, clusters, incumbent, bound = (
            whole_of(message, name) for name in names
        )
        if 0 <= done <= clusters and 0 <= bound <= incumbent and elapsed >= 0:
            self.tell(
                Progress(
                    elapsed_s=elapsed / 1000,
                    clusters_done=done,
                    clusters=clusters,
                    incumbent=incumbent,
                    bound=bound,
                )
            )


def _how_it_ended(process: Process) -> str:
    code = process.ended(KILL_SECONDS)
    if code is None:
        return "The solver closed its answer before it was whole, and did not end."
    if code == 0:
        return "The solver ended before its answer was whole."
    if code > 0:
        return f"The solver ended with exit code {code} before its answer was whole."
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = str(-code)
    return f"The solver was ended by the signal {name} before its answer was whole."

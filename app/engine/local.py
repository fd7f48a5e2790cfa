"""Solving on this machine, in processes that can be stopped at any time."""

import json
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import IO, TYPE_CHECKING, Final

from app.engine.halt import Halt
from optimizer.errors import OptimizerError
from optimizer.propose import Serial, TaskReport, plan_without_search

if TYPE_CHECKING:
    from app.engine.wire import Failed, Found
    from optimizer.instance import Instance
    from optimizer.selection.solver import Selection

SMALL_TASK: Final = 24
SMALL_WORK: Final = 48
"""Items of a task, and of all tasks, up to which this process solves them itself: a
solver call here cannot be interrupted, so it must be short."""

STOP_SECONDS: Final = 1.0
"""How long a process that was told to stop may take before it is ended."""

START_SECONDS: Final = 3.0
"""What is left of a time limit below which no process is started: it would not be
ready in time."""

HURRY_SECONDS: Final = 0.5
"""How long plans without a search may be made good ones when the time is up."""

_TICK: Final = 0.1

_START: Final = (
    "import sys, json; sys.path[:] = json.loads(sys.argv[1]); "
    "from app.engine.child import main; main()"
)


class LocalEngine:
    """Solves tasks with some processes; the answer is the same for any number of them.

    Parameters
    ----------
    workers
        Processes at most, at least 1.
    halt
        When to stop. Plans found by then are returned with their valid bounds.
    warn
        Told in a sentence when a process ended before its task did.
    tick
        Called several times a second while solving.
    """

    def __init__(
        self,
        workers: int,
        halt: Halt,
        *,
        warn: Callable[[str], None] = lambda _: None,
        tick: Callable[[], None] = lambda: None,
    ) -> None:
        self._workers = workers
        self._halt = halt
        self._warn = warn
        self._tick = tick
        self._idle: list[_Child] = []

    def prepare(self, requests: int) -> None:
        """Start processes early when that many requests will need them."""
        if requests > SMALL_WORK and not self._too_late():
            self._idle = [_Child() for _ in range(self._workers)]

    def close(self) -> None:
        """End processes that wait for work."""
        for child in self._idle:
            child.end()
        self._idle = []

    def __call__(
        self, tasks: "Sequence[Instance]", *, gap: float, report: TaskReport
    ) -> "Sequence[Selection]":
        """Solve the tasks, largest first, each until its gap is reached."""
        sizes = [len(task) for task in tasks]
        small = max(sizes) <= SMALL_TASK and sum(sizes) <= SMALL_WORK
        if small or (not self._idle and self._too_late()):
            self.close()
            return self._here(tasks, gap, report)
        run = _Run(tasks, gap, self._halt, report, self._warn)
        ready, self._idle = self._idle, []
        return run.solve(ready, min(self._workers, len(tasks)), self._tick)

    def _too_late(self) -> bool:
        """Tell whether the time is up before a new process could be of use."""
        left = self._halt.remaining()
        return left is not None and left < START_SECONDS

    def _here(
        self, tasks: "Sequence[Instance]", gap: float, report: TaskReport
    ) -> "Sequence[Selection]":
        """Solve small tasks in this process; larger ones get a plan without search."""
        serial = Serial(stop=self._halt.stop, remaining=self._halt.remaining)
        found: list[Selection] = []
        for number, task in reversed([*enumerate(tasks)]):
            if len(task) <= SMALL_TASK and not self._halt.stop():
                found += serial([task], gap=gap, report=_at(number, report))
            else:
                found.append(plan_without_search(task))
            self._tick()
        return found[::-1]


def _at(number: int, report: TaskReport) -> TaskReport:
    """Return a report for a task that is solved apart from the others."""
    return lambda _, selection: report(number, selection)


class _Child:
    """One solving process and the thread that talks with it."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-c", _START, json.dumps(sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            process_group=0,  # the terminal's Ctrl-C is for the parent alone
        )
        self.thread: threading.Thread | None = None

    def end(self) -> None:
        """End the process, whatever it does, and wait for it."""
        self.process.kill()
        if self.thread is not None:
            self.thread.join()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                _close(stream)
        self.process.wait()


def _close(stream: IO[bytes]) -> None:
    with suppress(BrokenPipeError):  # what was still to be written has no reader
        stream.close()


class _Queue:
    """Tasks not begun. One process takes the smallest, the others the largest.

    So the largest do not come last, and under a time limit the many small ones do not
    starve behind one that never ends.
    """

    def __init__(self, count: int) -> None:
        self._numbers = deque(range(count))
        self._lock = threading.Lock()

    def take(self, *, smallest: bool) -> int | None:
        """Take a task, or None when all are begun or dropped."""
        with self._lock:
            if not self._numbers:
                return None
            return self._numbers.pop() if smallest else self._numbers.popleft()

    def left(self) -> int:
        """Return how many tasks are not begun."""
        return len(self._numbers)

    def drop(self) -> None:
        """Forget the tasks not begun."""
        with self._lock:
            self._numbers.clear()


class _Lost:
    """A process ended: with the number of the task it had, or None between tasks."""

    def __init__(self, child: _Child, number: int | None) -> None:
        self.child = child
        self.number = number


class _Run:
    """One call of the engine: tasks, the best known of each, and who works on them."""

    def __init__(
        self,
        tasks: "Sequence[Instance]",
        gap: float,
        halt: Halt,
        report: TaskReport,
        warn: Callable[[str], None],
    ) -> None:
        self._tasks = tasks
        self._gap = gap
        self._halt = halt
        self._report = report
        self._warn = warn
        self._queue = _Queue(len(tasks))
        self._messages: SimpleQueue[Found | Failed | _Lost] = SimpleQueue()
        self._best: dict[int, Selection] = {}
        self._children: list[_Child] = []
        self._error: OptimizerError | None = None

    def solve(
        self, ready: list[_Child], workers: int, tick: Callable[[], None]
    ) -> "Sequence[Selection]":
        """Solve all tasks, or what can be solved until told to stop.

        Raises
        ------
        OptimizerError
            What a task raised on purpose.
        """
        for place, child in enumerate(ready):
            if place < workers:
                self._begin(child, smallest=place == 0)
            else:
                child.end()
        for place in range(len(ready), workers):
            self._begin(_Child(), smallest=place == 0)
        try:
            while self._children and not self._halt.stop() and self._error is None:
                self._hear(_TICK)
                tick()
            self._wind_up()
        finally:
            for child in self._children:
                child.end()
        if self._error is not None:
            raise self._error
        hurry = time.monotonic() + HURRY_SECONDS
        return [
            self._best.get(number)
            or plan_without_search(task, good=time.monotonic() < hurry)
            for number, task in enumerate(self._tasks)
        ]

    def _begin(self, child: _Child, *, smallest: bool) -> None:
        child.thread = threading.Thread(
            target=self._drive, args=(child, smallest), daemon=True, name="driver"
        )
        self._children.append(child)
        child.thread.start()

    def _drive(self, child: _Child, smallest: bool) -> None:
        """Give a process task after task and pass on what it says; in its thread."""
        from app.engine.wire import Failed, Found, Task, receive, send

        stdin, stdout = child.process.stdin, child.process.stdout
        assert stdin is not None
        assert stdout is not None
        number: int | None = None
        # A process that ends before it takes its task is told of below, as any other.
        with suppress(BrokenPipeError):
            while (number := self._queue.take(smallest=smallest)) is not None:
                task = Task(
                    number=number,
                    instance=self._tasks[number],
                    gap=self._gap,
                    seconds=self._halt.remaining(),
                )
                send(stdin, task)
                while isinstance(message := receive(stdout), Found):
                    self._messages.put(message)
                    if message.done:
                        break
                if isinstance(message, Failed):
                    self._messages.put(message)
                elif message is None:
                    break
        self._messages.put(_Lost(child, number))

    def _hear(self, seconds: float) -> None:
        """Take note of one message, waiting for it at most so long."""
        try:
            message = self._messages.get(timeout=seconds)
        except Empty:
            return
        if isinstance(message, _Lost):
            self._lost(message)
        elif hasattr(message, "selection"):
            self._note(message.number, message.selection)
        elif message.error is not None:
            self._error = message.error
        else:
            self._warn(f"A part could not be solved to the end: {message.text}")

    def _note(self, number: int, selection: "Selection") -> None:
        """Keep the cheapest plan and the greatest bound; a plan comes with both."""
        self._best[number] = selection
        self._report(number, selection)

    def _lost(self, lost: _Lost) -> None:
        self._children.remove(lost.child)
        lost.child.end()
        if lost.number is None or self._halt.stop():
            return
        self._warn(
            f"A solving process ended (exit status {lost.child.process.returncode}); "
            "the best plan it had found for its part is used."
        )
        if self._queue.left():
            self._begin(_Child(), smallest=False)

    def _wind_up(self) -> None:
        """Ask processes that still work to stop, and hear their last words."""
        self._queue.drop()
        for child in self._children:
            child.process.terminate()
        patience = time.monotonic() + STOP_SECONDS
        while self._children and (left := patience - time.monotonic()) > 0:
            self._hear(left)

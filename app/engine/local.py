"""Solving on this machine, in processes that can be stopped at any time."""

import json
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from queue import Empty, SimpleQueue
from typing import IO, TYPE_CHECKING, Final, Protocol

from app.engine.halt import Halt
from optimizer.errors import OptimizerError
from optimizer.propose import (
    Serial,
    TaskReport,
    plan_of_task,
    plan_without_search,
)
from optimizer.tasks import sizes_of

if TYPE_CHECKING:
    from app.engine.wire import Message
    from optimizer.instance import Instance
    from optimizer.selection.outcome import Selection

REQUESTS_A_PROCESS: Final = 400
"""Requests for each of which another process is worth its start and its memory."""

SMALL_TASK: Final = 24
SMALL_WORK: Final = 48
"""Items of a task, and of all tasks, up to which this process solves them itself: a
solver call here cannot be interrupted, so it must be short."""

STOP_SECONDS: Final = 1.0
"""How long a process that was told to stop may take before it is ended."""

START_SECONDS: Final = 3.0
"""What is left of a time limit below which no process is started: it would not be
ready in time."""

QUICK_TASK: Final = 24
"""Items of a task up to which it is likely to be solved in a moment: those go first,
each until it is, and of thirty-five that may all share some take half a minute."""

HURRY_SECONDS: Final = 0.5
"""How long plans without a search may be made good ones when the time is up."""

ROUNDS: Final = 20
"""Rounds of ruin and recreate for each item of a part that is too large to be solved
here, while there is time."""

_TICK: Final = 0.1

_START: Final = (
    "import sys, json; sys.path[:] = json.loads(sys.argv[1]); "
    "from app.engine.child import main; main()"
)


class Process(Protocol):
    """A process that solves, however it was begun: of ``subprocess.Popen`` what is
    used of it here."""

    stdin: IO[bytes] | None
    stdout: IO[bytes] | None

    @property
    def returncode(self) -> int | None:
        """What it ended with."""

    def kill(self) -> None:
        """End it at once."""

    def terminate(self) -> None:
        """Ask it to stop."""

    def wait(self) -> int:
        """Wait until it has ended."""


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
    begun
        Processes that run ``app.engine.child`` already.
    """

    def __init__(
        self,
        workers: int,
        halt: Halt,
        *,
        warn: Callable[[str], None] = lambda _: None,
        tick: Callable[[], None] = lambda: None,
        begun: Sequence[Process] = (),
    ) -> None:
        self._workers = workers
        self._halt = halt
        self._warn = warn
        self._tick = tick
        self._idle = [_Child(process) for process in begun]

    def prepare(self, requests: int) -> None:
        """Start processes early when that many requests will need them."""
        wanted = self._wanted(requests) if requests > SMALL_WORK else 0
        if len(self._idle) < wanted and not self._too_late():
            self._idle += [_Child() for _ in range(wanted - len(self._idle))]

    def _wanted(self, requests: int) -> int:
        """Return how many processes so many requests are worth."""
        return min(self._workers, -(-requests // REQUESTS_A_PROCESS))

    def close(self) -> None:
        """End processes that wait for work."""
        for child in self._idle:
            child.end()
        self._idle = []

    def __call__(
        self, tasks: "Sequence[Instance]", *, gap: float, report: TaskReport
    ) -> "Sequence[Selection]":
        """Solve the tasks, largest first, each until its gap is reached."""
        sizes = sizes_of(tasks)
        small = max(sizes) <= SMALL_TASK and sum(sizes) <= SMALL_WORK
        if small or (not self._idle and self._too_late()):
            self.close()
            return self._here(tasks, gap, report)
        run = _Run(tasks, gap, self._halt, report, self._warn)
        ready, self._idle = self._idle, []
        workers = max(len(ready), self._wanted(sum(sizes)))
        return run.solve(ready, min(workers, len(tasks)), self._tick)

    def _too_late(self) -> bool:
        """Tell whether the time is up before a new process could be of use."""
        left = self._halt.remaining()
        return left is not None and left < START_SECONDS

    def _here(
        self, tasks: "Sequence[Instance]", gap: float, report: TaskReport
    ) -> "Sequence[Selection]":
        """Solve small tasks in this process; larger ones get a plan without search."""
        serial = Serial(stop=self._halt.stop, remaining=self._halt.remaining)
        found: dict[int, Selection] = {}
        sizes = sizes_of(tasks)
        hurry = _Hurry(self._halt)
        large = [n for n, size in enumerate(sizes) if size > SMALL_TASK]
        for number in reversed(large):  # first: there is more to gain in them
            found[number] = plan_of_task(tasks, number, good=hurry.goes_on())
            report(number, found[number])
            self._tick()
        for number in reversed(range(len(tasks))):
            if number in found:
                continue
            if self._halt.stop():
                found[number] = plan_of_task(tasks, number, good=hurry.goes_on())
            else:
                one = serial([tasks[number]], gap=gap, report=_at(number, report))
                found[number] = one[0]
            self._tick()
        for number in reversed(large):
            if self._halt.stop():
                break
            better = plan_without_search(
                tasks[number], rounds=ROUNDS, stop=self._halt.stop
            )
            if better.cost < found[number].cost:
                found[number] = better
                report(number, better)
            self._tick()
        return [found[number] for number in range(len(tasks))]


class _Hurry:
    """Tells how long plans without a search may still be made good ones.

    Until the time is up and a little longer; and the first in any case, for what makes
    good plans has to be loaded before.
    """

    def __init__(self, halt: Halt) -> None:
        self._halt = halt
        self._asked = 0
        self._end = 0.0

    def goes_on(self) -> bool:
        """Tell whether the next plan may be a good one."""
        self._asked += 1
        if self._asked <= 2 or not self._halt.stop():
            self._end = time.monotonic() + HURRY_SECONDS
        return time.monotonic() < self._end


def _at(number: int, report: TaskReport) -> TaskReport:
    """Return a report for a task that is solved apart from the others."""
    return lambda _, selection: report(number, selection)


class _Child:
    """One solving process and the thread that talks with it."""

    def __init__(self, process: Process | None = None) -> None:
        self.process = _begun() if process is None else process
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


def _begun() -> Process:
    return subprocess.Popen(
        [sys.executable, "-P", "-c", _START, json.dumps(sys.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        process_group=0,  # the terminal's Ctrl-C is for the parent alone
    )


def _close(stream: IO[bytes]) -> None:
    with suppress(BrokenPipeError):  # what was still to be written has no reader
        stream.close()


type _Group = tuple[int, ...]
"""Numbers of tasks that one process solves in turns."""


class _Queue:
    """Groups of tasks not begun.

    Small tasks go first and one by one, which spreads them evenly; the others are dealt
    out, as many groups as there are processes, so that under a time limit each gets its
    turns and none starves behind one that never ends.
    """

    def __init__(self, sizes: Sequence[int], workers: int) -> None:
        small = [n for n, size in enumerate(sizes) if size <= QUICK_TASK]
        large = [n for n, size in enumerate(sizes) if size > QUICK_TASK]
        hands: list[list[int]] = [[] for _ in range(min(workers, len(large)))]
        for number in large:  # largest first, each to the hand that holds least
            least = min(hands, key=lambda hand: sum(sizes[n] ** 2 for n in hand))
            least.append(number)
        self._groups = deque([*((n,) for n in small), *map(tuple, hands)])
        self._lock = threading.Lock()

    def take(self) -> _Group | None:
        """Take a group, or None when all are begun or dropped."""
        with self._lock:
            return self._groups.popleft() if self._groups else None

    def put_back(self, group: _Group) -> None:
        """Return a group whose process ended."""
        with self._lock:
            self._groups.append(group)

    def left(self) -> int:
        """Return how many groups are not begun."""
        return len(self._groups)

    def drop(self) -> None:
        """Forget the groups not begun."""
        with self._lock:
            self._groups.clear()


class _Lost:
    """A process ended: with the group it had, or None when there was no more to do."""

    def __init__(self, child: _Child, group: _Group | None) -> None:
        self.child = child
        self.group = group


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
        self._queue = _Queue([], 1)
        self._messages: SimpleQueue[Message | _Lost] = SimpleQueue()
        self._best: dict[int, Selection] = {}
        self._children: list[_Child] = []
        self._tried: set[_Group] = set()
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
        self._queue = _Queue(sizes_of(self._tasks), workers)
        for child in ready[workers:]:
            child.end()
        for place in range(workers):
            self._begin(ready[place] if place < len(ready) else _Child())
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
        hurry = _Hurry(self._halt)
        for number in reversed(range(len(self._tasks))):  # the small ones first
            if number not in self._best:
                good = hurry.goes_on()
                self._best[number] = plan_of_task(self._tasks, number, good=good)
        return [self._best[number] for number in range(len(self._tasks))]

    def _begin(self, child: _Child) -> None:
        child.thread = threading.Thread(
            target=self._drive, args=(child,), daemon=True, name="driver"
        )
        self._children.append(child)
        child.thread.start()

    def _drive(self, child: _Child) -> None:
        """Give a process group after group and pass on what it says; in its thread."""
        from app.engine.wire import Found, Work, receive, send

        stdin, stdout = child.process.stdin, child.process.stdout
        assert stdin is not None
        assert stdout is not None
        group: _Group | None = None
        # A process that ends before it takes its work is told of below, as any other.
        with suppress(BrokenPipeError):
            while (group := self._queue.take()) is not None:
                # One at a time: a batch's candidate lists may be larger than memory.
                sent = 0
                while sent < len(group) and not self._halt.stop():
                    send(stdin, self._tasks[group[sent]])
                    sent += 1
                send(stdin, Work(group[:sent], self._gap, self._halt.remaining()))
                while isinstance(message := receive(stdout), Found):
                    self._messages.put(message)
                if message is None:
                    break
                self._messages.put(message)
        self._messages.put(_Lost(child, group))

    def _hear(self, seconds: float) -> None:
        """Take note of one message, waiting for it at most so long."""
        from app.engine.wire import Failed, Found

        try:
            message = self._messages.get(timeout=seconds)
        except Empty:
            return
        if isinstance(message, _Lost):
            self._lost(message)
        elif isinstance(message, Found):
            self._note(message.number, message.selection)
        elif isinstance(message, Failed) and message.error is not None:
            self._error = message.error
        elif isinstance(message, Failed):
            self._warn(f"A part could not be solved to the end: {message.text}")

    def _note(self, number: int, selection: "Selection") -> None:
        """Keep the cheapest plan and the greatest bound."""
        known = self._best.get(number)
        if known is not None and known.cost < selection.cost:  # begun again elsewhere
            proof = max(known, selection, key=lambda one: one.bound)
            selection = replace(known, bound=proof.bound, certificate=proof.certificate)
        self._best[number] = selection
        self._report(number, selection)

    def _lost(self, lost: _Lost) -> None:
        self._children.remove(lost.child)
        lost.child.end()
        if lost.group is None or self._halt.stop():
            return
        open_ = tuple(n for n in lost.group if not self._closed(n))
        again = bool(open_) and open_ not in self._tried
        self._warn(
            f"A solving process ended (exit status {lost.child.process.returncode}); "
            + ("its work is begun again." if again else "its best plan so far is used.")
        )
        if again:
            self._tried.add(open_)
            self._queue.put_back(open_)
        if self._queue.left():
            self._begin(_Child())

    def _closed(self, number: int) -> bool:
        best = self._best.get(number)
        return best is not None and best.cost - best.bound <= self._gap * best.cost

    def _wind_up(self) -> None:
        """Ask processes that still work to stop, and hear their last words."""
        self._queue.drop()
        for child in self._children:
            child.process.terminate()
        patience = time.monotonic() + STOP_SECONDS
        while self._children and (left := patience - time.monotonic()) > 0:
            self._hear(left)

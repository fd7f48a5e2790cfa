"""Solving on a Dask cluster: many machines, or processes it starts on this one."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Final

from app.engine.cluster_bundles import better, closed
from app.engine.halt import Halt
from app.engine.local import (
    HURRY_SECONDS,
    REQUESTS_A_PROCESS,
    SMALL_TASK,
    SMALL_WORK,
    LocalEngine,
)
from app.errors import ClusterFailed
from optimizer.errors import OptimizerError
from optimizer.propose import TaskReport, plan_of_task
from optimizer.tasks import sizes_of, some_of

if TYPE_CHECKING:
    from app.engine.cluster_link import Link
    from app.engine.cluster_run import ClusterRun, Message
    from optimizer.instance import Instance
    from optimizer.selection.outcome import Selection

STOP_SECONDS: Final = 1.0
"""How long workers that were told to stop may take to tell the best they have."""

PATIENCE_SECONDS: Final = 10.0
"""How long a cluster may be without workers, or its scheduler silent: a worker process
that died is started again well within."""

_TICK: Final = 0.1


class DaskEngine:
    """Solves tasks on a Dask cluster; the answer is the one of the local engine.

    Parameters
    ----------
    scheduler
        Address of a scheduler; None to start processes on this machine.
    workers
        Processes to start without a scheduler, and when the cluster is lost.
    halt
        When to stop. Plans found by then are returned with their valid bounds.
    warn
        Told in a sentence when the cluster, or a part of the work, was lost.
    tick
        Called several times a second while solving.
    patience
        Seconds without an answer, or without workers, after which what is left is
        solved on this machine.
    """

    def __init__(
        self,
        scheduler: str | None,
        workers: int,
        halt: Halt,
        *,
        warn: Callable[[str], None] = lambda _: None,
        tick: Callable[[], None] = lambda: None,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self._scheduler = scheduler
        self._workers = workers
        self._halt = halt
        self._warn = warn
        self._tick = tick
        self._patience = patience
        self._local = LocalEngine(workers, halt, warn=warn, tick=tick)
        self._link: Link | None = None

    def open(self) -> None:
        """Connect to the scheduler, if one was named.

        Raises
        ------
        ClusterFailed
            When it does not answer, has no workers or runs another version.
        """
        if self._scheduler is not None:
            self._link = self._new_link(self._workers)
            try:
                self._wait(self._link)
            except BaseException:
                self.close()
                raise

    def prepare(self, requests: int) -> None:
        """Start a cluster early when that many requests will need it."""
        if self._link is None and requests > SMALL_WORK:
            self._link = self._new_link(-(-requests // REQUESTS_A_PROCESS))

    def close(self) -> None:
        """Leave the cluster; end the processes that were started for it."""
        if self._link is not None:
            self._link.close()
            self._link = None
        self._local.close()

    def __call__(
        self, tasks: "Sequence[Instance]", *, gap: float, report: TaskReport
    ) -> "Sequence[Selection]":
        """Solve the tasks, each until its gap is reached."""
        sizes = sizes_of(tasks)
        if max(sizes) <= SMALL_TASK and sum(sizes) <= SMALL_WORK:
            return self._local(tasks, gap=gap, report=report)
        if self._link is None:
            self._link = self._new_link(-(-sum(sizes) // REQUESTS_A_PROCESS))
        try:
            self._wait(self._link)
        except ClusterFailed as failed:
            self._warn(f"{failed} Everything is solved without it.")
            return self._local(tasks, gap=gap, report=report)
        call = _Call(tasks, gap, report, self._halt, self._warn)
        call.solve(self._link, self._tick, self._patience)
        return call.selections(self._local)

    def _new_link(self, processes: int) -> "Link":
        from app.engine.cluster_link import Link

        return Link(self._scheduler, min(self._workers, processes), self._warn)

    def _wait(self, link: "Link") -> None:
        """Wait until connected, or told to stop."""
        while not self._halt.stop():
            with suppress(TimeoutError):
                link.client(_TICK)
                return
            self._tick()


class _Call:
    """One call of the engine: tasks, the best known of each, and what is done."""

    def __init__(
        self,
        tasks: "Sequence[Instance]",
        gap: float,
        report: TaskReport,
        halt: Halt,
        warn: Callable[[str], None],
    ) -> None:
        self._tasks = tasks
        self._gap = gap
        self._report = report
        self._halt = halt
        self._warn = warn
        self._messages: SimpleQueue[Message] = SimpleQueue()
        self._best: dict[int, Selection] = {}
        self._done: set[int] = set()
        self._over = False
        self._gone: str | None = None
        self._error: OptimizerError | None = None

    def solve(self, link: "Link", tick: Callable[[], None], patience: float) -> None:
        """Solve all tasks, or what can be solved until told to stop."""
        if self._halt.stop():
            return
        run = self._run(link, patience)
        talk = link.start(run.solve())
        while not self._over and not self._halt.stop() and self._error is None:
            if talk.done() and self._messages.empty():  # its last word will never come
                self._over, self._gone = True, "The Dask engine broke off"
            self._hear(_TICK)
            tick()
        self._wind_up(link, run)

    def selections(self, local: LocalEngine) -> "Sequence[Selection]":
        """Return a selection for every task, with the local engine's help if need be.

        Raises
        ------
        OptimizerError
            What a task raised on purpose.
        """
        if self._error is not None:
            raise self._error
        if self._gone is not None and not self._halt.stop():
            self._finish_here(local)
        hurry = time.monotonic() + HURRY_SECONDS
        for number in reversed(range(len(self._tasks))):  # the small ones first
            if number not in self._best:
                good = time.monotonic() < hurry
                self._best[number] = plan_of_task(self._tasks, number, good=good)
        return [self._best[number] for number in range(len(self._tasks))]

    def _run(self, link: "Link", patience: float) -> "ClusterRun":
        from app.engine.cluster_run import ClusterRun

        return ClusterRun(
            link.client(_TICK),
            self._tasks,
            gap=self._gap,
            remaining=self._halt.remaining,
            patience=patience,
            tell=self._messages.put,
        )

    def _hear(self, seconds: float) -> None:
        """Take note of one message, waiting for it at most so long."""
        from app.engine.cluster_run import Failed, Found, Given, Over

        try:
            message = self._messages.get(timeout=seconds)
        except Empty:
            return
        if isinstance(message, Found):
            self._note(message.number, message.selection)
            if message.last:
                self._done.add(message.number)
        elif isinstance(message, Given):
            self._done.update(message.numbers)
            self._warn(f"{message.text}. Its best plan so far is used.")
        elif isinstance(message, Failed):
            self._error = message.error
        elif isinstance(message, Over):
            self._over = True
            self._gone = message.gone

    def _note(self, number: int, found: "Selection") -> None:
        """Keep the cheapest plan and the greatest bound."""
        self._best[number] = better(self._best.get(number), found)
        self._report(number, self._best[number])

    def _wind_up(self, link: "Link", run: "ClusterRun") -> None:
        """Tell workers to stop, and hear their last words."""
        if not self._over:
            link.start(run.stop())
        patience = time.monotonic() + STOP_SECONDS
        while not self._over and (left := patience - time.monotonic()) > 0:
            self._hear(left)

    def _finish_here(self, local: LocalEngine) -> None:
        """Solve on this machine what the cluster left undone."""
        left = [
            number
            for number in range(len(self._tasks))
            if number not in self._done
            and not closed(self._best.get(number), self._gap)
        ]
        self._warn(f"{self._gone}. What is left is solved on this machine.")
        if left:
            found = local(
                some_of(self._tasks, left),
                gap=self._gap,
                report=lambda place, selection: self._note(left[place], selection),
            )
            for number, selection in zip(left, found, strict=True):
                self._note(number, selection)

"""A solving process: takes tasks from standard input, streams plans to the parent."""

import os
import signal
import sys
import threading
import time
from queue import SimpleQueue
from typing import BinaryIO

from app.engine.wire import Failed, Found, Task, receive, send
from optimizer.errors import OptimizerError
from optimizer.selection.solver import Selection, solve


def main() -> None:
    """Solve task after task until the parent closes the pipe, or is gone.

    SIGTERM stops the task at hand and every later one: each still gets a plan. SIGINT
    is the parent's business.
    """
    stopped = threading.Event()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    # What a library prints must not get between the messages.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    tasks: SimpleQueue[Task] = SimpleQueue()
    reader = threading.Thread(
        target=_read, args=(sys.stdin.buffer, tasks), daemon=True, name="reader"
    )
    reader.start()
    while True:
        _work(tasks.get(), answers, stopped)


def _read(stream: BinaryIO, tasks: "SimpleQueue[Task]") -> None:
    """Queue tasks; end the process, whatever it does, when the parent is gone."""
    while (task := receive(stream)) is not None:
        tasks.put(task)
    os._exit(0)


def _work(task: Task, answers: BinaryIO, stopped: threading.Event) -> None:
    deadline = None if task.seconds is None else time.monotonic() + task.seconds

    def remaining() -> float | None:
        return None if deadline is None else max(0.0, deadline - time.monotonic())

    def stop() -> bool:
        return stopped.is_set() or remaining() == 0.0

    def report(selection: Selection) -> None:
        send(answers, Found(number=task.number, selection=selection, done=False))

    try:
        selection = solve(
            task.instance, gap=task.gap, stop=stop, report=report, remaining=remaining
        )
        send(answers, Found(number=task.number, selection=selection, done=True))
    except OptimizerError as error:
        send(answers, Failed(number=task.number, error=error, text=str(error)))
    except RuntimeError as error:  # a solver that found no optimum where there is one
        send(answers, Failed(number=task.number, error=None, text=str(error)))

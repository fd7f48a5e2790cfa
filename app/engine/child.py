"""A solving process: takes work from standard input, streams plans to the parent."""

import os
import signal
import sys
import threading
import time
from queue import SimpleQueue
from typing import BinaryIO

from app.engine.wire import Done, Failed, Found, Work, receive, send
from optimizer.errors import OptimizerError
from optimizer.instance import Instance
from optimizer.selection.outcome import Selection
from optimizer.selection.schedule import solve_all


def main() -> None:
    """Do work after work until the parent closes the pipe, or is gone.

    SIGTERM stops the work at hand and all later: each instance still gets a plan.
    SIGINT is the parent's business.
    """
    stopped = threading.Event()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    # What a library prints must not get between the messages.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    works: SimpleQueue[tuple[Work, list[Instance]]] = SimpleQueue()
    reader = threading.Thread(
        target=_read, args=(sys.stdin.buffer, works), daemon=True, name="reader"
    )
    reader.start()
    while True:
        work, instances = works.get()
        _work(work, instances, answers, stopped)


def _read(stream: BinaryIO, works: "SimpleQueue[tuple[Work, list[Instance]]]") -> None:
    """Queue work; end the process, whatever it does, when the parent is gone."""
    instances: list[Instance] = []
    while (message := receive(stream)) is not None:
        if isinstance(message, Work):
            works.put((message, instances))
            instances = []
        else:
            instances.append(message)
    os._exit(0)


def _work(
    work: Work,
    instances: list[Instance],
    answers: BinaryIO,
    stopped: threading.Event,
) -> None:
    deadline = None if work.seconds is None else time.monotonic() + work.seconds

    def remaining() -> float | None:
        return None if deadline is None else max(0.0, deadline - time.monotonic())

    def stop() -> bool:
        return stopped.is_set() or remaining() == 0.0

    def report(place: int, selection: Selection) -> None:
        send(answers, Found(number=work.numbers[place], selection=selection))

    try:
        selections = solve_all(
            instances, gap=work.gap, stop=stop, remaining=remaining, report=report
        )
        for place, selection in enumerate(selections):
            report(place, selection)
        send(answers, Done())
    except OptimizerError as error:
        send(answers, Failed(error=error, text=str(error)))
    except RuntimeError as error:  # a solver that found no optimum where there is one
        send(answers, Failed(error=None, text=str(error)))

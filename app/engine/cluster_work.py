"""What runs on a worker of a Dask cluster: a bundle of tasks, watched and told of.

Both ends are one program of one version, and whoever may speak with a Dask scheduler
may run anything on its workers anyway, so pickles are no further risk here.
"""

import hashlib
import pickle
import platform
import threading
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import TYPE_CHECKING, Any, Final

from optimizer.errors import OptimizerError

if TYPE_CHECKING:
    from distributed import Worker

    from optimizer.instance import Instance
    from optimizer.selection.outcome import Selection

TOPIC: Final = "allybin"
"""Topic of what workers tell. One for all runs: the scheduler keeps the last thousand
messages of every topic for ever, so a topic a run would fill it."""

TELL_SECONDS: Final = 0.5
"""Seconds between two messages of a bundle, at least."""

TELL_RATE: Final = 200_000
"""Bytes a second that the messages of a bundle may come to."""

_PACKAGES: Final = ("allybin", "distributed", "numpy", "numba", "pulp", "highspy")

_one_at_a_time = threading.Lock()
"""Solvers in two threads of a process would only take turns, and share its state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A bundle to solve: ``run`` and ``bundle`` name it, ``seconds`` limits it.

    The seconds count from when work on it begins; clocks of machines differ.
    """

    run: str
    bundle: int
    instances: "tuple[Instance, ...]"
    gap: float
    seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a bundle ended: with selections, or an error the core raises on purpose."""

    selections: "tuple[Selection, ...]" = ()
    error: OptimizerError | None = None
    text: str = ""


@cache
def versions() -> dict[str, str]:
    """Return what must be equal here and on workers for equal results."""
    found = {name: version(name) for name in _PACKAGES}
    python = ".".join(platform.python_version_tuple()[:2])
    return {"python": python, **found, "allybin code": _code()}


def _code() -> str:
    """Return a short hash of the code that solves: versions do not tell edits."""
    digest = hashlib.sha256()
    here = files("app.engine").joinpath("cluster_work.py")
    for source in (here, *_sources(files("optimizer"))):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:12]


def _sources(folder: Traversable) -> list[Traversable]:
    found: list[Traversable] = []
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            found += _sources(entry)
        elif entry.name.endswith(".py"):
            found.append(entry)
    return found


def pack(value: Any) -> bytes:
    """Return a value as bytes that the scheduler passes on unread."""
    return zlib.compress(pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL), 1)


def unpack(packed: bytes) -> Any:
    """Return what was packed."""
    return pickle.loads(zlib.decompress(packed))


def solve_bundle(packed: bytes) -> bytes:
    """Solve a packed order; return its packed outcome. Runs in a worker's thread."""
    from distributed import get_worker

    worker = get_worker()
    abandoned = _abandonment(worker)
    with _one_at_a_time:
        order: Order = unpack(packed)
        voice = _Voice(worker, order)
        voice.begin()
        outcome = _solve(order, abandoned, voice)
        voice.end()
    return pack(outcome)


def _abandonment(worker: "Worker") -> Callable[[], bool]:
    """Return what tells whether nobody waits for the task at hand any more.

    A task that was cancelled, by whoever asked for it or because they are gone, is
    known to its worker as such, and so is the worker's own end.
    """
    from distributed.core import Status

    key = worker.get_current_task()

    def abandoned() -> bool:
        known = worker.state.tasks.get(key)
        wanted = known is not None and known.state in ("executing", "long-running")
        return not wanted or worker.status not in (Status.running, Status.paused)

    return abandoned


def _solve(order: Order, abandoned: Callable[[], bool], voice: "_Voice") -> Outcome:
    from optimizer.selection.schedule import solve_all

    deadline = None if order.seconds is None else time.monotonic() + order.seconds

    def remaining() -> float | None:
        return None if deadline is None else max(0.0, deadline - time.monotonic())

    def stop() -> bool:
        return remaining() == 0.0 or abandoned()

    try:
        selections = solve_all(
            order.instances,
            gap=order.gap,
            stop=stop,
            remaining=remaining,
            report=voice.note,
        )
    except OptimizerError as error:
        return Outcome(error=error)
    except RuntimeError as error:  # a solver that found no optimum where there is one
        return Outcome(text=str(error))
    for place, selection in enumerate(selections):
        voice.note(place, selection)
    return Outcome(selections=selections)


class _Voice:
    """Tells whoever asked of better plans and bounds, not too often."""

    def __init__(self, worker: "Worker", order: Order) -> None:
        self._worker = worker
        self._order = order
        self._said: dict[int, tuple[int, int]] = {}
        self._unsaid: dict[int, Selection] = {}
        self._due = time.monotonic()

    def begin(self) -> None:
        """Tell that work begins."""
        self._send("begun", b"")

    def note(self, place: int, selection: "Selection") -> None:
        """Take note of a plan and a bound; tell of what is new when it is time."""
        figures = selection.cost, selection.bound
        if self._said.get(place) == figures:
            return
        self._said[place] = figures
        self._unsaid[place] = selection
        if time.monotonic() >= self._due:
            self._tell()

    def end(self) -> None:
        """Tell what is left to tell, and that the work is over."""
        self._tell()
        self._send("ended", b"")

    def _tell(self) -> None:
        if self._unsaid:
            packed = pack(tuple(self._unsaid.items()))
            self._unsaid.clear()
            self._due = time.monotonic() + max(TELL_SECONDS, len(packed) / TELL_RATE)
            self._send("found", packed)

    def _send(self, what: str, packed: bytes) -> None:
        self._worker.log_event(
            TOPIC,
            {
                "run": self._order.run,
                "bundle": self._order.bundle,
                "what": what,
                "packed": packed,
            },
        )

"""One call on a Dask cluster: bundles sent in bounded numbers, taken in as they end."""

import asyncio
import time
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from distributed import Client, Future, KilledWorker
from distributed.client import FutureCancelledError

from app.engine.cluster_bundles import Bundle, bundle_of, bundles, closed, share
from app.engine.cluster_work import TOPIC, Order, Outcome, pack, solve_bundle, unpack
from optimizer.errors import OptimizerError
from optimizer.tasks import sizes_of

if TYPE_CHECKING:
    from optimizer.instance import Instance
    from optimizer.selection.outcome import Selection

IN_FLIGHT: Final = 4
"""Bundles sent and not ended, for each worker: the scheduler never holds a batch."""

TRIES: Final = 3
"""How often a bundle is sent that the cluster gives back undone."""

PULSE_SECONDS: Final = 1.0
"""How often the scheduler is asked for its workers."""

ANSWER_SECONDS: Final = 5.0
"""How long it may take to answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A plan and bound for a task; ``last`` when its worker is done with it."""

    number: int
    selection: "Selection"
    last: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """Tasks that the cluster could not solve to the end, and why, in a sentence."""

    numbers: tuple[int, ...]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """An error that a task raised on purpose."""

    error: OptimizerError


@dataclass(frozen=True, slots=True, kw_only=True)
class Over:
    """Nothing more will come; ``gone`` says in a sentence if the cluster is lost."""

    gone: str | None


type Message = Found | Given | Failed | Over


@dataclass(slots=True, kw_only=True)
class _Flight:
    """A bundle on its way: what stands for it, its seconds, and when work began.

    ``early`` is set when it was sent before smaller ones.
    """

    bundle: Bundle
    future: Future[Any]
    seconds: float | None
    tries: int
    early: bool
    begun: float | None = None

    def promised(self) -> float:
        """Return the seconds it may still take."""
        if self.seconds is None:
            return 0.0
        spent = 0.0 if self.begun is None else time.monotonic() - self.begun
        return max(0.0, self.seconds - spent)


class ClusterRun:
    """Sends the bundles of one call and tells what comes back; lives in the loop.

    Parameters
    ----------
    remaining
        Seconds left in all, None without a limit.
    patience
        Seconds without an answer, or without workers, after which a cluster is gone.
    tell
        Receives messages, the last of them ``Over``.
    """

    def __init__(
        self,
        client: Client,
        tasks: "Sequence[Instance]",
        *,
        gap: float,
        remaining: Callable[[], float | None],
        patience: float,
        tell: Callable[[Message], None],
    ) -> None:
        self._client = client
        self._tasks = tasks
        self._sizes = sizes_of(tasks)
        self._waiting = deque((bundle, 1) for bundle in bundles(self._sizes))
        self._gap = gap
        self._remaining = remaining
        self._patience = patience
        self._tell = tell
        self._name = uuid.uuid4().hex
        self._sent = 0
        self._flights: dict[int, _Flight] = {}
        self._fetching: dict[asyncio.Task[Any], int] = {}
        self._at_work: dict[int, tuple[int, ...]] = {}
        self._unfinished: list[Bundle] = []
        self._workers = 1
        self._subscribed = False
        self._stopping = False

    async def solve(self) -> None:
        """Work until all bundles are done, the cluster is gone, or told to stop."""
        gone: str | None = "The conversation with the Dask scheduler broke off"
        pulse = asyncio.create_task(self._watch())
        try:
            gone = await self._pump(pulse)
        finally:
            self._tell(Over(gone=gone))
            pulse.cancel()
            for task in self._fetching:
                task.cancel()
            if self._client.status == "running":
                self._client.unsubscribe_topic(TOPIC)

    async def stop(self) -> None:
        """Take back all bundles; those at work tell the best they have, and end."""
        self._stopping = True
        self._waiting.clear()
        self._unfinished.clear()
        futures = [flight.future for flight in self._flights.values()]
        if futures and self._client.status == "running":
            await self._client.cancel(futures, force=True)

    # -- sending and taking in -----------------------------------------------------

    async def _pump(self, pulse: "asyncio.Task[str]") -> str | None:
        self._subscribe()
        while self._fetching or self._waiting or (self._stopping and self._at_work):
            if self._client.status == "running":
                self._subscribe()
                await self._send_more()
            ended, _ = await asyncio.wait(
                {pulse, *self._fetching},
                timeout=PULSE_SECONDS / 10,
                return_when=asyncio.FIRST_COMPLETED,
            )
            for task in ended - {pulse}:
                number = self._fetching.pop(task)
                self._settle(number, self._flights.pop(number), task.result())
            if pulse in ended:
                return pulse.result()
        return None

    def _subscribe(self) -> None:
        if not self._subscribed:
            self._client.subscribe_topic(TOPIC, self._hear)
            self._subscribed = True

    async def _send_more(self) -> None:
        """Send what waits; to idle workers also what was not finished in its time.

        Half of the workers begin with the largest bundles, lest these be the last to
        end; the others with the smallest, so that no large one that overruns its time
        starves the many that need little.
        """
        while self._waiting and len(self._flights) < IN_FLIGHT * self._workers:
            waiting = sum(bundle.work for bundle, _ in self._waiting)
            large = sum(flight.early for flight in self._flights.values())
            early = large < self._workers // 2
            bundle, tries = self._waiting.pop() if early else self._waiting.popleft()
            seconds = self._share(bundle, waiting)
            await self._send(bundle, seconds, tries, early=early)
        while self._unfinished and len(self._flights) < self._workers:
            waiting = sum(bundle.work for bundle in self._unfinished)
            bundle = self._unfinished.pop()
            seconds = self._share(bundle, waiting)
            # It starts afresh, so less than twice the time would find little more.
            if seconds is not None and seconds >= 2 * bundle.had:
                await self._send(bundle, seconds, 1)

    def _share(self, bundle: Bundle, waiting: int) -> float | None:
        return share(
            bundle,
            waiting=waiting,
            workers=self._workers,
            promised=sum(flight.promised() for flight in self._flights.values()),
            remaining=self._remaining(),
        )

    async def _send(
        self, bundle: Bundle, seconds: float | None, tries: int, *, early: bool = False
    ) -> None:
        number = self._sent
        self._sent += 1
        packed = await asyncio.to_thread(self._pack, number, bundle, seconds)
        if self._stopping:
            return
        future = self._client.submit(
            solve_bundle,
            packed,
            key=f"allybin-{self._name}-{number}",
            pure=False,
            priority=int(early),
        )
        self._flights[number] = _Flight(
            bundle=bundle, future=future, seconds=seconds, tries=tries, early=early
        )
        self._fetching[asyncio.create_task(_fetch(future))] = number

    def _pack(self, number: int, bundle: Bundle, seconds: float | None) -> bytes:
        """Build the tasks of a bundle, which may take a while, and pack them."""
        return pack(
            Order(
                run=self._name,
                bundle=number,
                instances=tuple(self._tasks[n] for n in bundle.numbers),
                gap=self._gap,
                seconds=seconds,
            )
        )

    def _settle(
        self, number: int, flight: _Flight, result: Outcome | BaseException
    ) -> None:
        """Take in how a bundle ended."""
        numbers = flight.bundle.numbers
        if isinstance(result, FutureCancelledError):
            self._returned(flight)
            return
        self._at_work.pop(number, None)
        if isinstance(result, KilledWorker):
            self._give(numbers, "it ended every worker that took it")
        elif isinstance(result, BaseException):
            self._give(numbers, f"{type(result).__name__}: {result}")
        elif result.error is not None:
            self._tell(Failed(error=result.error))
        elif result.text:
            self._give(numbers, result.text)
        else:
            self._take(flight, result.selections)

    def _returned(self, flight: _Flight) -> None:
        """Send again what was cancelled by others, or with the connection."""
        self._subscribed = self._subscribed and self._client.status == "running"
        if self._stopping:
            return
        if self._client.status == "running" and flight.tries == TRIES:
            self._give(flight.bundle.numbers, "the cluster cancelled it")
        else:
            self._waiting.appendleft((flight.bundle, flight.tries + 1))

    def _give(self, numbers: tuple[int, ...], reason: str) -> None:
        self._tell(
            Given(
                numbers=numbers, text=f"A part could not be solved to the end: {reason}"
            )
        )

    def _take(self, flight: _Flight, selections: "Sequence[Selection]") -> None:
        numbers = flight.bundle.numbers
        for task, selection in zip(numbers, selections, strict=True):
            self._tell(Found(number=task, selection=selection, last=True))
        rest = [
            task
            for task, selection in zip(numbers, selections, strict=True)
            if not closed(selection, self._gap)
        ]
        if rest and flight.seconds is not None and not self._stopping:
            self._unfinished.append(bundle_of(self._sizes, rest, flight.seconds))
            self._unfinished.sort(key=lambda bundle: (bundle.work, bundle.numbers))

    # -- what workers tell -----------------------------------------------------------

    def _hear(self, event: tuple[float, Any]) -> None:
        """Pass on what a worker tells of a bundle of this run."""
        _, said = event
        if said["run"] != self._name:
            return
        number = said["bundle"]
        flight = self._flights.get(number)
        if said["what"] == "begun" and flight is not None:
            flight.begun = time.monotonic()
            self._at_work[number] = flight.bundle.numbers
        elif said["what"] == "ended":
            self._at_work.pop(number, None)
        elif said["what"] == "found" and number in self._at_work:
            for place, selection in unpack(said["packed"]):
                task = self._at_work[number][place]
                self._tell(Found(number=task, selection=selection))

    # -- whether anyone is there -----------------------------------------------------

    async def _watch(self) -> str:
        """Count the workers; return a sentence when there is nobody any more."""
        heard = staffed = time.monotonic()
        while self._client.status != "closed":
            workers = await self._ask_for_workers()
            now = time.monotonic()
            heard = heard if workers is None else now
            staffed = now if workers else staffed
            self._workers = workers or self._workers
            if now - heard > self._patience:
                return "The Dask scheduler does not answer any more"
            if now - staffed > self._patience:
                return "The Dask cluster has no workers any more"
            await asyncio.sleep(PULSE_SECONDS)
        return "The connection to the Dask scheduler was lost"

    async def _ask_for_workers(self) -> int | None:
        """Return how many workers there are, None without an answer."""
        if self._client.status != "running":
            return None
        try:
            threads = await asyncio.wait_for(self._client.nthreads(), ANSWER_SECONDS)
        except OSError:  # a time-out is one too
            return None
        return len(threads)


async def _fetch(future: "Future[Any]") -> Outcome | BaseException:
    """Wait for a bundle and return its outcome, or what became of it instead."""
    try:
        outcome: Outcome = unpack(await future)
    except (FutureCancelledError, KilledWorker) as lost:
        return lost
    except Exception as error:  # of any worker: told in a sentence
        return error
    return outcome

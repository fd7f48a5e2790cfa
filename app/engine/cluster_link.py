"""The thread that speaks with a Dask cluster, from the first word to the last."""

import asyncio
import logging
import multiprocessing
import os
import signal
import threading
import uuid
import warnings
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from multiprocessing import resource_tracker
from typing import Any, Final

import dask
from distributed import Client, LocalCluster
from distributed.versions import VersionMismatchWarning

from app.engine.cluster_work import versions
from app.errors import ClusterFailed

CONNECT_SECONDS: Final = 5.0
"""How long connecting may take, and waiting for a first worker."""

PULSE_SECONDS: Final = 1.0
"""How often the thread looks whether it is over."""

CLOSE_SECONDS: Final = 1.0
"""How long a part of the farewell may take before it is left unsaid."""


class Link:
    """A connection to a scheduler, or to a cluster of processes it starts itself.

    Parameters
    ----------
    address
        Of a scheduler; None for a cluster of its own on this machine.
    workers
        Processes of a cluster of its own.
    warn
        Told in a sentence what makes the cluster slower than it could be.
    """

    def __init__(
        self, address: str | None, workers: int, warn: Callable[[str], None]
    ) -> None:
        self._address = address
        self._number = workers
        self._warn = warn
        self._ready: Future[Client] = Future()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._talk: asyncio.Task[Any] | None = None
        self._over = False
        self._thread = threading.Thread(target=self._live, daemon=True, name="dask")
        # Before the thread masks signals: starting it later would unmask them there.
        resource_tracker.ensure_running()
        self._thread.start()

    def client(self, seconds: float) -> Client:
        """Return the client once connected, waiting so long; TimeoutError after.

        Raises ``ClusterFailed`` when there is nothing to connect to.
        """
        return self._ready.result(timeout=seconds)

    def start(self, work: Coroutine[Any, Any, None]) -> Future[None]:
        """Let the thread do something beside what it does."""
        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def close(self) -> None:
        """End the connection and all processes started for it, within seconds."""
        self._over = True
        if self._loop is not None and self._talk is not None:
            with suppress(RuntimeError):  # the loop has ended by itself
                self._loop.call_soon_threadsafe(self._talk.cancel)
        self._thread.join(4 * CLOSE_SECONDS)
        _end_workers()

    def _live(self) -> None:
        # Processes inherit the mask: Ctrl-C in a terminal is for the parent alone.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        _keep_quiet()
        try:
            asyncio.run(self._converse())
        except BaseException as error:  # handed to whoever waits
            if not self._ready.done():
                self._ready.set_exception(error)

    async def _converse(self) -> None:
        self._loop, self._talk = asyncio.get_running_loop(), asyncio.current_task()
        cluster: LocalCluster | None = None
        client: Client | None = None
        try:
            if self._address is None and not self._over:
                cluster = await self._own_cluster()
            client = _Caller(  # type: ignore[no-untyped-call]
                self._address or cluster,
                asynchronous=True,
                timeout=CONNECT_SECONDS,
                set_as_default=False,
                name="allybin",
            )
            await self._connect(client)
            await self._examine(client)
            self._ready.set_result(client)
            while not self._over:  # until it is cancelled
                await asyncio.sleep(PULSE_SECONDS)
        finally:
            if client is not None:
                await _farewell(client)
            if cluster is not None:
                _kill_workers(cluster)
                await _farewell(cluster)

    async def _own_cluster(self) -> LocalCluster:
        try:
            return await LocalCluster(
                n_workers=self._number,
                threads_per_worker=1,
                processes=True,
                host="127.0.0.1",
                dashboard_address=None,
                scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},  # its health
                memory_limit=0,  # as with the local engine, the machine is the limit
                silence_logs=logging.CRITICAL,
                asynchronous=True,
            )
        except (OSError, RuntimeError) as error:
            raise ClusterFailed(
                f"A Dask cluster could not be started here: {error}."
            ) from error

    async def _connect(self, client: Client) -> None:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await client
        except TimeoutError:
            raise ClusterFailed(
                f"What answers at {self._address or '127.0.0.1'} does not speak as a "
                f"Dask scheduler within {CONNECT_SECONDS:g} s."
            ) from None
        except (OSError, ImportError, ValueError, TypeError, RuntimeError) as error:
            raise ClusterFailed(
                f"The Dask scheduler at {self._address} cannot be used: {error}."
            ) from error

    async def _examine(self, client: Client) -> None:
        """Refuse a cluster that has no workers, or runs anything else than this."""
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                while not (threads := await client.nthreads()):
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise ClusterFailed(
                f"The Dask scheduler at {self._address} has no workers: start some "
                f"with dask worker {self._address} --nthreads 1."
            ) from None
        if self._address is None:
            return
        crowded = [address for address, count in threads.items() if count > 1]
        if crowded:
            self._warn(
                f"Dask workers with several threads ({', '.join(crowded)}) solve one "
                "part at a time all the same: start them with --nthreads 1."
            )
        try:
            async with asyncio.timeout(2 * CONNECT_SECONDS):
                there = await client.run_on_scheduler(versions)
                _compare("scheduler", self._address, there)
                answers = await client.run(versions, on_error="return")
        except TimeoutError:
            return  # busy with another's work; a part that fails there says why
        except ImportError as error:
            raise _without_allybin("scheduler", self._address, error) from error
        for address, answer in sorted(answers.items()):
            if isinstance(answer, BaseException):
                raise _without_allybin("worker", address, answer) from answer
            _compare("worker", address, answer)


class _Caller(Client):
    """A client that comes back under another name after its connection broke.

    The scheduler goes on to send what workers tell to whoever listened by that name,
    also before its greeting: then a client of distributed 2026.8 gives up silently, on
    an assertion that the greeting comes alone.
    """

    async def _reconnect(self) -> None:
        self.id = f"{self.id.rpartition('+')[0] or self.id}+{uuid.uuid4().hex}"
        await super()._reconnect()


def _compare(role: str, address: str, there: dict[str, str]) -> None:
    here = versions()
    if there != here:
        differences = ", ".join(
            f"{name} {there.get(name, 'missing')} (here {here[name]})"
            for name in here
            if there.get(name) != here[name]
        )
        raise ClusterFailed(
            f"The Dask {role} at {address} runs {differences}: with other versions "
            "results would differ; install the same there and here."
        )


def _without_allybin(role: str, address: str, error: BaseException) -> ClusterFailed:
    return ClusterFailed(
        f"The Dask {role} at {address} cannot run allybin ({error}): install the same "
        "version there as here."
    )


async def _farewell(one: Client | LocalCluster) -> None:
    """Close a client or a cluster in an orderly way if that is quick."""
    try:
        with suppress(OSError, RuntimeError):
            closing: Any = one.close(timeout=CLOSE_SECONDS)
            await asyncio.wait_for(closing, CLOSE_SECONDS)
    finally:
        if isinstance(one, Client):  # or it would try again when it is collected
            one.status = "closed"


def _kill_workers(cluster: LocalCluster) -> None:
    """End the workers of a cluster, whatever they do: nobody waits for them."""
    for nanny in cluster.workers.values():
        nanny.close_gracefully(reason="allybin-done")  # or it would start another
        if nanny.pid is not None:
            with suppress(ProcessLookupError):
                os.kill(nanny.pid, signal.SIGKILL)


def _end_workers() -> None:
    """End worker processes of this process that the farewell left behind."""
    for process in multiprocessing.active_children():
        if process.name.startswith("Dask Worker process"):
            process.kill()
            process.join(CLOSE_SECONDS)


def _keep_quiet() -> None:
    """Let nothing of distributed reach standard error: what matters is said here."""
    for name in ("distributed", "tornado", "asyncio"):
        logger = logging.getLogger(name)
        logger.handlers = [logging.NullHandler()]
        logger.propagate = False
    for name in ("distributed.client", "distributed.gc", "tornado.application"):
        logging.getLogger(name).handlers = []
    warnings.filterwarnings("ignore", category=VersionMismatchWarning)
    # Bundles are as large as they are, and sent in bounded numbers.
    dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 TiB"})

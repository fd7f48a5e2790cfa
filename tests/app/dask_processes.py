"""A Dask scheduler and workers in processes of their own, to kill for real."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from distributed import Client

GUARD = 60.0
"""Seconds after which a test is taken to hang."""


class Cluster:
    """The processes of a cluster on loopback, and a client of its own to watch them."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.environment = {
            **os.environ,
            "PYTHONPATH": os.getcwd(),
            "DASK_TEMPORARY_DIRECTORY": str(folder),
            **environment,
        }
        self.processes: list[subprocess.Popen[bytes]] = []
        self.file = folder / "scheduler.json"
        self.scheduler = self.start(
            "scheduler",
            "--scheduler-file",
            str(self.file),
            "--no-dashboard",
            "--dashboard-address",
            "127.0.0.1:0",
        )
        until(self.file.exists)
        self.address: str = json.loads(self.file.read_text())["address"]

    def start(self, role: str, *arguments: str, **environment: str):
        """Start a part of the cluster; what it logs is in the folder."""
        with (self.folder / f"{role}-{len(self.processes)}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "dask", role, "--host", "127.0.0.1"]
                + ["--port", "0"] * (role == "scheduler")
                + [*arguments],
                env={**self.environment, **environment},
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.processes.append(process)
        return process

    def add_worker(self, **environment: str) -> None:
        """Start a worker that nobody starts again when it ends."""
        self.start(
            "worker", "--scheduler-file", str(self.file), "--nthreads", "1",
            "--no-nanny", "--no-dashboard", "--death-timeout", "30", **environment,
        )  # fmt: skip

    def end(self) -> None:
        """End every process, whatever it does."""
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.wait()


@contextmanager
def cluster(folder: Path, workers: int = 2, **environment: str) -> Iterator[Cluster]:
    """Yield a cluster that is gone afterwards."""
    folder.mkdir()
    found = Cluster(folder, **environment)
    try:
        for _ in range(workers):
            found.add_worker()
        with watching(found) as client:
            until(lambda: len(client.nthreads()) == workers)
        yield found
    finally:
        found.end()


@contextmanager
def watching(found: Cluster) -> Iterator[Client]:
    """Yield a client that looks on."""
    client = Client(found.address, set_as_default=False, timeout=GUARD)
    try:
        yield client
    finally:
        client.close(timeout=GUARD)


def until(there: Callable[[], object]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + GUARD
    while not there():
        assert time.monotonic() < deadline, "It never came to be so."
        time.sleep(0.02)


def freeze_a_worker_at_work(client: Client, pids: dict[str, int]) -> int:
    """Stop a worker process that has a task it cannot end any more; return its id."""
    while True:
        until(lambda: any(client.processing().values()))
        address = next(name for name, keys in client.processing().items() if keys)
        os.kill(pids[address], signal.SIGSTOP)
        time.sleep(0.2)  # what it has sent is there by then
        if client.processing()[address]:
            return pids[address]
        os.kill(pids[address], signal.SIGCONT)

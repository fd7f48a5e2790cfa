"""Where processes come from: one that has everything loaded and forks when asked.

A solver loads for more than a second and compiles for as long; a fork of a process that
has done both begins in a few hundredths. No solver ever runs in the nursery itself, it
has one thread, and when the service is gone, so is it, and all that it forked.
"""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from typing import Final

from app.jobs.processes import Caps, Forked

_START: Final = (
    "import sys, json; sys.path[:] = json.loads(sys.argv[1]); "
    "from app.jobs.forking import main; main(int(sys.argv[2]))"
)

LOADING_SECONDS: Final = 600.0
"""How long loading may take: the first time on a machine, the kernels are compiled."""

_FORK_SECONDS: Final = 30.0
_LEAVE_SECONDS: Final = 3.0
_LOADING: Final = "The solver is still being loaded; try again in a moment."


class NoProcess(Exception):
    """No process could be begun; the sentence says why."""


class Nursery:
    """The service's side: begins processes, and begins the nursery again if it dies."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._line: socket.socket | None = None
        self._loaded = False
        self._closed = False

    @property
    def loaded(self) -> bool:
        """Whether a process can be had at once."""
        return self._loaded

    def start(self) -> None:
        """Begin to load; processes asked for meanwhile wait until it is done."""
        with self._lock:
            self._ready()

    def begin(self, role: str, caps: Caps, seconds: float = LOADING_SECONDS) -> Forked:
        """Fork a process that plays a role of :mod:`app.jobs.roles`.

        Raises ``NoProcess`` when that cannot be done, tried twice, or not in time.
        """
        until = time.monotonic() + seconds
        if not self._lock.acquire(timeout=seconds):
            raise NoProcess(_LOADING)
        try:
            for attempt in (1, 2):
                try:
                    return self._fork(role, caps, until)
                except OSError as error:
                    self._leave()
                    if attempt == 2:
                        raise NoProcess(
                            f"No process could be begun ({type(error).__name__})."
                        ) from error
        finally:
            self._lock.release()
        raise AssertionError  # the second attempt returns or raises

    def close(self) -> None:
        """End the nursery and what it forked, for good."""
        self._closed = True
        line = self._line
        if line is not None:  # whoever waits for a fork waits no more
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
        with self._lock:
            self._leave()

    def _fork(self, role: str, caps: Caps, until: float) -> Forked:
        line = self._ready()
        self._wait_until_loaded(line, until)
        child_in, to_child = os.pipe()
        from_child, child_out = os.pipe()
        status, told = os.pipe()
        asked = {"role": role, "memory": caps.memory, "seconds": caps.seconds}
        try:
            given = [child_in, child_out, told]
            socket.send_fds(line, [json.dumps(asked).encode()], given)
            answer, found, _, _ = socket.recv_fds(line, 64, 1)
            if not answer or len(found) != 1:
                raise ConnectionResetError
        except OSError:
            for descriptor in (to_child, from_child, status):
                os.close(descriptor)
            raise
        finally:
            for descriptor in (child_in, child_out, told):
                os.close(descriptor)
        return Forked(found[0], status, to_child, from_child)

    def _wait_until_loaded(self, line: socket.socket, until: float) -> None:
        if not self._loaded:
            line.settimeout(max(0.0, until - time.monotonic()) or 0.001)
            try:
                if not line.recv(64):
                    raise ConnectionResetError
            except TimeoutError:
                raise NoProcess(_LOADING) from None
            self._loaded = True
        line.settimeout(_FORK_SECONDS)

    def _ready(self) -> socket.socket:
        """Return the line to a nursery that lives."""
        if self._closed:
            raise ConnectionAbortedError
        if self._process is not None and self._process.poll() is not None:
            self._leave()
        if self._line is None:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with theirs:
                self._process = subprocess.Popen(
                    [
                        *(sys.executable, "-P", "-c", _START),
                        *(json.dumps(sys.path), str(theirs.fileno())),
                    ],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    pass_fds=[theirs.fileno()],
                    process_group=0,
                    env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
                )
            self._line = ours
        return self._line

    def _leave(self) -> None:
        self._loaded = False
        if self._line is not None:
            self._line.close()  # which tells it to end
            self._line = None
        if self._process is not None:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_LEAVE_SECONDS)
            if self._process.poll() is None:
                self._process.kill()
            self._process.wait()
            self._process = None

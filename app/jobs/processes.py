"""Processes that do one thing, within limits, and end when they are told to or not."""

import os
import resource
import select
import signal
import struct
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

STATUS: Final = struct.Struct("<i")
"""How a forked process ended, as ``os.wait`` has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """What a process may use: bytes of address space, seconds of processor time."""

    memory: int
    seconds: int | None = None


class Process(Protocol):
    """A process at work, and the service's ends of its pipes."""

    to_child: int
    from_child: int

    def ask_to_stop(self) -> None:
        """Send SIGTERM: it is to wind up with what it has."""

    def kill(self) -> None:
        """End it at once."""

    def ended(self, seconds: float) -> int | None:
        """Return its exit code, below 0 for a signal; None when it has not ended."""


class Started:
    """A program that was started: the solver that a setting names instead of ours."""

    def __init__(self, command: Sequence[str], caps: Caps) -> None:
        child_in, self.to_child = os.pipe()
        self.from_child, child_out = os.pipe()
        try:
            self._process = subprocess.Popen(
                command,
                stdin=child_in,
                stdout=child_out,
                stderr=subprocess.DEVNULL,
                process_group=0,
            )
        except OSError:
            os.close(self.to_child)
            os.close(self.from_child)
            raise
        finally:
            os.close(child_in)
            os.close(child_out)
        if sys.platform == "linux":
            for what, most in _limits(caps):
                resource.prlimit(self._process.pid, what, (most, most))

    def ask_to_stop(self) -> None:
        """Send SIGTERM: it is to wind up with what it has."""
        self._process.terminate()

    def kill(self) -> None:
        """End it at once, and whatever it started in its process group."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)

    def ended(self, seconds: float) -> int | None:
        """Return its exit code, below 0 for a signal; None when it has not ended."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None


class Forked:
    """A process that the nursery forked.

    It is named by a descriptor, not a number that another process may have next.
    """

    def __init__(self, pidfd: int, status: int, to_child: int, from_child: int) -> None:
        self._pidfd = pidfd
        self._status = status
        self.to_child = to_child
        self.from_child = from_child
        self._code: int | None = None

    def ask_to_stop(self) -> None:
        """Send SIGTERM: it is to wind up with what it has."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        if self._code is None:
            try:
                signal.pidfd_send_signal(self._pidfd, number)
            except ProcessLookupError:
                return

    def ended(self, seconds: float) -> int | None:
        """Return its exit code, below 0 for a signal; None when it has not ended."""
        if self._code is None and select.select([self._status], [], [], seconds)[0]:
            told = os.read(self._status, STATUS.size)
            if len(told) == STATUS.size:
                self._code = os.waitstatus_to_exitcode(STATUS.unpack(told)[0])
            else:  # the nursery is gone, and its children with it
                self._code = -signal.SIGKILL
            os.close(self._status)
            os.close(self._pidfd)
        return self._code


def cap(caps: Caps) -> None:
    """Hold this process to its limits from now on."""
    for what, most in _limits(caps):
        hard = resource.getrlimit(what)[1]
        lower = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (lower, lower))


def _limits(caps: Caps) -> list[tuple[int, int]]:
    found = [(resource.RLIMIT_AS, caps.memory), (resource.RLIMIT_CORE, 0)]
    if caps.seconds is not None:
        found.append((resource.RLIMIT_CPU, caps.seconds))
    return found

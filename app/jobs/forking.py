"""The nursery's own side: loads, then forks whenever it is asked to."""

import ctypes
import gc
import json
import os
import select
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO, Final

from app.jobs.processes import STATUS, Caps, cap

_PR_SET_PDEATHSIG: Final = 1


def main(descriptor: int) -> None:
    """Serve forks on a socket until its other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Who is forked takes SIGTERM when it can make something of it, not before.
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    from app.jobs.warming import warm

    warm()
    gc.collect()
    gc.freeze()  # what is loaded is not touched, and so not copied, by those forked
    line = socket.socket(fileno=descriptor)
    line.send(b"loaded")
    _Forks(line).serve()


@dataclass(slots=True)
class _Forks:
    line: socket.socket
    living: dict[int, tuple[int, int]] = field(default_factory=dict)
    """By process descriptor: the process, and where to tell how it ended."""

    def serve(self) -> None:
        """Fork and bury until the service is gone; then those forked end too."""
        while True:
            poll = select.poll()
            poll.register(self.line, select.POLLIN)
            for pidfd in self.living:
                poll.register(pidfd, select.POLLIN)
            for descriptor, _ in poll.poll():
                if descriptor != self.line.fileno():
                    self._bury(descriptor)
                elif not self._fork():
                    return

    def _bury(self, pidfd: int) -> None:
        pid, told = self.living.pop(pidfd)
        _, status = os.waitpid(pid, 0)
        try:
            os.write(told, STATUS.pack(status))
        except BrokenPipeError:
            pass  # nobody asks any more
        finally:
            os.close(told)
            os.close(pidfd)

    def _fork(self) -> bool:
        """Fork one process as asked; False when the service is gone."""
        asked, given, _, _ = socket.recv_fds(self.line, 4096, 3)
        if not asked:
            return False
        child_in, child_out, told = given
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            ends_with(parent)
            self._live(json.loads(asked), child_in, child_out, told)
        os.close(child_in)
        os.close(child_out)
        pidfd = os.pidfd_open(pid)
        self.living[pidfd] = (pid, told)
        socket.send_fds(self.line, [b"forked"], [pidfd])
        return True

    def _live(
        self, asked: dict[str, object], child_in: int, child_out: int, told: int
    ) -> None:
        """Be the process that was forked; does not return."""
        code = 1
        try:
            self.line.close()
            for pidfd, (_, other) in self.living.items():
                os.close(pidfd)
                os.close(other)
            os.close(told)
            memory, seconds = asked["memory"], asked["seconds"]
            assert isinstance(memory, int)
            assert seconds is None or isinstance(seconds, int)
            become(child_in, child_out, Caps(memory=memory, seconds=seconds))
            from app.jobs.roles import play

            code = play(str(asked["role"]))
        finally:
            os._exit(code)


def become(child_in: int, child_out: int, caps: Caps | None) -> None:
    """Make a forked process one of its own: its pipes, its end, its limits."""
    for given, standard in ((child_in, 0), (child_out, 1)):
        os.dup2(given, standard)
        os.close(given)
    if caps is not None:
        cap(caps)


def ends_with(parent: int) -> None:
    """Have this process killed as soon as the one that forked it is gone."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it went in between
        os._exit(1)


class OwnChild:
    """A process that this one forks, as ``subprocess.Popen`` would have it."""

    def __init__(self, run: Callable[[], None]) -> None:
        child_in, to_child = os.pipe()
        from_child, child_out = os.pipe()
        parent = os.getpid()
        self._pid = os.fork()
        if self._pid == 0:
            try:
                ends_with(parent)
                os.close(to_child)
                os.close(from_child)
                become(child_in, child_out, None)
                run()
            finally:
                os._exit(1)
        os.close(child_in)
        os.close(child_out)
        self.stdin: IO[bytes] | None = os.fdopen(to_child, "wb")
        self.stdout: IO[bytes] | None = os.fdopen(from_child, "rb")
        self.returncode: int | None = None

    def kill(self) -> None:
        """End it at once."""
        if self.returncode is None:
            os.kill(self._pid, signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to stop."""
        if self.returncode is None:
            os.kill(self._pid, signal.SIGTERM)

    def wait(self) -> int:
        """Wait until it has ended."""
        if self.returncode is None:
            _, status = os.waitpid(self._pid, 0)
            self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

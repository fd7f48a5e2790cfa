"""One process, measured from outside: wall seconds, peak memory, how it ended.

Memory is the sum over the process and all its descendants of the proportional set
size (PSS), which counts a page that several share once; where the operating system
does not tell it, of the resident set size. It is sampled, so a peak of less than some
hundredths of a second may be missed.
"""

import contextlib
import os
import pty
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.progress import Point, is_progress, read_point

ROOT = Path(__file__).resolve().parent.parent
SAMPLE_SECONDS = 0.03
SAMPLING_SHARE = 0.05
"""At most this share of the time goes into sampling, lest it slow what it watches."""

PATIENCE = 0.5
"""How long a process told to stop may take, as a part of its limit."""

EXTRA_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """How a process went. ``ending`` is "", or a sentence on why it was stopped.

    ``first_line`` is when its first line of progress came, seconds from its start.
    """

    code: int
    seconds: float
    megabytes: float
    memory_kind: str
    ending: str
    errors: str
    first_line: float | None
    progress: tuple[Point, ...]


class Listener:
    """Reads a process's standard error as it comes, and notes when progress came.

    Standard error is a terminal of its own where progress is wanted: the command
    renews its line there several times a second.
    """

    def __init__(self, *, terminal: bool) -> None:
        self.reading, self.writing = pty.openpty() if terminal else os.pipe()
        self.begun = time.monotonic()
        self.first_line: float | None = None
        self.points: list[Point] = []
        self.errors: list[str] = []
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def start(self) -> None:
        """Begin to read; the process has its own copy of the writing end."""
        os.close(self.writing)
        self._thread.start()

    def finish(self) -> None:
        """Wait until all of it is read."""
        self._thread.join()
        os.close(self.reading)

    def _listen(self) -> None:
        rest = b""
        while True:
            try:
                chunk = os.read(self.reading, 65536)
            except OSError:  # how a terminal says that nobody writes any more
                chunk = b""
            if not chunk:
                break
            *lines, rest = (rest + chunk.replace(b"\r", b"\n")).split(b"\n")
            if rest.endswith(_CLEAR):  # a renewed line ends so
                lines, rest = [*lines, rest], b""
            for line in lines:
                self._note(line)
        self._note(rest)

    def _note(self, line: bytes) -> None:
        text = line.replace(_CLEAR, b"").decode("utf-8", "replace").strip()
        if not is_progress(text):
            self.errors += [text] if text else []
            return
        elapsed = time.monotonic() - self.begun
        if self.first_line is None:
            self.first_line = elapsed
        point = read_point(text)
        if point is not None:
            self.points.append(replace(point, seconds=elapsed))


_CLEAR = b"\x1b[K"


def measure(
    command: Sequence[str],
    output: Path,
    *,
    time_limit: float | None = None,
    memory_limit_mb: float | None = None,
    progress: bool = False,
) -> Measured:
    """Run a command, its standard output to a file, and watch it.

    The command keeps its own time limit; half as much again and half a minute later
    it is killed with all it started, and so it is beyond the memory limit. Seconds of
    progress count from the start of the process.
    """
    last = None
    if time_limit is not None:
        last = time_limit * (1 + PATIENCE) + EXTRA_SECONDS
    listener = Listener(terminal=progress)
    with output.open("wb") as stream:
        begun = time.monotonic()
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=listener.writing,
            cwd=ROOT,
            env=environment(),
            start_new_session=True,
        )
        listener.start()
        try:
            peak, kind, ending = _watch(process, begun, last, memory_limit_mb)
        finally:
            seconds = time.monotonic() - begun
            _end(process)
            listener.finish()
    return Measured(
        code=process.returncode,
        seconds=seconds,
        megabytes=peak / 1024,
        memory_kind=kind,
        ending=ending,
        errors="\n".join(listener.errors),
        first_line=_no_later(listener.first_line, seconds),
        progress=tuple(
            replace(point, seconds=min(point.seconds, seconds))
            for point in listener.points
        ),
    )


def _no_later(moment: float | None, end: float) -> float | None:
    """Return when a line was written: it may be read only after its writer's end."""
    return None if moment is None else min(moment, end)


def environment() -> Mapping[str, str]:
    """Return this process's, but that modules compiled once are kept for later runs."""
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONHASHSEED": "0"}


def _watch(
    process: "subprocess.Popen[bytes]",
    begun: float,
    last: float | None,
    memory_limit_mb: float | None,
) -> tuple[int, str, str]:
    """Sample memory until the process ends or must be ended."""
    shared, resident, ending = 0, 0, ""
    while process.poll() is None and not ending:
        sampled = time.monotonic()
        now_shared, now_resident = memory_kb(process.pid)
        shared, resident = max(shared, now_shared or 0), max(resident, now_resident)
        total = now_resident if now_shared is None else now_shared
        if memory_limit_mb is not None and total > memory_limit_mb * 1024:
            ending = f"stopped: more than {memory_limit_mb:,.0f} MB"
        elif last is not None and sampled - begun > last:
            ending = f"stopped: did not end within {last:.0f} s"
        else:
            spent = time.monotonic() - sampled
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(SAMPLE_SECONDS, spent / SAMPLING_SHARE))
    return (shared, "PSS", ending) if shared else (resident, "RSS", ending)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Leave nothing of the process group behind."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def memory_kb(pid: int) -> tuple[int | None, int]:
    """Return the PSS of a process and its descendants, None if untold, and the RSS."""
    family = _descendants(pid)
    shares = [_field(p, "smaps_rollup", "Pss:") for p in family]
    known = [share for share in shares if share is not None]
    resident = sum(_field(p, "status", "VmRSS:") or 0 for p in family)
    return (sum(known) if known else None), resident


def _descendants(pid: int) -> list[int]:
    found, left = [], [pid]
    while left:
        one = left.pop()
        found.append(one)
        for children in Path(f"/proc/{one}/task").glob("*/children"):
            try:
                left += [int(child) for child in children.read_text().split()]
            except OSError:
                continue  # that thread has just ended
    return found


def _field(pid: int, file: str, name: str) -> int | None:
    """Return kilobytes from a file of /proc; None where it tells nothing."""
    try:
        text = Path(f"/proc/{pid}/{file}").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None  # ended, or not ours to read
    lines = (line.split() for line in text.splitlines() if line.startswith(name))
    return next((int(words[1]) for words in lines), None)

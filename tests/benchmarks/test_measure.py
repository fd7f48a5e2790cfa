"""Processes are watched from outside: memory, progress, limits. Real ones."""

import sys
import time
from pathlib import Path

import pytest

from benchmarks import measure as measuring
from benchmarks.measure import measure
from benchmarks.progress import Point, read_point

PROGRESS = "1.5 s, clusters 3 of 1,000, incumbent 2,500.250, bound 2,000.200, gap 20%"


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def ends(pid: int) -> bool:
    """Wait, a minute at most, until a process that was killed is gone."""
    for _ in range(600):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().split()[2]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.1)
    return False


def test_memory_of_a_process_and_its_child_is_added(tmp_path: Path) -> None:
    child = "import time; kept = bytearray(b'x') * 60_000_000; time.sleep(1)"
    code = (
        f"import subprocess, sys; kept = bytearray(b'x') * 80_000_000; "
        f"subprocess.run([sys.executable, '-c', {child!r}], check=True); print('done')"
    )

    went = measure(python(code), tmp_path / "out")

    assert (tmp_path / "out").read_text() == "done\n"
    assert (went.code, went.ending, went.errors) == (0, "", "")
    assert 140 < went.megabytes < 400


def test_a_process_beyond_its_memory_is_stopped_with_its_children(
    tmp_path: Path,
) -> None:
    name = tmp_path / "child"
    child = f"open({str(name)!r}, 'w').write(str(__import__('os').getpid()))"
    child += "; kept = bytearray(b'x') * 150_000_000; __import__('time').sleep(600)"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"

    went = measure(python(code), tmp_path / "out", memory_limit_mb=100)

    assert went.ending == "stopped: more than 100 MB"
    assert went.code != 0
    assert ends(int(name.read_text()))


def test_a_process_that_does_not_end_is_stopped(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(measuring, "EXTRA_SECONDS", 0.5)

    went = measure(
        python("import time; time.sleep(600)"), tmp_path / "out", time_limit=1
    )

    assert went.ending == "stopped: did not end within 2 s"


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_is_read_apart_from_messages(tmp_path: Path, terminal: bool) -> None:
    code = (
        "import sys; end = '\\x1b[K' if sys.stderr.isatty() else '\\n'\n"
        "sys.stderr.write('\\r0.3 s, reading' + end)\n"
        f"for _ in range(2): sys.stderr.write('\\r' + {PROGRESS!r} + end)\n"
        "sys.stderr.write('\\r\\x1b[K' if sys.stderr.isatty() else '')\n"
        "sys.stderr.write('a message\\n'); sys.exit(3)"
    )

    went = measure(python(code), tmp_path / "out", progress=terminal)

    assert went.code == 3
    assert went.errors == "a message"
    assert 0 < went.first_line <= went.progress[0].seconds <= went.seconds
    assert [(p.incumbent, p.bound) for p in went.progress] == [(2500.25, 2000.2)] * 2


def test_a_line_of_progress_is_read_with_its_gap() -> None:
    assert read_point(PROGRESS) == Point(seconds=1.5, incumbent=2500.25, bound=2000.2)
    assert read_point(PROGRESS).gap == pytest.approx(0.2, abs=1e-3)
    assert read_point("requests.csv:3:customer: unknown: no such customer") is None

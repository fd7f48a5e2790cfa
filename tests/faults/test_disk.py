"""The disk fails or is full: what was acknowledged is there, and nothing else is said.

Every write and every sync in turn is made to fail by strace. ``--disk-faults N`` says
at how many places; the full form is 200 writes and 100 syncs.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import select

from app.audit.verify import verify
from app.storage.database import Database
from app.storage.schema import audit
from tests.documents import ROOT
from tests.faults.figures import Tell
from tests.faults.writer import write

TURNS = 110

pytestmark = pytest.mark.skipif(
    shutil.which("strace") is None, reason="strace is needed to let calls fail"
)


@pytest.fixture
def place(tmp_path: Path, sqlite_template: Path) -> Path:
    """Return a folder of its own with a migrated store in it."""
    folder = tmp_path / "store"
    folder.mkdir()
    shutil.copyfile(sqlite_template, folder / "allybin.db")
    return folder


def straced(folder: Path, turns: int, *options: str) -> tuple[list[str], str]:
    """Return what the writer answered under strace, and what strace saw."""
    log = folder.parent / "strace.log"
    command = (
        *("strace", "-f", "--seccomp-bpf", "-y", "-s", "64", "-o", str(log), *options),
        *(sys.executable, "-m", "tests.faults.writer"),
        *(f"sqlite:///{folder}/allybin.db", str(turns)),
    )
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=False,
        text=True,
    )
    if "PTRACE" in done.stderr or "ptrace" in done.stderr:
        pytest.skip(f"strace may not trace here: {done.stderr.strip()[:100]}")
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout.splitlines(), log.read_text(encoding="utf-8", errors="replace")


def stored(folder: Path) -> list[str]:
    """Return what is in the store, whose trail is whole."""
    database = Database.open(f"sqlite:///{folder}/allybin.db")
    with database.reading() as connection:
        assert verify(connection).findings == ()
        wanted = select(audit.c.object).order_by(audit.c.seq)
        found = [name.removeprefix("turn/") for name in connection.scalars(wanted)]
    database.close()
    return found


def acknowledged(answers: Sequence[str]) -> list[str]:
    """Return the turns that were answered as stored."""
    return [line.split()[1] for line in answers if line.startswith("stored")]


def whole(folder: Path, answers: Sequence[str]) -> None:
    """Assert that what was acknowledged is there, once, and nothing unasked."""
    found = stored(folder)
    assert len(found) == len(set(found))
    assert set(acknowledged(answers)) <= set(found)
    asked = {line.split()[1] for line in answers if not line.startswith("not opened")}
    assert set(found) <= asked


def places(config: pytest.Config, most: int) -> Iterator[int]:
    """Yield the calls to fail: spread evenly."""
    count: int = min(most, config.getoption("--disk-faults"))
    yield from sorted({most * (turn + 1) // count for turn in range(count)})


def test_every_answer_comes_after_its_sync(place: Path, tell: Tell) -> None:
    """From the last write of a transaction to its answer there is a sync of the log."""
    calls = "trace=pwrite64,write,fsync,fdatasync"
    answers, log = straced(place, 100, "-e", calls)
    assert len(acknowledged(answers)) == 100
    unsynced, wrote, seen = False, False, 0
    for line in log.splitlines():
        if re.search(r"pwrite64\(\d+<.*allybin\.db(-wal)?>", line):
            unsynced = wrote = True
        elif re.search(r"f(data)?sync\(\d+<.*allybin\.db(-wal)?>\) += 0", line):
            unsynced = False
        elif '"stored ' in line:
            assert wrote, "answered without having written"
            assert not unsynced, line
            seen += 1
            wrote = False
    assert seen == 100
    tell("P2", "100 of 100 answers came after a sync of the log")


def test_a_full_disk_is_said_and_passes(
    place: Path, pytestconfig: pytest.Config, tell: Tell
) -> None:
    """A write for which there is no space is refused; the next one is stored."""
    refused = 0
    for number in places(pytestconfig, 200):
        answers, _ = straced(
            place, TURNS, "-e", "trace=pwrite64",
            "-e", f"inject=pwrite64:error=ENOSPC:when={number}",
        )  # fmt: skip
        if answers[0].startswith("not opened"):  # it failed before the first turn
            answers = []
        failed = [line for line in answers if not line.startswith("stored")]
        assert all("StoreFull" in line for line in failed), failed
        assert len(failed) <= 1
        refused += len(failed)
        whole(place, answers)
        clear(place)
    assert refused > 0
    tried = len(list(places(pytestconfig, 200)))
    tell("P3", f"ENOSPC at a write, at {tried} places: nothing acknowledged was lost")


def test_a_failed_sync_ends_all_writing(
    place: Path, pytestconfig: pytest.Config, tell: Tell
) -> None:
    """What a failed sync left on the disk nobody knows: nothing more is stored."""
    refused = 0
    for number in places(pytestconfig, 100):
        answers, _ = straced(
            place, TURNS, "-e", "trace=fsync,fdatasync",
            "-e", f"inject=fsync,fdatasync:error=EIO:when={number}",
        )  # fmt: skip
        failed = [place for place, line in enumerate(answers) if "stored" not in line]
        if failed:
            refused += 1
            rest = answers[failed[0] :]
            assert all("StoreStopped" in line for line in rest), rest
        whole(place, answers)
        clear(place)
    assert refused > 0
    tried = len(list(places(pytestconfig, 100)))
    tell("P3", f"EIO at a sync, at {tried} places: nothing acknowledged was lost")


def test_a_failed_write_ends_all_writing(
    place: Path, pytestconfig: pytest.Config, tell: Tell
) -> None:
    for number in places(pytestconfig, 200):
        answers, _ = straced(
            place, TURNS, "-e", "trace=pwrite64",
            "-e", f"inject=pwrite64:error=EIO:when={number}",
        )  # fmt: skip
        failed = [place for place, line in enumerate(answers) if "stored" not in line]
        if failed:
            rest = answers[failed[0] :]
            assert all("StoreStopped" in line for line in rest), rest
        whole(place, answers)
        clear(place)
    tried = len(list(places(pytestconfig, 200)))
    tell("P3", f"EIO at a write, at {tried} places: nothing acknowledged was lost")


def test_a_really_full_disk_is_said_and_passes(
    tmp_path: Path, sqlite_template: Path
) -> None:
    """A small disk in memory fills up, is read from, and is used again with room."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("no disk can be mounted here")
    try:
        fill_and_free(disk, sqlite_template)
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def fill_and_free(disk: Path, template: Path) -> None:
    ballast = disk / "ballast"
    shutil.copyfile(template, disk / "allybin.db")
    ballast.write_bytes(b"x" * 1_500_000)
    database = Database.open(f"sqlite:///{disk}/allybin.db")
    answers: list[str] = []
    while len(answers) < 5000 and "refused" not in "".join(answers[-1:]):
        answers.append(write(database, len(answers)))
    assert answers[-1].endswith("StoreFull")
    with database.reading() as connection:
        count = len(connection.scalars(select(audit.c.seq)).all())
    assert count == len(acknowledged(answers))
    ballast.unlink()
    answers.append(write(database, len(answers)))
    assert answers[-1].startswith("stored")
    assert database.stopped is None
    database.close()
    whole(disk, answers)


def clear(folder: Path) -> None:
    """Put the empty store of before in place of the one that was written to."""
    kept = folder.parent / "kept.db"
    for path in folder.iterdir():
        path.unlink()
    shutil.copyfile(kept, folder / "allybin.db")


@pytest.fixture(autouse=True)
def _kept(tmp_path: Path, sqlite_template: Path) -> None:
    shutil.copyfile(sqlite_template, tmp_path / "kept.db")

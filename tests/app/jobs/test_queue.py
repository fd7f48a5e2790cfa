"""Jobs end once, whatever becomes of the servers that do them: with real kills."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from app.jobs.servers import CannotQueue, open_engine

SERVER = str(Path(__file__).with_name("job_server.py"))
PATIENCE_S = 90.0


class Server:
    """A server process and what it says."""

    def __init__(self, url: str, folder: Path, lease: float) -> None:
        path = os.pathsep.join(filter(None, sys.path))
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", SERVER, url, str(folder), str(lease)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
        )
        self.pid = self.process.pid
        assert self.process.stdout.readline() == "ready\n", self.process.stderr.read()

    def tell(self, order: str) -> str:
        self.process.stdin.write(f"{order}\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().rstrip("\n")

    def kill(self) -> None:
        self.process.kill()
        self._end()

    def stop(self) -> str:
        """Stop it in good order; return what it wrote that nobody asked for."""
        self.process.stdin.close()
        self.process.wait(PATIENCE_S)
        said = self.process.stderr.read() + self.process.stdout.read()
        self._end()
        return said

    def _end(self) -> None:
        self.process.wait()
        for stream in (
            self.process.stdin,
            self.process.stdout,
            self.process.stderr,
        ):
            with suppress(BrokenPipeError):
                stream.close()


class Scene:
    """A queue, and the servers that do its jobs."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder
        self.servers: list[Server] = []

    def server(self, lease: float = 15.0) -> Server:
        server = Server(self.url, self.folder, lease)
        self.servers.append(server)
        return server

    def hold(self) -> None:
        (self.folder / "hold").touch()

    def release(self) -> None:
        (self.folder / "hold").unlink()

    def log(self) -> list[str]:
        path = self.folder / "log"
        return path.read_text().splitlines() if path.exists() else []

    def lines(self, *begins: str) -> list[str]:
        """Return what was noted, without process ids."""
        return [
            line.rpartition(" ")[0] if line.startswith(("begin", "end")) else line
            for line in self.log()
            if line.startswith(begins)
        ]

    def wait_for(self, *wanted: str) -> None:
        until = time.monotonic() + PATIENCE_S
        while not {*wanted} <= {*self.lines("")}:
            assert time.monotonic() < until, f"{wanted} not in {self.log()}"
            time.sleep(0.02)

    def wait_for_lines(self, count: int) -> None:
        until = time.monotonic() + PATIENCE_S
        while len(self.log()) < count:
            assert time.monotonic() < until, self.log()
            time.sleep(0.02)


@pytest.fixture
def scene(empty_address, tmp_path):
    url = empty_address
    if url.startswith("sqlite"):
        url = f"sqlite:///{tmp_path / 'jobs.db'}"
    scene = Scene(url, tmp_path)
    yield scene
    for server in scene.servers:
        if server.process.poll() is None:
            server.kill()


@pytest.fixture
def shared(postgres, tmp_path):
    """Return a scene on PostgreSQL, where there may be several servers."""
    scene = Scene(postgres.create("jobs_shared"), tmp_path)
    yield scene
    for server in scene.servers:
        if server.process.poll() is None:
            server.kill()
    postgres.drop("jobs_shared")


def test_a_job_is_done_once_however_often_it_is_queued(scene):
    server = scene.server()
    for _ in range(3):
        assert server.tell("enqueue one") == "done"
    server.tell("enqueue two")
    scene.wait_for("end one 1", "end two 1")
    assert server.tell("enqueue one") == "done"
    assert server.stop() == ""
    again = scene.server()
    again.tell("enqueue three")
    scene.wait_for("end three 1")
    assert again.stop() == ""
    assert scene.lines("begin", "end") == [
        *("begin one 1", "end one 1"),
        *("begin two 1", "end two 1"),
        *("begin three 1", "end three 1"),
    ]


def test_a_job_of_a_server_that_was_killed_is_begun_again_and_ends_once(scene):
    scene.hold()
    first = scene.server(lease=1.0)
    first.tell("enqueue one")
    first.tell("enqueue two")
    scene.wait_for("begin one 1")
    first.kill()
    scene.release()
    second = scene.server(lease=1.0)
    scene.wait_for("end one 2", "end two 1")
    assert second.stop() == ""
    assert sorted(scene.lines("begin", "end", "gave-up")) == [
        *("begin one 1", "begin one 2", "begin two 1"),
        *("end one 2", "end two 1"),
    ]


def test_a_job_that_kills_its_server_is_begun_three_times(scene):
    scene.hold()
    for attempt in (1, 2, 3):
        server = scene.server(lease=1.0)
        if attempt == 1:
            server.tell("enqueue one")
        scene.wait_for(f"begin one {attempt}")
        server.kill()
    last = scene.server(lease=1.0)
    scene.wait_for("gave-up one It was begun 3 times and never came to an end.")
    assert last.stop() == ""
    assert scene.lines("begin", "end") == [f"begin one {n}" for n in (1, 2, 3)]


def test_a_job_that_fails_is_tried_again_and_then_given_up(scene):
    (scene.folder / "fail").touch()
    server = scene.server()
    server.tell("enqueue one")
    scene.wait_for("gave-up one It was begun 3 times and never came to an end.")
    server.stop()
    assert scene.lines("begin", "end") == [f"begin one {n}" for n in (1, 2, 3)]


def test_a_job_of_a_server_that_stops_is_handed_back_and_does_not_count(scene):
    scene.hold()
    for times in (1, 2, 3, 4):
        server = scene.server()
        server.tell("enqueue one")
        scene.wait_for_lines(times)
        assert server.stop() == ""
    scene.release()
    last = scene.server()
    scene.wait_for("end one 1")
    assert last.stop() == ""
    assert {*scene.lines("begin")} == {"begin one 1"}
    assert scene.lines("end", "gave-up") == ["end one 1"]


def test_more_jobs_than_may_wait_are_refused(scene):
    scene.hold()
    server = scene.server()
    server.tell("enqueue running")
    scene.wait_for("begin running 1")
    for number in range(3):
        assert server.tell(f"enqueue {number}") == "done"
    assert server.tell("enqueue late") == (
        "3 jobs wait already, and no more are taken."
    )
    assert server.tell("waiting") == "3"
    scene.release()
    scene.wait_for("end 0 1", "end 1 1", "end 2 1")
    assert server.tell("enqueue late") == "done"
    scene.wait_for("end late 1")
    assert server.stop() == ""


def test_a_job_that_waits_can_be_taken_back_and_one_that_runs_cannot(scene):
    scene.hold()
    server = scene.server()
    server.tell("enqueue running")
    scene.wait_for("begin running 1")
    server.tell("enqueue waiting")
    server.tell("enqueue next")
    assert server.tell("cancel running") == "False"
    assert server.tell("cancel nothing") == "False"
    assert server.tell("cancel waiting") == "True"
    assert server.tell("cancel waiting") == "False"
    scene.release()
    scene.wait_for("end running 1", "end next 1")
    assert server.stop() == ""
    assert "begin waiting 1" not in scene.lines("begin")


def test_a_job_the_queue_never_heard_of_is_done(scene):
    (scene.folder / "unfinished").write_text("one two")
    server = scene.server(lease=1.0)
    scene.wait_for("end one 1", "end two 1")
    (scene.folder / "unfinished").write_text("one two three")
    scene.wait_for("end three 1")
    assert server.stop() == ""


def test_a_job_that_ended_without_a_result_is_given_up(scene):
    (scene.folder / "hold").touch()
    (scene.folder / "unfinished").write_text("running taken")
    server = scene.server(lease=1.0)
    scene.wait_for("begin running 1")
    assert server.tell("cancel taken") == "True"
    scene.wait_for("gave-up taken It ended without a result.")
    scene.release()
    scene.wait_for("end running 1")
    server.stop()


# --- several servers ------------------------------------------------------------------


def test_the_jobs_of_a_dead_server_are_taken_over_by_another(shared):
    shared.hold()
    first = shared.server(lease=1.0)
    first.tell("enqueue one")
    shared.wait_for("begin one 1")
    others = [shared.server(lease=1.0) for _ in range(2)]
    first.kill()
    shared.wait_for("begin one 2")
    shared.release()
    shared.wait_for("end one 2")
    for other in others:
        assert other.stop() == ""
    assert shared.lines("begin", "end") == ["begin one 1", "begin one 2", "end one 2"]


def test_a_server_that_stopped_hands_its_jobs_to_another_at_once(shared):
    shared.hold()
    first = shared.server(lease=600.0)
    first.tell("enqueue one")
    shared.wait_for("begin one 1")
    assert first.stop() == ""
    second = shared.server(lease=600.0)
    shared.release()
    shared.wait_for("end one 1")
    assert second.stop() == ""


def test_a_server_that_slept_through_its_lease_disturbs_nobody(shared):
    shared.hold()
    first = shared.server(lease=1.0)
    first.tell("enqueue one")
    shared.wait_for("begin one 1")
    os.kill(first.pid, signal.SIGSTOP)
    second = shared.server(lease=1.0)
    shared.wait_for("begin one 2")
    shared.release()
    shared.wait_for("end one 2")
    os.kill(first.pid, signal.SIGCONT)
    shared.wait_for("end one 1")  # which its store refuses: here it is only noted
    first.tell("enqueue two")
    shared.wait_for("end two 1")
    assert first.stop() == ""
    assert second.stop() == ""
    assert len(shared.lines("begin")) == 3


def test_jobs_are_shared_and_none_is_done_twice(shared):
    servers = [shared.server() for _ in range(2)]
    names = [f"j{number}" for number in range(12)]
    for number, name in enumerate(names):
        while servers[number % 2].tell(f"enqueue {name}") != "done":
            time.sleep(0.05)
    shared.wait_for(*(f"end {name} 1" for name in names))
    for server in servers:
        assert server.stop() == ""
    assert sorted(shared.lines("begin")) == sorted(f"begin {n} 1" for n in names)


def test_a_database_that_crashes_and_comes_back_loses_no_job(postgres, shared):
    shared.hold()
    server = shared.server(lease=5.0)
    server.tell("enqueue one")
    server.tell("enqueue two")
    shared.wait_for("begin one 1")
    postgres.crash()
    postgres.start()
    shared.release()
    shared.wait_for("end one 1")
    until = time.monotonic() + PATIENCE_S
    while not any(line.startswith("end two") for line in shared.log()):
        assert time.monotonic() < until, shared.log()
        time.sleep(0.05)
    server.stop()
    assert len(shared.lines("end two")) == 1


# --- where it cannot be ---------------------------------------------------------------


def test_an_sqlite_that_is_too_old_is_refused(tmp_path, monkeypatch):
    import sqlite3

    monkeypatch.setattr("app.jobs.servers.sqlite_driver", lambda: sqlite3)
    monkeypatch.setattr("app.jobs.servers.LEAST_SQLITE", (9, 0, 0))
    with pytest.raises(CannotQueue, match=r"jobs need 9\.0\.0 or later"):
        open_engine(f"sqlite:///{tmp_path / 'jobs.db'}")

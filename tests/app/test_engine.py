"""Solving in processes of their own: same answer, stopped in time, deaths survived."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from app.engine.halt import Halt
from app.engine.local import LocalEngine, _Child
from app.errors import Stopped
from app.export.document import verify_document
from optimizer.cost import cost
from optimizer.problem import Problem
from optimizer.propose import plan_bins, propose
from optimizer.rulings import Rulings
from tests.factories import dense_case
from tests.optimizer.problems import document_of, problem_of


def dense_problem(seed: int, n: int) -> Problem:
    """Return a problem whose requests nearly all may share, too large for here."""
    return problem_of(dense_case(seed, n)._replace(rulings=Rulings()))


@pytest.fixture(scope="module")
def alone():
    """Return the document this process makes of forty requests."""
    return document_of(propose(dense_problem(2, 40)))


@pytest.mark.parametrize("workers", [1, 2])
def test_any_number_of_processes_gives_the_same_document(workers, alone):
    engine = LocalEngine(workers, Halt())
    engine.prepare(60)
    assert document_of(propose(dense_problem(2, 40), engine=engine)) == alone


def test_a_process_that_dies_is_replaced_and_told_of(alone):
    told: list[str] = []
    engine = LocalEngine(1, Halt(), warn=told.append)
    engine.prepare(60)
    (child,) = engine._idle
    child.process.kill()
    assert document_of(propose(dense_problem(2, 40), engine=engine)) == alone
    assert told == [
        "A solving process ended (exit status -9); its work is begun again."
    ]


class Doomed(LocalEngine):
    """An engine whose processes are killed as soon as they are seen."""

    def __call__(self, tasks, *, gap, report):
        over = threading.Event()

        def kill() -> None:
            while not over.wait(0.02):
                for pid in children_of(os.getpid()):
                    os.kill(pid, signal.SIGKILL)

        killer = threading.Thread(target=kill)
        killer.start()
        try:
            return super().__call__(tasks, gap=gap, report=report)
        finally:
            over.set()
            killer.join()


def children_of(pid: int) -> list[int]:
    """Return the solving processes that a process started."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            status = (entry / "status").read_text()
            words = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if f"\nPPid:\t{pid}\n" in status and b"app.engine.child" in words:
            found.append(int(entry.name))
    return found


def test_when_every_process_dies_there_is_still_a_valid_plan(alone):
    told: list[str] = []
    problem = dense_problem(2, 40)
    document = document_of(propose(problem, engine=Doomed(2, Halt(), warn=told.append)))
    assert verify_document(document, problem) == ()
    assert document["lower_bound"] <= alone["objective"]["total"]
    assert document["objective"]["total"] >= alone["objective"]["total"]
    assert told[-1].endswith("its best plan so far is used.")


def test_at_the_time_limit_the_best_plan_and_a_valid_bound_are_given():
    problem = dense_problem(2, 400)
    engine = LocalEngine(2, Halt(4.0))
    engine.prepare(400)
    begun = time.monotonic()
    document = document_of(propose(problem, engine=engine))
    assert time.monotonic() - begun < 4 + 5
    assert verify_document(document, problem) == ()
    assert 0 < document["lower_bound"] <= document["objective"]["total"]


def test_with_no_time_to_start_a_process_there_is_a_plan_at_once():
    problem = dense_problem(2, 400)
    engine = LocalEngine(2, Halt(0.001))
    engine.prepare(400)
    assert engine._idle == []
    document = document_of(propose(problem, engine=engine))
    assert verify_document(document, problem) == ()
    assert 0 < document["gap"] < 1


def test_with_little_time_plans_get_better_until_it_is_up():
    problem = dense_problem(2, 400)
    at_once, later = (
        plan_bins(problem, engine=LocalEngine(2, Halt(seconds)))
        for seconds in (0.0, 2.5)
    )
    requests = range(len(problem.requests))
    alone = sum(cost(problem, (position,)) for position in requests)
    assert later.cost < at_once.cost < 0.5 * alone
    for plan in (at_once, later):
        assert sorted(p for members in plan.bins for p in members) == [*requests]
        assert 0 < plan.bound <= later.cost


def test_a_signal_while_solving_ends_it_with_a_plan():
    halt = Halt()
    engine = LocalEngine(2, halt)
    problem = dense_problem(2, 400)
    threading.Timer(1.5, setattr, (halt, "signalled", True)).start()
    document = document_of(propose(problem, engine=engine))
    assert verify_document(document, problem) == ()
    assert children_of(os.getpid()) == []


def test_processes_end_when_their_parent_is_killed():
    code = (
        "from app.engine.local import _Child\n"
        "child = _Child()\n"
        "print(child.process.pid, flush=True)\n"
        "import time; time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
    deadline = time.monotonic() + 20
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        if state == "Z":  # ended; whoever adopted it has not asked yet
            return
        time.sleep(0.1)
    assert not Path(f"/proc/{pid}").exists()


def test_processes_that_wait_are_ended():
    engine = LocalEngine(1, Halt())
    engine.prepare(1000)
    (child,) = engine._idle
    engine.close()
    assert child.process.returncode == -signal.SIGKILL


def test_a_signal_before_there_is_a_plan_stops_the_work():
    halt = Halt()
    with pytest.raises(Stopped, match="Stopped by SIGTERM before there was a plan"):
        halt._handle(signal.SIGTERM, None)
    with halt.patience():
        halt._handle(signal.SIGINT, None)
    assert halt.stop()


def test_a_child_ignores_the_terminals_interrupt():
    child = _Child()
    try:
        assert os.getpgid(child.process.pid) != os.getpgid(0)
    finally:
        child.end()

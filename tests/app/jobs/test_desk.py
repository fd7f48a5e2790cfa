"""The desk: what it solves is verified, whatever a solver does; and what edits cost."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from app.jobs.desk import Desk, DeskClosed, DeskFailed
from app.jobs.orders import Outcome, WhyOrder
from optimizer.certify.kept import read_earlier
from optimizer.edits import Merge
from optimizer.propose import propose
from optimizer.rulings import Ruling, RulingKind
from tests.app.jobs.ordering import asked, bins_of, order_of, verified, with_

FAKE = str(Path(__file__).with_name("fake_solver.py"))


# --- solving --------------------------------------------------------------------------


@pytest.mark.parametrize(("requests", "days"), [(1, 10), (30, 30), (120, 90)])
def test_a_solve_is_what_this_process_would_propose(desk, requests, days):
    order = order_of(requests, days=days)
    told = []
    found = desk.solve(order, tell=told.append)
    here = propose(order.problem())
    assert found.outcome is Outcome.OPTIMAL
    assert (found.cost, found.bound) == (here.total, here.bound)
    assert [*bins_of(found).values()] == [b.request_ids for b in here.bins]
    assert verified(order, found)
    assert found.reproducible
    assert found.proof_rechecked
    assert found.reason is None
    assert (told[-1].incumbent, told[-1].bound) == (found.cost, found.bound)
    assert told[-1].gap == 0


def test_what_is_kept_makes_the_next_solve_begin_with_it(desk, solved):
    order, first = solved
    stated = read_earlier(json.loads(first.kept))
    assert stated.parts
    again = desk.solve(with_(order, earlier=first.kept))
    assert bins_of(again) == bins_of(first)
    assert again.bound == first.bound
    assert json.loads(again.kept) == json.loads(first.kept)


def test_a_stopped_solve_answers_with_its_best_plan(desk):
    order = order_of(2500, days=60)
    known = threading.Event()
    found = desk.solve(
        order, tell=lambda p: p.incumbent and known.set(), stopped=known.is_set
    )
    assert found.stopped
    assert found.outcome in (Outcome.FEASIBLE, Outcome.OPTIMAL)
    assert not found.reproducible
    assert verified(order, found)


def test_a_solve_that_is_stopped_at_once_still_has_a_plan(desk):
    order = order_of(120, days=90)
    found = desk.solve(order, stopped=lambda: True)
    assert found.outcome in (Outcome.FEASIBLE, Outcome.OPTIMAL)
    assert verified(order, found)


def test_a_time_limit_leaves_a_plan_that_is_not_called_reproducible(desk):
    order = with_(order_of(2500, days=60), time_limit_s=1.5)
    found = desk.solve(order)
    assert found.outcome is Outcome.FEASIBLE
    assert found.bound < found.cost
    assert not found.reproducible
    assert verified(order, found)


def test_what_no_plan_can_obey_is_an_outcome_with_its_reason(desk):
    order = order_of(30, days=30)
    ids = tuple(r.request_id for r in order.requests)
    everyone = Ruling(kind=RulingKind.TOGETHER, request_ids=ids)
    found = desk.solve(with_(order, rulings=(everyone,)))
    assert found.outcome is Outcome.NO_PLAN
    assert "limits.max_requests is 12" in found.reason
    apart = Ruling(kind=RulingKind.APART, request_ids=ids[:2])
    found = desk.solve(with_(order, rulings=(everyone, apart)))
    assert found.outcome is Outcome.NO_PLAN
    assert "are ruled apart" in found.reason


def test_a_large_order_is_verified_after_the_solver_and_not_beside_it(
    desk, monkeypatch
):
    order = order_of(40, days=30)
    beside = desk.solve(order)
    monkeypatch.setattr("app.jobs.checking.BESIDE", 39)
    after = desk.solve(order)
    assert verified(order, after)
    assert (after.cost, after.bound) == (beside.cost, beside.bound)
    assert after.kept == beside.kept


# --- a solver may do anything ---------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ("killed", "was ended by the signal SIGKILL"),
        ("segfault", "was ended by the signal SIGSEGV"),
        ("hang", "had not ended 5 seconds after its time limit"),
        ("hang_on_a_closed_answer", "did not end"),
        ("out_of_memory", "ended with exit code 1"),
        ("exit_3", "ended with exit code 3"),
        ("nothing", "ended before its answer was whole"),
        ("garbage", "cannot be used: it said what is not JSON"),
        ("not_json", "cannot be used: it said what is not JSON"),
        ("deep", "cannot be used: it said what is not JSON"),
        ("half", "cannot be used: its answer ends in the middle"),
        ("unknown_status", "cannot be used: it said what is no message"),
        ("a_limit_without_a_plan", "kTimeLimit, no incumbent"),
        ("infeasible", "said that there is no plan, which is wrong: kInfeasible"),
        ("unbounded", "kUnbounded"),
        ("flood", "it said more than any answer is long"),
        ("long_line", "it said more than any answer is long"),
        ("huge_number", "cannot be used"),
        ("an_end_without_an_answer", "there is no heading"),
        ("wrong_total", "does not hold: objective.total"),
        ("wrong_bound", None),  # it is right: the plan is optimal
        ("worse_plan_called_optimal", "does not hold: "),
        ("not_a_number", "not JSON"),
        ("infinite", "not JSON"),
        ("a_bin_lost", "does not hold: "),
        ("a_bin_doubled", "does not hold: "),
        ("another_question", "as_of is not what was asked"),
        ("more_keys", "its heading is none"),
        ("no_proof", "The lower bound is stated as"),
        ("bad_kept", None),
        ("kept_garbage", None),
        ("exit_after_answering", None),
    ],
)
def test_whatever_a_solver_does_the_plan_holds_or_is_not_its_own(faulty, what, reason):
    order = with_(order_of(40, days=30), time_limit_s=1 if "hang" in what else 30)
    found = faulty(what).solve(order)
    assert verified(order, found)
    assert found.bound <= propose(order.problem()).total <= found.cost
    for part in read_earlier(json.loads(found.kept)).parts:
        assert part.cost > 1  # what is kept is what was proven, not what was said
    if reason is None:
        assert found.outcome is Outcome.OPTIMAL
        assert found.reason is None
    else:
        assert found.outcome is Outcome.FALLBACK
        assert reason in found.reason
        assert not found.reproducible


def test_a_solver_that_cannot_be_started_is_told(desk, monkeypatch):
    monkeypatch.setattr(desk, "_command", ("/nowhere/solver",))
    found = desk.solve(order_of(30, days=30))
    assert found.outcome is Outcome.FALLBACK
    assert found.reason == (
        "The solver /nowhere/solver could not be started: No such file or directory."
    )


def test_too_little_memory_is_an_outcome():
    with Desk(memory_mib=64) as tight:
        found = tight.solve(order_of(120, days=90))
    assert found.outcome is Outcome.FAILED
    assert found.document is None
    assert found.reason


def test_who_cannot_wait_until_all_is_loaded_is_told():
    order = order_of(30, days=30)
    with Desk() as fresh:
        assert not fresh.loaded
        with pytest.raises(DeskFailed, match="is still being loaded"):
            fresh.why(
                WhyOrder(key="one", load=lambda: order, first_id="a", second_id="b"),
                seconds=0.01,
            )
        assert fresh.solve(order).outcome is Outcome.OPTIMAL
        assert fresh.loaded


def test_a_nursery_that_was_killed_is_replaced(desk):
    order = order_of(30, days=30)
    assert desk.solve(order).outcome is Outcome.OPTIMAL
    os.kill(desk._nursery._process.pid, signal.SIGKILL)
    desk._nursery._process.wait()
    assert desk.solve(order).outcome is Outcome.OPTIMAL


def test_a_nursery_that_dies_takes_the_solver_with_it_and_a_plan_is_still_offered():
    order = order_of(2500, days=60)

    def kill(_progress):
        process = desk._nursery._process
        if process is not None:
            process.kill()

    with Desk() as desk:
        found = desk.solve(order, tell=kill)
    assert found.outcome is Outcome.FALLBACK
    assert "SIGKILL" in found.reason
    assert verified(order, found)


# --- nothing is left behind -----------------------------------------------------------


GONE_S = 10.0
"""How long the system may take to end those whose parent has ended."""


def test_a_desk_that_is_closed_leaves_no_process(solved):
    with Desk() as desk:
        desk.price(asked(solved, Merge(bin_ids=("B001", "B002"))), seconds=30)
        nursery = desk._nursery._process.pid
        children = children_of(nursery)
        assert children
    assert not Path(f"/proc/{nursery}").exists()
    give_up = time.monotonic() + GONE_S
    while any(Path(f"/proc/{pid}").exists() for pid in children):
        assert time.monotonic() < give_up, "A process was left behind."
        time.sleep(0.01)


def test_who_waits_for_a_desk_that_is_closed_is_told():
    with Desk() as desk, pytest.raises(DeskClosed, match="before the proposal"):
        desk.solve(
            order_of(2500, days=60),
            tell=lambda _: threading.Thread(target=desk.close).start(),
        )
    with pytest.raises(DeskClosed):
        desk.solve(order_of(30, days=30))


def children_of(pid: int) -> list[int]:
    return [
        int(child)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for child in (task / "children").read_text().split()
    ]


SOLVING_FOR_EVER = """
import sys
from app.jobs.desk import Desk
from tests.app.jobs.ordering import order_of

def told(progress):
    sys.stdout.write(f"{desk._nursery._process.pid}\\n")
    sys.stdout.flush()

with Desk() as desk:
    desk.solve(order_of(2500, days=60), tell=told)
"""


def test_nothing_outlives_a_service_that_was_killed():
    with subprocess.Popen(
        [sys.executable, "-c", SOLVING_FOR_EVER],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    ) as service:
        nursery = int(service.stdout.readline())
        solvers = children_of(nursery)
        below = [pid for solver in solvers for pid in children_of(solver)]
        assert solvers
        assert below  # the solver has a process that it can end
        service.kill()
    gone = {nursery, *solvers, *below}
    until = time.monotonic() + 30
    while any(alive(pid) for pid in gone):
        assert time.monotonic() < until, gone
        time.sleep(0.05)


def alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def test_the_service_itself_loads_no_solver():
    code = "import sys, app.jobs.desk; print([*{'numba', 'highspy'} & {*sys.modules}])"
    path = os.pathsep.join(filter(None, sys.path))
    found = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert found.stdout == "[]\n"

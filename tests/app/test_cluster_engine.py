"""Solving on a Dask cluster of real processes: same answer, whoever dies on the way."""

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from app.catalogue import load_catalogue
from app.engine.cluster import DaskEngine
from app.engine.cluster_address import host_and_port
from app.engine.cluster_bundles import (
    bundles,
)
from app.engine.cluster_run import IN_FLIGHT
from app.engine.cluster_work import TOPIC
from app.engine.halt import Halt
from app.errors import ClusterFailed, WrongUsage
from app.export.document import verify_document
from app.generate import write_batch
from app.intake import read_requests
from app.policies import read_policy
from optimizer.batch import Batch
from optimizer.instance import Instance
from optimizer.problem import Problem
from optimizer.propose import propose
from optimizer.selection.outcome import Selection
from optimizer.selection.solver import solve
from tests.app.command_line import ALLYBIN, proposed, refused
from tests.app.dask_processes import (
    GUARD,
    Cluster,
    cluster,
    freeze_a_worker_at_work,
    until,
    watching,
)
from tests.app.test_engine import dense_problem
from tests.optimizer.problems import document_of
from tests.solving import instances

DAY = date(2026, 1, 5)


@pytest.fixture(scope="module")
def batch(tmp_path_factory) -> Path:
    """Return a file of five hundred generated requests."""
    path = tmp_path_factory.mktemp("batch") / "requests.csv"
    with path.open("w", encoding="utf-8") as stream:
        write_batch(stream, 500, 3, 40)
    return path


@pytest.fixture(scope="module")
def problem(batch) -> Problem:
    """Return the batch under the policy that lets most requests share."""
    return Problem(
        batch=Batch(requests=read_requests((str(batch),)).requests),
        policy=read_policy("nato-all"),
        catalogue=load_catalogue(),
        as_of=DAY,
    )


@pytest.fixture(scope="module")
def alone(problem) -> dict[str, Any]:
    """Return the document this process makes of the batch."""
    return document_of(propose(problem))


@pytest.fixture(scope="module")
def pair(tmp_path_factory) -> Iterator[Cluster]:
    """Return a scheduler with two workers."""
    with cluster(tmp_path_factory.mktemp("dask") / "pair") as found:
        yield found


@pytest.fixture
def connected() -> Iterator[Callable[..., DaskEngine]]:
    """Return what makes engines that are connected, and closed afterwards."""
    made: list[DaskEngine] = []

    def connect(address: str | None, halt: Halt, **options: Any) -> DaskEngine:
        engine = DaskEngine(address, 1, halt, **options)
        made.append(engine)
        engine.open()
        return engine

    yield connect
    for engine in made:
        engine.close()


# --- the answer ---------------------------------------------------------------------


def test_two_workers_give_the_same_document(pair, connected, problem, alone):
    told: list[str] = []
    engine = connected(pair.address, Halt(), warn=told.append)
    assert document_of(propose(problem, engine=engine)) == alone
    assert told == []


def test_a_time_limit_that_is_long_enough_changes_nothing(
    pair, connected, problem, alone
):
    engine = connected(pair.address, Halt(GUARD))
    assert document_of(propose(problem, engine=engine)) == alone


def test_the_scheduler_never_holds_more_than_a_few_bundles(
    pair, connected, tasks, solved
):
    many = tasks * 3
    held: list[int] = []
    over = threading.Event()
    with watching(pair) as client:

        def look() -> None:
            while not over.is_set():
                held.append(
                    client.run_on_scheduler(
                        lambda dask_scheduler: len(dask_scheduler.tasks)
                    )
                )

        looking = threading.Thread(target=look)
        looking.start()
        engine = connected(pair.address, Halt())
        found = engine(many, gap=0.0, report=lambda *_: None)
        over.set()
        looking.join()
    assert len(bundles([len(task) for task in many])) == len(many) > 2 * IN_FLIGHT
    assert 0 < max(held) <= 2 * IN_FLIGHT
    assert [*found] == solved * 3


# --- the end of time ----------------------------------------------------------------


class Interrupted:
    """An engine that is told to stop once a first plan was told of."""

    def __init__(self, engine: DaskEngine, halt: Halt, before: Callable[[], object]):
        self.engine = engine
        self.halt = halt
        self.before = before

    def __call__(self, tasks, *, gap, report):
        def told(number: int, selection: Selection) -> None:
            report(number, selection)
            if not self.halt.signalled:
                self.before()
                self.halt.signalled = True

        return self.engine(tasks, gap=gap, report=told)


def test_a_signal_ends_it_with_a_plan_and_the_workers_stop(pair, connected):
    halt = Halt()
    problem = dense_problem(2, 400)
    engine = Interrupted(connected(pair.address, halt), halt, lambda: None)
    document = document_of(propose(problem, engine=engine))
    assert verify_document(document, problem) == ()
    assert 0 < document["lower_bound"] < document["objective"]["total"]
    with watching(pair) as client:
        until(lambda: not any(client.run(at_work).values()))


def at_work(dask_worker: Any) -> int:
    """Return how many threads of a worker do something."""
    return len(dask_worker.active_threads)


def test_workers_that_do_not_answer_are_not_waited_for(pair, connected):
    halt = Halt()
    problem = dense_problem(2, 400)
    with watching(pair) as client:
        pids = client.run(os.getpid)

    def send(number: int) -> None:
        for pid in pids.values():
            os.kill(pid, number)

    engine = connected(pair.address, halt)
    stopped = Interrupted(engine, halt, lambda: send(signal.SIGSTOP))
    try:
        document = document_of(propose(problem, engine=stopped))
    finally:
        send(signal.SIGCONT)
    assert verify_document(document, problem) == ()
    assert 0 < document["gap"] < 1


def test_at_the_time_limit_every_part_has_had_its_share(pair, connected):
    halt = Halt(4.0)
    problem = dense_problem(2, 400)
    engine = connected(pair.address, halt)
    document = document_of(propose(problem, engine=engine))
    assert verify_document(document, problem) == ()
    assert 0 < document["lower_bound"] <= document["objective"]["total"]
    assert document["gap"] < 0.5  # without a search a bound is far off


# --- what is lost on the way --------------------------------------------------------


@pytest.fixture(scope="module")
def tasks() -> list[Instance]:
    """Return tasks enough to be struck among, each for a bundle of its own."""
    return [max(instances(dense_problem(2, 40)), key=len)] * 8


@pytest.fixture(scope="module")
def solved(tasks) -> list[Selection]:
    """Return what this process finds for the tasks."""
    return [solve(tasks[0])] * len(tasks)


def solve_struck(
    engine: DaskEngine, tasks: list[Instance], strike: Callable[[], object]
) -> list[Selection]:
    """Solve tasks while something strikes the cluster."""
    striking = threading.Thread(target=strike)
    striking.start()
    try:
        return [*engine(tasks, gap=0.0, report=lambda *_: None)]
    finally:
        striking.join(GUARD)


def test_workers_killed_at_work_one_by_one_cost_nothing_but_time(
    tmp_path, connected, tasks, solved
):
    told: list[str] = []
    with cluster(tmp_path / "pair") as pair, watching(pair) as client:
        pids = client.run(os.getpid)
        killed: list[int] = []

        def strike() -> None:
            killed.append(freeze_a_worker_at_work(client, pids))
            os.kill(killed[-1], signal.SIGKILL)

        engine = connected(pair.address, Halt(), warn=told.append, patience=1.0)
        assert solve_struck(engine, tasks, strike) == solved
        assert told == []
        left = client.run(os.getpid)
        assert sorted([*left.values(), *killed]) == sorted(pids.values())

        assert solve_struck(engine, tasks, strike) == solved
        assert sorted(killed) == sorted(pids.values())
        assert told == [
            "The Dask cluster has no workers any more. "
            "What is left is solved on this machine."
        ]

        with pytest.raises(ClusterFailed) as failed:
            connected(pair.address, Halt())
        assert str(failed.value) == (
            f"The Dask scheduler at {pair.address} has no workers: start some with "
            f"dask worker {pair.address} --nthreads 1."
        )


def test_what_ends_its_workers_gets_a_plan_without_search(
    tmp_path, connected, tasks, solved
):
    told: list[str] = []
    with (
        cluster(
            tmp_path / "strict", DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES="0"
        ) as strict,
        watching(strict) as client,
    ):
        pids = client.run(os.getpid)

        def strike() -> None:
            os.kill(freeze_a_worker_at_work(client, pids), signal.SIGKILL)

        engine = connected(strict.address, Halt(), warn=told.append)
        found = solve_struck(engine, tasks, strike)
    assert all(a.bound <= b.cost <= a.cost for a, b in zip(found, solved, strict=True))
    assert 0 < sum(a != b for a, b in zip(found, solved, strict=True)) <= len(told)
    assert set(told) == {
        "A part could not be solved to the end: it ended every worker that took it. "
        "Its best plan so far is used."
    }


def test_without_its_scheduler_the_rest_is_solved_here(
    tmp_path, connected, tasks, solved
):
    told: list[str] = []
    with cluster(tmp_path / "headless") as headless, watching(headless) as client:
        pids = client.run(os.getpid)

        def strike() -> None:
            freeze_a_worker_at_work(client, pids)
            headless.scheduler.kill()

        engine = connected(headless.address, Halt(), warn=told.append, patience=1.0)
        assert solve_struck(engine, tasks, strike) == solved
    assert len(told) == 1
    assert told[0].endswith(". What is left is solved on this machine.")


@pytest.mark.parametrize("meanwhile", ["silence", "chatter"])
def test_a_connection_that_breaks_is_made_again(
    meanwhile, pair, connected, tasks, solved
):
    told: list[str] = []
    broken: list[str] = []
    with watching(pair) as client:
        pids = client.run(os.getpid)

        def strike() -> None:
            frozen = freeze_a_worker_at_work(client, pids)
            if meanwhile == "chatter":
                client.run_on_scheduler(chatter)
            broken.extend(client.run_on_scheduler(break_connections))
            os.kill(frozen, signal.SIGCONT)

        engine = connected(pair.address, Halt(), warn=told.append)
        assert solve_struck(engine, tasks, strike) == solved
    assert len(broken) == 1
    assert told == []


def chatter(dask_scheduler: Any) -> None:
    """Tell all who listen to workers something at every turn, for two seconds."""

    async def chat() -> None:
        end = time.monotonic() + 2
        while time.monotonic() < end:
            dask_scheduler.log_event(TOPIC, {"run": "of another", "bundle": 0})
            await asyncio.sleep(0)

    dask_scheduler.chat = asyncio.get_running_loop().create_task(chat())


def break_connections(dask_scheduler: Any) -> list[str]:
    """Cut the line to everybody who proposes; return their names."""
    names = [name for name in dask_scheduler.client_comms if "allybin" in name]
    for name in names:
        dask_scheduler.client_comms[name].comm.abort()
    return names


def test_workers_stop_when_whoever_asked_is_killed(pair, tmp_path):
    path = tmp_path / "requests.csv"
    with path.open("w", encoding="utf-8") as stream:
        write_batch(stream, 1500, 3, 60)
    with (
        watching(pair) as client,
        subprocess.Popen(
            [
                *(*ALLYBIN, "propose", str(path), "--policy", "nato-all"),
                *("--engine", "dask", "--scheduler", pair.address),
            ],
        ) as asking,
    ):
        until(lambda: any(client.run(at_work).values()))
        asking.kill()
        until(lambda: not any(client.run(at_work).values()))
    assert asking.returncode == -signal.SIGKILL


# --- a cluster that cannot be used --------------------------------------------------


def test_workers_of_other_code_are_refused(tmp_path, connected):
    elsewhere = tmp_path / "elsewhere"
    for package in ("app", "optimizer"):
        shutil.copytree(package, elsewhere / package)
    with (elsewhere / "optimizer" / "cost.py").open("a") as source:
        source.write("# Not what is here.\n")
    with cluster(tmp_path / "mixed", workers=0) as mixed:
        mixed.add_worker(PYTHONPATH=str(elsewhere))
        with watching(mixed) as client:
            until(client.nthreads)
        with pytest.raises(ClusterFailed) as failed:
            connected(mixed.address, Halt())
    assert str(failed.value).startswith("The Dask worker at tcp://127.0.0.1:")
    assert " runs allybin code " in str(failed.value)
    assert "install the same there and here" in str(failed.value)


@pytest.mark.parametrize(
    "address",
    [
        *("", "dask", "tcp://a", "tcp://a:0", "tcp://a:99999", "tcp://[a:1"),
        *("http://a:1", "tcp://a:1/b", "tcp://:1", "tcp://me@a:1"),
    ],
)
def test_what_is_no_address_is_refused(address):
    with pytest.raises(WrongUsage, match="is not the address of a Dask scheduler"):
        host_and_port(address)


def test_addresses_are_taken_apart():
    assert host_and_port("tcp://127.0.0.1:8786") == ("127.0.0.1", 8786)
    assert host_and_port("tls://[::1]:1") == ("::1", 1)


# --- the command line ---------------------------------------------------------------


def test_the_command_starts_processes_of_its_own(batch, problem, alone):
    arguments = (str(batch), "--policy", "nato-all", "--as-of", DAY.isoformat())
    document = proposed(*arguments, "--engine", "dask", "--workers", "2")
    assert verify_document(document, problem) == ()
    assert document["bins"] == alone["bins"]
    assert document["lower_bound"] == alone["lower_bound"]


def test_ctrl_c_in_a_terminal_ends_with_a_plan_and_no_noise(tmp_path):
    path = tmp_path / "requests.csv"
    with path.open("w", encoding="utf-8") as stream:
        write_batch(stream, 1500, 3, 60)
    with subprocess.Popen(
        [
            *(*ALLYBIN, "propose", str(path), "--policy", "nato-all", "--progress"),
            *("--engine", "dask", "--workers", "2", "--time-limit", "300"),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stderr is not None
        lines: list[str] = []
        assert "reading " in process.stderr.readline()
        for line in process.stderr:
            lines.append(line.strip())
            if len({incumbent(line) for line in lines} - {""}) > 1:  # a worker told it
                break
        os.killpg(process.pid, signal.SIGINT)
        printed, rest = process.communicate(timeout=GUARD)
    assert process.returncode == 0
    assert "1,500 requests" in printed
    lines += rest.splitlines()
    assert [line for line in lines if not re.match(r"\d+\.\d s, ", line)] == []


def incumbent(line: str) -> str:
    """Return the cost in a line of progress, nothing of any other line."""
    _, _, rest = line.partition(" incumbent ")
    return rest.partition(", bound ")[0]


def test_nobody_at_an_address_is_said_at_once(batch):
    message = refused(
        1, "propose", str(batch), "--engine", "dask",
        "--scheduler", "tcp://127.0.0.1:1",
    )  # fmt: skip
    assert message.startswith("No Dask scheduler answers at tcp://127.0.0.1:1: ")


def test_without_the_package_it_says_how_to_install_it(batch):
    code = (
        "import sys; sys.modules['distributed'] = None; "
        "from app.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "propose", str(batch), "--engine", "dask"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "pip install 'allybin[cluster]'" in done.stderr

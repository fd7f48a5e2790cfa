"""Every promise at its full figure: run the tests, print promise, figure and result.

``python -m tests.faults.promises`` takes about an hour and a half on two cores;
``--only P1 P5`` runs some, ``--short`` what the test suite runs.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.machine import describe
from tests.documents import ROOT


@dataclass(frozen=True, slots=True)
class Promise:
    """A promise, the figure it asks for, and the tests that reach it."""

    name: str
    asked: str
    tests: Sequence[str]
    full: Sequence[str] = ()


PROMISES = (
    Promise(
        "P1",
        "150 kill -9 over 20,000 acknowledged decisions: none lost, doubled, altered",
        ["tests/faults/test_kill9.py"],
        ["--kills", "150"],
    ),
    Promise(
        "P2, P3",
        "the disk fails at each of the first 200 writes and syncs: no lie, none lost",
        ["tests/faults/test_disk.py"],
        ["--disk-faults", "200"],
    ),
    Promise(
        "P4",
        "1,000 single tamperings: all found and placed",
        ["tests/app/audit/test_tampering.py"],
        ["--tamperings", "1000"],
    ),
    Promise(
        "P5",
        "2,000 decisions sent 1 to 20 times: 2,000 records, answers the same",
        ["tests/faults/test_duplicates.py"],
        ["--repeated", "2000"],
    ),
    Promise(
        "P6",
        "16 clients, 20 bins, 10,000 attempts, two servers: versions 1..n",
        ["tests/faults/test_two_servers.py", "-k", "sixteen"],
        ["--attempts", "10000"],
    ),
    Promise(
        "P6",
        "200 plans edited and decided in any order, beside a model",
        ["tests/service/test_plan_machine.py"],
        ["--plans", "200"],
    ),
    Promise(
        "P7",
        "100 pairs of worlds that differ for others alone: all bytes the same",
        ["tests/service/test_isolation.py"],
        ["--worlds", "100"],
    ),
    Promise(
        "P10",
        "the description tried 1,000 times a call, and every bad input: no 5xx",
        ["tests/service/test_openapi.py", "tests/service/test_bad_inputs.py"],
        ["--calls", "1000"],
    ),
    Promise(
        "P12",
        "slow and greedy clients hurt only themselves",
        ["tests/faults/test_slow_clients.py"],
    ),
    Promise(
        "P13",
        "two servers, one killed while both solve: each job ends once",
        ["tests/faults/test_two_servers.py", "-k", "job"],
        ["--restarts", "30"],
    ),
    Promise(
        "P13",
        "30 immediate restarts of PostgreSQL under load: none lost, heals by itself",
        ["tests/faults/test_pg_restart.py"],
        ["--restarts", "30"],
    ),
    Promise(
        "P9, P14",
        "faults of a solver: no rule broken, a defined state with its reason",
        ["tests/faults/test_solver_faults.py", "tests/app/jobs/test_desk.py"],
        ["--all-solver-faults", "1"],
    ),
    Promise(
        "P15",
        "every changing call leaves exactly one record",
        ["tests/service/test_audit_complete.py"],
    ),
    Promise(
        "P18",
        "20 secrets planted, all said at debug: none in answers, logs, trail, ps",
        ["tests/service/test_secrets.py"],
    ),
    Promise(
        "P19",
        "jumps of the clock by 400 days, steps back: order and trail as they were",
        ["tests/faults/test_clock.py"],
    ),
)


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a promise."""

    promise: Promise
    passed: bool
    words: str
    figures: Sequence[str]
    seconds: float


def run(promise: Promise, full: bool) -> Result:
    """Run the tests of a promise."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "figures"
        done = subprocess.run(
            [
                *(sys.executable, "-m", "pytest", "-q", "-p", "no:randomly"),
                *("-p", "no:cacheprovider", "--figures", str(told)),
                *promise.tests,
                *(promise.full if full else ()),
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        lines = told.read_text(encoding="utf-8") if told.exists() else ""
    if done.returncode:
        sys.stderr.write(done.stdout[-20_000:] + done.stderr[-5_000:])
    said = [json.loads(line) for line in lines.splitlines()]
    return Result(
        promise,
        passed=done.returncode == 0,
        words=done.stdout.strip().splitlines()[-1] if done.stdout.strip() else "",
        figures=[
            f"{one['database']}: {one['figure']}" if one["database"] else one["figure"]
            for one in said
        ],
        seconds=time.monotonic() - began,
    )


def show(result: Result) -> None:
    """Print a result as a line of the table, and what was measured below it."""
    promise = result.promise
    verdict = "kept" if result.passed else "NOT KEPT"
    _print(f"| {promise.name} | {promise.asked} | {verdict}: {result.words} |")
    for figure in result.figures:
        _print(f"|  |  | {figure} |")


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run promises; return 1 when one was not kept."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.promises")
    parser.add_argument("--only", nargs="+", metavar="P", default=())
    parser.add_argument("--short", action="store_true", help="at small figures")
    given = parser.parse_args(arguments)
    chosen = [
        one
        for one in PROMISES
        if not given.only or {*one.name.split(", ")} & {*given.only}
    ]
    _print(describe())
    _print("| promise | figure asked | result |")
    _print("| --- | --- | --- |")
    kept = True
    for promise in chosen:
        result = run(promise, full=not given.short)
        show(result)
        kept &= result.passed
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())

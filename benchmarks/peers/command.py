"""`python -m benchmarks peers`: everything a user could pick, side by side."""

import argparse
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from benchmarks import machine
from benchmarks.batches import POLICIES, Size, size, warm_up
from benchmarks.peers.methods import PEERS
from benchmarks.peers.report import false_bounds, tables
from benchmarks.peers.side_by_side import KEYS, Plan, run_all
from benchmarks.results import save

SIZES = ("50:5", "200:30", "1000:180", "2000:365", "5000:365")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what can be chosen."""
    sizes: list[Size] = [size(text) for text in SIZES]
    parser.add_argument(
        "--sizes", nargs="+", type=size, default=sizes, metavar="REQUESTS:DAYS",
        help=f"batches to generate [default: {' '.join(SIZES)}]",
    )  # fmt: skip
    parser.add_argument(
        "--policies", nargs="+", default=list(POLICIES), metavar="NAME|FILE",
        help=f"policies [default: {' '.join(POLICIES)}]",
    )  # fmt: skip
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument(
        "--methods", nargs="+", choices=list(PEERS), default=list(PEERS),
        metavar="METHOD", help=f"any of {', '.join(PEERS)} [default: all]",
    )  # fmt: skip
    parser.add_argument(
        "--time-limit", type=float, default=60.0, metavar="SECONDS",
        help="of each method, its start and reading included [default: 60]",
    )  # fmt: skip
    parser.add_argument(
        "--memory-limit", type=float, default=8000.0, metavar="MB",
        help="beyond which a method is stopped [default: 8000]",
    )  # fmt: skip
    parser.add_argument(
        "--results", type=Path, default=Path("bench-results"), metavar="DIR",
        help="folder for peers.json, which plots read [default: bench-results]",
    )  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Measure, print the tables, keep the results."""
    needed = sorted({need for name in options.methods for need in PEERS[name].needs})
    absent = [name for name in needed if find_spec(name) is None]
    if absent:
        print(
            f"Not installed here: {', '.join(absent)}. `make bench` makes .venv-bench, "
            "which has what the peers need.",
            file=sys.stderr,
        )
        return 1
    asked = Plan(
        sizes=options.sizes,
        policies=options.policies,
        seeds=options.seeds,
        methods=options.methods,
        time_limit=options.time_limit,
        memory_limit_mb=options.memory_limit,
    )
    about = machine.describe()
    runs = []
    with tempfile.TemporaryDirectory() as folder:
        warm_up(Path(folder))
        for measured in run_all(asked, Path(folder)):
            runs.append(measured)
            row = {**measured.row(), "machine": about}
            save(options.results, "peers", [row], KEYS)
            note(f"{measured.requests}:{measured.days} {measured.policy} seed "
                 f"{measured.seed} {measured.method}: {_brief(measured)}")  # fmt: skip
    kinds = {r.memory_kind for r in runs if r.memory_kind}
    print(f"{about}. Memory: {', '.join(sorted(kinds))} of all processes of a run.\n")
    for text in tables(runs):
        print(text)
    wrong = false_bounds(runs)
    for sentence in wrong:
        print(sentence)
    return 1 if wrong else 0


def note(text: str) -> None:
    """Tell how far it has come."""
    print(text, file=sys.stderr, flush=True)


def _brief(measured: object) -> str:
    cost = getattr(measured, "cost", None)
    spent = getattr(measured, "seconds", None)
    found = "no plan" if cost is None else f"{cost:,.1f} staff-days"
    return found if spent is None else f"{found} in {spent:.1f} s"

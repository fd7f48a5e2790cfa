"""`python -m benchmarks scale`: whole runs of allybin from hundreds to a million."""

import argparse
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import groupby
from pathlib import Path

from benchmarks import machine
from benchmarks.batches import POLICIES, Size, generate, propose, size, warm_up
from benchmarks.measure import measure
from benchmarks.proposal_file import read_outcome
from benchmarks.results import save
from benchmarks.table import gap, markdown, seconds

LIMITS = {
    Size(requests=300, days=5): 60.0,
    Size(requests=2000, days=365): 60.0,
    Size(requests=20_000, days=3650): 60.0,
    Size(requests=20_000, days=365): 120.0,
    Size(requests=100_000, days=3650): 600.0,
}
"""The batches of the published figures, and the seconds each is given."""

MILLION = Size(requests=1_000_000, days=7300)
MILLION_LIMIT = 3600.0

HEADINGS = (
    "requests", "days", "policy", "in bins", "widest gap", "seconds", "first line",
    "MB", "remarks",
)  # fmt: skip
KEYS = ("requests", "days", "policy", "seed", "time_limit", "engine")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One whole run. Costs in staff-days.

    ``first_line`` is when the first line of progress came.
    """

    requests: int
    days: int
    policy: str
    seed: int
    time_limit: float
    engine: str
    seconds: float
    megabytes: float
    memory_kind: str
    first_line: float | None = None
    total: float | None = None
    gap: float | None = None
    share_in_bins: float | None = None
    note: str = ""
    progress: tuple[tuple[float, float, float], ...] = ()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what can be chosen."""
    parser.add_argument(
        "--sizes", nargs="+", type=size, default=list(LIMITS), metavar="REQUESTS:DAYS",
        help=f"batches [default: {' '.join(map(str, LIMITS))}]",
    )  # fmt: skip
    parser.add_argument(
        "--policies", nargs="+", default=["nato-all", "denser"], metavar="NAME|FILE",
        help=f"policies, of {', '.join(POLICIES)} or files [default: nato-all denser]",
    )  # fmt: skip
    parser.add_argument("--seeds", nargs="+", type=int, default=[1])
    parser.add_argument(
        "--time-limit", type=float, metavar="SECONDS",
        help="of each run [default: 60, 120 or 600, by size]",
    )  # fmt: skip
    parser.add_argument(
        "--gap", type=float, default=0.0, metavar="FRACTION",
        help="how far from proven best is enough [default: 0]",
    )  # fmt: skip
    parser.add_argument(
        "--dask", action="store_true",
        help="solve by --engine dask, and add a million requests over twenty years",
    )  # fmt: skip
    parser.add_argument(
        "--batches", type=Path, metavar="DIR",
        help="keep the generated batches here, and use those that are here",
    )  # fmt: skip
    parser.add_argument(
        "--results", type=Path, default=Path("bench-results"), metavar="DIR",
        help="folder for scale.json, which plots read [default: bench-results]",
    )  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Measure every size, print the table, keep the results."""
    about = machine.describe()
    engine = "dask" if options.dask else "local"
    sizes = list(options.sizes)
    if options.dask and sizes == list(LIMITS):
        sizes.append(MILLION)
    runs = []
    with tempfile.TemporaryDirectory() as scratch:
        folder: Path = options.batches or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        warm_up(Path(scratch))
        for asked in sizes:
            for policy in options.policies:
                for seed in options.seeds:
                    limit = options.time_limit or _limit(asked)
                    batch = generate(folder, asked, seed)
                    command = propose(
                        batch, policy, limit, "--engine", engine, gap=options.gap
                    )
                    out = Path(scratch) / "proposal.json"
                    one = measured(
                        command, out, asked, policy, seed, limit=limit, engine=engine
                    )
                    runs.append(one)
                    row = {**asdict(one), "machine": about}
                    save(options.results, "scale", [row], KEYS)
                    print(_line([one]), file=sys.stderr, flush=True)
    print(f"{about}. {memory_words(runs)}\n")
    print(table(runs))
    return 0


def _limit(asked: Size) -> float:
    return MILLION_LIMIT if asked.requests >= MILLION.requests else LIMITS.get(
        asked, 60.0
    )  # fmt: skip


def measured(
    command: Sequence[str],
    out: Path,
    asked: Size,
    policy: str,
    seed: int,
    *,
    limit: float,
    engine: str,
) -> Run:
    """Run the command once and read what it proposed."""
    went = measure(command, out, time_limit=limit, progress=True)
    failed = went.ending or (
        f"failed with code {went.code}: {went.errors.strip().rpartition('\n')[2]}"
        if went.code
        else ""
    )
    run = Run(
        requests=asked.requests,
        days=asked.days,
        policy=policy,
        seed=seed,
        time_limit=limit,
        engine=engine,
        seconds=went.seconds,
        megabytes=went.megabytes,
        memory_kind=went.memory_kind,
        first_line=went.first_line,
        note=failed,
        progress=tuple((p.seconds, p.incumbent, p.bound) for p in went.progress),
    )
    if failed:
        return run
    outcome = read_outcome(out)
    return replace(
        run,
        total=outcome.total,
        gap=outcome.gap,
        share_in_bins=outcome.requests_in_bins / outcome.requests,
    )


def memory_words(runs: Sequence[Run]) -> str:
    """Say which kind of memory was read, and of what."""
    kinds = sorted({one.memory_kind for one in runs})
    return f"Memory: peak {' or '.join(kinds)} summed over all processes of a run."


def table(runs: Sequence[Run]) -> str:
    """Return the table: of the seeds of a line the median, and the range."""
    return markdown(HEADINGS, _rows(runs))


def _rows(runs: Sequence[Run]) -> Iterator[list[str]]:
    for _, group in groupby(runs, key=lambda r: (r.requests, r.days, r.policy)):
        yield _cells(list(group))


def _cells(runs: Sequence[Run]) -> list[str]:
    times = sorted(one.seconds for one in runs)
    gaps = [one.gap for one in runs if one.gap is not None]
    shares = [one.share_in_bins for one in runs if one.share_in_bins is not None]
    first = [one.first_line for one in runs if one.first_line is not None]
    span = f" ({seconds(times[0])} to {seconds(times[-1])})" if len(times) > 1 else ""
    return [
        f"{runs[0].requests:,}",
        f"{runs[0].days:,}",
        runs[0].policy,
        f"{statistics.median(shares):.0%}" if shares else "–",
        gap(max(gaps)) if len(gaps) == len(runs) else "–",
        f"{seconds(statistics.median(times))}{span}",
        f"{seconds(max(first))}" if first else "–",
        f"{max(one.megabytes for one in runs):,.0f}",
        "; ".join(sorted({one.note for one in runs if one.note})),
    ]


def _line(runs: Sequence[Run]) -> str:
    return " | ".join(cell for cell in _cells(runs) if cell)

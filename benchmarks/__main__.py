"""Time and memory of whole `allybin propose` runs on generated batches.

Each run is a process of its own, measured by the operating system; the solving
processes it starts count towards the memory. Run with `make bench` or
`python -m benchmarks [--sizes 300:5 2000:365] [--seeds 1 2 3]`.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).parent
POLICIES = {"nato-all": "nato-all", "dense": str(HERE / "dense.toml")}
AS_OF = "2026-01-01"
PACKAGES = ("pulp", "highspy", "numba", "networkx")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One measured run. Seconds of wall time, peak memory of all its processes."""

    seconds: float
    megabytes: float
    requests_in_bins: float
    total: float
    gap: float


def main() -> None:
    """Print the table: median over the seeds, range in brackets."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--sizes", nargs="+", default=["300:5", "1000:365", "2000:365"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--time-limit", default="60")
    options = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python", end=" ")
    print(platform.python_version(), *(f"{p} {version(p)}" for p in PACKAGES), sep=", ")
    print()
    print("| requests | days | policy | in bins | worst gap | seconds | MB |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        for size in options.sizes:
            requests, days = size.split(":")
            for name, policy in POLICIES.items():
                runs = []
                for seed in options.seeds:
                    batch = generate(Path(folder), requests, days, seed)
                    runs.append(measure(batch, policy, options.time_limit))
                print(row(requests, days, name, runs), flush=True)


def generate(folder: Path, requests: str, days: str, seed: int) -> Path:
    """Write a synthetic batch and return its path."""
    path = folder / f"{requests}-{days}-{seed}.csv"
    command = [*allybin(), "generate", "--requests", requests, "--days", days]
    with path.open("wb") as stream:
        subprocess.run([*command, "--seed", str(seed)], stdout=stream, check=True)
    return path


def measure(batch: Path, policy: str, time_limit: str) -> Run:
    """Propose once, watching the memory of the process and its children."""
    command = [*allybin(), "propose", str(batch), "--policy", policy]
    command += ["--as-of", AS_OF, "--time-limit", time_limit, "--json"]
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    peak = [0]
    watch = threading.Thread(target=_watch, args=(process, peak))
    watch.start()
    output, _ = process.communicate()
    seconds = time.perf_counter() - begun
    watch.join()
    document = json.loads(output)
    shared = sum(
        len(b["request_ids"]) for b in document["bins"] if len(b["request_ids"]) > 1
    )
    return Run(
        seconds=seconds,
        megabytes=peak[0] / 1024,
        requests_in_bins=shared / document["input"]["requests"],
        total=document["objective"]["total"],
        gap=document["gap"],
    )


def row(requests: str, days: str, policy: str, runs: list[Run]) -> str:
    """Return a line of the table."""
    seconds = sorted(run.seconds for run in runs)
    worst = max(run.gap for run in runs)
    cells = (
        f"{int(requests):,}",
        days,
        policy,
        f"{statistics.median(run.requests_in_bins for run in runs):.0%}",
        "0 (optimal)" if worst <= 1e-6 else f"{worst:.4%}",
        f"{statistics.median(seconds):.1f} ({seconds[0]:.1f} to {seconds[-1]:.1f})",
        f"{max(run.megabytes for run in runs):.0f}",
    )
    return f"| {' | '.join(cells)} |"


def allybin() -> list[str]:
    """Return the command, of the environment this runs in."""
    return [str(Path(sys.executable).parent / "allybin")]


def _watch(process: "subprocess.Popen[bytes]", peak: list[int]) -> None:
    """Note the largest sum of resident kilobytes of a process and its children."""
    while process.poll() is None:
        total = sum(_resident(pid) for pid in (process.pid, *_children(process.pid)))
        peak[0] = max(peak[0], total)
        time.sleep(0.05)


def _children(pid: int) -> list[int]:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    except OSError:
        return []  # it has just ended
    return [int(child) for child in text.split()]


def _resident(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return 0  # it has just ended
    lines = (line.split() for line in text.splitlines() if line.startswith("VmRSS"))
    return next((int(words[1]) for words in lines), 0)


if __name__ == "__main__":
    main()

"""The batches and policies that are measured, and the command that makes both."""

import argparse
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import ROOT, environment

HERE = Path(__file__).resolve().parent
POLICIES = {
    "nato-all": "nato-all",
    "denser": str(HERE / "denser.toml"),
    "dense": str(HERE / "dense.toml"),
}
"""The shipped policy; it with any region and any agency; and with every customer."""

AS_OF = "2026-01-01"
"""The first day of every generated batch: nothing waited before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How large a batch is and over how many days its requests arrive."""

    requests: int
    days: int

    def __str__(self) -> str:
        return f"{self.requests}:{self.days}"


def size(text: str) -> Size:
    """Read a size such as 2000:365."""
    requests, _, days = text.partition(":")
    if not (requests.isdecimal() and days.isdecimal() and int(requests) and int(days)):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a number of requests and of days, such as 2000:365."
        )
    return Size(requests=int(requests), days=int(days))


def policy_file(name: str) -> str:
    """Return what --policy is told: a measured policy by name, else as it is."""
    return POLICIES.get(name, name)


def allybin() -> list[str]:
    """Return the command, of the environment this runs in."""
    return [str(Path(sys.executable).parent / "allybin")]


def generate(folder: Path, asked: Size, seed: int) -> Path:
    """Write a synthetic batch, once, and return its path."""
    path = folder / f"{asked.requests}-{asked.days}-{seed}.csv"
    if not path.exists():
        command = [*allybin(), "generate", "--requests", str(asked.requests)]
        command += ["--days", str(asked.days), "--seed", str(seed)]
        unfinished = path.with_suffix(".part")
        with unfinished.open("wb") as stream:
            subprocess.run(command, stdout=stream, check=True, cwd=ROOT)
        unfinished.rename(path)
    return path


def propose(
    batch: Path, policy: str, time_limit: float, *more: str, gap: float = 0.0
) -> list[str]:
    """Return the command that proposes bins for a batch, as measured everywhere."""
    return [
        *allybin(), "propose", str(batch), "--policy", policy_file(policy),
        "--as-of", AS_OF, "--time-limit", str(time_limit), "--gap", str(gap),
        "--json", "--progress", *more,
    ]  # fmt: skip


def warm_up(folder: Path) -> None:
    """Propose once unmeasured, so that no run counts compiling what is kept after."""
    batch = generate(folder, Size(requests=300, days=5), seed=0)
    for policy in ("nato-all", "dense"):
        subprocess.run(
            propose(batch, policy, 600, "--workers", "1", gap=0.05),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=True,
            cwd=ROOT,
            env=environment(),
        )

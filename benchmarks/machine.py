"""What the figures were made on: hardware, system, versions."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = (
    "allybin", "pulp", "highspy", "numba", "numpy", "networkx", "pandas", "scipy",
    "cbcbox", "ortools", "spopt", "distributed",
)  # fmt: skip


def describe() -> str:
    """Return a line on this machine and the versions that are installed."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    parts = [
        _processor(),
        f"{os.cpu_count()} cores",
        f"{memory:.0f} GB",
        f"{platform.system()} {platform.release().split('-')[0]}",
        f"Python {platform.python_version()}",
        *(f"{name} {found}" for name in PACKAGES if (found := _version(name))),
    ]
    return f"{datetime.now(UTC).date().isoformat()}; {', '.join(parts)}"


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.machine()
    names = (
        line.partition(":")[2] for line in text.splitlines() if "model name" in line
    )
    return next(names, platform.machine()).strip() or platform.machine()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None

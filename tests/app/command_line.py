"""allybin in a process of its own, for tests of the command line."""

import json
import os
import subprocess
import sys
from pathlib import Path

from app.samples import sample_path

ALLYBIN = [sys.executable, "-c", "from app.cli import main; main()"]
BALTIC = str(sample_path("baltic-rocket-artillery.csv"))
PRECEDENTS = str(sample_path("precedents.csv"))
RULINGS = str(sample_path("rulings.json"))
DAY = ("--as-of", "2022-03-01")
RESULTS = {"proposal.json", "bins.csv", "proposal.xlsx", "report.html"}


def run(
    *arguments: str,
    cwd: Path | None = None,
    stdin: str | None = None,
    **environment: str,
) -> subprocess.CompletedProcess[str]:
    """Run allybin to its end."""
    return subprocess.run(
        [*ALLYBIN, *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        cwd=cwd,
        input=stdin,
        env={**os.environ, "PYTHONPATH": os.getcwd(), **environment},
        timeout=120,
        check=False,
    )


def proposed(*arguments: str, **environment: str) -> dict:
    """Return the document that propose prints."""
    done = run("propose", *arguments, "--json", **environment)
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def refused(code: int, *arguments: str, **options) -> str:
    """Run allybin, require an exit code, nothing printed, and return the message."""
    done = run(*arguments, **options)
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert done.returncode == code, done.stderr
    return done.stderr

"""Python run in processes of their own."""

import os
import subprocess
import sys

from tests.documents import ROOT


def run_python(code: str) -> str:
    """Return what some code prints."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    return done.stdout

"""A fresh clone: one command sets it up and leaves a proposal to look at."""

import json
import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OUTPUTS = {"proposal.json", "bins.csv", "proposal.xlsx", "report.html"}

pytestmark = pytest.mark.acceptance


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Clone what is committed; nothing that was set up here comes along."""
    folder = tmp_path / "allybin"
    subprocess.run(
        ["git", "clone", "--quiet", str(ROOT), str(folder)],
        check=True,
        stdin=subprocess.DEVNULL,
    )
    return folder


def test_demo_sets_a_fresh_clone_up_and_writes_a_proposal(clone: Path) -> None:
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name not in {"VIRTUAL_ENV", "PYTHONPATH", "PYTEST_CURRENT_TEST"}
        # what make tells the makes below it, this one's flags among it
        and not name.startswith(("MAKE", "MFLAGS"))
    }
    done = subprocess.run(
        ["make", "demo"],
        cwd=clone,
        env=inherited,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr

    [written] = (
        path for path in clone.rglob("proposal.json") if ".venv" not in path.parts
    )
    assert {path.name for path in written.parent.iterdir()} >= OUTPUTS
    proposal = json.loads(written.read_text(encoding="utf-8"))
    members = [i for a_bin in proposal["bins"] for i in a_bin["request_ids"]]
    assert len(members) == len(set(members)) == proposal["input"]["requests"] == 153
    assert proposal["status"] == "optimal"
    assert proposal["objective"]["total"] < proposal["objective"]["baseline_total"]
    # The second run finds everything in place and says nothing of setting up.
    again = subprocess.run(
        ["make", "setup"], cwd=clone, env=inherited, capture_output=True, text=True
    )
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")

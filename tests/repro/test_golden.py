"""Golden batches come out the same, wherever and however they are proposed for (P8).

A change of the code that gives one of them other bins is made on purpose, and says so:
``python -m tests.repro.making keep`` writes down what is golden from then on.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from tests.documents import ROOT
from tests.repro.making import BATCHES, FILE

RUNS: Final[dict[str, tuple[dict[str, str], list[str]]]] = {
    "hash seed 0": ({"PYTHONHASHSEED": "0"}, []),
    "hash seed 1": ({"PYTHONHASHSEED": "1"}, []),
    "hash seed of its own": ({"PYTHONHASHSEED": "random"}, []),
    "rows shuffled": ({}, ["shuffled"]),
    "elsewhere": (
        {
            "LC_ALL": "tr_TR.UTF-8",
            "LANG": "tr_TR.UTF-8",
            "TZ": "Pacific/Kiritimati",
            "PYTHONUTF8": "0",
        },
        [],
    ),
}
"""What is different in a run: its environment and its arguments."""


def made(
    folder: Path, environment: dict[str, str], more: list[str]
) -> dict[str, dict[str, Any]]:
    """Return what the golden batches come to in a process of its own."""
    command = [sys.executable, "-m", "tests.repro.making", "1", str(BATCHES), *more]
    said = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        check=True,
        capture_output=True,
        timeout=600,
    )
    found: dict[str, dict[str, Any]] = json.loads(said.stdout)
    return found


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Return what the golden batches come to in a plain run."""
    return made(tmp_path_factory.mktemp("plain"), {}, [])


def test_golden_batches_have_the_bins_they_had(
    here: dict[str, dict[str, Any]],
) -> None:
    golden = json.loads(FILE.read_text(encoding="utf-8"))
    assert len(golden) == BATCHES
    for number, kept in golden.items():
        assert kept["total"] == kept["bound"], number  # proven: no plan costs less
        found = {name: here[number][name] for name in kept}
        assert found == kept, f"Golden batch {number} comes out otherwise."


@pytest.mark.parametrize("name", RUNS)
def test_a_proposal_does_not_depend_on_where_it_is_made(
    name: str, here: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    environment, more = RUNS[name]
    found = made(tmp_path, environment, more)
    assert found.keys() == here.keys()
    for number, one in found.items():
        assert one == here[number], f"Golden batch {number} differs: {name}."

"""A solver may do anything: plans break no rule, and say how they were made (P9, P14).

Its faults are tried one by one at the desk (tests/app/jobs); here the whole service has
such a solver, and what it shows over the API is judged apart from it.
"""

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.jobs.desk import Desk
from app.jobs.running import KILL_SECONDS
from tests.documents import ROOT
from tests.faults.figures import Tell
from tests.service.judging import faults
from tests.service.world import BALTIC, World

SOLVER = ROOT / "tests" / "app" / "jobs" / "fake_solver.py"
LIMIT_S = 2

SHORT = ("killed", "half", "infeasible", "a_bin_lost")
LONG = (
    *("segfault", "hang", "out_of_memory", "exit_3", "garbage", "unknown_status"),
    *("a_limit_without_a_plan", "unbounded", "worse_plan_called_optimal"),
    *("wrong_total", "not_a_number"),
)


@pytest.fixture(scope="module")
def own_desk() -> Iterator[Desk]:
    """Yield a desk whose solver may be put in another's place."""
    with Desk() as desk:
        yield desk


@pytest.mark.parametrize("fault", [*SHORT, *LONG])
def test_a_broken_solver_leaves_a_sound_plan_and_says_so(
    fault: str,
    own_desk: Desk,
    sqlite_template: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    pytestconfig: pytest.Config,
    tell: Tell,
) -> None:
    """P14: a plan made without the solver, called so, with the reason; in time."""
    if fault not in SHORT and not pytestconfig.getoption("--all-solver-faults"):
        pytest.skip("one of the long form: --all-solver-faults 1")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
    command = (sys.executable, str(SOLVER), fault)
    monkeypatch.setattr(own_desk, "_command", command)
    path = tmp_path / "allybin.db"
    path.write_bytes(sqlite_template.read_bytes())
    with World(f"sqlite:///{path}", tmp_path, own_desk) as world:
        world.stored()
        began = time.monotonic()
        said = world.propose(time_limit_s=LIMIT_S)
        took = time.monotonic() - began
        assert said["state"] == "done"
        assert said["made_without_solver"] is True
        assert said["reproducible"] is False
        assert said["failure"]
        path_of = f"/proposals/{said['proposal_id']}"
        assert faults(world.read(f"{path_of}/export?format=json")) == []
        housed = [one for b in said["bins"] for one in b["request_ids"]]
        assert sorted(housed) == sorted(str(one["request_id"]) for one in BALTIC)
        (record,) = world.records(action="proposal.done")
        assert record["after"]["reason"] == said["failure"]
    tell(
        "P14",
        f"{fault}: a sound plan made without it after {took:.1f} s "
        f"(limit {LIMIT_S} s + {KILL_SECONDS:.0f} s): {said['failure']}",
    )

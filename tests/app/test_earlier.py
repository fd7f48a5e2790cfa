"""allybin propose --earlier, in a process of its own."""

import json
from pathlib import Path

import pytest

from tests.app.command_line import BALTIC, DAY, refused, run

HOLDS = "taken over from the earlier proposal, their proofs checked again"


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("first")
    assert run("propose", BALTIC, *DAY, "--out", str(folder)).returncode == 0
    return folder / "proposal.json"


def test_an_earlier_proposal_is_taken_over(first: Path) -> None:
    done = run("propose", BALTIC, *DAY, "--earlier", str(first), "--json")

    again, before = json.loads(done.stdout), json.loads(first.read_text("utf-8"))
    assert done.returncode == 0
    assert HOLDS in done.stderr
    assert "; 0 solved again." in done.stderr
    for key in ("bins", "objective", "lower_bound", "certificate", "proposal_id"):
        assert again[key] == before[key]


def test_rulings_are_obeyed_and_what_they_touch_is_solved_again(
    first: Path, tmp_path: Path
) -> None:
    before = json.loads(first.read_text("utf-8"))
    pair = next(b["request_ids"] for b in before["bins"] if len(b["request_ids"]) > 1)
    rulings = tmp_path / "rulings.json"
    rulings.write_text(
        json.dumps([{"kind": "apart", "request_ids": pair[:2]}]), encoding="utf-8"
    )
    asked = (BALTIC, *DAY, "--rulings", str(rulings))

    done = run("propose", *asked, "--earlier", str(first), "--json")

    warm = json.loads(done.stdout)
    cold = json.loads(run("propose", *asked, "--json").stdout)
    assert "; 1 solved again." in done.stderr
    assert warm["objective"]["total"] == cold["objective"]["total"]
    assert warm["lower_bound"] == cold["lower_bound"]


@pytest.mark.parametrize(
    "options", [("--as-of", "2023-03-01"), ("--policy", "nato-all")]
)
def test_another_question_takes_nothing_over_that_does_not_hold(
    first: Path, options: tuple[str, str]
) -> None:
    asked = (BALTIC, *DAY, *options)

    done = run("propose", *asked, "--earlier", str(first), "--json")

    cold = json.loads(run("propose", *asked, "--json").stdout)
    warm = json.loads(done.stdout)
    assert HOLDS in done.stderr
    assert warm["objective"]["total"] == cold["objective"]["total"]
    assert warm["lower_bound"] == cold["lower_bound"]


def test_an_earlier_proposal_that_is_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "proposal.json"
    path.write_text("[]", encoding="utf-8")

    said = refused(3, "propose", BALTIC, *DAY, "--earlier", str(path))

    assert "The proposal must be one JSON object" in said


def test_the_earlier_proposal_is_never_overwritten(first: Path) -> None:
    before = first.read_bytes()
    done = run(
        "propose", BALTIC, *DAY, "--earlier", str(first), "--out",
        str(first.parent), "--force",
    )  # fmt: skip

    assert done.returncode == 2
    assert first.read_bytes() == before

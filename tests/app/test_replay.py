"""allybin replay: the same once more, or what has changed."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.samples import sample_path
from tests.app.command_line import run

SAMPLE = str(sample_path("baltic-rocket-artillery.csv"))


@pytest.fixture(scope="module")
def proposal() -> dict[str, Any]:
    """Return a proposal for the small sample."""
    said = run("propose", SAMPLE, "--as-of", "2022-03-01", "--json")
    found: dict[str, Any] = json.loads(said.stdout)
    return found


def replayed(folder: Path, document: dict[str, Any], *more: str) -> tuple[int, str]:
    path = folder / "proposal.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    said = run("replay", str(path), SAMPLE, *more)
    return said.returncode, said.stdout


def test_a_proposal_comes_out_the_same(
    proposal: dict[str, Any], tmp_path: Path
) -> None:
    code, said = replayed(tmp_path, {**proposal, "created_at": "2020-01-01T00:00:00Z"})
    assert code == 0
    assert said.startswith("The same: 4 bins, result ")


def test_what_made_it_is_named_even_where_it_is_the_same(
    proposal: dict[str, Any], tmp_path: Path
) -> None:
    made = {**proposal["versions"], "highspy": "1.14.0", "allybin": "0.0.9"}
    code, said = replayed(tmp_path, {**proposal, "versions": made})
    assert code == 0
    assert "the solver or its libraries: highspy was 1.14.0" in said
    assert "the code: allybin was 0.0.9" in said


def test_another_result_is_told_with_the_parts_that_differ(
    proposal: dict[str, Any], tmp_path: Path
) -> None:
    bins = [*proposal["bins"][1:], proposal["bins"][0]]
    other = {**proposal, "bins": bins, "status": "feasible", "gap": 0.02}
    code, said = replayed(tmp_path, other)
    assert code == 1
    assert "What differs: bins, gap, status." in said
    assert "What has changed: a limit or a gap ended it then, with 2.00% left" in said


@pytest.mark.parametrize(
    ("part", "hint"),
    [
        ({"input": {"sha256": "0" * 64}}, "the requests are others"),
        ({"policy": {"name": "nato-rdp", "sha256": "0" * 64}}, "the policy is another"),
    ],
)
def test_another_question_is_told_and_not_solved(
    proposal: dict[str, Any], tmp_path: Path, part: dict[str, Any], hint: str
) -> None:
    code, said = replayed(tmp_path, {**proposal, **part})
    assert code == 1
    assert hint in said
    assert "Not replayed." in said

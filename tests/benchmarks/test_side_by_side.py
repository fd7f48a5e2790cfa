"""Methods run as processes of their own, judged alike, and told in one table."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from app.export.plain_files import json_lines
from benchmarks.batches import Size, size
from benchmarks.peers.report import best_bounds, best_plans, false_bounds, tables
from benchmarks.peers.side_by_side import KEYS, Plan, Run, run_all
from benchmarks.plots import _points
from benchmarks.proposal_file import read_bins, read_outcome
from benchmarks.results import load, save

CHEAP = Run(
    requests=10, days=5, policy="dense", seed=1, method="highs", time_limit=60.0,
    seconds=2.0, megabytes=80.0, memory_kind="PSS", cost=100.0, bins=5,
    requests_in_bins=8, bound=98.0,
)  # fmt: skip
DEAR = replace(CHEAP, method="savings", cost=110.0, bound=None, seconds=0.5)
BROKEN = replace(CHEAP, method="groupby", cost=90.0, bound=None, broken_bins=2)
NONE = replace(
    CHEAP, method="cbc", cost=None, bound=None, bins=0, note="the limit was over"
)


def test_methods_are_run_and_judged_on_one_batch(tmp_path: Path) -> None:
    methods = ("groupby", "groupby-repaired", "savings", "allybin")
    asked = Plan(
        sizes=[Size(requests=40, days=3)],
        policies=["dense"],
        seeds=[1],
        methods=methods,
        time_limit=600,  # kernels may have to be compiled first
        memory_limit_mb=4000,
    )

    runs = {run.method: run for run in run_all(asked, tmp_path)}

    assert list(runs) == list(methods)
    assert [run.note for run in runs.values()] == [""] * 4
    assert all(run.missing == 0 for run in runs.values())
    assert all(runs[name].allowed for name in methods[1:])
    ours = runs["allybin"]
    assert ours.bound == ours.cost  # such a batch is proven at once
    assert ours.cost <= min(runs["savings"].cost, runs["groupby-repaired"].cost)
    assert all(run.megabytes > 10 and run.seconds > 0 for run in runs.values())


def test_distances_are_to_the_best_allowed_plan_and_the_best_bound() -> None:
    weaker = replace(DEAR, method="cp-sat", bound=55.0)
    runs = [CHEAP, DEAR, BROKEN, NONE, weaker]

    assert list(best_plans(runs).values()) == [CHEAP]  # the broken one is no plan
    assert list(best_bounds(runs).values()) == [98.0]
    heading, table = tables(runs)

    assert "10 requests over 5 days, dense" in heading
    assert "80% of requests in bins" in heading
    rows = {line.split(" | ")[0]: line for line in table.splitlines()}
    assert rows["| compact PuLP, HiGHS"] == (
        "| compact PuLP, HiGHS | 100.0 | +0 | +2.04% | 2.00% | 2.0 | 80 |  |"
    )
    assert (
        "| 110.0 | +10.0% | +12.2% | none | 0.5 | 80 |" in rows["| savings heuristic"]
    )
    assert "| 110.0 | +10.0% | +12.2% | 50.0% |" in rows["| compact CP-SAT"]
    assert "2 of 5 bins break the rules" in rows["| group-by system, region"]
    assert "| – | – | – | none |" in rows["| group-by system, region"]
    assert "the limit was over" in rows["| compact PuLP, CBC"]
    assert false_bounds(runs) == []


def test_means_are_of_all_seeds_or_none() -> None:
    runs = [CHEAP, DEAR, replace(CHEAP, seed=9), replace(BROKEN, method="savings")]
    runs[3] = replace(runs[3], seed=9)

    _, table = tables(runs)

    (row,) = (line for line in table.splitlines() if "savings" in line)
    assert "| savings heuristic | – | – | – | none |" in row


def test_a_bound_above_a_plan_is_told() -> None:
    wrong = replace(CHEAP, method="cp-sat", cost=120.0, bound=101.0)

    (sentence,) = false_bounds([CHEAP, wrong])

    assert "The bound 101.000 of cp-sat is above a plan of highs" in sentence


def test_a_proposal_is_read_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / "proposal.json"
    document = {
        "proposal_id": "P-1",
        "input": {"requests": 3},
        "status": "feasible",
        "objective": {"total": 12.5},
        "lower_bound": 10.0,
        "gap": 0.2,
        "solve_seconds": 1.5,
        "bins": [
            {"bin_id": "B1", "request_ids": ["A", 'B: [",'], "warnings": []},
            {"bin_id": "B2", "request_ids": ["C"]},
        ],
        "rulings": [],
        "fragmentation": [{"customer": "POL", "request_ids": ["A", "C"]}],
    }
    path.write_text("".join(json_lines(document)), encoding="utf-8")

    outcome = read_outcome(path)

    assert read_bins(path) == [["A", 'B: [",'], ["C"]]
    assert (outcome.requests, outcome.requests_in_bins) == (3, 2)
    assert (outcome.total, outcome.lower_bound, outcome.gap) == (12.5, 10.0, 0.2)


def test_results_replace_those_of_the_same_run_and_keep_the_others(
    tmp_path: Path,
) -> None:
    save(tmp_path, "peers", [CHEAP.row(), DEAR.row()], KEYS)
    better = replace(CHEAP, cost=99.0, progress=((1.0, 99.0, 98.0),))

    save(tmp_path, "peers", [better.row()], KEYS)

    kept = load(tmp_path, "peers")
    assert [(row["method"], row["cost"]) for row in kept] == [
        ("savings", 110.0),
        ("highs", 99.0),
    ]
    assert load(tmp_path, "scale") == []
    # A plot ends where the run ended.
    assert _points(json.loads(json.dumps(kept[1]))) == [(1, 99, 98), (2, 99, 98)]


@pytest.mark.parametrize("text", ["2000", "0:5", "5:0", "a:5", "-1:5", "5:5:5"])
def test_a_size_that_is_none_is_refused_with_its_text(text: str) -> None:
    with pytest.raises(Exception, match=f"'{text}' is not a number of requests"):
        size(text)


def test_a_size_is_requests_and_days() -> None:
    assert size("2000:365") == Size(requests=2000, days=365)

"""Packings with a known optimum, made up here, through the core that solves bins."""

import json
from itertools import combinations
from pathlib import Path
from random import Random

import pytest

from benchmarks.__main__ import main
from benchmarks.published.reader import (
    SETUP_WEIGHTS,
    Packing,
    core_weighs_classes,
    not_our_form,
    read_packing,
)
from benchmarks.published.run import pack


def conflicts_file(sizes: list[int], conflicts: list[list[int]], **more: object):
    return {
        "name": "made-up",
        "kind": "bin-packing-conflicts",
        "n": len(sizes),
        "capacity": 10,
        "sizes": sizes,
        "conflicts": conflicts,
        "best": None,
        "optimal": False,
        **more,
    }


def setups_file(setup_weight: list[int]) -> dict[str, object]:
    return conflicts_file([5, 5, 5, 5], []) | {
        "kind": "bin-packing-setups",
        "bin_cost": 2,
        "classes": {
            "of_item": [0, 1, 0, 1],
            "setup_cost": [3, 4],
            "setup_weight": setup_weight,
        },
    }


def least_cost(packing: Packing) -> int:
    """Return the optimum by trying, for the first item left, every bin around it."""
    n = len(packing)

    def best(left: tuple[int, ...]) -> float:
        if not left:
            return 0
        first, rest = left[0], left[1:]
        found = float("inf")
        for size in range(len(rest) + 1):
            for others in combinations(rest, size):
                members = (first, *others)
                pairs = combinations(members, 2)
                if packing.load(members) > packing.capacity or any(
                    pair in packing.conflicts for pair in pairs
                ):
                    continue
                classes = {packing.class_of[i] for i in members if packing.class_of}
                cost = packing.bin_cost + sum(packing.setup_cost[c] for c in classes)
                found = min(found, cost + best(tuple(set(rest) - set(others))))
        return found

    return int(best(tuple(range(n))))


def test_three_full_bins_are_found_and_proven() -> None:
    # 6+4, 7+3 and 5+5 fill three bins of 10; 30 units need no fewer.
    packing = read_packing(conflicts_file([6, 7, 5, 4, 3, 5], []))

    found = pack(packing, 60)

    assert packing.cost(found["bins"]) == found["bound"] == 3


def test_conflicts_cost_a_bin() -> None:
    # Without the conflict 5+5 would share; items 2 and 5 may not, nor fit elsewhere.
    packing = read_packing(conflicts_file([6, 7, 5, 4, 3, 5], [[5, 2]]))

    found = pack(packing, 60)

    assert packing.cost(found["bins"]) == found["bound"] == 4


@pytest.mark.parametrize("seed", range(6))
def test_random_packings_reach_the_optimum_of_exhaustive_search(seed: int) -> None:
    rng = Random(seed)
    sizes = [rng.randint(1, 7) for _ in range(8)]
    pairs = [[i, j] for i, j in combinations(range(8), 2) if rng.random() < 0.25]
    packing = read_packing(conflicts_file(sizes, pairs))

    found = pack(packing, 60)

    assert packing.cost(found["bins"]) == found["bound"] == least_cost(packing)


def test_a_class_is_paid_for_once_a_bin() -> None:
    # Each class in a bin of its own: (2 + 3) + (2 + 4).
    packing = read_packing(setups_file([0, 0]))

    found = pack(packing, 60)

    assert packing.cost(found["bins"]) == found["bound"] == 11 == least_cost(packing)


def test_what_is_not_our_form_is_said_with_its_reason() -> None:
    weighed = setups_file([1, 0])
    cliques = {"name": "x", "kind": "clique-partition", "n": 3}

    assert not_our_form(setups_file([0, 0])) == ""
    assert not_our_form(weighed) == ("" if core_weighs_classes() else SETUP_WEIGHTS)
    assert "pairs" in not_our_form(cliques)
    assert "unheard-of" in not_our_form({**cliques, "kind": "unheard-of"})


@pytest.mark.parametrize(
    "bins",
    [
        [[0, 1], [2, 3]],  # 13 in a bin of 10
        [[0, 3], [1], [2, 4]],  # 2 and 4 are in conflict
        [[0, 3], [1], [2]],  # 4 is left out
        [[0, 3], [1, 4], [2, 4]],  # 4 is in two bins
    ],
)
def test_what_is_no_packing_has_no_cost(bins: list[list[int]]) -> None:
    packing = read_packing(conflicts_file([6, 7, 5, 4, 3], [[2, 4]]))

    assert packing.cost(bins) is None
    assert packing.cost([[0, 3], [1, 4], [2]]) == 3


def test_an_absent_folder_is_said_and_is_no_failure(tmp_path: Path, capsys) -> None:
    folder = tmp_path / "nowhere"

    code = main(["published", "--instances", str(folder)])

    assert code == 0
    assert f"There is no folder {folder}" in capsys.readouterr().out


def test_the_command_prints_what_it_reached_and_what_it_left_out(
    tmp_path: Path, capsys
) -> None:
    ours = conflicts_file([6, 7, 5, 4, 3, 5], [], best=3, optimal=True)
    (tmp_path / "ours.json").write_text(json.dumps(ours))
    other = {"name": "x", "kind": "clique-partition", "n": 3, "best": 1}
    (tmp_path / "other.json").write_text(json.dumps(other))
    (tmp_path / "index.json").write_text("[]")

    code = main(
        ["published", "--instances", str(tmp_path), "--results", str(tmp_path / "out")]
    )

    printed = capsys.readouterr().out
    assert code == 0
    assert "| made-up | 6 | 3 | 3 | 3 | yes |" in printed
    assert "Not our form: clique-partition, 1 files" in printed
    assert "1 proven optimal within 60 s each; 1 of 1 known optima" in printed
    rows = json.loads((tmp_path / "out" / "published.json").read_text())
    assert [row["name"] for row in rows] == ["x", "made-up"]

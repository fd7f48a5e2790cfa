"""Synthetic batches: reproducible, well-formed and spread as documented."""

import csv
import subprocess
import sys
import tracemalloc
from collections import Counter
from datetime import date
from io import StringIO
from itertools import islice
from pathlib import Path
from statistics import median

import pytest

from app.catalogue import load_catalogue, read_table
from app.generate import COLUMNS, generate, write_batch
from app.intake.read import read_requests

MANY = 20_000


def batch_text(requests: int, seed: int, days: int = 365) -> str:
    out = StringIO()
    write_batch(out, requests, seed, days)
    return out.getvalue()


@pytest.fixture(scope="module")
def many() -> list[dict[str, str]]:
    """Rows enough that a share is within two points of its probability."""
    return list(generate(MANY, seed=7))


def share(rows: list[dict[str, str]], column: str, value: str) -> float:
    return sum(row[column] == value for row in rows) / len(rows)


def test_same_seed_gives_the_same_bytes_in_another_process() -> None:
    program = (
        "import sys; from app.generate import write_batch; "
        "sys.stdout.reconfigure(newline=''); write_batch(sys.stdout, 200, 3)"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": hash_seed, "LC_ALL": "C", "PYTHONUTF8": "1"},
            check=True,
            capture_output=True,
        ).stdout
        for hash_seed in ("0", "4242")
    }
    assert outputs == {batch_text(200, 3).encode()}


def test_different_seeds_give_different_batches() -> None:
    texts = [batch_text(50, seed) for seed in (0, 1, -1, 2)]

    assert len(set(texts)) == len(texts)


def test_shorter_batch_is_the_start_of_a_longer_one() -> None:
    assert list(generate(30, seed=5)) == list(islice(generate(300, seed=5), 30))


def test_memory_does_not_grow_with_the_batch() -> None:
    for _ in generate(100, seed=1):  # fills the caches
        pass
    tracemalloc.start()
    for _ in generate(5_000, seed=1):
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 500_000  # 5,000 rows held at once are several million bytes


@pytest.mark.parametrize(("requests", "days"), [(0, 365), (-1, 365), (10, 0)])
def test_nothing_is_drawn_for_sizes_that_make_no_sense(
    requests: int, days: int
) -> None:
    with pytest.raises(ValueError, match="must be at least 1; it is"):
        generate(requests, seed=1, days=days)


def test_csv_has_the_documented_columns_and_unique_ids() -> None:
    rows = list(csv.DictReader(StringIO(batch_text(1_000, 2)), strict=True))

    assert tuple(rows[0]) == COLUMNS
    assert len({row["request_id"] for row in rows}) == len(rows) == 1_000


def test_every_row_is_accepted_by_the_intake(tmp_path: Path) -> None:
    file = tmp_path / "synthetic.csv"
    file.write_text(batch_text(2_000, 6), encoding="utf-8", newline="")

    assert len(read_requests([str(file)]).requests) == 2_000


def test_weights_name_only_what_the_catalogue_knows() -> None:
    catalogue = load_catalogue()
    named = {
        kind: {
            row["name"]
            for row in read_table("generator_weights.csv")
            if row["kind"] == kind
        }
        for kind in ("customer", "system")
    }
    assert named["customer"] <= set(catalogue.customers)
    assert named["system"] == set(catalogue.systems)


@pytest.mark.parametrize("days", [1, 30, 365, 1_000])
def test_days_stay_within_the_span_and_use_it(days: int) -> None:
    first = date(2026, 3, 1)
    offsets = [
        (date.fromisoformat(row["received_on"]) - first).days
        for row in generate(3_000, seed=4, days=days, first_day=first)
    ]
    assert min(offsets) >= 0
    assert max(offsets) < days
    assert len(set(offsets)) > 0.5 * days


def test_amounts_keep_the_rules_of_a_request(many: list[dict[str, str]]) -> None:
    for row in many:
        assert 50_000 <= int(row["value_usd"]) <= 20_000_000_000
        assert int(row["mde_value_usd"] or 0) <= int(row["value_usd"])
        assert 1 <= int(row["lines"]) <= 12
        assert 1 <= int(row["quantity"] or 1) <= 500
        assert not row["needed_by"] or row["needed_by"] > row["received_on"]


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("priority", "routine", 0.80),
        ("priority", "priority", 0.15),
        ("priority", "urgent", 0.05),
        ("document", "P&A", 0.06),
        ("needed_by", "", 0.70),
        ("quantity", "", 0.30),
        ("mde_value_usd", "", 0.40),
    ],
)
def test_shares_are_those_documented(
    many: list[dict[str, str]], column: str, value: str, expected: float
) -> None:
    # The standard deviation of a share of 20,000 draws is at most 0.0036.
    assert share(many, column, value) == pytest.approx(expected, abs=0.02)


def test_customers_and_systems_follow_their_weights(
    many: list[dict[str, str]],
) -> None:
    for kind in ("customer", "system"):
        weights = {
            row["name"]: int(row["weight"])
            for row in read_table("generator_weights.csv")
            if row["kind"] == kind
        }
        total = sum(weights.values())
        counts = Counter(row[kind] for row in many)
        for name, weight in weights.items():
            assert counts[name] / MANY == pytest.approx(weight / total, abs=0.01), name


def test_values_have_the_median_of_their_system(many: list[dict[str, str]]) -> None:
    medians = {
        row["name"]: int(row["median_usd"])
        for row in read_table("generator_weights.csv")
        if row["kind"] == "system"
    }
    ratios = [int(row["value_usd"]) / medians[row["system"]] for row in many]

    # A median's deviation is about 1.25 sigma / sqrt(n) = 1 % here.
    assert median(ratios) == pytest.approx(1, abs=0.06)
    # exp(1.1) = 3.0: one sigma up holds 84 % of a log-normal's mass below it.
    below = sum(ratio < 3.004 for ratio in ratios) / MANY
    assert below == pytest.approx(0.841, abs=0.02)


def test_neighbours_ask_in_the_same_season(many: list[dict[str, str]]) -> None:
    areas = {
        row["name"]: row["group"]
        for row in read_table("generator_weights.csv")
        if row["kind"] == "system"
    }
    days = [
        date.fromisoformat(row["received_on"]).timetuple().tm_yday
        for row in many
        if row["customer"] in {"JPN", "KOR", "TWN"}
        and areas[row["system"]] == "air-to-air weapons"
    ]
    busiest = max(
        sum((day - start) % 365 < 90 for day in days) for start in range(1, 366)
    )

    # Without seasons a quarter, give or take, falls in the busiest 90 days.
    assert len(days) > 200
    assert busiest / len(days) > 0.35


def test_enhanced_monitoring_goes_with_the_system(many: list[dict[str, str]]) -> None:
    by_system = {
        name: {row["end_use_monitoring"] for row in many if row["system"] == name}
        for name in ("Stinger", "Javelin", "F-35")
    }
    assert by_system == {"Stinger": {"true"}, "Javelin": {"true"}, "F-35": {"false"}}


def test_greece_and_turkiye_alone_ask_to_be_kept_apart(
    many: list[dict[str, str]],
) -> None:
    pairs = {
        (row["customer"], row["keep_apart_from"])
        for row in many
        if row["keep_apart_from"]
    }
    assert pairs == {("GRC", "TUR"), ("TUR", "GRC")}

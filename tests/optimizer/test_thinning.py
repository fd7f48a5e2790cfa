"""Columns forgotten by a large relaxation: nothing that counts is lost with them."""

from random import Random

import numpy as np
import pytest

from optimizer.instance import Bin, Instance
from optimizer.pricing import Cut
from optimizer.selection import master as masters
from optimizer.selection.master import Master
from optimizer.selection.solver import Search, solve
from tests.optimizer.test_selection import as_items, best_known
from tests.solving import all_bins, is_partition, some_instances

CASES = [*some_instances(10, 8, least=6)]


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thin out relaxations of any size, as soon as there is a column an item."""
    monkeypatch.setattr(masters, "CROSSOVER_ITEMS", 1)
    monkeypatch.setattr(masters, "MOST_COLUMNS", 1)
    monkeypatch.setattr(masters, "LEFT_COLUMNS", 0)


def whole(instance: Instance, **asked: int) -> tuple[Master, list[Bin]]:
    """Return a relaxation over every bin, with a cut, and the bins of several items."""
    bins = all_bins(instance)
    master = Master(instance, bins, [Cut(items=(0, 1, 2))], **asked)
    return master, [members for members in bins if len(members) > 1]


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("asked", [{}, {"most": 4}, {"least": 3}], ids=str)
@pytest.mark.parametrize("number", range(len(CASES)))
def test_what_is_forgotten_had_no_weight_and_can_come_back(
    number: int, asked: dict[str, int]
) -> None:
    instance = CASES[number]
    master, shared = whole(instance, **asked)
    before = master.solve()
    thin = master.thin_out(before)
    gone = [members for members in shared if members not in master]
    assert gone
    assert master.bins[: len(instance)] == [(i,) for i in range(len(instance))]
    assert len(master.bins) == len(master.costs) == len(thin.weights)
    assert len(master.bins) + len(gone) == len(instance) + len(shared)
    assert [instance.cost(members) for members in master.bins] == master.costs
    assert thin.weights.sum() == pytest.approx(before.weights.sum(), abs=1e-6)
    again = master.solve()
    assert again.value == pytest.approx(before.value, abs=0.01)
    held = np.zeros(len(instance))
    for members, weight in zip(master.bins, again.weights, strict=True):
        held[list(members)] += weight
    assert (held >= 1 - 1e-6).all()
    assert master.add(gone) == len(gone)
    assert master.solve().value == pytest.approx(before.value, abs=0.01)


def test_a_small_relaxation_keeps_everything() -> None:
    master, shared = whole(CASES[0])
    point = master.solve()
    assert master.thin_out(point) is point
    assert all(members in master for members in shared)


def test_what_is_left_is_what_costs_least_beyond_its_duals(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(masters, "CROSSOVER_ITEMS", 1)
    monkeypatch.setattr(masters, "MOST_COLUMNS", 2)
    monkeypatch.setattr(masters, "LEFT_COLUMNS", 1)
    instance = max(CASES, key=lambda known: len(known.candidates))
    master, shared = whole(instance)
    assert len(shared) > 2 * len(instance)
    point = master.solve()
    beyond = dict(zip(master.bins, point.reduced.tolist(), strict=True))
    master.thin_out(point)
    kept = [members for members in shared if members in master]
    gone = [members for members in shared if members not in master]
    assert len(kept) >= len(instance)
    assert max(sorted(map(beyond.__getitem__, kept))[: len(instance)]) <= min(
        map(beyond.__getitem__, gone)
    )
    draw = Random("reduced")
    for members in draw.sample(shared, 10):
        cost = instance.cost(members) - float(point.duals[list(members)].sum())
        cost += sum(
            float(point.sigma[n])
            for n, cut in enumerate(master.cuts)
            if cut.covers(members)
        )
        assert 1000 * beyond[members] == pytest.approx(cost - point.tau, abs=0.01)


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("seed", range(6))
def test_a_search_that_forgets_ends_at_the_optimum(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    instance, best = best_known((seed, 14, 4))
    monkeypatch.setattr(masters, "CENTRAL_ITEMS", 1)
    found = solve(instance)
    assert found.cost == found.bound == best
    assert is_partition(instance, as_items(instance, found))


def test_a_wide_search_ends_at_the_optimum(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ways of parts with very many candidates, on one that can be enumerated."""
    from optimizer.selection import columns, looking, rounding, solver

    for module in (columns, rounding, solver):
        monkeypatch.setattr(module, "WIDE", 0)
    monkeypatch.setattr(solver, "EARLY_ITEMS", 1)
    monkeypatch.setattr(looking, "EARLY_ITEMS", 1)
    instance, best = best_known((1, 14, 4))
    search = Search(instance)
    for _ in search.steps():
        pass
    found = search.selection(certified=True)
    assert found.cost == found.bound == best

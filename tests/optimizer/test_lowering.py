"""Bounds for want of time: lowered duals, glances, and hurried proofs stay true."""

from itertools import count
from random import Random

import numpy as np
import pytest

from optimizer.pricing import glance, price
from optimizer.record import Record
from optimizer.selection import (
    columns,
    concluding,
    first,
    long,
    looking,
    lowering,
    solver,
    windows,
)
from optimizer.selection.concluding import conclude, needs
from optimizer.selection.lowering import LOWERED, choose_lowered
from optimizer.selection.parts import lower, shares
from optimizer.selection.solver import Search, solve
from optimizer.selection.windows import LongSearch
from tests.factories import dense_case
from tests.optimizer.nodes import SEEDS, tight
from tests.optimizer.test_concluding import Clock
from tests.optimizer.test_pricing import some_cuts, some_duals, violation
from tests.optimizer.test_selection import check
from tests.optimizer.test_windows import (
    parts,
    proofs_of,
    require_feasible,
    short_windows,
)
from tests.solving import all_bins, instances, problem_of

_ = short_windows  # a fixture for all


@pytest.mark.parametrize("seed", SEEDS)
def test_what_a_glance_finds_violates(seed: int) -> None:
    instance = tight(seed)
    bins = {*all_bins(instance)}
    draw = Random(f"glance {seed}")
    for nodes in (1, 5, 50, 5000):
        tau = draw.choice([0, int(instance.alone[0]) * instance.scale // 4])
        cuts, sigma = some_cuts(instance, draw)
        duals = some_duals(instance, draw)
        given = duals.copy()
        for members in glance(instance, duals, cuts, sigma, tau, nodes):
            assert members in bins
            assert len(members) > 1
            assert violation(instance, members, duals, cuts, sigma, tau) > 0
        assert np.array_equal(duals, given)
        assert glance(instance, duals, cuts, sigma, tau, nodes, stop=lambda: True) == ()


def test_a_long_glance_finds_a_bin_of_every_anchor_that_has_one() -> None:
    """The worst, or one that violates by the anchor's dual: all that it can give way.

    An anchor whose dual is nothing has nothing to give.
    """
    found = 0
    for seed in SEEDS:
        instance = tight(seed)
        duals = some_duals(instance, Random(f"long {seed}"))
        none = np.zeros(0, np.int64)
        worst: dict[int, int] = {}
        for members in all_bins(instance):
            more = violation(instance, members, duals, (), none, 0)
            more = min(more, int(duals[members[-1]]))
            if len(members) > 1 and more > worst.get(members[-1], 0):
                worst[members[-1]] = more
        seen = glance(instance, duals, (), none, 0, 2**40)
        assert {members[-1] for members in seen} == {*worst}
        for members in seen:
            more = violation(instance, members, duals, (), none, 0)
            assert more >= worst[members[-1]]
            found += 1
    assert found >= 20


def test_glances_lead_to_the_same_optimum(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = 0

    def counted(*given: object, **more: object) -> object:
        nonlocal seen
        found = glance(*given, **more)  # type: ignore[arg-type]
        seen += len(found)
        return found

    cases = [max(instances(problem_of(dense_case(s, 16))), key=len) for s in range(6)]
    optima = [solve(instance).cost for instance in cases]
    monkeypatch.setattr(columns, "DENSE", 0)
    monkeypatch.setattr(columns, "HARD", 0)
    monkeypatch.setattr(columns, "glance", counted)
    for instance, optimum in zip(cases, optima, strict=True):
        found = solve(instance)
        check(instance, found)
        assert found.cost == found.bound == optimum
    assert seen > 0


def test_first_proofs_of_lowered_shares_are_true(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(first, "WIDE", 0)
    for seed in range(6):
        instance = max(instances(problem_of(dense_case(seed, 15))), key=len)
        search = Search(instance)
        steps = search.steps()
        while search.record.duals(Record.ROOT) is None:
            next(steps)
        duals = search.record.duals(Record.ROOT)
        require_feasible(instance, duals)
        told = shares(instance, search.best).sum() / instance.scale
        assert 0 < search.bound <= first.FIRST_PART * told + instance.grain


def test_of_several_duals_those_are_chosen_that_prove_most() -> None:
    for seed in range(6):
        instance = max(instances(problem_of(dense_case(seed, 15))), key=len)
        n = len(instance)
        high = instance.alone * instance.scale
        fair = shares(instance, Search(instance).best)
        least = np.zeros(n, dtype=np.int64)
        for rung in (0, 4, 9):
            found = choose_lowered(
                instance, least, (0, n), [high, fair], anchors=(0, n), nodes=2**40,
                rung=rung,
            )  # fmt: skip
            assert found is not None
            worth = {
                (which, at): int(price(instance, lower(asked, part)).duals.sum())
                for which, asked in enumerate((high, fair))
                for at, part in enumerate(LOWERED)
            }
            chosen = worth[found.which, found.rung]
            # Of either duals none near is better, and it is the better of the two.
            for step in (-1, 1):
                assert chosen >= worth.get((found.which, found.rung + step), 0)
            assert chosen >= worth[1 - found.which, rung]


def test_where_all_duals_take_too_long_none_are_chosen() -> None:
    instance = max(instances(problem_of(dense_case(1, 15))), key=len)
    n = len(instance)
    fair = shares(instance, Search(instance).best)
    clock = Clock(1000.0, 1.0)
    for more in ({"stop": lambda: True}, {"seconds": 0.5, "remaining": clock}):
        assert (
            choose_lowered(
                instance, fair, (0, n), [fair], anchors=(0, n), nodes=100, rung=4,
                **more,  # type: ignore[arg-type]
            )
            is None
        )  # fmt: skip


def test_with_any_time_long_parts_state_what_no_bin_violates(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever part of the lowered shares and the windows there was time for."""
    monkeypatch.setattr(lowering, "SAMPLE", 2)
    monkeypatch.setattr(windows, "SAMPLE", 2)
    proofs = ended = searched = 0
    for instance in parts():
        optimum = solve(instance).cost
        for seconds, from_ in ((40, 8), (90, 0), (200, 0), (400, 0), (900, 8)):
            monkeypatch.setattr(long, "SEARCHED_FROM", from_)
            clock = Clock(float(seconds), 1.0)
            search = LongSearch(
                instance, stop=lambda clock=clock: clock.left <= 0, remaining=clock
            )
            proofs += proofs_of(search)
            found = search.selection(certified=True)
            check(instance, found)
            assert found.bound <= optimum <= found.cost
            ended += search.sweeps == 0
            searched += search.sweeps > 0
    assert proofs > 100
    assert ended > 20
    assert searched > 20


def test_hurried_conclusions_are_true(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solver, "EARLY_ITEMS", 1)
    monkeypatch.setattr(looking, "EARLY_ITEMS", 1)
    monkeypatch.setattr(concluding, "EARLY_ITEMS", 1)
    monkeypatch.setattr(concluding, "FEW_ROUNDS", 1)
    monkeypatch.setattr(concluding, "LOSS", 0.0)
    raised = 0
    for seed in range(6):
        instance = max(instances(problem_of(dense_case(seed, 16))), key=len)
        optimum = solve(instance).cost
        for concluded in range(2, 8):
            search = Search(instance)
            for step, _ in zip(count(1), search.steps(), strict=False):
                if step != concluded or search.latest is None:
                    continue
                search.pace.proof = 10.0
                assert needs(search, 5.0) < 5.0
                before = search.selection()
                conclude(search, 5.0)
                after = search.selection(certified=True)
                check(instance, after)
                assert before.bound <= after.bound <= optimum <= after.cost
                raised += after.bound > before.bound
            assert search.selection().cost == search.selection().bound == optimum
    assert raised >= 1

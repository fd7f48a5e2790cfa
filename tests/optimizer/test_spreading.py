"""Violations spread over all members of a bin: against every bin."""

from random import Random

import numpy as np
import pytest

from optimizer import spreading
from optimizer.pricing import price
from optimizer.selection import long
from optimizer.selection.parts import shares
from optimizer.selection.solver import Search
from optimizer.selection.windows import LongSearch
from optimizer.spreading import spread
from tests.factories import dense_case
from tests.optimizer.nodes import SEEDS, tight
from tests.optimizer.test_concluding import Clock
from tests.optimizer.test_pricing import some_cuts, some_duals, violation
from tests.optimizer.test_windows import parts, proofs_of, short_windows
from tests.solving import all_bins, instances, problem_of

_ = short_windows  # a fixture for all


@pytest.mark.parametrize("seed", SEEDS)
def test_duals_only_fall_and_bins_found_violate_what_was_given(seed: int) -> None:
    instance = tight(seed)
    bins = {*all_bins(instance)}
    draw = Random(f"spread {seed}")
    for nodes in (1, 5, 5000):
        tau = draw.choice([0, int(instance.alone[0]) * instance.scale // 4])
        cuts, sigma = some_cuts(instance, draw)
        duals = some_duals(instance, draw)
        given = duals.copy()
        found = spread(instance, duals, cuts, sigma, tau, nodes=nodes)
        assert found is not None
        assert np.array_equal(duals, given)
        assert (found.duals <= given).all()
        for members in found.bins:
            assert members in bins
            assert len(members) > 1
            assert violation(instance, members, given, cuts, sigma, tau) > 0
        assert spread(instance, duals, stop=lambda: True) is None


def test_with_all_nodes_it_takes_no_bin_violates_afterwards(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(spreading, "MOST_BINS", 500)
    fell = 0
    for seed in SEEDS:
        instance = tight(seed)
        draw = Random(f"all {seed}")
        tau = draw.choice([0, int(instance.alone[0]) * instance.scale // 4])
        cuts, sigma = some_cuts(instance, draw)
        duals = some_duals(instance, draw)
        found = spread(instance, duals, cuts, sigma, tau, nodes=2**40)
        assert found is not None
        for members in all_bins(instance):
            assert violation(instance, members, found.duals, cuts, sigma, tau) <= 0
        fell += int((found.duals < duals).sum() > len(found.bins) > 0)
    assert fell >= len(SEEDS) // 2


def test_a_range_of_anchors_alone_is_looked_at() -> None:
    for seed in SEEDS:
        instance = tight(seed)
        duals = some_duals(instance, Random(f"range {seed}"))
        middle = len(instance) // 2
        found = spread(instance, duals, anchors=(middle, len(instance)), nodes=5000)
        assert found is not None
        assert all(members[-1] >= middle for members in found.bins)


def test_what_is_spread_proves_more_than_what_the_anchors_alone_give() -> None:
    """Of fair shares of a plan, over dense cases together, with few nodes."""
    before = after = 0
    for seed in range(4):
        instance = max(instances(problem_of(dense_case(seed, 150))), key=len)
        duals = shares(instance, Search(instance).best)
        found = spread(instance, duals)
        assert found is not None
        first = price(instance, duals, node_limit=11)
        second = price(instance, found.duals, node_limit=11)
        assert first is not None
        assert second is not None
        before += first.bound
        after += second.bound
    assert after > before


def test_long_parts_begin_with_spread_shares_where_there_is_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And what they state no bin violates: ``proofs_of`` tries them all."""
    called = 0

    def counted(*given: object, **more: object) -> object:
        nonlocal called
        called += 1
        return spread(*given, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(long, "spread", counted)
    for took, spreads in ((1e9, False), (0.0, True)):
        monkeypatch.setattr(LongSearch, "_took", lambda *_, took=took, **__: took)
        called = proofs = 0
        for instance in parts():
            clock = Clock(500.0, 1.0)
            search = LongSearch(
                instance,
                stop=lambda clock=clock: clock.left <= 0,  # type: ignore[misc]
                remaining=clock,
            )
            proofs += proofs_of(search)
        assert proofs > 20
        assert (called > 0) == spreads

"""Pricing against all bins: the worst violation, and duals no bin violates."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from itertools import combinations
from random import Random

import numpy as np
import pytest

from optimizer.instance import Bin, Instance, Ints
from optimizer.pricing import CHUNK, Cut, Pricing, price, rounded_bound
from optimizer.reshape import join, keep_apart
from optimizer.selection.parts import shares
from tests.factories import dense_case, request, stage
from tests.solving import (
    all_bins,
    candidate_pairs,
    instances,
    problem,
    problem_of,
    some_instances,
    whole_instances,
)

SEEDS = range(60)
KNOWN = [*some_instances(9, 60, least=4)]


@cache
def bins_of(seed: int) -> list[Bin]:
    return all_bins(instance_of(seed))


@cache
def instance_of(seed: int) -> Instance:
    """Return a small instance; every third has been branched on twice."""
    instance = KNOWN[seed]
    draw = Random(f"branch {seed}")
    for change in (join, keep_apart) if seed % 3 == 0 else ():
        pairs = sorted(candidate_pairs(instance))
        if pairs:
            instance = change(instance, *draw.choice(pairs))
    return instance


def some_duals(instance: Instance, draw: Random) -> Ints:
    """Draw duals around each item's own cost: negative, scarce, plentiful or huge."""
    scale = instance.scale
    high = draw.choice([0.4, 0.8, 1.0, 1.3, 3.0])
    low = draw.choice([0.0, 0.3, -0.5])
    return np.array(
        [int(draw.uniform(low, high) * int(alone) * scale) for alone in instance.alone],
        dtype=np.int64,
    )


def some_cuts(instance: Instance, draw: Random) -> tuple[tuple[Cut, ...], Ints]:
    triples = list(combinations(range(len(instance)), 3))
    chosen = draw.sample(triples, min(len(triples), draw.randint(1, 6)))
    most = int(instance.alone.max()) * instance.scale // 2
    return (
        tuple(Cut(items=triple) for triple in chosen),
        np.array([draw.choice([0, draw.randint(0, most)]) for _ in chosen]),
    )


def violation(
    instance: Instance,
    members: Bin,
    duals: Ints,
    cuts: Sequence[Cut] = (),
    sigma: Sequence[int] | Ints = (),
    tau: int = 0,
) -> int:
    """Return how far a bin's duals exceed its cost, in 1/scale thousandths."""
    fines = sum(
        int(fine)
        for cut, fine in zip(cuts, sigma, strict=True)
        if sum(i in members for i in cut.items) >= 2
    )
    gain = sum(int(duals[i]) for i in members) + tau - fines
    return gain - instance.cost(members) * instance.scale


def least_cost(
    instance: Instance, bins: Sequence[Bin], least: int = 0, most: int = 99
) -> int | None:
    """Return the least cost of a partition into so many bins, None without one."""
    around: dict[int, list[tuple[int, int]]] = {}
    for members in bins:
        mask = sum(1 << i for i in members)
        around.setdefault(members[0], []).append((mask, instance.cost(members)))

    @cache
    def best(rest: int) -> dict[int, int]:
        if not rest:
            return {0: 0}
        costs: dict[int, int] = {}
        for mask, cost in around[(rest & -rest).bit_length() - 1]:
            if mask & rest == mask:
                for count, other in best(rest ^ mask).items():
                    known = costs.get(count + 1)
                    if known is None or cost + other < known:
                        costs[count + 1] = cost + other
        return costs

    costs = best((1 << len(instance)) - 1)
    return min((c for n, c in costs.items() if least <= n <= most), default=None)


def priced(*arguments: object, **options: object) -> Pricing:
    found = price(*arguments, **options)  # type: ignore[arg-type]
    assert found is not None
    return found


def check_anchors(
    instance: Instance,
    bins: Sequence[Bin],
    duals: Ints,
    found: Pricing,
    cuts: Sequence[Cut] = (),
    sigma: Sequence[int] | Ints = (),
    tau: int = 0,
) -> None:
    """Require the worst bin of each anchor, and duals lowered by just its violation.

    Brute force over all bins, anchor by anchor, as each is repaired in turn.
    """
    left = duals.copy()
    by_anchor = {members[-1]: members for members in found.bins}
    assert len(by_anchor) == len(found.bins)
    for k in range(len(instance)):
        alone = int(instance.alone[k]) * instance.scale
        left[k] = min(int(left[k]), alone - tau)
        worst = max(
            violation(instance, members, left, cuts, sigma, tau)
            for members in bins
            if members[-1] == k
        )
        if k in by_anchor:
            assert by_anchor[k] in bins
            assert worst > 0
            given_up = violation(instance, by_anchor[k], left, cuts, sigma, tau)
            assert given_up == worst
        else:
            assert worst <= 0
        left[k] -= max(worst, 0)
    assert np.array_equal(found.duals, left)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("extra", ["nothing", "tau", "cuts", "both"])
def test_each_anchor_gives_its_worst_bin_and_gives_way_by_as_much(
    seed: int, extra: str
) -> None:
    instance, bins = instance_of(seed), bins_of(seed)
    draw = Random(f"{extra} {seed}")
    for _ in range(4):
        duals = some_duals(instance, draw)
        reach = int(instance.alone.mean()) * instance.scale
        tau = draw.randint(-reach, reach) if extra in ("tau", "both") else 0
        cuts, sigma = some_cuts(instance, draw)
        if extra not in ("cuts", "both"):
            cuts, sigma = (), sigma[:0]
        given = duals.copy()
        found = priced(instance, duals, cuts, sigma, tau)
        assert np.array_equal(duals, given)  # not modified
        check_anchors(instance, bins, duals, found, cuts, sigma, tau)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("node_limit", [1, 2, 5, 2**40])
def test_repaired_duals_hold_for_every_bin_and_never_prove_too_much(
    seed: int, node_limit: int
) -> None:
    instance, bins = instance_of(seed), bins_of(seed)
    draw = Random(f"repair {seed} {node_limit}")
    n = len(instance)
    optimum = least_cost(instance, bins)
    assert optimum is not None
    for _ in range(4):
        cuts, sigma = some_cuts(instance, draw)
        reach = int(instance.alone.mean()) * instance.scale
        tau = draw.choice([0, draw.randint(-reach, reach)])
        least, most = sorted((draw.randint(1, n), draw.randint(1, n)))
        given = some_duals(instance, draw)
        found = priced(
            instance, given, cuts, sigma, tau,
            least=least, most=most, node_limit=node_limit,
        )  # fmt: skip
        alone = instance.alone * instance.scale - tau
        assert (found.duals >= np.minimum(np.minimum(given, alone), 0)).all()
        for members in bins:
            assert violation(instance, members, found.duals, cuts, sigma, tau) <= 0
        credit = tau * (least if tau > 0 else most)
        proven = sum(map(int, found.duals)) - sum(map(int, sigma)) + credit
        best = least_cost(instance, bins, least, most)
        if best is not None:
            assert proven <= best * instance.scale
            assert found.bound <= best
        assert found.bound % instance.grain == 0
        assert found.bound * instance.scale - proven >= 0
        assert found.bound * instance.scale - proven < instance.grain * instance.scale
        for members in found.bins:
            assert members in bins


@cache
def larger(seed: int) -> tuple[Instance, list[Bin]]:
    """Return some twenty items, four or five in a bin at most, and all their bins."""
    case = dense_case(seed, 22)
    limits = replace(case.policy.limits, max_requests=4 + seed % 2, max_customers=3)
    case = case._replace(policy=replace(case.policy, limits=limits))
    instance = max(instances(problem_of(case)), key=len)
    return instance, all_bins(instance)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("node_limit", [3, 40, 2**40])
def test_limits_among_many_candidates_are_priced_exactly(
    seed: int, node_limit: int
) -> None:
    """Duals at a third to all of each item's cost: far more is wanted than may be.

    Each bin is looked at twice: against the duals as its anchor met them, and as
    repaired in the end.
    """
    instance, bins = larger(seed)
    scale = instance.scale
    costs = [instance.cost(members) * scale for members in bins]
    draw = Random(f"larger {seed}")
    exact = node_limit == 2**40
    for low, high in ((0.2, 0.5), (0.3, 0.8), (0.5, 1.0)):
        duals = np.array(
            [int(draw.uniform(low, high) * int(a) * scale) for a in instance.alone]
        )
        found = priced(instance, duals, node_limit=node_limit)
        met = [
            min(int(d), int(a) * scale)
            for d, a in zip(duals, instance.alone, strict=True)
        ]
        final = [int(d) for d in found.duals]
        worst = dict.fromkeys(range(len(instance)), 0)
        for members, total in zip(bins, costs, strict=True):
            assert sum(final[i] for i in members) <= total
            k = members[-1]
            before = sum(final[i] for i in members[:-1]) + met[k] - total
            worst[k] = max(worst[k], before)
        for k, excess in worst.items():
            given_up = met[k] - final[k]
            assert given_up == excess if exact else given_up >= excess
        by_anchor = {members[-1]: members for members in found.bins}
        for k, members in by_anchor.items():
            if exact:
                before = sum(final[i] for i in members[:-1]) + met[k]
                assert before - instance.cost(members) * scale == worst[k] > 0
        assert not exact or by_anchor.keys() == {k for k in worst if worst[k] > 0}


@pytest.mark.parametrize("seed", SEEDS)
def test_bound_of_any_duals_is_at_most_the_optimum(seed: int) -> None:
    instance, bins = instance_of(seed), bins_of(seed)
    optimum = least_cost(instance, bins)
    assert optimum is not None
    draw = Random(f"bound {seed}")
    best = max(priced(instance, some_duals(instance, draw)).bound for _ in range(30))
    assert best <= optimum
    worthless = np.full(len(instance), -(10**6) * instance.scale)
    assert priced(instance, worthless).bound <= 0
    plenty = instance.alone * instance.scale * 50
    assert 0 <= priced(instance, plenty).bound <= optimum


@pytest.mark.parametrize("seed", range(40))
def test_alike_requests_of_different_values_are_not_confused(seed: int) -> None:
    """Of two alike the more profitable goes first, unless it takes up more value.

    Eight of one customer and kind, and half of that of another, under a limit of
    100 M US dollars that four or five of them reach.
    """
    draw = Random(f"alike {seed}")
    asked = problem(
        *(
            request(
                f"R{i}",
                customer="EST" if i < 8 else "LVA",
                value_usd=draw.choice([5, 10, 20, 40, 60]) * 1_000_000,
                mde_value_usd=0,
            )
            for i in range(12)
        ),
        max_value_usd=100_000_000,
        max_requests=draw.choice([4, 12]),
        stages=(stage("S", "all", {"bin": 5000, "request": 1000}),),
    )
    (instance,) = whole_instances(asked)
    bins = all_bins(instance)
    for _ in range(3):
        duals = np.array(
            [draw.randint(1000, 4000) * instance.scale for _ in instance.alone]
        )
        check_anchors(instance, bins, duals, priced(instance, duals))


@cache
def scarce(seed: int) -> tuple[Instance, list[Bin]]:
    """Return an instance whose limit on value is what binds, and all its bins.

    Values are few whole units, or many cents that are measured in coarser ones.
    """
    draw = Random(f"scarce {seed}")
    instance = instance_of(seed)
    if seed % 2:
        limits = {"max_requests": 12, "max_customers": 8}
        instance = max(instances(problem_of(dense_case(seed, 13))), key=len)
        instance = replace(instance, **limits)
    cents = draw.choice([1, 7, 1_234_567_891])
    value = [draw.choice([0, 1, 2, 3, 5, 8, 13]) * cents for _ in instance.value]
    most = draw.choice([8, 13, 20]) * cents + draw.randint(0, cents - 1)
    instance = replace(instance, value=np.array(value), max_value=most)
    return instance, all_bins(instance)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("extra", ["nothing", "both"])
def test_a_limit_on_value_that_binds_is_priced_exactly(seed: int, extra: str) -> None:
    instance, bins = scarce(seed)
    draw = Random(f"{extra} {seed}")
    for _ in range(4):
        duals = some_duals(instance, draw)
        reach = int(instance.alone.mean()) * instance.scale
        tau = draw.randint(-reach, reach) if extra == "both" else 0
        cuts, sigma = some_cuts(instance, draw)
        if extra != "both":
            cuts, sigma = (), sigma[:0]
        found = priced(instance, duals, cuts, sigma, tau)
        check_anchors(instance, bins, duals, found, cuts, sigma, tau)
        for node_limit, spare in ((1, 0), (2, 0), (5, 0), (1, 3), (2, 2)):
            cut_short = priced(
                instance, duals, cuts, sigma, tau, node_limit=node_limit, spare=spare
            )
            for members in bins:
                left = violation(instance, members, cut_short.duals, cuts, sigma, tau)
                assert left <= 0


@pytest.mark.parametrize("seed", SEEDS)
def test_what_anchors_do_not_need_others_may_use(seed: int) -> None:
    instance, _ = scarce(seed)
    duals = some_duals(instance, Random(seed))
    whole = priced(instance, duals)
    assert whole.struck == 0
    short = priced(instance, duals, node_limit=1)
    shared = priced(instance, duals, node_limit=1, spare=whole.nodes)
    first = next(
        (k for k in range(len(instance)) if short.duals[k] < whole.duals[k]), 0
    )
    assert shared.struck <= short.struck
    assert shared.nodes >= short.nodes
    assert (shared.duals[:first] == whole.duals[:first]).all()
    for members in shared.bins:
        assert violation(instance, members, shared.duals) <= 0


def test_one_hard_anchor_uses_what_easy_ones_left() -> None:
    """Bounds are short by what the few anchors that need many nodes are cut short."""
    found = []
    for seed in SEEDS:
        instance, _ = scarce(seed)
        duals = some_duals(instance, Random(seed))
        found.append(
            tuple(
                priced(instance, duals, node_limit=2, spare=spare).struck
                for spare in (0, 100)
            )
        )
    assert all(shared <= alone for alone, shared in found)
    assert any(shared < alone for alone, shared in found)


def test_a_charge_for_value_closes_what_branching_alone_does_not() -> None:
    """Forty items of which three fit: one node for most anchors, not thousands."""
    draw = Random("charge")
    items = [
        request(f"R{i:02}", value_usd=draw.randint(20, 49) * 1_000_000, mde_value_usd=0)
        for i in range(40)
    ]
    asked = problem(
        *items, max_value_usd=100_000_000, max_requests=12,
        stages=(stage("S", "all", {"bin": 5000, "request": 1000}),),
    )  # fmt: skip
    (instance,) = whole_instances(asked)
    value = instance.value * instance.scale
    duals = 1000 * instance.scale + value // 2_000_000  # what fills a bin pays for it
    found = priced(instance, duals, node_limit=50)
    assert found.struck == 0


def test_duals_of_singles_prove_the_optimum_where_nothing_shares() -> None:
    asked = problem(request("A"), request("B", customer="LVA"), coordination=(10**9, 0))
    (instance,) = whole_instances(asked)
    found = priced(instance, instance.alone * instance.scale)
    assert found.bins == ()
    assert found.bound == int(instance.alone.sum())


def test_bound_rounds_up_to_the_grain_and_no_further() -> None:
    instance = replace(KNOWN[0])
    step = instance.scale * instance.grain
    none = np.zeros(0, dtype=np.int64)
    for total, bound in ((0, 0), (1, 1), (step, 1), (step + 1, 2), (-step, -1)):
        duals = np.array([total], dtype=np.int64)
        assert rounded_bound(instance, duals, none) == bound * instance.grain
    assert rounded_bound(instance, np.array([step]), np.array([1])) == instance.grain
    assert rounded_bound(instance, np.array([step]), none, 1) == 2 * instance.grain


def test_nothing_is_proven_once_told_to_stop() -> None:
    asked = problem(
        *(request(f"R{i:03}", lines=1 + i % 7) for i in range(2 * CHUNK)),
        coordination=(10**9, 0),
    )
    (instance,) = whole_instances(asked)
    duals = instance.alone * instance.scale // 2
    answers = iter([False, True])
    assert price(instance, duals, stop=lambda: next(answers)) is None
    assert price(instance, duals, stop=lambda: True) is None


def test_cut_covers_bins_with_two_or_three_of_its_items() -> None:
    cut = Cut(items=(1, 3, 5))
    assert [cut.covers(bin_) for bin_ in ((1,), (0, 1, 2, 4), (1, 3), (1, 3, 5))] == [
        False, False, True, True,
    ]  # fmt: skip


def test_known_instances_are_worth_pricing() -> None:
    """Limits bind, waits count, pairs clash: else the tests above would say little."""
    several = [bins_of(seed) for seed in SEEDS]
    assert sum(max(map(len, bins)) >= 4 for bins in several) >= 20
    clashes = 0
    for seed in SEEDS:
        instance, pairs = instance_of(seed), candidate_pairs(instance_of(seed))
        clashes += any(
            (int(i), int(j)) not in pairs
            for k in range(len(instance))
            for i, j in combinations(instance.candidates_of(k), 2)
        )
    assert clashes >= 15


def test_one_of_many_twins_stands_for_all_of_them() -> None:
    """Two kinds, thirty of each, of which up to seven fit: else any seven are tried."""
    asked = [
        request(
            f"R{i:02}",
            configuration=f"kind {i % 2}",
            value_usd=(13, 29)[i % 2] * 1_000_000,
            mde_value_usd=0,
        )
        for i in range(60)
    ]
    (instance,) = whole_instances(
        problem(*asked, max_value_usd=100_000_000, max_requests=40)
    )
    plan = [tuple(range(first, 60, 8)) for first in range(8)]
    found = priced(instance, shares(instance, plan), node_limit=100)
    assert found.struck == 0

"""What pricing is made of, each piece against brute force.

Shares and the dynamic program bound every bin a node of the search allows; the cheap
ways to bins return bins, and never a worse one than they were given.
"""

from collections.abc import Sequence
from itertools import combinations
from random import Random

import numpy as np
import pytest

from optimizer.kernels.choice import best_choice
from optimizer.kernels.local import Local
from optimizer.kernels.partial import (
    COUNT,
    FREE,
    GAIN,
    IN,
    ROOM,
    SLOTS,
    Partial,
    take_back,
    take_in,
)
from optimizer.kernels.relaxation import Relaxed, relax, shift
from optimizer.kernels.value import credit, reprice, value_taken
from tests.documents import page, table_with
from tests.optimizer.nodes import SEEDS, Node, allowed_sets, random_nodes, room_for


@pytest.mark.parametrize("seed", SEEDS)
def test_no_bin_of_a_node_gains_more_than_its_relaxation(seed: int) -> None:
    """Nor does one with any one item gain more than the item's own bound says."""
    for node in random_nodes(seed):
        local, part, work, _ = node
        sets = [*allowed_sets(node)]
        best = max(gain for _, gain in sets)
        count = relax(local, part, work)
        for tried in range(6):
            relaxed, one_less, taken = best_choice(local, part, work, count)
            gain = int(part.figures[GAIN]) + int(credit(part, work))
            assert gain + relaxed >= best
            for chosen, reached in sets:
                for j in chosen:
                    assert part.state[j] == FREE  # else relax put out too much
                    assert reached <= gain + one_less + work.left[j]
            check_shares(node)
            moved = taken > 0 and shift(local, part, work, taken)
            check_shares(node)
            if not reprice(local, part, work, taken, count, tried, 0) and not moved:
                break
            count = relax(local, part, work)


@pytest.mark.parametrize("seed", SEEDS)
def test_any_charge_for_value_bounds_every_bin(seed: int) -> None:
    draw = Random(f"rate {seed}")
    for node in random_nodes(seed):
        local, part, work, _ = node
        best = max(gain for _, gain in allowed_sets(node))
        room = max(int(part.figures[ROOM]) // int(work.rate[1]), 1)
        for _ in range(3):
            work.rate[0] = draw.randint(0, 2 * int(local.profit.sum()) // room)
            count = relax(local, part, work)
            relaxed, _, _ = best_choice(local, part, work, count)
            assert int(part.figures[GAIN]) + int(credit(part, work)) + relaxed >= best


def check_shares(node: Node) -> None:
    """Require shares that charge no allowed bin more than it pays."""
    local, part, work, _ = node
    slots = int(part.figures[SLOTS])
    for f in range(len(local.weight)):
        if work.free[f] == 0:
            continue
        edges = range(local.holder_at[f], local.holder_at[f + 1])
        shares = sorted(
            int(work.share[local.holder_edges[e]])
            for e in edges
            if part.state[local.holders[e]] == FREE
        )
        assert len(shares) == work.free[f]
        assert shares[0] >= 0
        assert sum(shares[-slots:]) <= local.weight[f]


def test_the_shares_of_the_page_on_the_method_are_those_of_the_code() -> None:
    """Two items, gains 5 and 2, one feature of weight 6 that both touch."""
    rows = table_with(page("docs/method.md"), "round", "share of a", "share of b")
    none = np.zeros(2, np.int64)
    local = Local(
        item=np.arange(2),
        profit=np.array([5, 2]),
        size=none + 1,
        value=none,
        kind=none,
        touch_at=np.array([0, 1, 2]),
        touches=none,
        holder_at=np.array([0, 2]),
        holders=np.arange(2),
        holder_edges=np.arange(2),
        weight=np.array([6]),
        need=np.array([1]),
        customers=np.array([0]),
        group=none - 1,
        origin=np.array([0]),
        base=0,
        slots=2,
        room=0,
        buyers=0,
    )
    part = Partial(
        state=np.zeros(2, np.int8),
        got=np.zeros(1, np.int64),
        forced=np.zeros(1, np.uint8),
        members=np.empty(2, np.int64),
        trail=np.empty(2, np.int64),
        figures=np.array([0, 2, 0, 0, 0, 0]),
    )
    work = room_for(local)
    taken = 0
    for row in rows:
        if row["round"] != "1":
            assert shift(local, part, work, taken)
        count = relax(local, part, work)
        bound, _, taken = best_choice(local, part, work, count)
        assert [int(row["share of a"]), int(row["share of b"])] == work.share.tolist()
        assert [int(row["a after it"]), int(row["b after it"])] == work.left.tolist()
        assert row["choice"] == "".join("ab"[j] for j in work.trial[:taken])
        assert int(row["bound"]) == bound
    assert len(rows) == 2


def test_random_nodes_bring_into_play_what_they_should() -> None:
    """Else the tests above would say little."""
    decided = bound_by_customers = moved = exact = fined = charged_for = 0
    for seed in SEEDS:
        for node in random_nodes(seed):
            local, part, work, _ = node
            best = max(gain for _, gain in allowed_sets(node))
            decided += bool(part.figures[COUNT] or part.forced.any())
            fined += bool((local.need > 1).any())
            count = relax(local, part, work)
            work.table[:] = -1  # filled only where customers bind
            relaxed, _, taken = best_choice(local, part, work, count)
            bound_by_customers += bool((work.table >= 0).any())
            exact += int(part.figures[GAIN]) + relaxed == best
            moved += taken > 0 and shift(local, part, work, taken)
            count = relax(local, part, work)
            without, _, taken = best_choice(local, part, work, count)
            if value_taken(local, work, taken) > part.figures[ROOM]:
                assert reprice(local, part, work, taken, count, 0, 0)
                count = relax(local, part, work)
                relaxed, _, _ = best_choice(local, part, work, count)
                charged_for += relaxed + credit(part, work) < without
    assert charged_for >= 25
    assert decided >= 300
    assert fined >= 300
    assert bound_by_customers >= 30
    assert moved >= 50
    assert exact >= 500


@pytest.mark.parametrize("seed", SEEDS)
def test_items_taken_in_and_back_leave_no_trace(seed: int) -> None:
    for node in random_nodes(seed):
        local, part, _, kind_ok = node
        free = np.flatnonzero(part.state == FREE)
        before = [part.figures[:COUNT].tolist(), part.got.tolist()]
        for j in free:
            if part.state[j] == FREE:
                take_in(local, part, kind_ok, j)
        taken = np.flatnonzero(part.state == IN)
        for j in reversed(part.members[: part.figures[COUNT]].tolist()):
            if j in free:
                take_back(local, part, j)
        assert len(taken) >= 1
        assert [part.figures[:COUNT].tolist(), part.got.tolist()] == before


# --- the dynamic program -------------------------------------------------------------


def random_choice(draw: Random) -> tuple[Local, Partial, Relaxed, int]:
    """Return items with left-over gains, customers' fees and limits, all drawn."""
    m = draw.randint(1, 9)
    fees = draw.randint(1, 4)
    group = [draw.choice([-1, *range(fees)]) for _ in range(m)]
    size = [draw.choice([1, 1, 1, 2, 3]) for _ in range(m)]
    group = [g if s == 1 else -2 for g, s in zip(group, size, strict=True)]
    none = np.zeros(0, np.int64)
    local = Local(
        item=np.arange(m),
        profit=np.zeros(m, np.int64),
        size=np.array(size),
        value=np.zeros(m, np.int64),
        kind=np.zeros(m, np.int64),
        touch_at=np.zeros(m + 1, np.int64),
        touches=none,
        holder_at=np.zeros(fees + 1, np.int64),
        holders=none,
        holder_edges=none,
        weight=np.array([draw.randint(0, 20) for _ in range(fees)]),
        need=np.ones(fees, np.int64),
        customers=np.array([draw.choice([1, 1, 2]) for _ in range(fees)]),
        group=np.array(group),
        origin=np.arange(fees),
        base=0,
        slots=draw.randint(1, 8),
        room=0,
        buyers=draw.randint(0, 4),
    )
    part = Partial(
        state=np.zeros(m, np.int8),
        got=np.zeros(fees, np.int64),
        forced=np.zeros(fees, np.uint8),
        members=np.empty(m, np.int64),
        trail=np.empty(m, np.int64),
        figures=np.array([0, local.slots, 0, local.buyers, 0, 0]),
    )
    work = room_for(local)
    work.open[:] = [draw.choice([0, 1, 1]) for _ in range(fees)]
    left = sorted((draw.randint(1, 20) for _ in range(m)), reverse=True)
    work.left[:] = left
    work.order[:] = np.arange(m)
    return local, part, work, m


def value_of(
    local: Local, work: Relaxed, chosen: Sequence[int]
) -> tuple[int, int, int]:
    """Return what a choice gains, and how many requests and customers it takes."""
    fees = {
        int(local.group[j])
        for j in chosen
        if local.group[j] >= 0 and work.open[local.group[j]]
    }
    gain = sum(int(work.left[j]) for j in chosen)
    gain -= sum(int(local.weight[f]) for f in fees)
    requests = sum(int(local.size[j]) for j in chosen)
    return gain, requests, sum(int(local.customers[f]) for f in fees)


@pytest.mark.parametrize("seed", range(300))
def test_best_choice_is_the_best_of_all_subsets(seed: int) -> None:
    local, part, work, m = random_choice(Random(f"choice {seed}"))
    values = [
        value_of(local, work, chosen)
        for count in range(m + 1)
        for chosen in combinations(range(m), count)
    ]

    def best_within(slots: int, buyers: int) -> int:
        return max(g for g, q, u in values if q <= slots and u <= buyers)

    best, one_less, taken = best_choice(local, part, work, m)
    trial = work.trial[:taken].tolist()
    gain, requests, customers = value_of(local, work, trial)

    assert best == gain == best_within(local.slots, local.buyers)
    assert len(set(trial)) == taken
    assert requests <= local.slots
    assert customers <= local.buyers
    # Where customers do not bind at the best, one slot less is not held to them.
    slots = min(local.slots, int(local.size.sum())) - 1
    assert best_within(slots, local.buyers) <= one_less <= best_within(slots, 99)

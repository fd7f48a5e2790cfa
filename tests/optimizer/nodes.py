"""Random nodes of the search, with every bin they allow."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from itertools import combinations
from random import Random
from typing import NamedTuple

import numpy as np

from optimizer.instance import Instance, Ints
from optimizer.kernels.anchor import room_for
from optimizer.kernels.local import Local, local_problem
from optimizer.kernels.partial import (
    BUYERS,
    FREE,
    GAIN,
    ROOM,
    SLOTS,
    Partial,
    charged,
    put_out,
    take_in,
)
from optimizer.kernels.relaxation import Relaxed
from optimizer.pricing import Cut, Fines
from tests.optimizer.test_pricing import some_cuts, some_duals
from tests.solving import some_instances

KNOWN = [*some_instances(11, 40, least=5)]
SEEDS = range(len(KNOWN))
MOST_ITEMS = 11
"""Free items of a node up to which all sets of them are tried."""


class Node(NamedTuple):
    """An anchor's problem with some things decided, and room to relax the rest."""

    local: Local
    part: Partial
    work: Relaxed
    kind_ok: np.ndarray


@cache
def tight(seed: int) -> Instance:
    """Return a small instance under limits that bind."""
    draw = Random(f"tight {seed}")
    known = KNOWN[seed]
    limits = {
        "max_requests": draw.choice([2, 3, 4, 12]),
        "max_customers": draw.choice([1, 2, 3, 8]),
    }
    value = np.array([draw.choice([0, 1, 2, 3, 5, 8]) for _ in known.value])
    cents = draw.choice([1, 1_234_567_891])  # whole units, or parts of one
    most = draw.choice([8, 10, 12, 100])
    return replace(known, value=value * cents, max_value=most * cents, **limits)


def fines_of(instance: Instance, cuts: Sequence[Cut], sigma: Ints) -> Fines:
    rows: list[list[int]] = [
        [number for number, cut in enumerate(cuts) if i in cut.items]
        for i in range(len(instance))
    ]
    at = np.cumsum([0, *map(len, rows)])
    flat = np.array([number for row in rows for number in row], dtype=np.int64)
    return Fines(at, flat, sigma)


def root_of(
    instance: Instance,
    k: int,
    duals: Ints,
    cuts: Sequence[Cut],
    sigma: Ints,
    tau: int = 0,
) -> Node:
    """Return an anchor's problem with nothing decided."""
    arrays = instance.arrays
    local = local_problem(
        k, duals, tau, arrays, fines_of(instance, cuts, sigma),
        np.full(len(arrays.weight), -1), np.full(len(sigma), -1),
    )  # fmt: skip
    m, nf = len(local.item), len(local.weight)
    part = Partial(
        state=np.zeros(m, np.int8),
        got=np.zeros(nf, np.int64),
        forced=np.zeros(nf, np.uint8),
        members=np.empty(m, np.int64),
        trail=np.empty(m, np.int64),
        figures=np.array(
            [local.base, local.slots, local.room, local.buyers, 0, 0], dtype=np.int64
        ),
    )
    return Node(local, part, room_for(local), arrays.kind_ok)


def items_touching(local: Local, f: int) -> list[int]:
    return local.holders[local.holder_at[f] : local.holder_at[f + 1]].tolist()


def features_of(local: Local, j: int) -> list[int]:
    return local.touches[local.touch_at[j] : local.touch_at[j + 1]].tolist()


def decide(node: Node, draw: Random) -> None:
    """Take one random step down the search, as its branchings do."""
    local, part, _, kind_ok = node
    free = np.flatnonzero(part.state == FREE).tolist()
    how = draw.choice(["in", "out", "paid", "unpaid", "kind"])
    if how == "out" and free:
        put_out(part, draw.choice(free))
    elif how == "kind" and free:
        row = local.kind[draw.choice(free)]
        for i in free:
            if kind_ok[local.kind[i], row] == 0:
                put_out(part, i)
    elif how == "in":
        fitting = [
            j
            for j in free
            if local.size[j] <= part.figures[SLOTS]
            and local.value[j] <= part.figures[ROOM]
            and newly_charged(node, [j])[1] <= part.figures[BUYERS]
        ]
        if fitting:
            take_in(local, part, kind_ok, draw.choice(fitting))
    else:
        open_ = [
            f
            for f in range(len(local.weight))
            if not charged(local, part, f)
            and part.got[f] + 1 >= local.need[f]
            and local.customers[f] <= part.figures[BUYERS]
        ]
        if not open_:
            return
        f = draw.choice(open_)
        if how == "unpaid":
            for j in items_touching(local, f):
                if part.state[j] == FREE:
                    put_out(part, j)
        else:
            part.forced[f] = 1
            part.figures[GAIN] -= local.weight[f]
            part.figures[BUYERS] -= local.customers[f]


def newly_charged(node: Node, chosen: Sequence[int]) -> tuple[int, int]:
    """Return what free items make the bin pay for: weight, and customers."""
    local, part = node.local, node.part
    weight = customers = 0
    for f in range(len(local.weight)):
        hits = sum(f in features_of(local, j) for j in chosen)
        if not charged(local, part, f) and part.got[f] + hits >= local.need[f]:
            weight += int(local.weight[f])
            customers += int(local.customers[f])
    return weight, customers


def allowed_sets(node: Node) -> Iterator[tuple[list[int], int]]:
    """Yield every set of free items the node allows, and what the bin gains then."""
    local, part, _, kind_ok = node
    free = np.flatnonzero(part.state == FREE).tolist()
    for count in range(min(len(free), int(part.figures[SLOTS])) + 1):
        for chosen in map(list, combinations(free, count)):
            kinds = local.kind[chosen]
            clash = any(not kind_ok[a, b] for a, b in combinations(kinds, 2))
            if clash or local.size[chosen].sum() > part.figures[SLOTS]:
                continue
            weight, customers = newly_charged(node, chosen)
            if local.value[chosen].sum() > part.figures[ROOM]:
                continue
            if customers <= part.figures[BUYERS]:
                gain = int(part.figures[GAIN]) + int(local.profit[chosen].sum())
                yield chosen, gain - weight


def random_nodes(seed: int) -> Iterator[Node]:
    """Yield nodes of the search under an instance's anchors."""
    instance = tight(seed)
    draw = Random(f"nodes {seed}")
    for k in range(2, len(instance)):
        for _ in range(8):
            duals = some_duals(instance, draw)
            cuts, sigma = some_cuts(instance, draw)
            tau = draw.choice([0, int(instance.alone[0]) * instance.scale // 4])
            node = root_of(instance, k, duals, cuts, sigma, tau)
            for _ in range(draw.randint(0, 4)):
                decide(node, draw)
            if 1 <= (node.part.state == FREE).sum() <= MOST_ITEMS:
                yield node

"""Files of published instances, read into what the core solves.

A file is one JSON object: ``name``, ``kind``, ``n``, and for bin packing ``capacity``,
``sizes``, then ``conflicts`` (pairs that may not share a bin) or ``bin_cost`` and
``classes`` (``of_item``, ``setup_cost``, ``setup_weight``: paid, and taken from the
capacity, once by every bin that holds an item of the class). ``best`` is the best value
known and ``optimal`` whether it is proven.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from optimizer.instance import Instance, integers, ragged

SETUP_FIELD = "feature_value"
"""The part of an ``Instance`` that says what a feature takes from the value limit."""

UNIT = 1000
"""The core counts in thousandths: a bin, or a unit of cost, is as many."""

NOT_OUR_FORM = {
    "clique-partition": "weights of pairs, not of what a bin touches",
    "cluster-editing": "weights of pairs, not of what a bin touches",
    "capacitated-clustering": "weights of pairs and a given number of bins",
}
SETUP_WEIGHTS = "a class takes its own part of the limit, which the core has not"


@dataclass(frozen=True, slots=True, kw_only=True)
class Packing:
    """Items to be packed in bins. ``bin_cost`` and ``setup_cost`` in whole units."""

    name: str
    kind: str
    capacity: int
    sizes: tuple[int, ...]
    conflicts: frozenset[tuple[int, int]]
    bin_cost: int
    class_of: tuple[int, ...]  # empty where there are no classes
    setup_cost: tuple[int, ...]
    setup_weight: tuple[int, ...]
    best: int | None
    optimal: bool

    def __len__(self) -> int:
        return len(self.sizes)

    @property
    def weighs_classes(self) -> bool:
        """Whether a class takes a part of the capacity."""
        return any(self.setup_weight)

    def load(self, members: Collection[int]) -> int:
        """Return what items in one bin take of its capacity."""
        classes = {self.class_of[i] for i in members} if self.class_of else set()
        return sum(self.sizes[i] for i in members) + sum(
            self.setup_weight[c] for c in classes
        )

    def cost(self, bins: Sequence[Collection[int]]) -> int | None:
        """Return what a packing costs; None when it is not one."""
        if sorted(i for members in bins for i in members) != [*range(len(self))]:
            return None
        total = 0
        for members in bins:
            if self.load(members) > self.capacity or any(
                pair in self.conflicts for pair in combinations(sorted(members), 2)
            ):
                return None
            classes = {self.class_of[i] for i in members} if self.class_of else set()
            total += self.bin_cost + sum(self.setup_cost[c] for c in classes)
        return total


def not_our_form(found: Mapping[str, Any]) -> str:
    """Return why the core cannot take an instance; "" when it can."""
    kind = found["kind"]
    if kind in NOT_OUR_FORM:
        return NOT_OUR_FORM[kind]
    if kind == "bin-packing-setups":
        if any(found["classes"]["setup_weight"]) and not core_weighs_classes():
            return SETUP_WEIGHTS
        return ""
    return "" if kind == "bin-packing-conflicts" else f"the kind {kind} is not known"


def core_weighs_classes() -> bool:
    """Tell whether the core has a part of the limit that a feature takes."""
    return SETUP_FIELD in {field.name for field in fields(Instance)}


def read_file(path: Path) -> dict[str, Any] | None:
    """Read a file; None when it is no published instance."""
    found = json.loads(path.read_text(encoding="utf-8"))
    if isinstance(found, dict) and {"name", "kind", "n"} <= found.keys():
        return found
    return None


def read_packing(found: Mapping[str, Any]) -> Packing:
    """Return a file's object as a packing problem."""
    classes = found.get("classes", {})
    return Packing(
        name=found["name"],
        kind=found["kind"],
        capacity=found["capacity"],
        sizes=tuple(found["sizes"]),
        conflicts=frozenset((min(p), max(p)) for p in found.get("conflicts", ())),
        bin_cost=found.get("bin_cost", 1),
        class_of=tuple(classes.get("of_item", ())),
        setup_cost=tuple(classes.get("setup_cost", ())),
        setup_weight=tuple(classes.get("setup_weight", ())),
        best=found["best"],
        optimal=bool(found["optimal"]),
    )


def build(packing: Packing) -> Instance:
    """Return the instance of the core: one bin a review, one item a request.

    All items are ready at once, so nothing waits and any order will do: large items
    come first, which leaves few candidates to the anchors. The number of customers is
    1, and the limit on requests is the number of smallest items that fit a bin.
    """
    order = items_in_order(packing)
    rank = {i: place for place, i in enumerate(order)}
    sizes = [packing.sizes[i] for i in order]
    apart: list[set[int]] = [set() for _ in order]
    for i, j in packing.conflicts:
        apart[rank[i]].add(rank[j])
        apart[rank[j]].add(rank[i])
    numbers: dict[frozenset[int], int] = {}
    cls = [numbers.setdefault(frozenset(row), len(numbers)) for row in apart]
    ok = np.ones((len(numbers), len(numbers)), dtype=np.uint8)
    for row, number in numbers.items():
        ok[number, sorted({cls[j] for j in row})] = 0
    candidates = [
        [
            j
            for j in range(k)
            if j not in apart[k]
            and packing.load((order[j], order[k])) <= packing.capacity
        ]
        for k in range(len(order))
    ]
    used = sorted({packing.class_of[i] for i in order}) if packing.class_of else []
    place = {c: at + 1 for at, c in enumerate(used)}  # feature 0 is the one customer
    touched = [
        [0, place[packing.class_of[i]]] if packing.class_of else [0] for i in order
    ]
    setup = [UNIT * packing.setup_cost[c] for c in used]
    feature_at, features = ragged(touched)
    customer_at, customers = ragged([[0]] * len(order))
    candidate_at, candidate_list = ragged(candidates)
    extra: dict[str, Any] = {}
    if core_weighs_classes():
        taken = [0, *(packing.setup_weight[c] for c in used)]
        extra[SETUP_FIELD] = integers(taken)
    zeros = integers([0] * len(order))
    return Instance(
        items=tuple((place,) for place in range(len(order))),
        size=integers([1] * len(order)),
        value=integers(sizes),
        alone=integers([UNIT * cost_alone(packing, i) for i in order]),
        own=zeros,
        slope=zeros,
        ready=zeros,
        cls=integers(cls),
        cls_ok=ok,
        feature_at=feature_at,
        features=features,
        weight=integers([0, *setup]),
        per_customer=np.array([1, *(0 for _ in used)], dtype=np.uint8),
        customer_at=customer_at,
        customers=customers,
        candidate_at=candidate_at,
        candidates=candidate_list,
        pair_fee=UNIT * packing.bin_cost,
        max_requests=_most_items(packing),
        max_customers=1,
        max_value=packing.capacity,
        **extra,
    )


def items_in_order(packing: Packing) -> list[int]:
    """Return the item at each place of the built instance."""
    return sorted(range(len(packing)), key=lambda i: (-packing.sizes[i], i))


def cost_alone(packing: Packing, item: int) -> int:
    """Return what an item costs in a bin of its own."""
    if not packing.class_of:
        return packing.bin_cost
    return packing.bin_cost + packing.setup_cost[packing.class_of[item]]


def _most_items(packing: Packing) -> int:
    """Return how many of the smallest items fit one bin: no bin holds more."""
    room, count = packing.capacity, 0
    for size in sorted(packing.sizes):
        room -= size
        if room < 0:
            break
        count += 1
    return max(1, count)

"""New instances out of old: parts, two items joined, two items kept apart."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from optimizer import cost
from optimizer.instance import Instance, Ints, integers, merge_features, ragged
from optimizer.kernels import candidates as candidate_kernels


def split(instance: Instance) -> tuple[tuple[int, ...], ...]:
    """Return the items of each connected part of the candidate relation, ascending."""
    label = np.empty(len(instance), dtype=np.int64)
    candidate_kernels.components(instance.candidate_at, instance.candidates, label)
    parts: dict[int, list[int]] = defaultdict(list)
    for i, root in enumerate(label):
        parts[int(root)].append(i)
    return tuple(tuple(part) for part in parts.values())


def keep_apart(instance: Instance, first: int, second: int) -> Instance:
    """Return the instance in which two items may not share a bin."""
    first, second = min(first, second), max(first, second)
    classes = instance.cls_ok.shape[0]
    grown = np.zeros((classes + 2, classes + 2), dtype=np.uint8)
    old = np.concatenate(
        [np.arange(classes), [instance.cls[first], instance.cls[second]]]
    )
    grown[:] = instance.cls_ok[np.ix_(old, old)]
    grown[classes, classes + 1] = grown[classes + 1, classes] = 0
    cls = instance.cls.copy()
    cls[first], cls[second] = classes, classes + 1
    keep = np.ones(len(instance.candidates), dtype=bool)
    begin, end = instance.candidate_at[second], instance.candidate_at[second + 1]
    keep[begin:end] = instance.candidates[begin:end] != first
    candidate_at, candidates = _filter(instance, keep)
    return replace(
        instance,
        cls=cls,
        cls_ok=grown,
        candidate_at=candidate_at,
        candidates=candidates,
    )


def join(instance: Instance, first: int, second: int) -> Instance:
    """Return the instance in which two items are one, in the place of the later.

    The earlier item's number disappears: later numbers move down by one. The two must
    be able to share a bin.
    """
    first, second = min(first, second), max(first, second)
    n = len(instance)
    at = instance.candidate_at
    anchors = np.repeat(np.arange(n), np.diff(at))
    with_first = np.zeros(n, dtype=bool)  # anchors that may take the first item
    with_first[anchors[instance.candidates == first]] = True
    joined_ok = (
        instance.cls_ok[instance.cls[first]] & instance.cls_ok[instance.cls[second]]
    )
    # Anchors after the pair take it when they take both; the pair takes what both do.
    keep = (anchors != first) & (instance.candidates != first)
    keep &= (instance.candidates != second) | with_first[anchors]
    keep &= (anchors != second) | (joined_ok[instance.cls[instance.candidates]] == 1)
    candidate_at, candidates = _filter(instance, keep)

    classes = instance.cls_ok.shape[0]
    grown = np.zeros((classes + 1, classes + 1), dtype=np.uint8)
    grown[:classes, :classes] = instance.cls_ok
    grown[classes, :classes] = grown[:classes, classes] = joined_ok
    cls = instance.cls.copy()
    cls[second] = classes

    delay = int(instance.ready[second] - instance.ready[first])
    own, slope = instance.own.copy(), instance.slope.copy()
    own[second] += own[first] + slope[first] * delay
    slope[second] += slope[first]
    size, value, alone = (
        instance.size.copy(),
        instance.value.copy(),
        instance.alone.copy(),
    )
    size[second] += size[first]
    value[second] += value[first]
    alone[second] = instance.cost((first, second))
    rows = [list(instance.features_of(i)) for i in range(n)]
    rows[second] = sorted({*rows[first], *rows[second]})
    buyers = [list(instance.customers_of(i)) for i in range(n)]
    buyers[second] = sorted({*buyers[first], *buyers[second]})
    rest = np.delete(np.arange(n), first)
    feature_at, features = ragged([rows[i] for i in rest])
    customer_at, customers = ragged([buyers[i] for i in rest])
    items = list(instance.items)
    items[second] = tuple(sorted((*items[first], *items[second])))
    renumber = np.arange(n) - (np.arange(n) > first)
    return replace(
        instance,
        items=tuple(items[i] for i in rest),
        size=size[rest],
        value=value[rest],
        alone=alone[rest],
        own=own[rest],
        slope=slope[rest],
        ready=instance.ready[rest],
        cls=cls[rest],
        cls_ok=grown,
        feature_at=feature_at,
        features=features,
        customer_at=customer_at,
        customers=customers,
        candidate_at=np.delete(candidate_at, first + 1),
        candidates=renumber[candidates],
    )


def _filter(instance: Instance, keep: npt.NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """Keep some candidate entries."""
    before = np.concatenate([[0], np.cumsum(keep)]).astype(np.int64)
    return before[instance.candidate_at], instance.candidates[keep]


def restrict(instance: Instance, part: Sequence[int]) -> Instance:
    """Return the instance of some items only, ascending."""
    chosen = np.array(part, dtype=np.int64)
    renumber = np.full(len(instance), -1, dtype=np.int64)
    renumber[chosen] = np.arange(len(chosen))
    lengths = np.diff(instance.candidate_at)[chosen]
    starts = np.repeat(instance.candidate_at[chosen], lengths)
    within = np.arange(len(starts)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    entries = renumber[instance.candidates[starts + within]]
    rows = np.repeat(np.arange(len(chosen)), lengths)[entries >= 0]
    candidate_at = np.zeros(len(chosen) + 1, dtype=np.int64)
    np.cumsum(np.bincount(rows, minlength=len(chosen)), out=candidate_at[1:])
    candidates = entries[entries >= 0]
    own = [int(instance.own[i]) for i in part]
    touched: list[dict[cost.Feature, int]] = [
        {(int(f),): int(instance.weight[f]) for f in instance.features_of(i)}
        for i in part
    ]
    buyers = [[int(c) for c in instance.customers_of(i)] for i in part]
    weight, numbers, per_customer = merge_features(own, touched, buyers)
    feature_at, features = ragged(numbers)
    customer_at, customers = ragged(buyers)
    used, cls = np.unique(instance.cls[chosen], return_inverse=True)
    return replace(
        instance,
        items=tuple(instance.items[i] for i in part),
        size=instance.size[chosen],
        value=instance.value[chosen],
        alone=instance.alone[chosen],
        own=integers(own),
        slope=instance.slope[chosen],
        ready=instance.ready[chosen],
        cls=cls.astype(np.int64),
        cls_ok=instance.cls_ok[np.ix_(used, used)].copy(),
        feature_at=feature_at,
        features=features,
        weight=integers(weight),
        per_customer=per_customer,
        customer_at=customer_at,
        customers=customers,
        candidate_at=candidate_at,
        candidates=candidates,
    )

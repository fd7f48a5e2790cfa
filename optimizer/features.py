"""Which features requests touch, as numbers, and how alike features are merged."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Final

import numpy as np
import numpy.typing as npt

from optimizer import cost
from optimizer.batch import Request
from optimizer.cost import Feature
from optimizer.policy import EffortCase, Stage, Unit
from optimizer.problem import Problem

type Ints = npt.NDArray[np.int64]


CASES: Final = (EffortCase.DEFAULT, EffortCase.LOW, EffortCase.HIGH)
"""The order in which figures of all effort cases stand side by side."""

type PerCase = tuple[int, int, int]
"""Thousandths of a staff-day in each of ``CASES``."""


type Shape = tuple[PerCase, PerCase, tuple[tuple[Unit, Feature, PerCase], ...]]
"""What requests with or without precedent bring to a stage, whatever their names.

Own cost, cost of each line, and of each feature its unit, what stands behind the names
in it, and its weights.
"""


@dataclass(frozen=True, slots=True)
class StageTouch:
    """What a request brings to one stage: own cost, cost of each line, features."""

    own: PerCase
    per_line: PerCase
    features: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Brought:
    """What requests alike bring to a bin.

    ``features`` are those of all stages, by number; ``own`` is what no other request
    shares, lines aside, which cost ``per_line`` each, and ``alone`` is both. By stage,
    the figures are those of the default case. ``paired`` are the features of that case
    in a bin of two or more, where the coordination of the customer is one too.
    """

    features: tuple[int, ...]
    own: PerCase
    per_line: PerCase
    alone: PerCase
    own_by_stage: tuple[int, ...]
    per_line_by_stage: tuple[int, ...]
    alone_by_stage: tuple[int, ...]
    paired: Ints


class Touches:
    """What the requests of one problem bring to a bin, in every effort case.

    Complexity: stages are asked once for all requests they cannot tell apart.
    """

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._number: dict[Feature, int] = {}
        self._known: dict[int, Brought] = {}
        self._by_stage: dict[tuple[object, ...], StageTouch] = {}
        self._shapes: dict[tuple[int, bool], Shape] = {}
        self._looks = [_looked_at(stage) for stage in problem.policy.stages]
        self._triggers = [stage.trigger for stage in problem.policy.stages]
        self.weights: list[PerCase] = []  # of each feature
        self.weight: list[int] = []  # of each feature in the default case
        self.stage: list[int] = []  # place of its stage in the policy; -1 without

    def of(self, position: int) -> Brought:
        """Return what a request brings; the same for all that are alike."""
        alike = self._problem.alike[position]
        found = self._known.get(alike)
        if found is None:
            found = self._known[alike] = self._of(position)
        return found

    def _of(self, position: int) -> Brought:
        problem = self._problem
        rates = problem.policy.coordination[EffortCase.DEFAULT]
        stages = self._touched(position)
        features = tuple(f for stage in stages for f in stage.features)
        own = _added(stage.own for stage in stages)
        paired = [f for f in features if self.weights[f][0]]
        if rates.customer_beyond_first:
            customer = ("coordination", problem.requests[position].customer)
            weights = (rates.customer_beyond_first, 0, 0)
            paired.append(self._numbered(customer, -1, weights))
        return Brought(
            features=features,
            own=own,
            per_line=_added(stage.per_line for stage in stages),
            alone=_added([own, *(self.weights[f] for f in features)]),
            own_by_stage=tuple(stage.own[0] for stage in stages),
            per_line_by_stage=tuple(stage.per_line[0] for stage in stages),
            alone_by_stage=tuple(
                stage.own[0] + sum(self.weight[f] for f in stage.features)
                for stage in stages
            ),
            paired=np.array(paired, dtype=np.int64),
        )

    def _touched(self, position: int) -> tuple[StageTouch, ...]:
        """Return what a request brings to each stage, asked once for what it shows."""
        problem = self._problem
        r, known = problem.requests[position], problem.has_precedent[position]
        concerned = {t: problem.triggered(t, position) for t in {*self._triggers}}
        found: list[StageTouch] = []
        for number, (trigger, look) in enumerate(
            zip(self._triggers, self._looks, strict=True)
        ):
            if not concerned[trigger]:
                found.append(NOTHING)
                continue
            key = (number, known, look(r))
            touch = self._by_stage.get(key)
            if touch is None:
                touch = self._by_stage[key] = self._asked(number, position)
            found.append(touch)
        return tuple(found)

    def _asked(self, number: int, position: int) -> StageTouch:
        """Return what a request brings to a stage: of its kind, with its own names."""
        known = self._problem.has_precedent[position]
        shape = self._shapes.get((number, known))
        if shape is None:
            shape = self._shapes[number, known] = self._shape(number, position)
        own, per_line, weighed = shape
        features = tuple(
            self._numbered(
                (number, unit, *cost.unit_value(self._problem, unit, position), *extra),
                number,
                weights,
            )
            for unit, extra, weights in weighed
        )
        return StageTouch(own, per_line, features)

    def _shape(self, number: int, position: int) -> "Shape":
        """Return what all requests bring to a stage that it concerns, names aside."""
        stage = self._problem.policy.stages[number]
        lines = self._problem.requests[position].lines
        own: list[int] = []
        weights: dict[Feature, list[int]] = {}
        per_line = [stage.rate(Unit.LINE, case) for case in CASES]
        for place, case in enumerate(CASES):
            brought = cost.touch(self._problem, number, position, case)
            assert brought is not None  # the stage is triggered
            own.append(brought.own - per_line[place] * lines)
            for feature, weight in brought.features.items():
                weights.setdefault(feature, [0, 0, 0])[place] = weight
        weighed: list[tuple[Unit, Feature, PerCase]] = []
        for feature, found in weights.items():
            unit = feature[1]
            assert isinstance(unit, Unit)
            names = 2 + len(cost.unit_value(self._problem, unit, position))
            weighed.append((unit, feature[names:], _triple(found)))
        return _triple(own), _triple(per_line), tuple(weighed)

    def _numbered(self, feature: Feature, stage: int, weights: PerCase) -> int:
        number = self._number.setdefault(feature, len(self.weights))
        if number == len(self.weights):
            self.weights.append(weights)
            self.weight.append(weights[0])
            self.stage.append(stage)
        return number


NOTHING: Final = StageTouch((0, 0, 0), (0, 0, 0), ())

_FIELDS: Final = {
    Unit.CUSTOMER: ("customer",),
    Unit.SYSTEM: ("system",),
    Unit.REGION: ("region",),
    Unit.AGENCY: ("implementing_agency",),
    Unit.CONFIGURATION: ("system", "configuration"),
    Unit.CUSTOMER_CONFIGURATION: ("customer", "system", "configuration"),
}


def _looked_at(stage: Stage) -> Callable[[Request], object]:
    """Return what gets the fields of a request that a stage looks at."""
    units = {unit for case in CASES for unit in stage.effort[case]}
    names = sorted({name for unit in units for name in _FIELDS.get(unit, ())})
    return attrgetter(*names) if names else lambda _: None


def touches_of(problem: Problem) -> Touches:
    """Return the touches of a problem, the same for whoever asks."""
    if "touches" not in problem.remembered:
        problem.remembered["touches"] = Touches(problem)
    found = problem.remembered["touches"]
    assert isinstance(found, Touches)
    return found


def _triple(figures: Sequence[int]) -> PerCase:
    default, low, high = figures
    return default, low, high


def _added(parts: Iterable[PerCase]) -> PerCase:
    columns = list(zip(*parts, strict=True))
    return _triple([sum(column) for column in columns]) if columns else (0, 0, 0)


@dataclass(frozen=True, slots=True)
class Merged:
    """Features of some rows of items after merging.

    ``folded`` is what goes to the own cost of the one item of a row; ``rows`` are the
    numbers of the merged features each row touches, ascending.
    """

    weight: list[int]
    per_customer: list[int]  # how many customers a feature stands for
    rows: list[list[int]]
    folded: list[int]


def merge_rows(
    touched: Sequence[Ints],
    weight: Sequence[int],
    customers: Sequence[Sequence[int]],
    items: Sequence[Ints],
) -> Merged:
    """Merge features that the same items touch; fold those of a single item.

    A customer's items always share a feature of their own, which counts the customer.
    Merged features are in the order in which items, ascending, touch them first, then
    come those that are there for a customer alone.

    Parameters
    ----------
    touched
        Features of each row. The items of a row touch the same features.
    weight
        Of every feature, thousandths.
    customers
        Customers of each row.
    items
        Items of each row, ascending; rows in the order of their first items.
    """
    rows_of = _holders(touched)
    merged: dict[bytes, int] = {}
    holders: dict[bytes, Ints] = {}
    for feature, rows in rows_of.items():
        key = rows.tobytes()
        merged[key] = merged.get(key, 0) + weight[feature]
        holders.setdefault(key, rows)
    counted: dict[bytes, Ints] = {}
    buyers: Counter[bytes] = Counter()  # customers with the very same items
    for rows in _holders([np.array(c, dtype=np.int64) for c in customers]).values():
        counted[rows.tobytes()] = rows
        buyers[rows.tobytes()] += 1
    alone = [key for key in counted if key not in merged]
    for key in sorted(alone, key=lambda key: _items_of(counted[key], items)):
        merged[key] = 0
        holders[key] = counted[key]
    found = Merged([], [], [[] for _ in touched], [0] * len(touched))
    for key, total in merged.items():
        rows = holders[key].tolist()
        if key not in counted and len(rows) == 1 and len(items[rows[0]]) == 1:
            found.folded[rows[0]] += total
            continue
        for row in rows:
            found.rows[row].append(len(found.weight))
        found.weight.append(total)
        found.per_customer.append(buyers[key])
    return found


def _holders(touched: Sequence[Ints]) -> dict[int, Ints]:
    """Return the rows that hold each number, ascending; numbers in the order met."""
    if not touched:
        return {}
    numbers = np.concatenate(touched)
    rows = np.repeat(np.arange(len(touched)), [len(row) for row in touched])
    order = np.argsort(numbers, kind="stable")
    found, starts = np.unique(numbers[order], return_index=True)
    parts = np.split(rows[order], starts[1:])
    first = order[starts]  # where each number is met first
    return {int(found[at]): parts[at] for at in np.argsort(first)}


def _items_of(rows: Ints, items: Sequence[Ints]) -> list[int]:
    return sorted(int(i) for row in rows for i in items[row])

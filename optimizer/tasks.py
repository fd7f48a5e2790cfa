"""Tasks: the parts of a problem that are solved apart, made into instances on demand.

A batch of a million requests has candidate lists of many gigabytes. They exist for one
task at a time, while it is solved or sent to where it is solved.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from math import ceil
from typing import overload

from optimizer.builder import Builder, Item
from optimizer.instance import Instance
from optimizer.known import Known


class Tasks(Sequence[Instance]):
    """Parts of one problem, largest first; what is asked for by number is built anew.

    Parameters
    ----------
    parts
        Items of each task, in order of arrival of their last requests.
    known
        What an earlier solve says of a part, by its first item.
    """

    def __init__(
        self,
        builder: Builder,
        parts: Iterable[tuple[Item, ...]],
        known: Mapping[Item, Known] | None = None,
    ) -> None:
        self._builder = builder
        self._known = known or {}
        self.parts = tuple(sorted(parts, key=lambda part: (-len(part), part)))

    def __len__(self) -> int:
        return len(self.parts)

    @overload
    def __getitem__(self, number: int) -> Instance: ...
    @overload
    def __getitem__(self, number: slice) -> "Tasks": ...
    def __getitem__(self, number: int | slice) -> "Instance | Tasks":
        if isinstance(number, slice):
            return Tasks(self._builder, self.parts[number], self._known)
        built = self._builder.build(self.parts[number])
        known = self._known.get(self.parts[number][0])
        return built if known is None else replace(built, known=known)

    def some(self, numbers: Sequence[int]) -> "Tasks":
        """Return the tasks of ascending numbers."""
        chosen = [self.parts[number] for number in numbers]
        return Tasks(self._builder, chosen, self._known)

    @property
    def sizes(self) -> list[int]:
        """Items of each task."""
        return [len(part) for part in self.parts]

    def outline(self, number: int) -> Instance:
        """Return a task without its candidates, for figures of costs alone."""
        return self._builder.build(self.parts[number], outline=True)

    def cost_alone(self, number: int) -> int:
        """Return what a task costs with every item by itself, in thousandths."""
        return sum(map(self._builder.cost_alone, self.parts[number]))

    def bound(self, number: int) -> int:
        """Return a bound on a task's cost without a search, in thousandths."""
        return bound_without_search(self.outline(number))


def sizes_of(tasks: Sequence[Instance]) -> list[int]:
    """Return the items of each task; those that are not built yet stay unbuilt."""
    return tasks.sizes if isinstance(tasks, Tasks) else [len(task) for task in tasks]


def some_of(tasks: Sequence[Instance], numbers: Sequence[int]) -> Sequence[Instance]:
    """Return the tasks of ascending numbers; those not built yet stay unbuilt."""
    return (
        tasks.some(numbers)
        if isinstance(tasks, Tasks)
        else [tasks[number] for number in numbers]
    )


def bound_without_search(task: Instance) -> int:
    """Return a bound on the cost of every plan for a task, in thousandths.

    It is the sum of what no item can come under: its own cost, and an equal part of
    every feature it touches, shared with as many as ever could share it in one bin.

    Complexity: linear in items times features.
    """
    most = int(min(task.max_requests, len(task)))
    touching = [0] * len(task.weight)
    features = task.features.tolist()
    for feature in features:
        touching[feature] += 1
    parts = [
        Fraction(weight, max(1, min(most, count)))
        for weight, count in zip(task.weight.tolist(), touching, strict=True)
    ]
    # A fee is shared by at most ``most`` items, a rebate by at least two.
    fee = Fraction(task.pair_fee, most if task.pair_fee > 0 else 2)
    known: dict[tuple[int, ...], Fraction] = {(): Fraction(0)}
    least = Fraction(0)
    ends = task.feature_at.tolist()
    for i, (own, alone) in enumerate(
        zip(task.own.tolist(), task.alone.tolist(), strict=True)
    ):
        touched = tuple(features[ends[i] : ends[i + 1]])
        if touched not in known:
            known[touched] = sum((parts[f] for f in touched), Fraction(0))
        least += min(Fraction(alone), own + fee + known[touched])
    return max(0, ceil(least))

"""Effort and elapsed days of many bins, each distinct kind of request reckoned once.

The definitions stay those of ``optimizer.cost``; this only remembers what a request
brings, which is the same for all requests alike in every field a stage looks at.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from optimizer import cost
from optimizer.cost import Feature
from optimizer.policy import NOTIFICATION_CLOCK as CLOCK
from optimizer.policy import EffortCase, Unit
from optimizer.problem import Problem

type Alike = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Touched:
    """What requests alike bring to one stage, nothing where it is not triggered.

    ``own`` and ``per_line`` are paid by each of them, the features once for all.
    """

    own: int
    per_line: int
    features: dict[Feature, int]
    weight: int  # of all features


NOTHING = Touched(0, 0, {}, 0)


class Ledger:
    """What bins of one problem take, in thousandths of a staff-day and calendar days.

    Complexity: reckoning a bin is linear in its members and the stages.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self._touched: dict[tuple[Alike, EffortCase], tuple[Touched, ...]] = {}
        self._whole: dict[Alike, Touched] = {}
        self._elapsed: dict[Alike, tuple[int, ...]] = {}

    @cached_property
    def alike(self) -> tuple[Alike, ...]:
        """A key of each request: equal ones differ in lines and days at most."""
        problem = self.problem
        return tuple(
            (
                r.customer,
                r.system,
                r.configuration,
                r.region,
                r.implementing_agency,
                r.document,
                r.technology_review,
                r.end_use_monitoring,
                problem.notified[position],
                problem.has_precedent[position],
            )
            for position, r in enumerate(problem.requests)
        )

    def touched(self, position: int, case: EffortCase) -> tuple[Touched, ...]:
        """Return what a request brings to each stage in policy order."""
        key = (self.alike[position], case)
        if key not in self._touched:
            stages = range(len(self.problem.policy.stages))
            self._touched[key] = tuple(self._touch(n, position, case) for n in stages)
        return self._touched[key]

    def _touch(self, stage: int, position: int, case: EffortCase) -> Touched:
        touch = cost.touch(self.problem, stage, position, case)
        if touch is None:
            return NOTHING
        per_line = self.problem.policy.stages[stage].rate(Unit.LINE, case)
        own = touch.own - per_line * self.problem.requests[position].lines
        return Touched(
            own, per_line, dict(touch.features), sum(touch.features.values())
        )

    def by_stage(
        self, members: Sequence[int], case: EffortCase = EffortCase.DEFAULT
    ) -> tuple[int, ...]:
        """Return the effort of each stage for a bin, coordination not counted."""
        lines = [self.problem.requests[i].lines for i in members]
        if len(members) == 1:
            return tuple(
                touched.own + touched.per_line * lines[0] + touched.weight
                for touched in self.touched(members[0], case)
            )
        totals: list[int] = []
        for stage in zip(*(self.touched(i, case) for i in members), strict=True):
            features: dict[Feature, int] = {}
            own = 0
            for touched, count in zip(stage, lines, strict=True):
                features |= touched.features
                own += touched.own + touched.per_line * count
            totals.append(own + sum(features.values()))
        return tuple(totals)

    def effort(
        self, members: Sequence[int], case: EffortCase = EffortCase.DEFAULT
    ) -> int:
        """Return E(B), coordination included."""
        staged = sum(self.by_stage(members, case))
        return staged + cost.coordination(self.problem, members, case)

    def cost(self, members: Sequence[int]) -> int:
        """Return c(B) = E(B) + W(B)."""
        return self.effort(members) + cost.waiting(self.problem, members)

    def features(self, position: int) -> dict[Feature, int]:
        """Return the features a request touches in the default case, all stages."""
        return self._all_stages(position).features

    def _all_stages(self, position: int) -> Touched:
        key = self.alike[position]
        if key not in self._whole:
            stages = self.touched(position, EffortCase.DEFAULT)
            features: dict[Feature, int] = {}
            for touched in stages:
                features |= touched.features
            self._whole[key] = Touched(
                sum(touched.own for touched in stages),
                sum(touched.per_line for touched in stages),
                features,
                sum(features.values()),
            )
        return self._whole[key]

    def elapsed_days(self, members: Sequence[int]) -> int:
        """Return the calendar days from the start of a bin to its forecast decision."""
        longest: list[int] = [
            max(days)
            for days in zip(*(self._elapsed_of(i) for i in members), strict=True)
        ]
        together = self.problem.policy.coordination_elapsed_days
        return sum(longest) + (together if len(members) > 1 else 0)

    def _elapsed_of(self, position: int) -> tuple[int, ...]:
        """Return the days each stage lasts for one request; 0 where not triggered.

        A stage lasts as long whoever triggers it, but for the statutory clock.
        """
        problem = self.problem
        key = (self.alike[position], problem.clock_days(position))
        if key not in self._elapsed:
            self._elapsed[key] = tuple(
                0
                if not problem.triggered(stage.trigger, position)
                else problem.clock_days(position)
                if stage.elapsed_days == CLOCK
                else int(stage.elapsed_days)
                for stage in problem.policy.stages
            )
        return self._elapsed[key]

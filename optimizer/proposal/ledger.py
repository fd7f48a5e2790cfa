"""Effort and elapsed days of many bins, each distinct kind of request reckoned once.

The definitions stay those of ``optimizer.cost``; this only remembers what a request
brings, which is the same for all requests alike in every field a stage looks at.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from optimizer import cost
from optimizer.cost import Feature, Touch
from optimizer.policy import NOTIFICATION_CLOCK, EffortCase
from optimizer.problem import Problem

type Alike = tuple[object, ...]

NOTHING = Touch(0, {})


@dataclass(frozen=True, slots=True)
class Brought:
    """What a request brings to a bin in the default case, all stages together."""

    own: int
    features: dict[Feature, int]


class Ledger:
    """What bins of one problem take, in thousandths of a staff-day and calendar days.

    Complexity: reckoning a bin is linear in its members and the stages.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self._touches: dict[tuple[Alike, EffortCase], tuple[Touch, ...]] = {}
        self._solo: dict[tuple[Alike, EffortCase], tuple[int, ...]] = {}
        self._brought: dict[Alike, Brought] = {}
        self._elapsed: dict[Alike, tuple[int, ...]] = {}

    @cached_property
    def alike(self) -> tuple[Alike, ...]:
        """A key of each request; those with equal keys bring the same effort."""
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
                r.lines,
                problem.notified[position],
                problem.has_precedent[position],
            )
            for position, r in enumerate(problem.requests)
        )

    def touches(self, position: int, case: EffortCase) -> tuple[Touch, ...]:
        """Return what a request brings to each stage in policy order."""
        key = (self.alike[position], case)
        if key not in self._touches:
            stages = range(len(self.problem.policy.stages))
            self._touches[key] = tuple(
                cost.touch(self.problem, stage, position, case) or NOTHING
                for stage in stages
            )
        return self._touches[key]

    def solo_by_stage(
        self, position: int, case: EffortCase = EffortCase.DEFAULT
    ) -> tuple[int, ...]:
        """Return the effort of each stage for a request reviewed alone."""
        key = (self.alike[position], case)
        if key not in self._solo:
            self._solo[key] = tuple(
                touch.own + sum(touch.features.values())
                for touch in self.touches(position, case)
            )
        return self._solo[key]

    def by_stage(
        self, members: Sequence[int], case: EffortCase = EffortCase.DEFAULT
    ) -> tuple[int, ...]:
        """Return the effort of each stage for a bin, coordination not counted."""
        if len(members) == 1:
            return self.solo_by_stage(members[0], case)
        totals: list[int] = []
        for touches in zip(*(self.touches(i, case) for i in members), strict=True):
            features: dict[Feature, int] = {}
            for touch in touches:
                features |= touch.features
            totals.append(sum(t.own for t in touches) + sum(features.values()))
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

    def brought(self, position: int) -> Brought:
        """Return what a request brings to a bin, all stages together."""
        key = self.alike[position]
        if key not in self._brought:
            features: dict[Feature, int] = {}
            own = 0
            for touch in self.touches(position, EffortCase.DEFAULT):
                features |= touch.features
                own += touch.own
            self._brought[key] = Brought(own, features)
        return self._brought[key]

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
                if stage.elapsed_days == NOTIFICATION_CLOCK
                else int(stage.elapsed_days)
                for stage in problem.policy.stages
            )
        return self._elapsed[key]

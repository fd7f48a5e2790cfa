"""Effort and elapsed days of many bins, each distinct kind of request reckoned once.

The definitions stay those of ``optimizer.cost``; this only remembers what a request
brings, which is the same for all requests alike in every field a stage looks at.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from optimizer import cost
from optimizer.features import CASES, touches_of
from optimizer.policy import NOTIFICATION_CLOCK as CLOCK
from optimizer.problem import Problem
from optimizer.proposal.values import COORDINATION, Effort


@dataclass(frozen=True, slots=True)
class Reckoned:
    """E(B) in every effort case; by stage the default case, coordination last."""

    effort: Effort
    by_stage: tuple[int, ...]


class Ledger:
    """What bins of one problem take, in thousandths of a staff-day and calendar days.

    ``remembers`` keeps what each bin takes, for who asks of the same bins again.

    Complexity: reckoning a bin is linear in the features its members touch.
    """

    def __init__(self, problem: Problem, *, remembers: bool = False) -> None:
        self.problem = problem
        self._together: dict[tuple[int, ...], Reckoned] | None = (
            {} if remembers else None
        )
        self.touches = touches_of(problem)
        self._elapsed: dict[int, tuple[int, ...]] = {}
        self._elapsed_alone: dict[int, int] = {}
        self._stages = (*(stage.id for stage in problem.policy.stages), COORDINATION)
        self._alone: dict[tuple[int, int], Reckoned] = {}

    def reckon(self, members: Sequence[int]) -> Reckoned:
        """Return what a bin takes."""
        if len(members) == 1:
            (position,) = members
            return self.reckon_alone(position, self.problem.requests[position].lines)
        if self._together is None:
            return self._reckon(members)
        key = tuple(members)
        if key not in self._together:
            self._together[key] = self._reckon(members)
        return self._together[key]

    def _reckon(self, members: Sequence[int]) -> Reckoned:
        problem, touches = self.problem, self.touches
        by_stage = [0] * len(problem.policy.stages)
        totals = [cost.coordination(problem, members, case) for case in CASES]
        together = totals[0]
        features: set[int] = set()
        for i in members:
            brought, lines = touches.of(i), problem.requests[i].lines
            features.update(brought.features)
            for place in range(len(CASES)):
                totals[place] += brought.own[place] + brought.per_line[place] * lines
            for stage, (own, line) in enumerate(
                zip(brought.own_by_stage, brought.per_line_by_stage, strict=True)
            ):
                by_stage[stage] += own + line * lines
        default, low, high = totals
        for feature in features:
            weights = touches.weights[feature]
            by_stage[touches.stage[feature]] += weights[0]
            default += weights[0]
            low += weights[1]
            high += weights[2]
        return Reckoned(
            Effort(low=low, default=default, high=high), (*by_stage, together)
        )

    def reckon_alone(self, position: int, lines: int) -> Reckoned:
        """Return what a request takes in a bin of its own, with so many lines."""
        key = (self.problem.alike[position], lines)
        found = self._alone.get(key)
        if found is None:
            brought = self.touches.of(position)
            default, low, high = [
                alone + line * lines
                for alone, line in zip(brought.alone, brought.per_line, strict=True)
            ]
            by_stage = [
                alone + line * lines
                for alone, line in zip(
                    brought.alone_by_stage, brought.per_line_by_stage, strict=True
                )
            ]
            effort = Effort(low=low, default=default, high=high)
            found = self._alone[key] = Reckoned(effort, (*by_stage, 0))
        return found

    def by_name(self, by_stage: Iterable[int]) -> dict[str, int]:
        """Return effort by stage under the ids of the stages, coordination last."""
        return dict(zip(self._stages, by_stage, strict=True))

    def effort(self, members: Sequence[int]) -> int:
        """Return E(B), coordination included."""
        return self.reckon(members).effort.default

    def cost(self, members: Sequence[int]) -> int:
        """Return c(B) = E(B) + W(B)."""
        return self.effort(members) + cost.waiting(self.problem, members)

    def elapsed_days(self, members: Sequence[int]) -> int:
        """Return the calendar days from the start of a bin to its forecast decision."""
        if len(members) == 1:
            return self.elapsed_alone(members[0])
        stages = zip(*(self._elapsed_of(i) for i in members), strict=True)
        longest: list[int] = [max(days) for days in stages]
        return sum(longest) + self.problem.policy.coordination_elapsed_days

    def elapsed_alone(self, position: int) -> int:
        """Return the calendar days to the forecast of a request in a bin of its own."""
        key = self.problem.alike[position]
        found = self._elapsed_alone.get(key)
        if found is None:
            found = self._elapsed_alone[key] = sum(self._elapsed_of(position))
        return found

    def _elapsed_of(self, position: int) -> tuple[int, ...]:
        """Return the days each stage lasts for one request; 0 where not triggered.

        A stage lasts as long whoever triggers it, but for the statutory clock, which
        is the same for requests of one customer.
        """
        problem = self.problem
        key = problem.alike[position]
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

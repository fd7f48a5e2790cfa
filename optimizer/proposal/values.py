"""What a proposal is made of, in exact integers.

Efforts, waits and costs are thousandths of a staff-day, amounts are cents.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from optimizer.problem import Problem

COORDINATION = "coordination"
"""The name under which coordination stands beside the stages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """One effort in the policy's low, default and high case, in thousandths."""

    low: int = 0
    default: int = 0
    high: int = 0

    def __add__(self, other: "Effort") -> "Effort":
        return Effort(
            low=self.low + other.low,
            default=self.default + other.default,
            high=self.high + other.high,
        )

    def __sub__(self, other: "Effort") -> "Effort":
        return Effort(
            low=self.low - other.low,
            default=self.default - other.default,
            high=self.high - other.high,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class JointCase:
    """What one offer for all members would mean: thresholds tested on the sum.

    ``threshold_id`` and ``clock_days`` are of the lowest threshold in force among the
    members' customers; None and 0 where none is.
    """

    value_cents: int
    mde_value_cents: int
    notification: bool
    creates_notification: bool
    threshold_id: str | None
    clock_days: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """Something a reviewer must know about a bin, as a sentence."""

    code: str
    text: str
    request_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a request is alone: a code, a sentence and the requests it speaks of."""

    code: str
    text: str
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fragmentation:
    """One customer's requests for one system that only together meet the threshold."""

    customer: str
    system: str
    request_ids: tuple[str, ...]
    value_cents: int
    mde_value_cents: int
    threshold_id: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposedBin:
    """One combined review, or one request left alone, with all its figures.

    Mappings are by request id, stage id or customer, in the order they are shown.
    ``fair_share`` is each customer's Shapley value of the saving, in thousandths.
    """

    bin_id: str
    request_ids: tuple[str, ...]
    category: str | None
    systems: tuple[str, ...]
    customers: tuple[str, ...]
    regions: tuple[str, ...]
    fixed: bool
    starts_on: date
    effort: Effort
    solo_effort: Effort
    wait_cost: int
    effort_by_stage: Mapping[str, int]
    solo_effort_by_stage: Mapping[str, int]
    wait_days: Mapping[str, int]
    forecast_on: date
    solo_forecast_on: Mapping[str, date]
    fair_share: Mapping[str, Fraction]
    joint_case: JointCase | None
    warnings: tuple[Warned, ...]
    alone_because: tuple[Reason, ...] = ()

    @property
    def saved_effort(self) -> Effort:
        """What combining saves against every member reviewed alone."""
        return self.solo_effort - self.effort

    @property
    def cost(self) -> int:
        """c(B), thousandths of a staff-day."""
        return self.effort.default + self.wait_cost

    @property
    def days_gained(self) -> Mapping[str, int]:
        """Calendar days a member's decision is earlier than alone; negative: later."""
        return {
            request_id: (alone - self.forecast_on).days
            for request_id, alone in self.solo_forecast_on.items()
        }


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """Bins for a whole batch, their cost and the proven bound on any plan's cost.

    ``gap`` is the gap that was asked for, not the one that was reached.
    """

    problem: Problem
    gap: float
    bins: tuple[ProposedBin, ...]
    fragmentation: tuple[Fragmentation, ...]
    bound: int

    @property
    def total(self) -> int:
        """Cost of all bins, thousandths of a staff-day."""
        return sum(proposed.cost for proposed in self.bins)

    @property
    def wait_cost(self) -> int:
        """Cost of waiting of all bins, thousandths of a staff-day equivalent."""
        return sum(proposed.wait_cost for proposed in self.bins)

    @property
    def effort(self) -> Effort:
        """Effort of all bins."""
        return sum((proposed.effort for proposed in self.bins), Effort())

    @property
    def baseline_effort(self) -> Effort:
        """Effort of every request reviewed alone: today's country-by-country way."""
        return sum((proposed.solo_effort for proposed in self.bins), Effort())

    @property
    def effort_by_stage(self) -> dict[str, int]:
        """Effort of all bins by stage, coordination last."""
        return _added([proposed.effort_by_stage for proposed in self.bins])

    @property
    def baseline_effort_by_stage(self) -> dict[str, int]:
        """Effort by stage of every request reviewed alone."""
        return _added([proposed.solo_effort_by_stage for proposed in self.bins])


def _added(parts: list[Mapping[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for part in parts:
        for stage, effort in part.items():
            total[stage] = total.get(stage, 0) + effort
    return total

"""What a proposal is made of, in exact integers.

Efforts, waits and costs are thousandths of a staff-day, amounts are cents.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from optimizer.certificate import Certificate
from optimizer.earlier import Earlier
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Figures of all bins in sum. Those by stage have coordination last.

    The baseline is every request reviewed alone: today's country-by-country way.
    """

    effort: Effort
    baseline_effort: Effort
    wait_cost: int
    effort_by_stage: Mapping[str, int]
    baseline_effort_by_stage: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """Bins for a whole batch, their cost and the proven bound on any plan's cost.

    ``gap`` is the gap that was asked for, not the one that was reached. Many bins are
    put together one by one as they are read. ``certificates`` prove the bound; None
    where its proof was not kept. ``kept`` is what a later proposal may begin with,
    where that was asked for.
    """

    problem: Problem
    gap: float
    bins: Sequence[ProposedBin]
    totals: Totals
    fragmentation: tuple[Fragmentation, ...]
    bound: int
    certificates: tuple[Certificate, ...] | None = None
    kept: Earlier | None = None

    @property
    def total(self) -> int:
        """Cost of all bins, thousandths of a staff-day."""
        return self.totals.effort.default + self.totals.wait_cost

    @property
    def wait_cost(self) -> int:
        """Cost of waiting of all bins, thousandths of a staff-day equivalent."""
        return self.totals.wait_cost

    @property
    def effort(self) -> Effort:
        """Effort of all bins."""
        return self.totals.effort

    @property
    def baseline_effort(self) -> Effort:
        """Effort of every request reviewed alone: today's country-by-country way."""
        return self.totals.baseline_effort

    @property
    def effort_by_stage(self) -> Mapping[str, int]:
        """Effort of all bins by stage, coordination last."""
        return self.totals.effort_by_stage

    @property
    def baseline_effort_by_stage(self) -> Mapping[str, int]:
        """Effort by stage of every request reviewed alone."""
        return self.totals.baseline_effort_by_stage

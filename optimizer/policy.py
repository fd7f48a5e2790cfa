"""The policy: every number and choice that shapes a proposal (model.md section 6).

Rates are integers in thousandths of a staff-day, so that all sums are exact.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum
from typing import Final

from optimizer.batch import Priority


class SystemRule(StrEnum):
    """How alike two systems must be to share a bin."""

    CONFIGURATION = "configuration"
    FAMILY = "family"
    INTEROPERABILITY_GROUP = "interoperability_group"


class RegionRule(StrEnum):
    """How near two regions must be to share a bin."""

    SAME = "same"
    ADJACENT = "adjacent"
    ANY = "any"


class AgencyRule(StrEnum):
    """Whether the implementing agency must be the same."""

    SAME = "same"
    ANY = "any"


class Unit(StrEnum):
    """What an effort rate is counted by (model.md section 3)."""

    BIN = "bin"
    CUSTOMER = "customer"
    SYSTEM = "system"
    REGION = "region"
    AGENCY = "agency"
    CONFIGURATION = "configuration"
    CUSTOMER_CONFIGURATION = "customer_configuration"
    REQUEST = "request"
    LINE = "line"


DISCOUNTED_UNITS: Final = frozenset(
    {Unit.CUSTOMER, Unit.CUSTOMER_CONFIGURATION, Unit.REQUEST}
)
"""Units whose rate has a precedent form."""


class Trigger(StrEnum):
    """Which requests a stage applies to."""

    ALL = "all"
    TECHNOLOGY_REVIEW = "technology_review"
    END_USE_MONITORING = "end_use_monitoring"
    NOTIFICATION = "notification"
    OFFER = "offer"
    FIRST_PURCHASE = "first_purchase"


class EffortCase(StrEnum):
    """Which of a policy's three sets of effort rates is used."""

    LOW = "low"
    DEFAULT = "default"
    HIGH = "high"


NOTIFICATION_CLOCK: Final = "notification_clock"
"""``elapsed_days`` of a stage that lasts as long as the statutory clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """A set of customers that may be reviewed together; the first match wins."""

    name: str
    all_of: tuple[str, ...] = ()  # flags of the country table, all required
    include: tuple[str, ...] = ()  # customers added by hand
    exclude: tuple[str, ...] = ()  # customers taken out by hand


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairing:
    """When two requests may share a bin. Windows and waits in calendar days."""

    system: SystemRule
    region: RegionRule
    same_force_is_same_region: bool
    implementing_agency: AgencyRule
    window_days: int
    max_wait_days: Mapping[Priority, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How large a bin may be. ``max_value_cents`` binds bins of two or more."""

    max_requests: int
    max_customers: int
    max_value_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CoordinationRates:
    """Effort of working together, in thousandths of a staff-day, for one case."""

    bin: int
    customer_beyond_first: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One stage of review: whom it concerns, what it takes, how long it lasts.

    ``effort`` maps each effort case to rates in thousandths of a staff-day by unit.
    """

    id: str
    name: str
    trigger: Trigger
    effort: Mapping[EffortCase, Mapping[Unit, int]]
    precedent_discount: Decimal = Decimal(0)
    elapsed_days: int | str = 0  # calendar days, or NOTIFICATION_CLOCK

    def rate(self, unit: Unit, case: EffortCase) -> int:
        """Return the full rate of a unit, 0 where the stage names none."""
        return self.effort[case].get(unit, 0)

    def discounted_rate(self, unit: Unit, case: EffortCase) -> int:
        """Return the rate of a unit all of whose requests have a precedent.

        Rounded half-even to a thousandth of a staff-day.
        """
        rate = self.rate(unit, case)
        if unit not in DISCOUNTED_UNITS:
            return rate
        exact = Decimal(rate) * (1 - self.precedent_discount)
        return int(exact.to_integral_value(rounding=ROUND_HALF_EVEN))


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """All the knobs of one proposal. ``sha256`` is of the policy's canonical form."""

    name: str
    title: str
    precedent_years: int
    categories: tuple[Category, ...]
    pairing: Pairing
    limits: Limits
    wait_cost: Mapping[Priority, int]  # thousandths per request and calendar day
    coordination: Mapping[EffortCase, CoordinationRates]
    coordination_elapsed_days: int
    stages: tuple[Stage, ...]
    keep_apart: tuple[tuple[str, str], ...] = ()  # customer pairs
    sha256: str = ""

    def __post_init__(self) -> None:
        if self.limits.max_requests < 1 or self.limits.max_customers < 1:
            raise ValueError("limits.max_requests and max_customers are at least 1.")

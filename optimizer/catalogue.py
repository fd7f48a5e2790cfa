"""Reference values the model looks up: customers, systems, regions, thresholds.

The tables themselves live with the application; the core is handed these values.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from optimizer.digest import digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """A possible customer: a country or a NATO organisation (countries.csv)."""

    code: str  # ISO 3166 alpha-3, or a user-assigned X.. code
    name: str
    planning_region: str
    flags: frozenset[str]  # 0/1 columns of countries.csv that are 1
    samm_code: str = ""
    alpha2: str = ""
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """A system family (systems.csv)."""

    family: str
    groups: frozenset[str]  # interoperability groups it belongs to
    implementing_agency: str  # army, navy, air_force or other
    aliases: tuple[str, ...] = ()
    capability_area: str = ""
    confidence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """A congressional-notification threshold (thresholds.csv), amounts in cents.

    ``flag`` and ``flag_value`` say whom it binds: customers whose flag is that value.
    """

    threshold_id: str
    statute: str
    status: str
    customer_group: str
    flag: str
    flag_value: bool
    valid_from: date | None
    valid_to: date | None
    total_cents: int | None
    mde_cents: int | None
    clock_days: int  # formal_days + advance_days, calendar days

    def in_force(self, day: date) -> bool:
        """Tell whether this AECA 36(b) row is law on a day (model.md section 3)."""
        return (
            self.statute.startswith("AECA 36(b)")
            and self.status.startswith("in force")
            and (self.valid_from is None or self.valid_from <= day)
            and (self.valid_to is None or day <= self.valid_to)
        )


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """All reference values, keyed by code, family and unordered region pair."""

    customers: Mapping[str, Customer]
    systems: Mapping[str, System]
    adjacent_regions: frozenset[frozenset[str]]
    thresholds: tuple[Threshold, ...]

    @cached_property
    def digest(self) -> str:
        """The same for equal catalogues, in any process."""
        return digest(
            self.customers, self.systems, self.adjacent_regions, self.thresholds
        )

    def threshold_for(self, customer: str, day: date) -> Threshold | None:
        """Return the threshold that binds a customer on a day, or None."""
        flags = self.customers[customer].flags
        for threshold in self.thresholds:
            binds = (threshold.flag in flags) == threshold.flag_value
            if binds and threshold.in_force(day):
                return threshold
        return None

"""One problem to solve, and the facts about its requests that everything asks for."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date
from functools import cached_property

from optimizer.batch import Batch, Document, Request
from optimizer.catalogue import Catalogue, Threshold
from optimizer.policy import Policy, Trigger
from optimizer.rulings import Rulings


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A batch under a policy, on a day, with standing rulings.

    Requests are named by their position in the batch's canonical order, so that every
    later stage works on small integers. ``as_of`` is the day the proposal is made.
    """

    batch: Batch
    policy: Policy
    catalogue: Catalogue
    as_of: date
    rulings: Rulings = field(default_factory=Rulings)

    def __len__(self) -> int:
        return len(self.batch)

    @cached_property
    def requests(self) -> tuple[Request, ...]:
        """The requests in canonical order."""
        return self.batch.requests

    @cached_property
    def received(self) -> tuple[int, ...]:
        """t_r of each request as a proleptic day number."""
        return tuple(r.received_on.toordinal() for r in self.requests)

    @cached_property
    def ready(self) -> tuple[int, ...]:
        """a_r = max(t_r, as_of) of each request as a day number."""
        today = self.as_of.toordinal()
        return tuple(max(day, today) for day in self.received)

    @cached_property
    def remembered(self) -> dict[str, object]:
        """What later stages found out about requests and share with each other.

        Nothing that rulings decide: it stays true under others.
        """
        return {}

    def under(self, rulings: Rulings) -> "Problem":
        """Return the problem under other rulings; what is known of requests stays."""
        _ = self.remembered  # from now on, so that both add to the same
        other = replace(self, rulings=rulings)
        known = vars(self).keys() - {each.name for each in fields(self)}
        vars(other).update({name: vars(self)[name] for name in known})
        return other

    @cached_property
    def category_of(self) -> Mapping[str, str | None]:
        """The first policy category of each customer in the batch, None without."""
        return {
            customer: self._category(customer)
            for customer in sorted({r.customer for r in self.requests})
        }

    def _category(self, customer: str) -> str | None:
        flags = self.catalogue.customers[customer].flags
        for category in self.policy.categories:
            listed = customer in category.include
            flagged = bool(category.all_of) and flags.issuperset(category.all_of)
            if (listed or flagged) and customer not in category.exclude:
                return category.name
        return None

    @cached_property
    def has_precedent(self) -> tuple[bool, ...]:
        """Whether each request has a precedent within the policy's years."""
        return tuple(self._precedent(r) for r in self.requests)

    def _precedent(self, request: Request) -> bool:
        days = self.batch.approvals.get((request.customer, request.system), ())
        since = years_before(request.received_on, self.policy.precedent_years)
        return any(since <= day < request.received_on for day in days)

    @cached_property
    def threshold_of(self) -> Mapping[str, Threshold | None]:
        """The notification threshold in force at as_of for each customer."""
        return {
            customer: self.catalogue.threshold_for(customer, self.as_of)
            for customer in sorted({r.customer for r in self.requests})
        }

    @cached_property
    def notified(self) -> tuple[bool, ...]:
        """Whether each request by itself meets its customer's threshold."""
        return tuple(
            meets(
                self.threshold_of[r.customer],
                value_cents=r.value_cents,
                mde_value_cents=r.mde_value_cents,
            )
            for r in self.requests
        )

    @cached_property
    def alike(self) -> tuple[int, ...]:
        """A number for each request, the same for requests no stage tells apart.

        Such requests differ in value, lines, days and names at most; numbers begin at
        0 and go up in the order they are met.
        """
        number: dict[tuple[object, ...], int] = {}
        return tuple(
            number.setdefault(
                (
                    r.customer,
                    r.system,
                    r.configuration,
                    r.region,
                    r.implementing_agency,
                    r.document,
                    r.technology_review,
                    r.end_use_monitoring,
                    notified,
                    known,
                ),
                len(number),
            )
            for r, notified, known in zip(
                self.requests, self.notified, self.has_precedent, strict=True
            )
        )

    def clock_days(self, position: int) -> int:
        """Return the statutory clock of a request's customer, 0 without a row."""
        threshold = self.threshold_of[self.requests[position].customer]
        return 0 if threshold is None else threshold.clock_days

    def triggered(self, trigger: Trigger, position: int) -> bool:
        """Tell whether a stage's trigger holds for one request."""
        request = self.requests[position]
        match trigger:
            case Trigger.ALL:
                return True
            case Trigger.TECHNOLOGY_REVIEW:
                return request.technology_review
            case Trigger.END_USE_MONITORING:
                return request.end_use_monitoring
            case Trigger.NOTIFICATION:
                return self.notified[position]
            case Trigger.OFFER:
                return request.document is Document.LOA
            case Trigger.FIRST_PURCHASE:
                return not self.has_precedent[position]


def years_before(day: date, years: int) -> date:
    """Return the same calendar day some years earlier; 29 February becomes 28."""
    year = max(day.year - years, date.min.year)
    try:
        return day.replace(year=year)
    except ValueError:
        return day.replace(year=year, day=28)


def meets(
    threshold: Threshold | None, *, value_cents: int, mde_value_cents: int
) -> bool:
    """Tell whether amounts in cents meet a threshold; none is met without a row.

    Source: AECA section 36(b), as tabled in thresholds.csv. Meeting either the total
    or the major-defense-equipment amount is enough.
    """
    if threshold is None:
        return False
    total, mde = threshold.total_cents, threshold.mde_cents
    return (total is not None and value_cents >= total) or (
        mde is not None and mde_value_cents >= mde
    )

"""What is true of each request by itself, from the input alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from optimizer.batch import Batch, Request
from optimizer.catalogue import Catalogue, Threshold
from optimizer.policy import Category, Policy, Trigger
from optimizer.rulings import Rulings


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One request and what follows from it, the day and the policy.

    ``ready_on`` is a_r, the later of received_on and as_of. ``threshold`` is the row
    in force for its customer, ``notifies`` whether the request meets it by itself.
    """

    request: Request
    ready_on: date
    category: Category | None
    precedent: bool
    threshold: Threshold | None
    notifies: bool


type Members = tuple[Fact, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Everything a document is checked against."""

    batch: Batch
    policy: Policy
    catalogue: Catalogue
    as_of: date
    rulings: Rulings
    facts: Mapping[str, Fact]
    joined: Mapping[str, int]
    """The number of the ``together`` set a request is in, where it is in one."""
    fixed: frozenset[frozenset[str]]
    """The accepted bins, which are exempt from every rule and limit."""


def settle_facts(
    batch: Batch, policy: Policy, catalogue: Catalogue, as_of: date, rulings: Rulings
) -> Setting:
    """Derive the facts of every request."""
    approvals: dict[tuple[str, str], list[date]] = {}
    for precedent in batch.precedents:
        key = (precedent.customer, precedent.system)
        approvals.setdefault(key, []).append(precedent.approved_on)
    customers = {request.customer for request in batch.requests}
    categories = {name: category_of(policy, catalogue, name) for name in customers}
    thresholds = {
        name: threshold_in_force(catalogue, name, as_of) for name in customers
    }
    facts: dict[str, Fact] = {}
    for request in batch.requests:
        known = approvals.get((request.customer, request.system), [])
        earliest = years_before(request.received_on, policy.precedent_years)
        threshold = thresholds[request.customer]
        facts[request.request_id] = Fact(
            request=request,
            ready_on=max(request.received_on, as_of),
            category=categories[request.customer],
            precedent=any(earliest <= day < request.received_on for day in known),
            threshold=threshold,
            notifies=threshold is not None
            and meets(threshold, request.value_cents, request.mde_value_cents),
        )
    joined = {
        request_id: place
        for place, members in enumerate(rulings.together)
        for request_id in members
    }
    return Setting(
        batch=batch,
        policy=policy,
        catalogue=catalogue,
        as_of=as_of,
        rulings=rulings,
        facts=facts,
        joined=joined,
        fixed=frozenset(frozenset(members) for members in rulings.fixed),
    )


def years_before(day: date, years: int) -> date:
    """Return the same day some calendar years earlier; 29 February becomes the 28th."""
    year = day.year - years
    if year < date.min.year:
        return date.min
    try:
        return day.replace(year=year)
    except ValueError:
        return date(year, 2, 28)


def days_after(day: date, days: int) -> date:
    """Return a day some calendar days later, at most the calendar's last day."""
    return date.max if days > (date.max - day).days else day + timedelta(days=days)


def category_of(policy: Policy, catalogue: Catalogue, customer: str) -> Category | None:
    """Return the first category that takes the customer, or None."""
    flags = catalogue.customers[customer].flags
    for category in policy.categories:
        if customer in category.exclude:
            continue
        if customer in category.include:
            return category
        if category.all_of and all(flag in flags for flag in category.all_of):
            return category
    return None


def threshold_in_force(
    catalogue: Catalogue, customer: str, day: date
) -> Threshold | None:
    """Return the AECA 36(b) row in force on a day for the customer's group."""
    flags = catalogue.customers[customer].flags
    for row in catalogue.thresholds:
        if not row.statute.startswith("AECA 36(b)"):
            continue
        if not row.status.startswith("in force"):
            continue
        if row.valid_from is not None and day < row.valid_from:
            continue
        if row.valid_to is not None and day > row.valid_to:
            continue
        if (row.flag in flags) is row.flag_value:
            return row
    return None


def meets(threshold: Threshold, value_cents: int, mde_value_cents: int) -> bool:
    """Tell whether amounts reach a threshold's total or its MDE figure."""
    by_total = (
        threshold.total_cents is not None and value_cents >= threshold.total_cents
    )
    by_mde = threshold.mde_cents is not None and mde_value_cents >= threshold.mde_cents
    return by_total or by_mde


def shown(fact: Fact) -> tuple[object, ...]:
    """Return all that :func:`triggered` looks at: the same, the same stages."""
    request = fact.request
    return (
        request.technology_review,
        request.end_use_monitoring,
        request.document,
        fact.notifies,
        fact.precedent,
    )


def triggered(trigger: Trigger, fact: Fact) -> bool:
    """Tell whether a stage with this trigger concerns the request."""
    request = fact.request
    if trigger is Trigger.ALL:
        return True
    if trigger is Trigger.TECHNOLOGY_REVIEW:
        return request.technology_review
    if trigger is Trigger.END_USE_MONITORING:
        return request.end_use_monitoring
    if trigger is Trigger.NOTIFICATION:
        return fact.notifies
    if trigger is Trigger.OFFER:
        return request.document == "LOA"
    return not fact.precedent  # first_purchase

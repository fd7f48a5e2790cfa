"""The rules of model.md section 2, each asked literally of two requests."""

from collections.abc import Callable
from typing import Final

from optimizer.policy import AgencyRule, RegionRule, SystemRule
from optimizer.verify.facts import Fact, Members, Setting


def _category(setting: Setting, first: Fact, second: Fact) -> bool:  # noqa: ARG001 - one shape for every rule
    return first.category is not None and first.category == second.category


def _system(setting: Setting, first: Fact, second: Fact) -> bool:
    rule = setting.policy.pairing.system
    one, other = first.request, second.request
    same_family = one.system == other.system
    if rule is SystemRule.CONFIGURATION:
        return same_family and one.configuration == other.configuration
    if rule is SystemRule.FAMILY or same_family:
        return same_family
    systems = setting.catalogue.systems
    return any(
        group in systems[other.system].groups for group in systems[one.system].groups
    )


def _region(setting: Setting, first: Fact, second: Fact) -> bool:
    pairing = setting.policy.pairing
    one, other = first.request, second.request
    if pairing.same_force_is_same_region and one.force and one.force == other.force:
        return True
    if pairing.region is RegionRule.ANY or one.region == other.region:
        return True
    if pairing.region is RegionRule.SAME:
        return False
    return frozenset((one.region, other.region)) in setting.catalogue.adjacent_regions


def _agency(setting: Setting, first: Fact, second: Fact) -> bool:
    if setting.policy.pairing.implementing_agency is AgencyRule.ANY:
        return True
    return first.request.implementing_agency == second.request.implementing_agency


def _document(setting: Setting, first: Fact, second: Fact) -> bool:  # noqa: ARG001 - one shape for every rule
    return first.request.document == second.request.document


def _window(setting: Setting, first: Fact, second: Fact) -> bool:
    apart = abs((first.request.received_on - second.request.received_on).days)
    return apart <= setting.policy.pairing.window_days


def _wait(setting: Setting, first: Fact, second: Fact) -> bool:
    if first.ready_on == second.ready_on:
        return True
    earlier, later = sorted((first, second), key=lambda fact: fact.ready_on)
    longest = setting.policy.pairing.max_wait_days[earlier.request.priority]
    return (later.ready_on - earlier.ready_on).days <= longest


def _not_kept_apart(setting: Setting, first: Fact, second: Fact) -> bool:
    one, other = first.request, second.request
    if other.customer in one.keep_apart_from or one.customer in other.keep_apart_from:
        return False
    pair = {one.customer, other.customer}
    return all({*listed} != pair for listed in setting.policy.keep_apart)


RULES: Final[dict[str, Callable[[Setting, Fact, Fact], bool]]] = {
    "category": _category,
    "system": _system,
    "region": _region,
    "agency": _agency,
    "document": _document,
    "window": _window,
    "wait": _wait,
    "kept_apart": _not_kept_apart,
}
"""Every rule by its code, in the order of model.md; true where it allows the pair."""


def broken_rules(setting: Setting, first: Fact, second: Fact) -> tuple[str, ...]:
    """Return the codes of the rules that keep two requests from sharing a bin.

    A ``together`` set lifts every rule between its members, but an ``apart`` ruling.
    """
    one, other = first.request.request_id, second.request.request_id
    ruled_apart = (one, other) in setting.rulings.apart or (
        other,
        one,
    ) in setting.rulings.apart
    joined = setting.joined
    if one in joined and joined[one] == joined.get(other):
        return ("kept_apart",) if ruled_apart else ()
    broken = [
        code for code, allows in RULES.items() if not allows(setting, first, second)
    ]
    if ruled_apart and "kept_apart" not in broken:
        broken.append("kept_apart")
    return tuple(broken)


def broken_limits(setting: Setting, members: Members) -> tuple[str, ...]:
    """Return a sentence for every limit that these requests in one bin would break."""
    limits = setting.policy.limits
    customers = {fact.request.customer for fact in members}
    value = sum(fact.request.value_cents for fact in members)
    broken: list[str] = []
    if len(members) > limits.max_requests:
        broken.append(
            f"{len(members)} requests are more than max_requests allows, "
            f"{limits.max_requests}."
        )
    if len(customers) > limits.max_customers:
        broken.append(
            f"{len(customers)} customers are more than max_customers allows, "
            f"{limits.max_customers}."
        )
    if len(members) > 1 and value > limits.max_value_cents:
        broken.append(
            f"{value / 100} US dollars are more than max_value_usd allows, "
            f"{limits.max_value_cents / 100}."
        )
    return tuple(broken)

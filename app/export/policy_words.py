"""A policy in words: what a reviewer needs to know of the rules behind a proposal."""

from collections.abc import Mapping
from typing import Final

from app.export.numbers import decimal_text, money
from optimizer.policy import (
    NOTIFICATION_CLOCK,
    AgencyRule,
    Category,
    EffortCase,
    Policy,
    RegionRule,
    Stage,
    SystemRule,
    Trigger,
    Unit,
)

type StageNotes = Mapping[str, Mapping[str, str]]
"""By stage id: ``basis``, ``confidence`` and ``source`` of its figures (stages.csv)."""

COORDINATION: Final = "coordination"
COORDINATION_NAME: Final = "Coordination of a combined review"

_SYSTEM_WORDS: Final = {
    SystemRule.CONFIGURATION: "the same system in the same configuration",
    SystemRule.FAMILY: "the same system family",
    SystemRule.INTEROPERABILITY_GROUP: (
        "the same system family, or two families of one interoperability group"
    ),
}
_REGION_WORDS: Final = {
    RegionRule.SAME: "the same planning region",
    RegionRule.ADJACENT: "the same planning region or two that are adjacent",
    RegionRule.ANY: "any planning regions",
}
_AGENCY_WORDS: Final = {
    AgencyRule.SAME: "the same implementing agency",
    AgencyRule.ANY: "any implementing agencies",
}
_TRIGGER_WORDS: Final = {
    Trigger.ALL: "every request",
    Trigger.TECHNOLOGY_REVIEW: "requests that need technology-release review",
    Trigger.END_USE_MONITORING: "enhanced end-use monitoring items",
    Trigger.NOTIFICATION: "requests that meet a notification threshold alone",
    Trigger.OFFER: "requests for an offer (LOA)",
    Trigger.FIRST_PURCHASE: "requests without a precedent",
}
_UNIT_WORDS: Final = {
    Unit.BIN: "review",
    Unit.CUSTOMER: "customer",
    Unit.SYSTEM: "system",
    Unit.REGION: "region",
    Unit.AGENCY: "agency",
    Unit.CONFIGURATION: "configuration",
    Unit.CUSTOMER_CONFIGURATION: "customer and configuration",
    Unit.REQUEST: "request",
    Unit.LINE: "line",
}


def thousandths(amount: int) -> str:
    """Return thousandths of a staff-day as staff-days, without needless places."""
    return decimal_text(amount / 1000)


def stage_names(policy: Policy) -> dict[str, str]:
    """Return the name of every stage by id, coordination last."""
    names = {stage.id: stage.name for stage in policy.stages}
    return {**names, COORDINATION: COORDINATION_NAME}


def trigger_words(stage: Stage) -> str:
    """Say which requests a stage concerns."""
    return _TRIGGER_WORDS[stage.trigger]


def rate_words(stage: Stage, case: EffortCase = EffortCase.DEFAULT) -> str:
    """Say a stage's rates, like ``8 per system + 4 per configuration``."""
    return _rates({_UNIT_WORDS[u]: rate for u, rate in stage.effort[case].items()})


def coordination_words(policy: Policy, case: EffortCase = EffortCase.DEFAULT) -> str:
    """Say the coordination rates in the manner of :func:`rate_words`."""
    rates = policy.coordination[case]
    return _rates(
        {
            "review of two or more": rates.bin,
            "customer beyond the first": rates.customer_beyond_first,
        }
    )


def _rates(rates: Mapping[str, int]) -> str:
    said = [f"{thousandths(rate)} per {unit}" for unit, rate in rates.items() if rate]
    return " + ".join(said) or "none"


def elapsed_words(stage: Stage) -> str:
    """Say how long a stage lasts."""
    if stage.elapsed_days == NOTIFICATION_CLOCK:
        return "notification clock"
    return f"{stage.elapsed_days} days"


def stage_note(notes: StageNotes, stage_id: str) -> tuple[str, str, str]:
    """Return basis, confidence and source; what is unknown is called that."""
    if stage_id == COORDINATION:
        stage_id = "S03"  # its row of the stage table
    note = notes.get(stage_id, {})
    return (
        note.get("basis") or "not stated",
        note.get("confidence") or "not stated",
        note.get("source") or "not stated",
    )


def policy_words(policy: Policy) -> list[tuple[str, str]]:
    """Return every rule and limit of a policy as (what, sentence)."""
    pairing = policy.pairing
    waits = pairing.max_wait_days
    limits = policy.limits
    rows = [("Policy", f"{policy.title} ({policy.name})")]
    rows += [(f"Category {c.name}", _category_words(c)) for c in policy.categories]
    rows.append(
        (
            "Who may share",
            "Customers of one category; a customer in no category is always "
            "reviewed alone."
            if policy.categories
            else "Nobody: every request is reviewed alone.",
        )
    )
    region = _REGION_WORDS[pairing.region]
    if pairing.same_force_is_same_region:
        region += "; requests for the same multinational force count as one region"
    rows += [
        ("System", _sentence(_SYSTEM_WORDS[pairing.system])),
        ("Region", _sentence(region)),
        ("Agency", _sentence(_AGENCY_WORDS[pairing.implementing_agency])),
        ("Document", "The same document: offers (LOA) with offers, P&A with P&A."),
        (
            "Window",
            "Requests received at most "
            f"{pairing.window_days} calendar days from one another.",
        ),
        (
            "Longest wait",
            "No request waits longer for the others than "
            + _by_priority({p: f"{days} days" for p, days in waits.items()}),
        ),
        (
            "Limits of a review",
            f"{limits.max_requests} requests, {limits.max_customers} customers, "
            f"{money(limits.max_value_cents / 100)} together.",
        ),
        (
            "Cost of waiting",
            "Staff-day equivalents for each request and calendar day of waiting: "
            + _by_priority({p: thousandths(c) for p, c in policy.wait_cost.items()}),
        ),
        (
            "Precedents",
            "An approved case of the same customer and system counts for "
            f"{policy.precedent_years} years.",
        ),
    ]
    if policy.keep_apart:
        pairs = "; ".join(f"{one} and {other}" for one, other in policy.keep_apart)
        rows.append(("Kept apart", f"{pairs}."))
    return rows


def _category_words(category: Category) -> str:
    parts = []
    if category.all_of:
        parts.append("customers flagged " + " and ".join(category.all_of))
    if category.include:
        parts.append("with " + ", ".join(category.include))
    if category.exclude:
        parts.append("without " + ", ".join(category.exclude))
    return _sentence(", ".join(parts))


def _by_priority(values: Mapping[str, str]) -> str:
    return ", ".join(f"{value} ({name})" for name, value in values.items()) + "."


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:] + "."

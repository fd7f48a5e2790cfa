"""Which two requests may share a bin, rule by rule (model.md section 2).

A rule looks at two requests and returns None, or the sentence that says why they may
not share. ``RULES`` is the whole list, in the order it is published.
"""

from collections.abc import Callable
from dataclasses import dataclass

from optimizer.batch import Request
from optimizer.policy import AgencyRule, RegionRule, SystemRule
from optimizer.problem import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A rule that keeps two requests apart, and the sentence a reviewer reads."""

    code: str
    text: str


type Rule = Callable[[Problem, int, int], str | None]
"""A problem and two positions to the sentence that blocks them, or None."""


def category(problem: Problem, first: int, second: int) -> str | None:
    """Both customers are in the same policy category."""
    customers = [problem.requests[i].customer for i in (first, second)]
    found = [problem.category_of[c] for c in customers]
    for customer, name in zip(customers, found, strict=True):
        if name is None:
            return (
                f"{customer} is in no category of the policy {problem.policy.name}, "
                "so its requests are reviewed alone."
            )
    if found[0] != found[1]:
        return (
            f"{customers[0]} is in category {found[0]}, {customers[1]} in {found[1]}."
        )
    return None


def system(problem: Problem, first: int, second: int) -> str | None:
    """The systems are as alike as the policy asks."""
    r, s = problem.requests[first], problem.requests[second]
    rule = problem.policy.pairing.system
    if r.system == s.system:
        if rule is SystemRule.CONFIGURATION and r.configuration != s.configuration:
            return (
                f"The configurations differ: {r.configuration} and {s.configuration}."
            )
        return None
    if rule is SystemRule.INTEROPERABILITY_GROUP:
        systems = problem.catalogue.systems
        if systems[r.system].groups & systems[s.system].groups:
            return None
        return f"{r.system} and {s.system} share no interoperability group."
    return f"The systems differ: {r.system} and {s.system}."


def region(problem: Problem, first: int, second: int) -> str | None:
    """The regions of delivery are as near as the policy asks, or the force is one."""
    r, s = problem.requests[first], problem.requests[second]
    pairing = problem.policy.pairing
    if pairing.region is RegionRule.ANY or r.region == s.region:
        return None
    if pairing.same_force_is_same_region and r.force and r.force == s.force:
        return None
    if pairing.region is RegionRule.ADJACENT:
        if frozenset((r.region, s.region)) in problem.catalogue.adjacent_regions:
            return None
        return f"{r.region} and {s.region} are not adjacent regions."
    return f"The regions differ: {r.region} and {s.region}."


def agency(problem: Problem, first: int, second: int) -> str | None:
    """The implementing agency is the same, where the policy asks for it."""
    r, s = problem.requests[first], problem.requests[second]
    if (
        problem.policy.pairing.implementing_agency is AgencyRule.ANY
        or r.implementing_agency == s.implementing_agency
    ):
        return None
    return (
        "The implementing agencies differ: "
        f"{r.implementing_agency} and {s.implementing_agency}."
    )


def document(problem: Problem, first: int, second: int) -> str | None:
    """Both ask for the same document."""
    r, s = problem.requests[first], problem.requests[second]
    if r.document == s.document:
        return None
    return f"One asks for an {r.document}, the other for a {s.document}."


def window(problem: Problem, first: int, second: int) -> str | None:
    """They were received within the policy's window of calendar days."""
    days = abs(problem.received[first] - problem.received[second])
    limit = problem.policy.pairing.window_days
    if days <= limit:
        return None
    return f"They were received {days} days apart; the window is {limit} days."


def wait(problem: Problem, first: int, second: int) -> str | None:
    """The earlier one would not wait longer than its priority allows."""
    ready = problem.ready
    early = first if ready[first] <= ready[second] else second
    days = abs(ready[first] - ready[second])
    request = problem.requests[early]
    limit = problem.policy.pairing.max_wait_days[request.priority]
    if days <= limit:
        return None
    return (
        f"{request.request_id} would wait {days} days; "
        f"a {request.priority} request waits {limit} days at most."
    )


def kept_apart(problem: Problem, first: int, second: int) -> str | None:
    """Neither customer, no ruling and no policy wants them apart."""
    r, s = problem.requests[first], problem.requests[second]
    if problem.rulings.kept_apart(r.request_id, s.request_id):
        return f"A ruling keeps {r.request_id} and {s.request_id} apart."
    for one, other in ((r, s), (s, r)):
        if other.customer in one.keep_apart_from:
            return f"{one.request_id} asks to be kept apart from {other.customer}."
    pair = {r.customer, s.customer}
    if any(set(kept) == pair for kept in problem.policy.keep_apart):
        return f"The policy keeps {r.customer} and {s.customer} apart."
    return None


RULES: tuple[tuple[str, Rule], ...] = (
    ("category", category),
    ("system", system),
    ("region", region),
    ("agency", agency),
    ("document", document),
    ("window", window),
    ("wait", wait),
    ("kept_apart", kept_apart),
)
"""Every rule with its code. Two requests may share a bin when none of them blocks."""

CELL_RULES: tuple[tuple[str, Rule], ...] = RULES[:5]
"""The rules that depend on the cell alone, and so hold for whole cells."""


def blocks(problem: Problem, first: int, second: int) -> tuple[Block, ...]:
    """Return every rule that keeps two requests apart; empty when they may share.

    Positions may come in either order; sentences do not depend on it.
    """
    first, second = min(first, second), max(first, second)
    return tuple(
        Block(code=code, text=text)
        for code, rule in RULES
        if (text := rule(problem, first, second)) is not None
    )


def may_share(problem: Problem, first: int, second: int) -> bool:
    """Tell whether two requests may share a bin."""
    first, second = min(first, second), max(first, second)
    return all(rule(problem, first, second) is None for _, rule in RULES)


def cells_may_share(problem: Problem, first: Request, second: Request) -> bool:
    """Tell whether the cells of two requests are joined: the first five rules hold."""
    i = problem.batch.position(first.request_id)
    j = problem.batch.position(second.request_id)
    return all(rule(problem, i, j) is None for _, rule in CELL_RULES)

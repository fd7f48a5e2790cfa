"""What a plan states of itself after a change by hand: its rulings, its bound."""

import json
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any, Final

from app.export.document import days
from app.jobs.orders import Priced
from app.storage import proposals
from app.use_cases.pricing import PricedOn, Shown
from optimizer.rulings import Ruling, RulingKind

MILLION: Final = 1_000_000

type Members = Mapping[str, Sequence[str]]


def restated(row: proposals.Row, plan: PricedOn, priced: Priced) -> tuple[Shown, int]:
    """Return the heading of a plan after edits, and the lower bound it states.

    It states the rulings that it obeys: of those that stand, one that another proposal
    left need not hold in this plan, which was made before.
    """
    members = {**plan.members, **priced.members}
    for name in priced.gone:
        members.pop(name, None)
    obeyed = [one for one in plan.standing if obeys(members, one)]
    made = [ruling for left in priced.rulings for ruling in left]
    stated = [_plain(one) for one in (*obeyed, *made)]
    heading = json.loads(row.heading)
    total = priced.cost_after
    bound = _bound(
        row,
        priced,
        solved_under_these=len(obeyed) == len(plan.standing),
        tighter=all(_implied(stated, one) for one in heading["rulings"]),
    )
    said = {
        **heading,
        "status": "optimal" if (total - bound) * MILLION <= total else "feasible",
        "objective": priced.objective,
        "lower_bound": days(bound),
        "gap": (total - bound) / total if total else 0.0,
        "rulings": stated,
        "edited": True,
    }
    return said, bound


def _bound(
    row: proposals.Row, priced: Priced, *, solved_under_these: bool, tighter: bool
) -> int:
    """Return what is proven of every plan under the rulings that are stated.

    What was proven before still is where rulings were only added, and none lifts a
    rule: that lets plans in which the earlier proof did not speak of. What the best
    plan proves, it proves under all that stands.
    """
    proven = 0
    if priced.best is not None and solved_under_these:
        proven = priced.best.bound
    lifted = any(rule.liftable for rule in priced.broken)
    return max(proven, row.bound) if tighter and not lifted else proven


def obeys(members: Members, ruling: Ruling) -> bool:
    """Tell whether a plan obeys a ruling."""
    home = {label: name for name, ids in members.items() for label in ids}
    bins = [home.get(label) for label in ruling.request_ids]
    if ruling.kind is RulingKind.APART:
        return len({*bins}) == len(bins)
    if len({*bins}) != 1 or bins[0] is None:
        return False
    whole = ruling.kind is RulingKind.FIXED
    return not whole or {*members[bins[0]]} == {*ruling.request_ids}


def _plain(ruling: Ruling) -> dict[str, Any]:
    return {"kind": str(ruling.kind), "request_ids": [*ruling.request_ids]}


def _implied(stated: Sequence[Shown], earlier: Shown) -> bool:
    """Tell whether rulings say what an earlier one said, if in other words."""
    names = {*earlier["request_ids"]}
    if earlier["kind"] == RulingKind.TOGETHER:
        return any(names <= joined for joined in _joined(stated))
    same = [{*one["request_ids"]} for one in stated if one["kind"] == earlier["kind"]]
    if earlier["kind"] == RulingKind.FIXED:
        return names in same
    pairs = combinations(sorted(names), 2)
    return all(any({*pair} <= one for one in same) for pair in pairs)


def _joined(stated: Sequence[Shown]) -> list[set[str]]:
    """Return the sets that rulings join, through shared members too."""
    found: list[set[str]] = []
    for one in stated:
        if one["kind"] == RulingKind.TOGETHER:
            joined = {*one["request_ids"]}
            apart = [other for other in found if joined.isdisjoint(other)]
            joined.update(*(other for other in found if other not in apart))
            found = [*apart, joined]
    return found

"""Does the document as a whole hold: partition, rulings, totals, bound, status."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from optimizer.errors import RulingsContradict
from optimizer.policy import EffortCase
from optimizer.rulings import Ruling, RulingKind, settle
from optimizer.verify.agreed import SUFFIX
from optimizer.verify.bins import ids_of
from optimizer.verify.facts import Fact, Members, Setting, meets
from optimizer.verify.report import GAP_TOLERANCE, Report, at, number, sequence, texts
from optimizer.verify.tally import Tally, Totals

OPTIMAL_GAP: Final = 1e-6


def check_heading(report: Report, setting: Setting, stated: object) -> None:
    """Require the day, the policy and the counts of the input to be those given."""
    policy, batch = setting.policy, setting.batch
    report.day("as_of", at(stated, "as_of"), setting.as_of)
    named = at(stated, "policy")
    report.same("policy.name", at(named, "name"), policy.name, "policy")
    report.same("policy.sha256", at(named, "sha256"), policy.sha256, "policy")
    counted = at(stated, "input")
    report.same("input.requests", at(counted, "requests"), len(batch))
    report.same("input.precedents", at(counted, "precedents"), len(batch.precedents))
    kept = {
        request.request_id: dict(request.extra)
        for request in batch.requests
        if request.extra
    }
    if kept:
        report.same("extra_columns", at(stated, "extra_columns"), kept)


def check_partition(
    report: Report, setting: Setting, bins: Sequence[tuple[str, ...]]
) -> None:
    """Require every request of the batch in exactly one bin."""
    homes: dict[str, list[int]] = {request_id: [] for request_id in setting.facts}
    for place, members in enumerate(bins):
        for request_id in members:
            if request_id in homes:
                homes[request_id].append(place)
            else:
                report.add(
                    f"bins[{place}].request_ids",
                    "partition",
                    f"{request_id} is not a request of the batch.",
                )
    for request_id, places in homes.items():
        if not places:
            report.add("bins", "partition", f"{request_id} is in no bin.")
        elif len(places) > 1:
            listed = ", ".join(f"bins[{place}]" for place in places)
            report.add(
                "bins",
                "partition",
                f"{request_id} is more than once in a bin: {listed}.",
            )


def check_rulings(
    report: Report, setting: Setting, stated: object, bins: Sequence[tuple[str, ...]]
) -> None:
    """Require every ruling to be obeyed, and the document to state the same ones."""
    homes = {request_id: place for place, ids in enumerate(bins) for request_id in ids}
    for members in setting.rulings.together:
        if len({homes.get(request_id) for request_id in members}) > 1:
            report.add(
                "bins",
                "rulings",
                f"{', '.join(members)} are ruled together and are not in one bin.",
            )
    present = {frozenset(members) for members in bins}
    for members in setting.rulings.fixed:
        if frozenset(members) not in present:
            report.add(
                "bins",
                "rulings",
                f"The fixed bin {{{', '.join(members)}}} is not there unchanged.",
            )
    try:
        settled = settle(
            (
                Ruling(
                    kind=RulingKind(str(at(ruling, "kind"))),
                    request_ids=texts(at(ruling, "request_ids")),
                )
                for ruling in sequence(stated)
            ),
            setting.batch,
        )
    except (ValueError, RulingsContradict) as fault:
        report.add("rulings", "rulings", f"The stated rulings cannot be read: {fault}")
        return
    if settled != setting.rulings or not isinstance(stated, list | tuple):
        report.add(
            "rulings",
            "rulings",
            "The stated rulings are not those the proposal is under.",
        )


@dataclass(frozen=True, slots=True)
class Outline:
    """What of a bin is compared with other bins."""

    bin_id: object
    request_ids: tuple[str, ...]
    starts_on: object


def outline(setting: Setting, stated: object) -> Outline:
    """Return the outline of a bin; texts the batch has are not kept a second time."""
    facts = setting.facts
    return Outline(
        bin_id=at(stated, "bin_id"),
        request_ids=tuple(
            facts[name].request.request_id if name in facts else name
            for name in texts(at(stated, "request_ids"))
        ),
        starts_on=at(stated, "starts_on"),
    )


def check_order(report: Report, bins: Sequence[Outline]) -> None:
    """Require distinct bin ids, and bins by start and then first request."""
    seen: set[object] = set()
    for place, name in enumerate(outlined.bin_id for outlined in bins):
        if isinstance(name, str) and name and name not in seen:
            seen.add(name)
        else:
            report.add(
                f"bins[{place}].bin_id",
                "shape",
                f"The bin id {name!r} is not a text of its own.",
            )
    keys = [
        (str(outlined.starts_on), first)
        for outlined in bins
        for first in outlined.request_ids[:1]
    ]
    if any(one > other for one, other in pairwise(keys)):
        report.add(
            "bins", "shape", "The bins are not in the order of start and first request."
        )


def check_objective(
    report: Report, stated: object, bins: Totals, alone: Totals, waiting: int
) -> int:
    """Recompute the totals over all bins, and return the total in thousandths.

    Parameters
    ----------
    bins
        Effort of all bins.
    alone
        Effort of every request of the batch alone.
    waiting
        Cost of waiting of all bins.
    """
    expected = {"wait_cost": waiting}
    for case, suffix in SUFFIX.items():
        together, apart = bins.by_case[case], alone.by_case[case]
        effort, baseline = sum(together.values()), sum(apart.values())
        expected[f"effort_days{suffix}"] = effort
        expected[f"baseline_effort_days{suffix}"] = baseline
        expected[f"saved_effort_days{suffix}"] = baseline - effort
        if case is EffortCase.DEFAULT:
            for key, by_stage in (
                ("effort_by_stage", together),
                ("baseline_effort_by_stage", apart),
            ):
                report.each(f"objective.{key}", at(stated, key), by_stage, report.days)
    total = expected["total"] = expected["effort_days"] + waiting
    expected["baseline_total"] = expected["baseline_effort_days"]
    for key, value in expected.items():
        report.days(f"objective.{key}", at(stated, key), value)
    return total


def check_bound(
    report: Report, stated: object, total: int, cheapest_known: int
) -> None:
    """Require a bound no plan beats, the gap it gives, and a status that follows.

    Parameters
    ----------
    cheapest_known
        Cost in thousandths of the best allowed plan this verification came across: a
        bound above it is false, whatever the document's own total.
    """
    bound = number(at(stated, "lower_bound"))
    if bound is None:
        report.add("lower_bound", "bound", "The lower bound is not a finite number.")
        return
    if bound * 1000 > total:
        report.add(
            "lower_bound",
            "bound",
            f"The lower bound {bound} is above the total {total / 1000}.",
        )
    elif bound * 1000 > cheapest_known:
        report.add(
            "lower_bound",
            "bound",
            f"The lower bound {bound} is above the cost {cheapest_known / 1000} of an "
            "allowed plan.",
        )
    short = float(total - bound * 1000)
    gap = short / total if total else 0.0
    report.near("gap", at(stated, "gap"), gap, GAP_TOLERANCE)
    status = "optimal" if short <= OPTIMAL_GAP * total else "feasible"
    report.same("status", at(stated, "status"), status, "status")


def cheapest_nearby(setting: Setting, tally: Tally, members: Members, cost: int) -> int:
    """Return the least cost of a bin as it is, split, or one request out of it.

    That is its cheapest split into single requests or into one request and the others,
    where no ruling holds it together. A plan of such bins is allowed when the bins
    are, so no true lower bound is above it. ``cost`` is that of the bin as it is.
    """
    if len(members) == 1:
        return cost
    ids = ids_of(members)
    held = any(request_id in setting.joined for request_id in ids)
    if held or frozenset(ids) in setting.fixed:
        return cost
    return tally.cheapest_split(members, cost)


def check_fragmentation(report: Report, setting: Setting, stated: object) -> None:
    """Recompute which customers' requests for a system meet a threshold only in sum."""
    groups: dict[tuple[str, str], list[Fact]] = {}
    for fact in setting.facts.values():
        if fact.threshold and not fact.notifies:
            key = (fact.request.customer, fact.request.system)
            groups.setdefault(key, []).append(fact)
    due: dict[tuple[str, str], tuple[Members, int, int]] = {}
    for key, members in ((key, tuple(facts)) for key, facts in groups.items()):
        value = sum(fact.request.value_cents for fact in members)
        mde = sum(fact.request.mde_value_cents for fact in members)
        threshold = members[0].threshold
        if len(members) > 1 and threshold and meets(threshold, value, mde):
            due[key] = (members, value, mde)
    if not isinstance(stated, list | tuple):
        report.add("fragmentation", "shape", f"It is stated as {stated!r}, not a list.")
        return
    for place, entry in enumerate(stated):
        where = f"fragmentation[{place}]"
        found = due.pop((str(at(entry, "customer")), str(at(entry, "system"))), None)
        if found is None:
            report.add(
                where,
                "fragmentation",
                f"{at(entry, 'customer')} has no fragmented requests for "
                f"{at(entry, 'system')}, or they are stated twice.",
            )
            continue
        members, value, mde = found
        report.names(f"{where}.request_ids", at(entry, "request_ids"), ids_of(members))
        report.dollars(f"{where}.value_usd", at(entry, "value_usd"), value)
        report.dollars(f"{where}.mde_value_usd", at(entry, "mde_value_usd"), mde)
        threshold = members[0].threshold
        report.same(
            f"{where}.threshold_id",
            at(entry, "threshold_id"),
            threshold.threshold_id if threshold else None,
        )
    for customer, system in due:
        report.add(
            "fragmentation",
            "fragmentation",
            f"{customer}'s requests for {system} meet the threshold only together, "
            "and are not reported.",
        )

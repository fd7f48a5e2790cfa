"""An independent check of a proposal: everything in it recomputed from the input.

It is written from model.md alone and shares no code with the solving path: it reads
only the value types (batch, catalogue, policy, rulings). Units are counted as sets of
what is there, rules are asked of every pair, shares are averaged over coalitions, so
that a mistake of the solver is not repeated here.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from optimizer.batch import Batch
from optimizer.catalogue import Catalogue
from optimizer.policy import Policy
from optimizer.rulings import Rulings
from optimizer.verify import bins as one_bin
from optimizer.verify import whole
from optimizer.verify.agreed import Wanted, wanted_of
from optimizer.verify.facts import Fact, Members, Setting, settle_facts
from optimizer.verify.report import Finding, Report, at, number, sequence
from optimizer.verify.tally import Tally, Totals, totals_alone

__all__ = ["CertificateCheck", "Finding", "verify"]

type CertificateCheck = Callable[[Decimal], Iterable[str]]
"""Handed the stated lower bound in staff-days; yields what is wrong with its proof."""


def verify(
    document: Mapping[str, object],
    batch: Batch,
    policy: Policy,
    catalogue: Catalogue,
    as_of: date,
    rulings: Rulings,
    *,
    bins: Iterable[object] | None = None,
    certificate_check: CertificateCheck | None = None,
) -> tuple[Finding, ...]:
    """Recompute everything in a proposal document and say what does not hold.

    Times, hashes of the input, versions and the wording of texts are not checked.

    Parameters
    ----------
    document
        A proposal as it is written to ``proposal.json``. Whatever its shape, it is
        judged and never raises.
    batch, policy, catalogue, as_of, rulings
        What the proposal claims to be made of.
    bins
        The bins of the document, where they come one after the other: each is checked
        as it comes. None where they stand in the document.
    certificate_check
        A judge of the proof behind the lower bound, where the caller has one.
        Without it the bound is checked only against plans known to be allowed.

    Returns
    -------
    tuple of Finding
        Empty when all of it holds.
    """
    setting = settle_facts(batch, policy, catalogue, as_of, rulings)
    report = Report()
    whole.check_heading(report, setting, document)
    listed = sequence(at(document, "bins")) if bins is None else bins
    each = _check_bins(setting, listed)
    named = [outline.request_ids for outline in each.outlines]
    whole.check_partition(report, setting, named)
    whole.check_rulings(report, setting, at(document, "rulings"), named)
    whole.check_order(report, each.outlines)
    whole.check_fragmentation(report, setting, at(document, "fragmentation"))
    report.findings += each.report.findings
    alone = totals_alone(each.tally, setting.facts.values())
    total = whole.check_objective(
        report, at(document, "objective"), each.together, alone, each.waiting
    )
    cheapest = total if report.findings else each.cheapest
    whole.check_bound(report, document, total, cheapest)
    bound = number(at(document, "lower_bound"))
    if certificate_check is not None and bound is not None:
        for sentence in certificate_check(bound):
            report.add("lower_bound", "certificate", sentence)
    return tuple(report.findings)


@dataclass(slots=True)
class _Each:
    """What was found of the bins one by one: nothing of them is kept but figures.

    ``cheapest`` is the cost of the cheapest allowed plan come across, in thousandths,
    as long as nothing was found.
    """

    tally: Tally
    together: Totals
    report: Report = field(default_factory=Report)
    outlines: list[whole.Outline] = field(default_factory=list)
    waiting: int = 0
    cheapest: int = 0


def _check_bins(setting: Setting, listed: Iterable[object]) -> _Each:
    """Check every bin as it comes."""
    tally = Tally(setting.policy)
    each = _Each(tally, Totals(tally))
    report = each.report
    alone: list[Fact] = []
    for place, stated in enumerate(listed):
        outline = whole.outline(setting, stated)
        each.outlines.append(outline)
        ids, where = outline.request_ids, f"bins[{place}]"
        members = tuple(setting.facts[name] for name in ids if name in setting.facts)
        if not members or len(members) != len(set(ids)):
            report.add(where, "shape", f"{where} is not a list of requests, each once.")
            continue
        efforts = tally.efforts(members)
        wanted = wanted_of(tally, members, efforts)
        if len(members) == 1:
            alone.append(members[0])
        else:
            each.together.add(efforts)
            each.waiting += wanted.wait_cost
        _check_bin(report, setting, where, stated, members, wanted)
        one_bin.check_figures(report, tally, where, stated, members, wanted)
        if not report.findings:
            cost = wanted.efforts[0] + wanted.wait_cost
            each.cheapest += whole.cheapest_nearby(setting, tally, members, cost)
    each.together.add_alone(tally, alone)
    return each


def _check_bin(
    report: Report,
    setting: Setting,
    where: str,
    stated: object,
    members: Members,
    wanted: Wanted,
) -> None:
    """Check what a bin is and says: allowed or fixed, joint case, warnings, reasons."""
    fixed = frozenset(one_bin.ids_of(members)) in setting.fixed
    report.same(f"{where}.fixed", at(stated, "fixed"), fixed)
    if not fixed:
        one_bin.check_allowed(report, setting, where, members)
    one_bin.check_joint_case(report, where, at(stated, "joint_case"), members)
    one_bin.check_warnings(
        report, where, at(stated, "warnings"), members, wanted.forecast_on
    )
    reasons = at(stated, "alone_because")
    if len(members) == 1 and not fixed:
        one_bin.check_reasons(report, setting, where, reasons, members[0])
    elif sequence(reasons):
        report.add(
            f"{where}.alone_because",
            "alone_because",
            f"{where} is not a request left alone, yet says why it is.",
        )
